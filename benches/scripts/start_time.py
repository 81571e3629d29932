"""Milliseconds from starting `strongroom-server` to its first answer: median and longest of twenty starts.

cargo build --release -p strongroom-server && python3 benches/scripts/start_time.py
"""

import pathlib
import statistics
import subprocess
import tempfile
import time
import urllib.request

SERVER = pathlib.Path(__file__).parents[2] / "target/release/strongroom-server"


def start(arguments):
    begun = time.perf_counter()
    server = subprocess.Popen(
        [SERVER, "--listen", "127.0.0.1:0", *arguments], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    address = server.stdout.readline().decode().split()[-1]
    urllib.request.urlopen(address + "/health").read()
    taken = (time.perf_counter() - begun) * 1e3
    server.terminate()
    server.wait()
    return taken


def told(name, times):
    print(f"{name:28} median {statistics.median(times):5.1f} ms, longest {max(times):5.1f} ms")


told("in memory", [start(["--memory"]) for _ in range(20)])
with tempfile.TemporaryDirectory() as directory:
    told("new directory", [start(["--data", f"{directory}/{n}"]) for n in range(20)])
    told("directory that is there", [start(["--data", f"{directory}/0"]) for _ in range(20)])
