#!/usr/bin/env python3
"""The same programs on FlowScript and on its peers, interleaved in one run, checked to give the same results.

    cargo build --release && benches/peers/run.py

Prints one table: the best time of each, start of the process subtracted, and how it compares with FlowScript.
A peer that is not installed is left out and named. Compare ratios: absolute times differ from machine to machine.
"""

import argparse
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PROGRAMS = ["fib", "loop"]
# Name, command, suffix of its programs, a program that does nothing, how to get it.
PEERS = [
    ("Lua 5.4", "lua5.4", "lua", "", "Debian: apt-get install lua5.4"),
    ("node", "node", "js", "", "Debian: apt-get install nodejs"),
    ("Python", "python3", "py", "", "Debian: apt-get install python3"),
]


def run(command):
    """Seconds and output of a process; ends the run if it fails."""
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True)
    seconds = time.perf_counter() - start
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{done.stderr}")
    return seconds, done.stdout.strip()


def version(command):
    """The first line of what it says of itself."""
    for option in ["--version", "-v"]:
        done = subprocess.run([command, option], capture_output=True, text=True)
        if done.returncode == 0:
            return (done.stdout or done.stderr).splitlines()[0].strip()
    return "?"


def engines(flowscript, folder):
    """Name to (command of a program, command that only starts); names what is missing."""
    found = {}
    empty = folder / "empty.flow"
    empty.write_text("return null;")
    found["FlowScript"] = (lambda program: [flowscript, "run", HERE / "scripts" / f"{program}.flow"], [flowscript, "run", empty])
    print(f"{'FlowScript':12} {version(flowscript)}")
    for name, command, suffix, nothing, get in PEERS:
        path = shutil.which(command)
        if path is None:
            print(f"{name:12} not installed, left out ({get})")
            continue
        empty = folder / f"empty.{suffix}"
        empty.write_text(nothing)

        def program_command(program, path=path, suffix=suffix):
            return [path, HERE / "scripts" / f"{program}.{suffix}"]

        found[name] = (program_command, [path, empty])
        print(f"{name:12} {version(path)}")
    return found


def measure(found, rounds):
    """Best seconds by (program, engine), and of starting by engine; every round runs everything once."""
    best, starts, results = {}, {}, {}
    for _ in range(rounds):
        for name, (_, start) in found.items():
            starts[name] = min(run(start)[0], starts.get(name, float("inf")))
        for program in PROGRAMS:
            for name, (command, _) in found.items():
                seconds, output = run(command(program))
                best[program, name] = min(seconds, best.get((program, name), float("inf")))
                wanted = results.setdefault(program, output)
                if output != wanted:
                    sys.exit(f"{program}: {name} gives {output}, another one {wanted}")
    return best, starts, results


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--flowscript", default=str(ROOT / "target/release/flowscript"), help="the binary to measure")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    if shutil.which(options.flowscript) is None:
        sys.exit(f"There is no {options.flowscript}: run `cargo build --release` first.")
    with tempfile.TemporaryDirectory() as folder:
        found = engines(options.flowscript, pathlib.Path(folder))
        best, starts, results = measure(found, options.rounds)
    print(f"\nbest of {options.rounds} rounds, milliseconds without the start of the process; in brackets times FlowScript\n")
    print(f"{'':8}" + "".join(f"{name:>20}" for name in found))
    for program in PROGRAMS:
        net = {name: max(best[program, name] - starts[name], 1e-4) for name in found}
        cells = [f"{net[name] * 1000:.0f} ({net[name] / net['FlowScript']:.2f})" for name in found]
        print(f"{program:8}" + "".join(f"{cell:>20}" for cell in cells))
    print(f"{'start':8}" + "".join(f"{starts[name] * 1000:>20.1f}" for name in found))
    print("\nresults, the same everywhere: " + ", ".join(f"{program} = {results[program]}" for program in PROGRAMS))


if __name__ == "__main__":
    main()
