"""nginx that answers preflights by itself with `return 204`, with preflightd
behind it, and from its cache in front of preflightd, as `export nginx` and
`export nginx --cache` write these. Runs alternate, and the medians of each
round's ratios to `return 204` are printed. Prints, judges nothing.

    cache.py [ROUNDS [SECONDS]]     in the build folder, after make
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile

import engine

# The usual way by hand, with the same answer.
MAPS = """\
    map $http_origin $cors_origin {
        default "";
        "https://app.example.com" $http_origin;
        "~^https://([a-z0-9_-]+\\.)+example\\.org$" $http_origin;
    }
"""
LOCATION = """\
        location / {
            if ($request_method = OPTIONS) {
                add_header Access-Control-Allow-Origin $cors_origin;
                add_header Access-Control-Allow-Methods "GET, PUT, DELETE";
                add_header Access-Control-Allow-Headers "Authorization, Content-Type";
                add_header Access-Control-Max-Age 3600;
                add_header Vary "Origin, Access-Control-Request-Method, Access-Control-Request-Headers";
                return 204;
            }
        }
"""


def exported(folder, back, *options):
    """The parts http and server."""
    for part in ("http", "server"):
        yield subprocess.run(
            [engine.DAEMON, "export", "nginx", "-p", os.path.join(folder, "policy.ini"), "--socket", "unix:" + back.path,
             "--part", part, *options], text=True, stdout=subprocess.PIPE, check=True).stdout


def variants(folder, memory, back):
    """(name, http, server) of each; memory is a folder in memory."""
    def cached(place):
        return exported(folder, back, "--cache=60m", "--cache-path", place)

    yield "return 204", MAPS, LOCATION
    yield "preflightd", *exported(folder, back)
    yield "cached", *cached(os.path.join(memory, "cache"))
    yield "cached on a disk", *cached(os.path.join(folder, "cache"))
    http, server = cached(os.path.join(memory, "other"))
    yield "cached, without open_file_cache", http, server.replace("max=256 inactive=20s", "off")


def start(folder, number, http, server):
    """Starts nginx in a folder of its own."""
    own = os.path.join(folder, str(number))
    os.mkdir(own)
    return engine.nginx(own, http, server)


def measure(back, servers, rounds, seconds):
    """Requests a second and CPU time of each in each round, by name."""
    runs = {name: [] for name in servers}
    for _ in range(rounds):
        for name, nginx in servers.items():
            pids = [a for p in [back.pid, *nginx.children()] for a in ("-p", p)]
            runs[name].append(engine.load(nginx.path, "-H", "-c", 64, "-t", seconds, *pids))
    return runs


def show(runs):
    floor = runs["return 204"]
    for name, numbers in runs.items():
        rate = statistics.median(a["per_second"] / b["per_second"] for a, b in zip(numbers, floor))
        cpu = statistics.median(b["cpu_us"] / a["cpu_us"] for a, b in zip(numbers, floor))
        print(f"{name:34} {statistics.median(n['per_second'] for n in numbers):8.0f}/s, to return 204 {rate:.2f}   cpu "
              f"{statistics.median(n['cpu_us'] for n in numbers):6.2f} us, return 204 to it {cpu:.2f}", flush=True)


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    seconds = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    if shutil.which("nginx") is None:
        print("nginx is missing")
        return
    shared = "/dev/shm" if os.path.isdir("/dev/shm") else None
    with tempfile.TemporaryDirectory(prefix="pf") as folder, \
            tempfile.TemporaryDirectory(prefix="pf", dir=shared) as memory:
        with open(os.path.join(folder, "policy.ini"), "w", encoding="ascii") as f:
            f.write(engine.POLICY)
        with engine.daemon(folder) as back:
            servers = {}
            try:
                for number, (name, http, server) in enumerate(variants(folder, memory, back)):
                    servers[name] = start(folder, number, http, server)
                show(measure(back, servers, rounds, seconds))
            finally:
                for nginx in servers.values():
                    nginx.__exit__()


main()
