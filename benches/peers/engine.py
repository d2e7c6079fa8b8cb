#!/usr/bin/env python3
"""The engine and its peers under load from a second process, interleaved in one run, answers checked first.

    cargo build --release --bin flowscript --example bare_axum
    benches/peers/engine.py [--install] [--seconds 4] [--rounds 3] [--history 1000000] [--only NAME]

Wants wrk (Debian: wrk) and node; --install gets wrk by apt-get, and Node-RED and Restate by npm into target/peers.
A peer that is not there is left out and named. Each figure is the median of the rounds; compare ratios, since absolute
figures differ from machine to machine and from hour to hour. Strict means synced to disk before the answer.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
NODE = ROOT / "target" / "peers"
QUERY = "itemId=A100&quantity=3"
ANSWER = {"item": "A100", "total": 37.5}
PORT = 17070

# Name, system, address behind the system's base, connections, wrk script or nothing.
SCENARIOS = [
    ("price, strict, 1", "flowscript", f"/hooks/strict?{QUERY}", 1, None),
    ("price, strict, 32", "flowscript", f"/hooks/strict?{QUERY}", 32, None),
    ("price, strict, 250", "flowscript", f"/hooks/strict?{QUERY}", 250, None),
    ("price, relaxed, 1", "flowscript", f"/hooks/relaxed?{QUERY}", 1, None),
    ("price, relaxed, 32", "flowscript", f"/hooks/relaxed?{QUERY}", 32, None),
    ("price, relaxed, 250", "flowscript", f"/hooks/relaxed?{QUERY}", 250, None),
    ("accept, 64", "flowscript", "/hooks/accept", 64, '{"itemId":"A100","quantity":3}'),
    ("ordered, 1 key, 64", "flowscript", "/hooks/ordered", 64, '{"key":"k"}'),
    ("ordered, 100 keys, 64", "flowscript", "/hooks/ordered", 64, '{"key":"KEY"}'),
    ("price, bare axum, 1", "axum", f"/price?{QUERY}", 1, None),
    ("price, bare axum, 32", "axum", f"/price?{QUERY}", 32, None),
    ("price, bare axum, 250", "axum", f"/price?{QUERY}", 250, None),
    ("price, Node-RED, 32", "node-red", f"/price?{QUERY}", 32, None),
    ("price, Restate, 1", "restate", "/Shop/price", 1, '{"itemId":"A100","quantity":3}'),
    ("price, Restate, 32", "restate", "/Shop/price", 32, '{"itemId":"A100","quantity":3}'),
    ("send, Restate, 64", "restate", "/Shop/price/send", 64, '{"itemId":"A100","quantity":3}'),
]

# What is aimed at: figure, least ratio, the figure it is compared with.
TARGETS = [
    ("price, relaxed, 32", 0.5, "price, bare axum, 32"),
    ("price, relaxed, 32", 15, "price, Node-RED, 32"),
    ("price, strict, 32", 5, "price, Restate, 32"),
    ("price, strict, 1", 1, "price, Restate, 1"),
    ("accept, 64", 5, "send, Restate, 64"),
]


class System:
    """A server in a process of its own."""

    def __init__(self, name, command, base, environment=None, folder=None):
        self.name, self.base, started = name, base, time.perf_counter()
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [str(part) for part in command], stdout=self.log, stderr=self.log, cwd=folder,
            env={**os.environ, **(environment or {})}, start_new_session=True)
        self.started = started

    def wait_for(self, url, check=lambda answer: True):
        while True:
            try:
                with urllib.request.urlopen(url, timeout=5) as answer:
                    if check(answer.read()):
                        return time.perf_counter() - self.started
            except OSError:
                pass
            if self.process.poll() is not None or time.perf_counter() - self.started > 60:
                self.log.seek(0)
                sys.exit(f"{self.name} does not answer:\n{self.log.read().decode()}")
            time.sleep(0.005)

    def memory(self):
        """Resident, in MiB."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024

    def stop(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()


def flowscript(project):
    binary = ROOT / "target/release/flowscript"
    system = System("flowscript", [binary, "serve", project, "--bind", f"127.0.0.1:{PORT}"], f"http://127.0.0.1:{PORT}",
                    {"FLOWSCRIPT_LOG": "error", "FLOWSCRIPT_TOKEN": "bench"})
    seconds = system.wait_for(f"{system.base}/hooks/strict?{QUERY}", lambda body: json.loads(body) == ANSWER)
    return system, seconds


def axum():
    binary = ROOT / "target/release/examples/bare_axum"
    if not binary.exists():
        return None
    system = System("axum", [binary, PORT + 1], f"http://127.0.0.1:{PORT + 1}")
    system.wait_for(f"{system.base}/price?{QUERY}", lambda body: json.loads(body) == ANSWER)
    return system


def node_red(folder):
    if not (NODE / "node_modules/node-red").exists():
        return None
    system = System("node-red", ["node", HERE / "engine/node-red.js", PORT + 2, folder], f"http://127.0.0.1:{PORT + 2}",
                    {"NODE_PATH": str(NODE / "node_modules")})
    system.wait_for(f"{system.base}/price?{QUERY}", lambda body: json.loads(body) == ANSWER)
    return system


def restate(folder):
    if not (NODE / "node_modules/@restatedev/restate-server").exists():
        return None
    # Modules are found beside the file that imports them.
    shutil.copy(HERE / "engine/restate.mjs", NODE / "restate.mjs")
    service = System("restate's service", ["node", NODE / "restate.mjs", PORT + 3], None)
    server = System("restate", [NODE / "node_modules/.bin/restate-server", "--base-dir", folder], "http://127.0.0.1:8080",
                    {"DO_NOT_TRACK": "1", "RESTATE_LOG_FILTER": "error"})
    server.wait_for("http://127.0.0.1:9070/health")
    deployment = json.dumps({"uri": f"http://127.0.0.1:{PORT + 3}"}).encode()
    for attempt in range(50):
        try:
            request = urllib.request.Request("http://127.0.0.1:9070/deployments", deployment,
                                             {"Content-Type": "application/json"})
            urllib.request.urlopen(request, timeout=10).read()
            break
        except OSError:
            time.sleep(0.2)
    else:
        sys.exit("Restate does not take its service")
    request = urllib.request.Request("http://127.0.0.1:8080/Shop/price", b'{"itemId":"A100","quantity":3}',
                                     {"Content-Type": "application/json"})
    assert json.loads(urllib.request.urlopen(request, timeout=30).read()) == ANSWER
    return server, service


def post(body, folder):
    """A wrk script that posts this body; KEY in it is one of 100 in turn."""
    path = pathlib.Path(folder) / f"{abs(hash(body))}.lua"
    script = f"""wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{body}'
"""
    if "KEY" in body:
        # Only here: making each request takes the processor time that the server needs.
        script += """local body, n = wrk.body, math.random(100)
request = function()
  n = n + 1
  return wrk.format(nil, nil, nil, (body:gsub("KEY", "k" .. n % 100)))
end
"""
    path.write_text(script)
    return path


def milliseconds(text):
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text).groups()
    return float(number) * {"us": 0.001, "ms": 1, "s": 1000, "m": 60000}[unit]


