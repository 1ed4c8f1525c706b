"""What a request costs, beside the limit: the same loop without libfcgi,
policies and bounds (limit.c). Runs of both alternate, and the median of the
ratios of each round is printed. Prints, judges nothing.

    engine.py [ROUNDS [SECONDS]]     in the build folder, after make
"""

import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.environ.get("BUILD", os.getcwd())
LOAD = os.path.join(BUILD, "tests/bench/fcgiload")
PLAIN = os.path.join(BUILD, "tests/bench/plain")
LIMIT = os.path.join(BUILD, "tests/bench/limit")
DAEMON = os.path.join(BUILD, "preflightd")

POLICY = """\
[policy api]
host = api.example.com
path = /v1
allow-origins = https://app.example.com, https://*.example.org
allow-methods = GET, PUT, DELETE
allow-headers = Authorization, Content-Type
max-age = 1h
"""

NGINX = """\
{user}
daemon off;
worker_processes 1;
pid {folder}/pid;
error_log stderr crit;
events {{ worker_connections 512; }}
http {{
    access_log off;
    {http}
    server {{
        listen unix:{folder}/http;
        keepalive_requests 100000000;
        {server}
    }}
}}
"""
UPSTREAM = "upstream cors {{ server unix:{path}; {keepalive} }}"
LOCATION = """\
        location / {{
            fastcgi_pass cors;
            fastcgi_keep_conn {keep};
            include /etc/nginx/fastcgi_params;
        }}
"""


class Process:
    """A process with a socket; ended at the end of the with statement."""

    def __init__(self, command, path):
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.path, self.pid = path, self.process.pid
        until = time.monotonic() + 60
        while time.monotonic() < until:
            with socket.socket(socket.AF_UNIX) as s:
                try:
                    s.connect(path)
                    return
                except OSError:
                    time.sleep(0.02)
        self.__exit__()
        raise SystemExit(f"{command[0]} did not start")

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.process.terminate()
        self.process.wait()

    def rss(self):
        with open(f"/proc/{self.pid}/status", encoding="ascii") as f:
            return int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1)) * 1024

    def children(self):
        with open(f"/proc/{self.pid}/task/{self.pid}/children", encoding="ascii") as f:
            return f.read().split()


def load(path, *options):
    """One run of the load generator as a dict of numbers."""
    p = subprocess.run([LOAD, *map(str, options), path], capture_output=True, text=True, check=False)
    numbers = dict(line.split() for line in p.stdout.splitlines())
    if p.returncode == 2 or float(numbers.get("errors", 1)) > 0 or numbers["requests"] == "0":
        raise SystemExit(f"fcgiload {options}: {p.stdout}{p.stderr}")
    return {k: float(v) for k, v in numbers.items()}


def daemon(folder, *options):
    path = os.path.join(folder, "daemon")
    return Process([DAEMON, "serve", "-p", os.path.join(folder, "policy.ini"), "-l", "unix:" + path,
                    "--log", os.path.join(folder, "log"), "--max-connections", "8192", *options], path)


def limit(folder):
    path = os.path.join(folder, "limit")
    if os.path.exists(path):
        os.unlink(path)
    return Process([LIMIT, path], path)


def compare(name, ours, floor, rounds, *options):
    """Prints CPU time a request and requests a second, ours, the limit's, ratio."""
    cpu, rate, ratios, rates = [], [], [], []
    for _ in range(rounds):
        a, b = load(ours.path, "-p", ours.pid, *options), load(floor.path, "-p", floor.pid, *options)
        cpu.append((a["cpu_us"], b["cpu_us"]))
        rate.append((a["per_second"], b["per_second"]))
        ratios.append(a["cpu_us"] / b["cpu_us"])
        rates.append(a["per_second"] / b["per_second"])
    mid = lambda pairs, i: statistics.median(p[i] for p in pairs)
    print(f"{name:34} cpu {mid(cpu, 0):6.2f} us, limit {mid(cpu, 1):6.2f}, ratio {statistics.median(ratios):.2f}"
          f"   {mid(rate, 0):8.0f}/s, limit {mid(rate, 1):8.0f}, ratio {statistics.median(rates):.2f}", flush=True)


