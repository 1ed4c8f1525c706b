"""How long a start takes, and what it leaves in memory: check of the example
policy, serve until it says that it is ready, and the same with a million
origins. Prints the quickest and the median of several runs, judges nothing.

    startup.py [RUNS [ORIGINS]]     in the build folder, after make
"""

import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time

BUILD = os.environ.get("BUILD", os.getcwd())
DAEMON = os.path.join(BUILD, "preflightd")
EXAMPLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../etc/policy.ini")


def memory(pid):
    """KiB resident, and those of them that are the process's own."""
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        text = f.read()
    return [int(re.search(key + r":\s+(\d+)", text).group(1)) for key in ("VmRSS", "RssAnon")]


def check(policy):
    start = time.perf_counter()
    subprocess.run([DAEMON, "check", "-p", policy], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


def serve(folder, policy):
    """Seconds until READY=1, as systemd is told, the memory then, and seconds
    of CPU in all."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        path = os.path.join(folder, "notify")
        if os.path.exists(path):
            os.unlink(path)
        told.bind(path)
        told.settimeout(120)
        start = time.perf_counter()
        process = subprocess.Popen(
            [DAEMON, "serve", "-p", policy, "-l", "unix:" + os.path.join(folder, "s")], stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, env={**os.environ, "NOTIFY_SOCKET": path})
        try:
            while b"READY=1" not in told.recv(4096):
                pass
            seconds, kib = time.perf_counter() - start, memory(process.pid)
        finally:
            process.terminate()
            _, _, used = os.wait4(process.pid, 0)
            process.returncode = 0
        return seconds, kib, used.ru_utime + used.ru_stime


def show(name, seconds, cpu=None):
    busy = f", CPU time {min(cpu) * 1000:.1f}" if cpu else ""
    print(f"{name:34} {min(seconds) * 1000:8.1f} ms, median {statistics.median(seconds) * 1000:.1f}{busy}", flush=True)


def show_memory(name, kib):
    print(f"{name:34} {kib[0] / 1024:8.1f} MB, of these its own {kib[1] / 1024:.1f}", flush=True)


def sizes():
    """Bytes of the program without debugging symbols."""
    with tempfile.NamedTemporaryFile() as f:
        if subprocess.run(["strip", "-o", f.name, DAEMON], check=False, stderr=subprocess.DEVNULL).returncode != 0:
            print("size: strip is missing, or this is no build of its own")
            return
        print(f"{'the program, stripped':34} {os.path.getsize(f.name) / 1024:8.0f} KiB")


def main():
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 1000000
    sizes()
    with tempfile.TemporaryDirectory(prefix="pf") as folder:
        show("check of etc/policy.ini", [check(EXAMPLE) for _ in range(runs)])
        ready = [serve(folder, EXAMPLE) for _ in range(runs)]
        show("serve until it is ready", [r[0] for r in ready], [r[2] for r in ready])
        show_memory("    resident then", ready[-1][1])
        with open(os.path.join(folder, "list.txt"), "w", encoding="ascii") as f:
            f.writelines(f"https://host{i}.example.net\n" for i in range(count))
        large = os.path.join(folder, "large.ini")
        with open(large, "w", encoding="ascii") as f:
            f.write("[policy large]\nallow-origins = @list.txt\nallow-credentials = yes\n")
        ready = [serve(folder, large) for _ in range(3)]
        show(f"the same with {count:,} origins", [r[0] for r in ready], [r[2] for r in ready])
        show_memory("    resident then", ready[-1][1])


if __name__ == "__main__":
    main()
