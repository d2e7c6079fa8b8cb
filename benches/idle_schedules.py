#!/usr/bin/env python3
"""What idle schedules cost: processor time over a minute, and memory, of an engine with and without them.

    cargo build --release --bin flowscript
    benches/idle_schedules.py [--schedules 10000] [--files 1000] [--seconds 60] [--binary target/release/flowscript]

Two projects of the same workflows, one of them with schedules that are not due for days, of all kinds and in several
zones. Both engines are measured at the same time, once they have come to rest.
"""

import argparse
import datetime
import os
import pathlib
import re
import subprocess
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
ZONES = ["UTC", "Europe/Stockholm", "America/New_York", "Australia/Lord_Howe", "Asia/Tokyo"]
AIMS = {"percent": 0.5, "megabytes": 20}


def patterns(number):
    """A schedule that is not due for days, another one for each number."""
    soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=10 + number % 200)
    minute, hour = number % 60, number // 60 % 24
    kinds = [
        f"cron: '{minute} {hour} {soon.day} {soon.month} *'",
        f"cron: '0 {minute} {hour} {soon.day} {soon.month} ?'",
        f"every: {{ days: 400 }}, from: {soon:%Y-%m-%d}T{hour:02}:{minute:02}",
        f"at: {soon:%Y-%m-%d}T{hour:02}:{minute:02}",
        f"every: monthly, from: {soon:%Y-%m-%d}T{hour:02}:{minute:02}",
    ]
    return f"{{ id: s{number}, {kinds[number % len(kinds)]}, timeZone: {ZONES[number // 7 % len(ZONES)]} }}"


def write(folder, files, schedules):
    (folder / "workflows").mkdir(parents=True)
    each = schedules // files
    for file in range(files):
        own = [patterns(file * each + number) for number in range(each)]
        trigger = "trigger:\n  schedule:\n" + "".join(f"    - {line}\n" for line in own) if own else ""
        text = f"{trigger}input: {{ n: {{ type: number, default: {file} }} }}\nsteps: [ set: {{ twice: n * 2 }} ]\noutput: \"{{twice}}\"\n"
        (folder / "workflows" / f"w{file}.yaml").write_text(text)


class Engine:
    def __init__(self, binary, folder):
        environment = {**os.environ, "FLOWSCRIPT_TOKEN": "benchmark"}
        command = [binary, "serve", folder, "--bind", "127.0.0.1:0"]
        begun = time.monotonic()
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for line in self.process.stdout:
            found = re.search(r"http://[\d.:]+", line)
            if found:
                self.base = found.group()
                break
        self.started = time.monotonic() - begun

    def count(self):
        request = urllib.request.Request(self.base + "/api/v1/schedules", headers={"Authorization": "Bearer benchmark"})
        with urllib.request.urlopen(request) as answer:
            return answer.read().count(b'"workflow"')

    def seconds(self):
        """Processor time so far."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def megabytes(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) / 1024

    def rest(self):
        """Waits until it has done what comes behind a start."""
        before = self.seconds()
        while True:
            time.sleep(5)
            now = self.seconds()
            if now - before < 0.05:
                return
            before = now


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--schedules", type=int, default=10_000)
    arguments.add_argument("--files", type=int, default=1_000)
    arguments.add_argument("--seconds", type=float, default=60)
    arguments.add_argument("--binary", default=ROOT / "target/release/flowscript")
    arguments.add_argument("--list", action="store_true", help="ask for the list of schedules before measuring memory")
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        engines = {}
        for name, schedules in [("without", 0), ("with", options.schedules)]:
            folder = pathlib.Path(temporary) / name
            write(folder, options.files, schedules)
            engines[name] = Engine(options.binary, folder)
            engines[name].rest()
        try:
            if options.list:
                assert engines["with"].count() == options.schedules, engines["with"].count()
            before = {name: engine.seconds() for name, engine in engines.items()}
            time.sleep(options.seconds)
            percent = {name: (engine.seconds() - before[name]) / options.seconds * 100 for name, engine in engines.items()}
            memory = {name: engine.megabytes() for name, engine in engines.items()}
            for name, engine in engines.items():
                print(f"{name:8} started in {engine.started:.2f} s, {percent[name]:.2f} % of a core, {memory[name]:.1f} MB")
            if not options.list:
                assert engines["with"].count() == options.schedules, engines["with"].count()
            more = memory["with"] - memory["without"]
            kept = percent["with"] < AIMS["percent"] and more < AIMS["megabytes"]
            print(f"{options.schedules} schedules: {more:.1f} MB more; {'as aimed' if kept else 'MISSED'}: {AIMS}")
        finally:
            for engine in engines.values():
                engine.process.kill()


if __name__ == "__main__":
    main()
