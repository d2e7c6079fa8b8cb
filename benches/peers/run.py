#!/usr/bin/env python3
"""The same work on FlowScript and on its peers, interleaved in one run, checked to give the same results.

    cargo build --release && benches/peers/run.py --install

Prints one table: the best time of each and, in brackets, how many times FlowScript's it is; below 1 the peer is faster.
Programs and messages are whole processes with the start of the process subtracted; queries are timed inside theirs.
A peer that is not installed is left out and named. --install gets what is missing: Debian's packages by apt-get, QuickJS,
DuckDB and Polars by pip, JSONata by npm and Rhai by cargo, these into target/peers/language. Compare ratios: absolute times differ from machine to machine.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PROGRAMS = ["fib", "loop"]
PEERS = ROOT / "target" / "peers" / "language"
PYTHON = PEERS / "python" / "bin" / "python3"
RHAI = PEERS / "rhai" / "release" / "rhai-program"
MODULES = PEERS / "node_modules"
DEBIAN = {"lua5.4": "lua5.4", "node": "nodejs", "python3": "python3-venv", "jq": "jq", "gojq": "gojq"}


def install():
    """Gets the peers that are missing; says of each that could not be had."""

    def get(name, *commands):
        for command in commands:
            done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
            if done.returncode != 0:
                reason = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["no reason given"]
                print(f"{name} could not be installed and is left out: {reason[0]}")
                return

    PEERS.mkdir(parents=True, exist_ok=True)
    missing = [package for command, package in DEBIAN.items() if not shutil.which(command)]
    if missing:
        get(", ".join(missing), ["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", *missing])
    if not PYTHON.exists():
        get("A Python of its own", ["python3", "-m", "venv", PEERS / "python"])
    for package in ["quickjs", "duckdb", "polars"]:
        get(package, [PYTHON, "-m", "pip", "install", "-q", package])
    get("JSONata", ["npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", PEERS, "jsonata@2"])
    manifest = HERE / "rhai" / "Cargo.toml"
    get("Rhai", ["cargo", "build", "--release", "--manifest-path", manifest, "--target-dir", PEERS / "rhai"])


def has(python, module):
    """Its version, if that Python has it."""
    ask = f"import {module}, importlib.metadata as m; print(getattr({module}, 'sqlite_version', '') or m.version('{module}'))"
    done = subprocess.run([python, "-c", ask], capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else None


def peers(python):
    """Name, command, suffix of its programs, version; `None` for what is not installed."""
    named = [("Lua 5.4", "lua5.4", "lua"), ("node", "node", "js"), ("Python", "python3", "py"), ("Rhai", RHAI, "rhai")]
    for name, command, suffix in named:
        path = shutil.which(command)
        yield name, [path], suffix, version(path) if path else None
    known = has(python, "quickjs")
    yield "QuickJS", [python, HERE / "scripts" / "quick.py"], "js", known and f"QuickJS of the Python package {known}"


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


def engines(flowscript, folder, python):
    """Name to (command of a program, command that only starts); names what is missing."""
    found = {}
    empty = folder / "empty.flow"
    empty.write_text("return null;")
    found["FlowScript"] = (lambda program: [flowscript, "run", HERE / "scripts" / f"{program}.flow"], [flowscript, "run", empty])
    print(f"{'FlowScript':12} {version(flowscript)}")
    for name, command, suffix, known in peers(python):
        if known is None:
            print(f"{name:12} not installed, left out (--install)")
            continue
        empty = folder / f"empty.{suffix}"
        empty.write_text("")

        def program_command(program, command=command, suffix=suffix):
            return [*command, HERE / "scripts" / f"{program}.{suffix}"]

        found[name] = (program_command, [*command, empty])
        print(f"{name:12} {known}")
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


def order():
    """An order of about 700 bytes with 8 lines."""
    line = '{"sku":"A%03d","name":"Part number %d","qty":%d,"price":%d.95,"status":"%s"}'
    lines = [line % (n, n, n, 10 + n, "cancelled" if n % 4 == 3 else "open") for n in range(1, 9)]
    customer = '{"id":4711,"name":"Ann Andersson","city":"Goteborg"}'
    return '{"no":17,"date":"2024-03-01","customer":%s,"lines":[%s]}' % (customer, ",".join(lines))


def messages(flowscript, folder, rounds, count):
    """Best microseconds a message by (work, engine): the whole way, and the transformation alone."""
    given, many = folder / "given.json", folder / "many.json"
    given.write_text(json.dumps({"text": order(), "count": count}))
    many.write_text((order() + "\n") * count)
    once, one = folder / "once.json", folder / "one.json"
    once.write_text(json.dumps({"text": order(), "count": 1}))
    one.write_text(order())
    scripts = HERE / "messages"
    commands = {}
    for work in ["message", "transform"]:
        flow = lambda file, work=work: [flowscript, "run", scripts / f"{work}.flow", "--input", f"@{file}"]
        commands[work, "FlowScript"] = (flow(given), flow(once))
        for name, path, suffix in [("node", "node", "js"), ("Python", "python3", "py")]:
            if shutil.which(path):
                call = lambda file, p=path, s=suffix, work=work: [p, scripts / f"message.{s}", file, work]
                commands[work, name] = (call(given), call(once))
    if (MODULES / "jsonata").exists() and shutil.which("node"):
        os.environ["NODE_PATH"] = str(MODULES)
        known = json.loads((MODULES / "jsonata" / "package.json").read_text())["version"]
        print(f"{'JSONata':12} {known}")
        call = lambda file: ["node", scripts / "jsonata.js", file]
        commands["message", "JSONata"] = (call(given), call(once))
    else:
        print(f"{'JSONata':12} not installed, left out (--install)")
    for name in ["jq", "gojq"]:
        if shutil.which(name):
            print(f"{name:12} {version(name)}")
            call = lambda file, name=name: [name, "-c", "-f", scripts / "message.jq", file]
            commands["message", name] = (call(many), call(one))
    best, starts, wanted = {}, {}, None
    for _ in range(rounds):
        for key, (whole, start) in commands.items():
            starts[key] = min(run(start)[0], starts.get(key, float("inf")))
            seconds, output = run(whole)
            best[key] = min(seconds, best.get(key, float("inf")))
            result = json.loads(output.splitlines()[-1])
            wanted = wanted or result
            if result != wanted:
                sys.exit(f"{key}: gives {result}, another one {wanted}")
    return {key: (best[key] - starts[key]) * 1e6 / count for key in best}


def tables(flowscript, folder, rounds, rows, python):
    """Best milliseconds by (query, engine)."""
    given = folder / "rows.json"
    given.write_text(json.dumps({"rows": rows}))
    scripts = HERE / "tables"
    commands = {"FlowScript": [flowscript, "run", scripts / "queries.flow", "--json", "--input", f"@{given}"]}
    for name, script, module in [("SQLite", "sqlite", "sqlite3"), ("DuckDB, 1 thread", "duck", "duckdb"), ("Polars, 1 thread", "polar", "polars")]:
        known = has(python, module)
        if known is None:
            print(f"{name:18} not installed, left out (--install)")
            continue
        commands[name] = [python, scripts / f"{script}.py", str(rows)]
        print(f"{name:18} {known}")
    if shutil.which("node"):
        commands["node"] = ["node", scripts / "queries.js", str(rows)]
    best, wanted = {}, None
    for _ in range(rounds):
        for name, command in commands.items():
            answer = json.loads(run(command)[1].splitlines()[-1])
            results = [round(float(x), 2) for x in answer["results"]]
            wanted = wanted or results
            if results != wanted:
                sys.exit(f"queries: {name} gives {results}, another one {wanted}")
            for query in "abc":
                key = (query, name)
                best[key] = min(answer[query], best.get(key, float("inf")))
    return best


def row(label, unit, cells):
    """A line of the table; the first cell is FlowScript's."""
    own = next(iter(cells.values()))
    shown = [f"{name} {value:.3g} ({value / own:.2f})" if name != "FlowScript" else f"FlowScript {value:.3g}" for name, value in cells.items()]
    print(f"| {label}, {unit} | " + " | ".join(shown) + " |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--flowscript", default=str(ROOT / "target/release/flowscript"), help="the binary to measure")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--messages", type=int, default=20_000, help="messages in a round")
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the table that is queried")
    parser.add_argument("--python", help="the Python that has quickjs, duckdb and polars; else that of --install")
    parser.add_argument("--install", action="store_true", help="get the peers that are missing")
    options = parser.parse_args()
    if options.install:
        install()
    python = options.python or (str(PYTHON) if PYTHON.exists() else "python3")
    if shutil.which(options.flowscript) is None:
        sys.exit(f"There is no {options.flowscript}: run `cargo build --release` first.")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        found = engines(options.flowscript, folder, python)
        best, starts, results = measure(found, options.rounds)
        by_message = messages(options.flowscript, folder, options.rounds, options.messages)
        by_query = tables(options.flowscript, folder, max(1, options.rounds // 2), options.rows, python)
    print(f"\n{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}; best of {options.rounds} rounds; in brackets: times FlowScript's\n")
    for program in PROGRAMS:
        row(program, "ms", {name: max(best[program, name] - starts[name], 1e-4) * 1000 for name in found})
    row("start of the process", "ms", {name: starts[name] * 1000 for name in found})
    for work, label in [("message", "message, whole way"), ("transform", "message, transformation alone")]:
        row(label, "us", {name: value for (of, name), value in by_message.items() if of == work})
    for query, label in [("a", "A filter, group, sum"), ("b", "B join, group"), ("c", "C order by two keys")]:
        row(f"{label}, {options.rows:,} rows", "ms", {name: value for (of, name), value in by_query.items() if of == query})
    print("\nresults, the same everywhere: " + ", ".join(f"{program} = {results[program]}" for program in PROGRAMS))


if __name__ == "__main__":
    main()