def direct(folder, rounds, seconds):
    with daemon(folder) as ours, limit(folder) as floor:
        for n in (1, 16, 64, 256):
            compare(f"kept, {n} connections", ours, floor, rounds, "-c", n, "-t", seconds)
        compare("not kept, 64", ours, floor, rounds, "-K", "-c", 64, "-t", seconds)
        compare("64 kept beside 1,000 idle", ours, floor, rounds, "-c", 64, "-i", 1000, "-t", seconds)
        alone, beside = [], []
        for _ in range(rounds):
            alone.append(load(ours.path, "-p", ours.pid, "-c", 64, "-t", seconds)["cpu_us"])
            beside.append(load(ours.path, "-p", ours.pid, "-c", 64, "-i", 1000, "-t", seconds)["cpu_us"])
        print(f"{'1,000 idle beside 64, to without':34} ratio "
              f"{statistics.median(b / a for a, b in zip(alone, beside)):.2f}")


def worst(folder, rounds, seconds):
    """What 64 KiB of header names, allowed ones and separators alone, cost on
    one connection, to a usual request."""
    words = {"names": "x-a,", "names, spaced": "X-A, ", "names of one letter": "x,", "commas": ",", "spaces": " "}
    own = os.path.join(folder, "worst")
    os.mkdir(own)
    with open(os.path.join(own, "policy.ini"), "w", encoding="ascii") as f:
        f.write(POLICY.replace("Content-Type", "Content-Type, X, X-A"))
    with daemon(own) as ours:
        cost = lambda *more: load(ours.path, "-p", ours.pid, "-c", 1, "-t", seconds, *more)["cpu_us"]
        for name, word in words.items():
            pairs = [(cost("-w", word), cost()) for _ in range(rounds)]
            print(f"{'64 KiB of ' + name:34} cpu {statistics.median(a for a, _ in pairs):6.1f} us, to a usual request "
                  f"{statistics.median(a / b for a, b in pairs):.1f}", flush=True)


def idle_memory(folder, count=4000):
    with daemon(folder) as ours:
        load(ours.path, "-c", 1, "-n", 1000)
        before = ours.rss()
        p = subprocess.Popen([LOAD, "-c", "1", "-i", str(count), "-t", "2", ours.path], stdout=subprocess.DEVNULL)
        time.sleep(1.5)
        print(f"{'memory of an idle connection':34} {(ours.rss() - before) / count:.0f} bytes")
        p.wait()


def counted(folder, command, path, function):
    """Instructions a request by function: two run lengths, so that starting
    costs nothing; function is called once a request."""
    counts = []
    for n in (1000, 3000):
        out = os.path.join(folder, "callgrind.out")
        grind = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", *command]
        if os.path.exists(path):
            os.unlink(path)
        with Process(grind, path) as ours:
            subprocess.run([LOAD, "-c", "1", "-n", str(n), "-t", "60", ours.path], capture_output=True, check=False)
        counts.append(profile(out, function))
    few, many = counts
    # The warm-up's requests are unknown in number: take them from the profile.
    n = many.pop("requests") - few.pop("requests")
    return {k: (many[k] - few.get(k, 0)) / n for k in many}


def instructions(folder):
    """User-space instructions a request, ours and those of a plain libfcgi loop."""
    if shutil.which("valgrind") is None:
        print("instructions: valgrind is missing")
        return
    path = os.path.join(folder, "grind")
    costs = counted(folder, [DAEMON, "serve", "-p", os.path.join(folder, "policy.ini"), "-l", "unix:" + path,
                             "--log", os.path.join(folder, "log")], path, "fcgi_answer")
    plain = sum(counted(folder, [PLAIN, path], path, "FCGX_Finish_r").values())
    ours = sum(costs.values())
    print(f"{'user instructions a request':34} {ours:.0f}, plain libfcgi {plain:.0f}, ratio {ours / plain:.2f}")
    for name, cost in sorted(costs.items(), key=lambda kv: -kv[1])[:12]:
        print(f"    {cost:8.0f} {name}")