def load(url, connections, seconds, script):
    """Requests a second, p50 and p99 in milliseconds, errors."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "--latency"]
    if script:
        command += ["-s", str(script)]
    told = subprocess.run(command + [url], capture_output=True, text=True, check=True).stdout
    errors = sum(int(n) for n in re.findall(r"Non-2xx or 3xx responses: (\d+)", told))
    sockets = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", told)
    errors += sum(int(n) for n in sockets.groups()) if sockets else 0
    p50, p99 = (milliseconds(re.search(rf"{p}%\s+([\d.]+\w+)", told)[1]) for p in ("50", "99"))
    return float(re.search(r"Requests/sec:\s+([\d.]+)", told)[1]), p50, p99, errors


def wait_until_idle(base):
    """What was accepted is worked off, so that it does not count for the next scenario. Gives the seconds it took."""
    started = time.perf_counter()
    while True:
        request = urllib.request.Request(f"{base}/api/v1/runs?state=queued,running&limit=1",
                                         headers={"Authorization": "Bearer bench"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            if not json.load(answer)["runs"]:
                return time.perf_counter() - started
        time.sleep(0.05)


def make_history(project, count):
    """Copies of the completed runs that are there, spread over the last days, as SQL: an engine would take minutes."""
    with sqlite3.connect(project / "data/flowscript.db") as database:
        columns = [row[1] for row in database.execute("pragma table_info(runs)") if row[1] not in ("seq", "id")]
        names = ", ".join(columns)
        row = database.execute(f"select {names} from runs where state = 'completed' limit 1").fetchone()
        now = int(time.time() * 1000)

        def rows():
            for n in range(count):
                at = now - (count - n) * 100
                yield (at.to_bytes(6, "big") + b"\x70\x00\x80\x00" + n.to_bytes(6, "big"), *row)

        marks = ", ".join("?" * (len(columns) + 1))
        database.executemany(f"insert into runs (id, {names}) values ({marks})", rows())
    database.close()


def install():
    if not shutil.which("wrk"):
        subprocess.run(["apt-get", "update", "-qq"], check=True)
        subprocess.run(["apt-get", "install", "-y", "-qq", "wrk"], check=True)
    NODE.mkdir(parents=True, exist_ok=True)
    shutil.copy(HERE / "engine/package.json", NODE)
    subprocess.run(["npm", "install", "--no-audit", "--no-fund"], cwd=NODE, check=True)


def project_in(folder, name):
    project = pathlib.Path(folder) / name
    shutil.copytree(HERE / "engine/workflows", project / "workflows")
    # Runs of the benchmark are not to be deleted while it measures.
    (project / "flowscript.toml").write_text("[retention]\nruns = 100000000\n[limits]\nqueue = 10000000\n")
    return project


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--install", action="store_true")
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--history", type=int, default=0, help="also with so many runs in history, in turns")
    parser.add_argument("--only", default="", help="scenarios whose name contains this")
    options = parser.parse_args()
    if options.install:
        install()
    if not shutil.which("wrk"):
        sys.exit("wrk is not installed: apt-get install wrk, or --install")
    folder = tempfile.mkdtemp(prefix="flowscript-bench-", dir=ROOT / "target")
    scenarios = [s for s in SCENARIOS if options.only in s[0]]
    wanted = {s[1] for s in scenarios}
    systems, extra = {}, []
    try:
        project = project_in(folder, "empty")
        systems["flowscript"], seconds = flowscript(project)
        time.sleep(1)
        print(f"flowscript: first answer after {seconds:.2f} s, idle memory {systems['flowscript'].memory():.0f} MiB")
        if options.history:
            full = project_in(folder, "full")
            filler, _ = flowscript_on(full)
            filler.stop()
            make_history(full, options.history)
            systems["history"], seconds = flowscript_on(full)
            time.sleep(3)
            print(f"with {options.history} runs: first answer after {seconds:.2f} s, "
                  f"idle memory {systems['history'].memory():.0f} MiB")
            scenarios += [(f"{s[0]} (history)", "history", *s[2:]) for s in scenarios if s[1] == "flowscript"]
            # Pairs stand side by side, so that they meet the same load of the machine.
            scenarios.sort(key=lambda s: s[0].removesuffix(" (history)"))
        if "axum" in wanted:
            systems["axum"] = axum()
        if "node-red" in wanted:
            os.makedirs(f"{folder}/red")
            systems["node-red"] = node_red(f"{folder}/red")
        if "restate" in wanted:
            started = restate(f"{folder}/restate")
            systems["restate"] = started and started[0]
            extra += [started[1]] if started else []
        for name in [name for name, system in systems.items() if system is None]:
            print(f"{name} is not there and left out: --install, or cargo build --release --example bare_axum")
            scenarios = [s for s in scenarios if s[1] != name]
        figures = measure(options, scenarios, systems, folder)
        table(figures, scenarios)
        print(f"\nmemory of flowscript at the end {systems['flowscript'].memory():.0f} MiB")
    finally:
        for system in [*systems.values(), *extra]:
            if system:
                system.stop()
        shutil.rmtree(folder, ignore_errors=True)


def flowscript_on(project):
    """A second engine beside the first, on a port of its own."""
    global PORT
    PORT += 10
    try:
        return flowscript(project)
    finally:
        PORT -= 10


def measure(options, scenarios, systems, folder):
    figures = {name: [] for name, *_ in scenarios}
    for number in range(options.rounds):
        for name, system, path, connections, body in scenarios:
            base = systems[system].base
            script = post(body, folder) if body else None
            if number == 0:
                load(base + path, connections, 1, script)
            measured = load(base + path, connections, options.seconds, script)
            left = wait_until_idle(base) if "hooks" in path and body else 0
            figures[name].append(measured)
            print(f"  {number + 1}: {name:32} {measured[0]:9.0f}/s  p50 {measured[1]:8.2f} ms  p99 {measured[2]:8.2f} ms"
                  f"  errors {measured[3]}" + (f"  worked off {left:.1f} s later" if left else ""), flush=True)
    return figures


def table(figures, scenarios):
    def median(name, at):
        return statistics.median(figure[at] for figure in figures[name])

    print(f"\n{'':34}{'req/s':>10}{'p50 ms':>10}{'p99 ms':>10}{'errors':>8}")
    for name, *_ in scenarios:
        errors = sum(figure[3] for figure in figures[name])
        print(f"{name:34}{median(name, 0):10.0f}{median(name, 1):10.2f}{median(name, 2):10.2f}{errors:8}")
    print()
    for name, least, other in TARGETS:
        if figures.get(name) and figures.get(other):
            # A pair of one round met the same load of the machine; pairs are compared, not medians.
            ratio = statistics.median(a[0] / b[0] for a, b in zip(figures[name], figures[other]))
            print(f"{name} / {other}: {ratio:.2f} ({'at least' if ratio >= least else 'MISSES'} {least})")
    for name in figures:
        if figures.get(f"{name} (history)"):
            ratio = statistics.median(a[0] / b[0] for a, b in zip(figures[f"{name} (history)"], figures[name]))
            print(f"{name}: with history {ratio:.2f} of without ({'at least' if ratio >= 0.8 else 'MISSES'} 0.8)")


if __name__ == "__main__":
    main()
