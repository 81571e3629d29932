"""GetSecretValue under load: the server, a hello-world handler and moto's server, each on one core, the generator on the other.

cargo build --release -p strongroom-server && cargo build --release -p strongroom-benches --example load
python3 benches/scripts/load.py [--seconds 30] [--rounds 3]

The server keeps its secrets in SQLite; each of the 16 connections reads a hundred secrets in turn, with signed requests. Each round runs all
three; the table has the median of the rounds' requests per second, and the latencies of that round.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import urllib.request
import time

ROOT = pathlib.Path(__file__).parents[2]
RELEASE = ROOT / "target/release"
MOTO = ROOT / "crates/strongroom-aws/tests/moto.txt"
ON = {"server": "1", "generator": "0"}


def pinned(core, command, **rest):
    return subprocess.Popen(["taskset", "-c", core, *map(str, command)], text=True, **rest)


def moto():
    """Where moto's server is, in an environment of its own."""
    place = ROOT / "target/tmp/clients/moto"
    mark = place / "installed"
    if not mark.exists() or mark.read_text() != MOTO.read_text():
        subprocess.run([sys.executable, "-m", "venv", place], check=True)
        subprocess.run([place / "bin/pip", "install", "--quiet", "--requirement", MOTO], check=True)
        mark.write_text(MOTO.read_text())
    return place / "bin/moto_server"


def start(name, directory):
    """A process, and its address."""
    environment = dict(
        os.environ, STRONGROOM_ACCESS_KEY_ID="AKIAEXAMPLE000001", STRONGROOM_SECRET_ACCESS_KEY="secret"
    )
    log = open(directory / f"{name}.log", "w")
    if name == "moto":
        port = 5767
        process = pinned(ON["server"], [moto(), "-p", port], stdout=log, stderr=log)
        for _ in range(100):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/moto-api/").read()
                break
            except OSError:
                time.sleep(0.1)
        return process, f"127.0.0.1:{port}"
    command = {
        "hello": [RELEASE / "examples/load", "hello"],
        "strongroom": [RELEASE / "strongroom-server", "--data", directory / "data", "--listen", "127.0.0.1:0"],
    }[name]
    process = pinned(ON["server"], command, env=environment, stdout=subprocess.PIPE, stderr=log)
    return process, process.stdout.readline().strip().removeprefix("listening on http://")


def measure(name, seconds):
    with tempfile.TemporaryDirectory() as directory:
        process, address = start(name, pathlib.Path(directory))
        try:
            command = [RELEASE / "examples/load", "run", address, "--seconds", seconds]
            if name == "hello":
                command.append("--hello")
            run = pinned(ON["generator"], command, stdout=subprocess.PIPE)
            out, _ = run.communicate(timeout=seconds + 60)
            if run.returncode:
                raise SystemExit(f"{name}: {out}")
            return json.loads(out)
        finally:
            process.terminate()
            process.wait()


arguments = argparse.ArgumentParser()
arguments.add_argument("--seconds", type=int, default=30)
arguments.add_argument("--rounds", type=int, default=3)
arguments.add_argument("--only", nargs="*", default=["hello", "strongroom", "moto"])
arguments = arguments.parse_args()
results = {name: [] for name in arguments.only}
for _ in range(arguments.rounds):
    for name in results:
        results[name].append(measure(name, arguments.seconds))
print("| | requests per second | p50 | p99 | beside hello |")
print("|---|---|---|---|---|")
middle = {
    name: sorted(rounds, key=lambda one: one["per_second"])[len(rounds) // 2] for name, rounds in results.items()
}
for name, one in middle.items():
    beside = one["per_second"] / middle["hello"]["per_second"] if "hello" in middle else float("nan")
    print(f"| {name} | {one['per_second']:.0f} | {one['p50_us']} µs | {one['p99_us']} µs | {beside:.3f} |")
