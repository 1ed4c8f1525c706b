"""How long requests take while a large policy is loaded again and again, beside
the same without: the 99th percentile and the longest. Prints, judges nothing.

    reload.py [ORIGINS [SECONDS]]     in the build folder, after make bench
"""

import os
import re
import signal
import sys
import tempfile
import threading
import time

import engine

POLICY = engine.POLICY.replace("allow-origins = ", "allow-origins = @list.txt, ")


def resident(pid, key):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return int(re.search(key + r":\s+(\d+)", f.read()).group(1)) / 1024


def loads(folder):
    with open(os.path.join(folder, "log"), encoding="ascii") as f:
        return f.read().count("event=reloaded")


def reload_on(folder, pid, stop, times):
    """Loads one after the other until told to stop, and notes how long."""
    while not stop.is_set():
        before, start = loads(folder), time.monotonic()
        os.kill(pid, signal.SIGHUP)
        while loads(folder) == before and time.monotonic() < start + 60:
            time.sleep(0.005)
        times.append(time.monotonic() - start)


def run(name, folder, server, clients, seconds, reloading):
    stop, times = threading.Event(), []
    thread = threading.Thread(target=reload_on, args=(folder, server.pid, stop, times))
    if reloading:
        thread.start()
    numbers = engine.load(server.path, "-c", clients, "-t", seconds)
    stop.set()
    if reloading:
        thread.join()
        name += f", {len(times)} loads of {min(times):.2f} to {max(times):.2f} s"
    print(f"{name:52} {numbers['per_second']:8.0f}/s, p99 {numbers['p99_us'] / 1000:6.2f} ms, "
          f"longest {numbers['max_us'] / 1000:6.2f} ms", flush=True)


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000000
    seconds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    with tempfile.TemporaryDirectory(prefix="pf") as folder:
        with open(os.path.join(folder, "policy.ini"), "w", encoding="ascii") as f:
            f.write(POLICY)
        with open(os.path.join(folder, "list.txt"), "w", encoding="ascii") as f:
            f.writelines(f"https://host{i}.example.net\n" for i in range(count))
        for threads, clients in ((1, 1), (1, 16), (2, 64)):
            with engine.daemon(folder, "-j", str(threads)) as server:
                before = resident(server.pid, "VmRSS")
                for reloading in (False, True):
                    run(f"{count} origins, -j {threads}, {clients} clients", folder, server, clients, seconds, reloading)
                print(f"    resident {before:.0f} MB before, {resident(server.pid, 'VmRSS'):.0f} after, "
                      f"{resident(server.pid, 'VmHWM'):.0f} at most")
            os.unlink(os.path.join(folder, "log"))


if __name__ == "__main__":
    main()
