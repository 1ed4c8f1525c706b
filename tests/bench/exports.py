"""What the exported configurations cost. nginx with the exported snippet in
front of preflightd, against nginx that answers with `return 204`, for several
numbers of clients; and for each server a request with 8 KB of one byte in its
path against one with 8 KB of letters. Prints, judges nothing.

    exports.py [ROUNDS [SECONDS]]     in the build folder, after make
"""

import os
import shutil
import statistics
import sys
import tempfile
import time

import engine

os.environ["PREFLIGHTD"] = engine.DAEMON
sys.path.insert(0, os.path.join(engine.HERE, "..", "server"))
import export_servers  # noqa: E402
import harness  # noqa: E402

CLIENTS = (1, 4, 32)
SIZE = 7500  # bytes of a path; nginx takes a request line of 8 KiB
BYTES = ("a", "/", ".", ";", "\\", "%41", "%2f", "%5c", "%25", "%3b", "/.", "/..x",
         "..;", "%2e", "/v1", "/v1/x;", "%25%32")
POLICY = """\
[policy strict]
host = api.example.com
path = /v1, /v1/x, /a/b/c
allow-origins = https://app.example.com, https://*.example.org

[policy lax]
host = api.example.com, *.example.com
allow-origins = *
"""
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


def exported(folder, back):
    """The parts http and server."""
    for part in ("http", "server"):
        yield engine.subprocess.run(
            [engine.DAEMON, "export", "nginx", "-p", os.path.join(folder, "policy.ini"), "--socket", "unix:" + back.path,
             "--part", part], text=True, stdout=engine.subprocess.PIPE, check=True).stdout


def kept(http, number):
    return engine.re.sub(r"keepalive \d+;", f"keepalive {number};", http)


def snippet(rounds, seconds, connections):
    """Requests a second and CPU time of nginx and preflightd together."""
    with tempfile.TemporaryDirectory(prefix="pf") as folder:
        with open(os.path.join(folder, "policy.ini"), "w", encoding="ascii") as f:
            f.write(engine.POLICY)
        with engine.daemon(folder) as back:
            http, server = exported(folder, back)
            variants = {"return 204": (MAPS, LOCATION), "exported": (http, server)}
            variants |= {f"exported, keepalive {n}": (kept(http, n), server) for n in connections}
            servers = {}
            try:
                for number, (name, parts) in enumerate(variants.items()):
                    own = os.path.join(folder, str(number))
                    os.mkdir(own)
                    servers[name] = engine.nginx(own, *parts)
                for clients in CLIENTS if not connections else (1, 4, 16, 32, 64, 128):
                    runs = {name: [] for name in servers}
                    for _ in range(rounds):
                        for name, nginx in servers.items():
                            pids = [a for p in [back.pid, *nginx.children()] for a in ("-p", p)]
                            runs[name].append(engine.load(nginx.path, "-H", "-c", clients, "-t", seconds, *pids))
                    for name, numbers in runs.items():
                        print(f"nginx, {clients:3} clients, {name:24} "
                              f"{statistics.median(n['per_second'] for n in numbers):8.0f}/s   cpu "
                              f"{statistics.median(n['cpu_us'] for n in numbers):6.2f} us", flush=True)
            finally:
                for nginx in servers.values():
                    nginx.__exit__()


def took(address, path, times):
    """Seconds of the quickest of many requests on one connection."""
    raw = f"GET {path} HTTP/1.1\r\nHost: api.example.com\r\nOrigin: https://app.example.com\r\n\r\n".encode("ascii")
    all_times = []
    with harness.connect(address) as s:
        for _ in range(times):
            start = time.perf_counter()
            s.sendall(raw)
            answer = b""
            while b"\r\n\r\n" not in answer:
                chunk = s.recv(65536)
                if not chunk:
                    return None
                answer += chunk
            head, _, body = answer.partition(b"\r\n\r\n")
            length = engine.re.search(rb"(?i)content-length: (\d+)", head)
            while length and len(body) < int(length[1]):
                body += s.recv(65536)
            all_times.append(time.perf_counter() - start)
            if b"connection: close" in head.lower():
                break
    return min(all_times)


def paths(kind, rounds):
    with harness.Stage() as stage:
        os.chmod(stage.folder, 0o755)
        policy = stage.write("policy.ini", POLICY)
        backend = stage.path("preflightd.sock")
        stage.start_preflightd(backend, policy)
        os.chmod(backend, 0o777)
        server = kind(stage, export_servers.export(stage, kind, backend, policy), backend)
        letters = None
        for text in BYTES:
            path = "/" + text * (SIZE // len(text))
            seconds = took(server.plain, path, 100 * rounds)
            letters = letters or seconds
            if seconds is None:
                print(f"{kind.name:9} 8 KB of {text:8} closes the connection", flush=True)
                continue
            print(f"{kind.name:9} 8 KB of {text:8} {seconds * 1e6:8.0f} us, to letters {seconds / letters:.2f}", flush=True)


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    seconds = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    if shutil.which("nginx") is not None:
        snippet(rounds, seconds, [int(n) for n in sys.argv[3:]])
    for kind in export_servers.ALL:
        if kind.name != "h2o" and not harness.find(kind.program, "spawn-fcgi"):
            paths(kind, rounds)


if __name__ == "__main__":
    main()