def profile(path, function):
    """Self cost by function, and how often one was called."""
    text = subprocess.run(["callgrind_annotate", "--auto=no", "--threshold=100", path], capture_output=True, text=True,
                          check=False).stdout
    costs = {}
    for line in text.splitlines():
        m = re.match(r"\s*([\d,]+) \([^)]*\)\s+[^:]+:(\S+)", line)
        if m:
            name = m.group(2)
            costs[name] = costs.get(name, 0) + int(m.group(1).replace(",", ""))
    with open(path, encoding="ascii") as f:
        names, calls, target = {}, 0, None
        for line in f:
            m = re.match(r"c?fn=\((\d+)\)(?: (.*))?", line)
            if m and m.group(2):
                names[m.group(1)] = m.group(2).strip()
            if line.startswith("cfn=") and m:
                target = names.get(m.group(1))
            if line.startswith("calls=") and target == function:
                calls += int(line[6:].split()[0])
    costs["requests"] = calls
    return costs


def nginx(folder, http, server):
    """nginx with these parts, its configuration and its socket in the folder."""
    conf = os.path.join(folder, "nginx.conf")
    with open(conf, "w", encoding="ascii") as f:
        f.write(NGINX.format(folder=folder, http=http, server=server,
                             user="user root;" if os.getuid() == 0 else ""))
    return Process(["nginx", "-p", folder, "-c", conf], os.path.join(folder, "http"))


def nginx_run(folder, back, keep, seconds):
    """One run through nginx, with its CPU time and the responder's together."""
    upstream = UPSTREAM.format(path=back.path, keepalive="keepalive 64;" if keep else "")
    with nginx(folder, upstream, LOCATION.format(keep="on" if keep else "off")) as front:
        pids = [a for p in [back.pid, *front.children()] for a in ("-p", p)]
        numbers = load(front.path, "-H", "-c", 64, "-t", seconds, *pids)
    if os.path.exists(front.path):
        os.unlink(front.path)
    return numbers


def behind_nginx(folder, rounds, seconds):
    if shutil.which("nginx") is None:
        print("nginx is missing")
        return
    for keep in (True, False):
        with daemon(folder) as ours, limit(folder) as floor:
            runs = [[nginx_run(folder, back, keep, seconds) for back in (ours, floor)] for _ in range(rounds)]
        ratio = lambda key: statistics.median(a[key] / b[key] for a, b in runs)
        print(f"{'behind nginx, ' + ('kept' if keep else 'not kept'):34} cpu of both "
              f"{statistics.median(a['cpu_us'] for a, _ in runs):6.2f} us, limit "
              f"{statistics.median(b['cpu_us'] for _, b in runs):6.2f}, ratio {ratio('cpu_us'):.2f}   "
              f"{statistics.median(a['per_second'] for a, _ in runs):8.0f}/s, ratio {ratio('per_second'):.2f}",
              flush=True)


def trickle(path, stop, count=200):
    """Senders of a byte a second each, until told to stop."""
    senders = []
    for _ in range(count):
        s = socket.socket(socket.AF_UNIX)
        s.connect(path)
        senders.append(s)
    record = bytes([1, 1, 0, 1, 0, 8, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]) + bytes([1, 4, 0, 1, 0x40, 0, 0, 0]) + b"a" * 4096
    for at in range(len(record)):
        for s in senders:
            s.send(record[at:at + 1])
        if stop.wait(1):
            break
    for s in senders:
        s.close()


def slow_clients(folder, rounds, seconds):
    """What 200 slow senders and 1,000 idle connections cost 64 active clients."""
    ratios = []
    with daemon(folder) as ours:
        for _ in range(rounds):
            alone = load(ours.path, "-c", 64, "-t", seconds)["p99_us"]
            stop = threading.Event()
            slow = threading.Thread(target=trickle, args=(ours.path, stop))
            slow.start()
            ratios.append(load(ours.path, "-c", 64, "-i", 1000, "-t", seconds)["p99_us"] / alone)
            stop.set()
            slow.join()
    print(f"{'200 slow, 1,000 idle beside 64':34} p99 to without, ratio {statistics.median(ratios):.2f}", flush=True)


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    seconds = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    for path in (LOAD, LIMIT, PLAIN, DAEMON):
        if not os.access(path, os.X_OK):
            raise SystemExit(f"{path} is not there: run make bench")
    with tempfile.TemporaryDirectory(prefix="pf") as folder:
        with open(os.path.join(folder, "policy.ini"), "w", encoding="ascii") as f:
            f.write(POLICY)
        direct(folder, rounds, seconds)
        worst(folder, rounds, seconds)
        slow_clients(folder, rounds, seconds)
        idle_memory(folder)
        instructions(folder)
        behind_nginx(folder, rounds, seconds)


if __name__ == "__main__":
    main()
