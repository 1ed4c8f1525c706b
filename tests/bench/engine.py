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
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.environ.get("BUILD", os.getcwd())
LOAD = os.path.join(BUILD, "tests/bench/fcgiload")
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
    upstream cors {{ server unix:{path}; {keepalive} }}
    server {{
        listen unix:{folder}/http;
        keepalive_requests 100000000;
        location / {{
            fastcgi_pass cors;
            fastcgi_keep_conn {keep};
            include /etc/nginx/fastcgi_params;
        }}
    }}
}}
"""


class Process:
    """A process with a socket; ended at the end of the with statement."""

    def __init__(self, command, path):
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.path, self.pid = path, self.process.pid
        until = time.monotonic() + 10
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


def idle_memory(folder, count=4000):
    with daemon(folder) as ours:
        load(ours.path, "-c", 1, "-n", 1000)
        before = ours.rss()
        p = subprocess.Popen([LOAD, "-c", "1", "-i", str(count), "-t", "2", ours.path], stdout=subprocess.DEVNULL)
        time.sleep(1.5)
        print(f"{'memory of an idle connection':34} {(ours.rss() - before) / count:.0f} bytes")
        p.wait()


def instructions(folder):
    """User-space instructions a request, by callgrind, from two run lengths."""
    if shutil.which("valgrind") is None:
        print("instructions: valgrind is missing")
        return
    counts = []
    for n in (1000, 3000):
        out = os.path.join(folder, "callgrind.out")
        path = os.path.join(folder, "grind")
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", DAEMON, "serve", "-p",
                   os.path.join(folder, "policy.ini"), "-l", "unix:" + path, "--log", os.path.join(folder, "log")]
        with Process(command, path) as ours:
            p = subprocess.run([LOAD, "-c", "1", "-n", str(n), "-t", "60", ours.path], capture_output=True,
                               text=True, check=False)
            done = int(re.search(r"requests (\d+)", p.stdout).group(1))
        counts.append((profile(out), done))
    (few, _), (many, _) = counts
    # The warm-up's requests are unknown in number: take them from the profile.
    n = many.pop("requests") - few.pop("requests")
    total = sum(many.values()) - sum(few.values())
    print(f"{'user instructions a request':34} {total / n:.0f}")
    rest = {k: (many[k] - few.get(k, 0)) / n for k in many}
    for name, cost in sorted(rest.items(), key=lambda kv: -kv[1])[:16]:
        print(f"    {cost:8.0f} {name}")


def profile(path):
    """Self cost by function, and how often a request was answered."""
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
            if line.startswith("calls=") and target == "fcgi_answer":
                calls += int(line[6:].split()[0])
    costs["requests"] = calls
    return costs


def behind_nginx(folder, rounds, seconds):
    if shutil.which("nginx") is None:
        print("nginx is missing")
        return
    for keep, keepalive in (("on", "keepalive 64;"), ("off", "")):
        results = []
        with daemon(folder) as ours, limit(folder) as floor:
            for _ in range(rounds):
                pair = []
                for back in (ours, floor):
                    conf = os.path.join(folder, "nginx.conf")
                    with open(conf, "w", encoding="ascii") as f:
                        f.write(NGINX.format(folder=folder, path=back.path, keep=keep, keepalive=keepalive,
                                             user="user root;" if os.getuid() == 0 else ""))
                    front = os.path.join(folder, "http")
                    with Process(["nginx", "-p", folder, "-c", conf], front) as nginx:
                        pids = [a for p in nginx.children() for a in ("-p", p)]
                        pair.append(load(front, "-H", "-c", 64, "-t", seconds, "-p", back.pid))
                        pair.append(load(front, "-H", "-c", 64, "-t", seconds, *pids))
                    if os.path.exists(front):
                        os.unlink(front)
                results.append(pair)
        mid = lambda f: statistics.median(f(r) for r in results)
        print(f"{'behind nginx, kept ' + keep:34} cpu {mid(lambda r: r[0]['cpu_us']):6.2f} us, "
              f"limit {mid(lambda r: r[2]['cpu_us']):6.2f}, "
              f"ratio {mid(lambda r: r[0]['cpu_us'] / r[2]['cpu_us']):.2f}; "
              f"nginx itself {mid(lambda r: r[1]['cpu_us']):.2f} us, {mid(lambda r: r[0]['per_second']):.0f}/s", flush=True)


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    seconds = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    for path in (LOAD, LIMIT, DAEMON):
        if not os.access(path, os.X_OK):
            raise SystemExit(f"{path} is not there: run make bench")
    with tempfile.TemporaryDirectory(prefix="pf") as folder:
        with open(os.path.join(folder, "policy.ini"), "w", encoding="ascii") as f:
            f.write(POLICY)
        direct(folder, rounds, seconds)
        idle_memory(folder)
        instructions(folder)
        behind_nginx(folder, rounds, seconds)


main()
