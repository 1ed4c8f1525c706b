"""Exports compared with preflightd on random policies that are nasty and valid:
each policy is loaded as every server's configuration, and near misses of its
hosts, paths and origins are sent to them over kept connections.  No response
may carry more than preflightd says; one that the application gave carries all
of it, but where a path has several readings and policies differ by path.

    export_diff.py [POLICIES [SEED [SERVER...]]]
"""

import os
import random
import subprocess
import sys

import export_cases as cases
import export_servers
import harness
import tap
from oracle import Oracle, varies

FIELDS = ("access-control-allow-origin", "access-control-allow-credentials",
          "access-control-expose-headers")
REQUESTS = 160  # for each policy and server
SHOWN = 5       # faults of each policy and server

NAMES = ("01", "1", "t", "true", "-", "-i", "-x", "inf", "1e3", "default",
         "volatile", "include", "hostnames", "nil", "null", "p1", "p2", "str",
         "if", "--", "off", "0x10", "a" * 40, "_", "end", "n", "yes")
PATHS = ("/", "/v1", "/v1/x", "/V1", "/v1/x/y", "/b\xfcro", "/b\u00fcro/x",
         "/a.b", "/a+b", "/a$b", "/~u", "/a'b", '/a"b', "/a{b}", "/(a|b)",
         "/[a]", "/^a", "/public", "/public/admin", "/\u65e5\u672c", "/a&b",
         "/a:b@c", "/1/2/3/4/5/6/7/8/9", "/<a>", "/`a`", "/a|b", "/v1=",
         "/v10", "/...", "/.well-known", "/a!b")
HOSTS = ("*", "api.example.com", "*.example.com", "*.api.example.com",
         "a.b.api.example.com", "127.0.0.1", "[::1]", "localhost",
         "*.xn--bcher-kva.example", "a_b.example.com", "[2001:db8::1]")
ORIGINS = ("https://app.example.com", "https://app.example.com:8443",
           "https://*.apps.example.com", "https://*.ports.example.com:*",
           "http://localhost:*", "http://[::1]:9090", "null",
           "chrome-extension://abcdef", "https://xn--bcher-kva.example",
           "http://127.0.0.1:*", "https://*.dev.example.com:8443")
EXPOSED = ("X-Total", "X-Page%", "X-Odd|`~", "X'", "X&y", "X!#*+.^_",
           "x-lower", "1", "X-%d", "X-%{a}e"[:4])


def make_policy(rng):
    """The text of a policy file, which check may refuse, and each host with a
    path of it and an origin."""
    out, claimed, rules = [], set(), []
    hosts = rng.sample(HOSTS, rng.randint(1, 4))
    if rng.random() < 0.3:
        hosts = ["*"]
    paths = rng.sample(PATHS, rng.randint(1, 4)) + ["/"] * rng.randint(0, 1)
    for name in rng.sample(NAMES, rng.randint(1, 4)):
        mine = [(h, p) for h in rng.sample(hosts, rng.randint(1, len(hosts)))
                for p in [rng.choice(paths)]]
        mine = [pair for pair in mine if pair not in claimed]
        if not mine or {h for h, _ in mine} & {h for h, p in claimed
                                              if p in {q for _, q in mine}}:
            continue
        claimed |= {(h, p) for h, _ in mine for _, p in mine}
        star = rng.random() < 0.25
        origins = ["*"] if star else rng.sample(ORIGINS, rng.randint(1, 6))
        if rng.random() < 0.1:
            origins += [f"https://o{i}.example.net" for i in range(300)]
        credentials = not star and "null" not in origins and rng.random() < 0.5
        lines = [f"[policy {name}]",
                 "host = " + ", ".join(sorted({h for h, _ in mine})),
                 "path = " + ", ".join(sorted({p for _, p in mine})),
                 "allow-origins = " + "\n\t".join(origins)]
        if credentials:
            lines.append("allow-credentials = yes")
        if rng.random() < 0.6:
            lines.append("expose-headers = " + (
                "*" if star and rng.random() < 0.3 else
                ", ".join(rng.sample(EXPOSED, rng.randint(1, 4)))))
        out.append("\n".join(lines) + "\n")
        rules += [(h, p, o) for h, p in mine for o in origins[:8]]
    return "\n".join(out), rules


# --- near misses ---


def spelled(rng, path):
    """A path of the policy as a browser or an attacker may send it."""
    def byte(b):
        plain = chr(b)
        if b < 0x21 or b > 0x7e or plain in '"<>`{}%#?' or rng.random() < 0.08:
            code = f"%{b:02X}"
            return code.lower() if rng.random() < 0.5 else code
        return plain

    text = "".join(b if b == "/" else byte(ord(b)) for b in
                   path.encode("utf-8").decode("latin-1"))
    kind = rng.random()
    if kind < 0.35:
        return text + rng.choice(("", "", "/", "/x", "?q=/../x", "x", "/x%20y",
                                  "?", "/%41", "/a%2fb", ";v=1", "%2fx"))
    marks = ("//", "/;x/", "/%2f", "/\\", "%5c", "\\", ";", "%3b", ";x/",
             "/../", "/./", "/%2e%2e/", "/%2E./", "/..;/", "/..%2f", "%2f..",
             "/..%5c", "%252f", "/%252e%252e/", "%25%32%66", "%00", "%0a",
             "%7f", "%", "%4", "%zz", "#", "/..", "/.", "//name/", "%c0%af",
             "%3f", "%23", "/...", "/..x", "%2525", "%u002f", "/.;/", "/;/",
             "/%2e", "/x/%2e%2e%3bx/", "/./;", "/x;/..", "/%5c%2e%2e/")
    at = [i for i, c in enumerate(text) if c == "/"] + [len(text)]
    i = rng.choice(at)
    rest = text[i:]
    if rng.random() < 0.5:
        rest = rest[1:]
    out = text[:i] + rng.choice(marks) + rest
    return out if out.startswith("/") else "/" + out


def make_path(rng, path, paths):
    if rng.random() < 0.3:
        path = rng.choice([*paths, rng.choice(PATHS), "/x"])
    if rng.random() < 0.15:
        path = path.swapcase()
    text = spelled(rng, path)
    if rng.random() < 0.2:
        other = spelled(rng, rng.choice(paths))
        text = text.split("?")[0] + other
    return text


def make_host(rng, host):
    if rng.random() < 0.1:
        host = rng.choice(HOSTS)
    if host == "*":
        host = rng.choice(("x.test", "localhost", "api.example.com"))
    if rng.random() < 0.6:
        return host.replace("*", rng.choice(("a", "b.a", "c-d")), 1)
    if host.startswith("*"):
        host = rng.choice(("a", "b.a", "a_b", "1", "x" * 63, "-a", "a-", "a!b",
                           "x" * 64, ".", "xn--a", ".".join(["y" * 60] * 3),
                           ".".join(["y" * 60] * 4))) + host[1:]
    return rng.choice((
        host, host, host, host, host.upper(), host + ".", host + ":8080",
        host + ".:80", "x" + host, "x." + host, host + "x", host[1:] or "x",
        host.replace(".", "x", 1), host + ":", host + ":123456", host + ":a",
        "-" + host, "a!" + host, host + "..", "[::2]", "[1:2]", "[::1", "::1",
        "[:::]", "[1:2:3:4:5:6:7:8]", "[1::2:3:4:5:6:7:8]", "_"))


def make_origin(rng, origin):
    if rng.random() < 0.3:
        origin = rng.choice(ORIGINS)
    elif rng.random() < 0.6:
        return origin.replace("//*", "//b.a").replace(":*", ":8080")
    if rng.random() < 0.1:
        return rng.choice((None, "", "*", "null", "https://o7.example.net",
                           "https://o7.example.netx", "https://evil.com"))
    origin = origin.replace("//*.", "//" + rng.choice(
        ("a.", "b.a.", "-a.", "a-.", "", ".", "A.", "a_.", "x" * 64 + ".",
         ".".join(["z" * 62] * 4) + "."))) if "//*." in origin else origin
    if origin.endswith(":*"):
        origin = origin[:-2] + rng.choice(
            ("", ":1", ":80", ":443", ":65535", ":65536", ":0", ":08", ":", ":1x"))
    return rng.choice((
        origin, origin, origin, origin, origin, origin.upper(), origin + ".",
        origin + "/", origin + ":443", origin + ".evil.com", origin[:-1],
        origin.replace("https", "http"), origin.replace(".", "x", 1),
        origin + ", https://evil.com", origin + ",", "x" + origin,
        origin + " ", origin + "\xe4", origin + "x"))


# --- the servers ---


class Connection:
    """Requests over a connection that is kept while the server keeps it."""

    def __init__(self, address):
        self._address = address
        self._socket = None

    def close(self):
        if self._socket is not None:
            self._socket.close()
        self._socket = None

    def _receive(self):
        raw = b""
        while b"\r\n\r\n" not in raw:
            chunk = self._socket.recv(65536)
            if not chunk:
                return None
            raw += chunk
        answer = harness.Response(raw)
        length = int((answer.values("content-length") or ["-1"])[0])
        while length < 0 or len(answer.body) < length:
            chunk = self._socket.recv(65536)
            if not chunk:
                break
            answer.body += chunk
        if length < 0 or "close" in answer.values("connection"):
            self.close()
        return answer

    def ask(self, target, host, origins):
        head = f"GET {target} HTTP/1.1\r\n"
        head += "" if host is None else f"Host: {host}\r\n"
        head += "".join(f"Origin: {o}\r\n" for o in origins if o is not None)
        raw = (head + "\r\n").encode("latin-1")
        for _ in range(2):
            fresh = self._socket is None
            if fresh:
                self._socket = harness.connect(self._address)
            try:
                self._socket.sendall(raw)
                answer = self._receive()
            except (ConnectionResetError, BrokenPipeError):
                answer = None
            if answer is not None:
                return answer
            self.close()
            if fresh:
                break
        return None


def faults(kind, answer, wanted, may_refuse):
    """What is wrong with a response."""
    fields, vary = wanted
    got = {n: v for n, v in answer.cors().items() if n in FIELDS}
    reached = bool(answer.values("x-application"))
    for name, value in got.items():
        if fields.get(name) != value:
            yield f"more: {name}: {value}"
    refused = not got and may_refuse
    if reached and got != fields and not refused:
        yield f"less: {got}"
    if vary and not varies(answer) and reached:
        yield "no Vary"
    if not vary and varies(answer) and reached and not refused and \
            not kind.ask:
        yield "Vary"
    if varies(answer) > 1:
        yield "Vary twice"


def compare(server, oracle, rng, rules):
    """Faults of one server with one policy."""
    connection = Connection(server.plain)
    found, reached, granted = [], 0, 0
    paths = sorted({path for _, path, _ in rules})
    by_path = paths != ["/"]
    for _ in range(REQUESTS):
        host, path, origin = rng.choice(rules)
        host, path = make_host(rng, host), make_path(rng, path, paths)
        origins = [make_origin(rng, origin)]
        if rng.random() < 0.05:
            origins.append(make_origin(rng, origin))
        if len(origins) > 1 and server.first_origin_only:
            continue
        target = path
        if rng.random() < 0.05:
            target = "http://" + host + path
        if server.target_seen(target) is None:
            continue
        answer = connection.ask(target, host, origins)
        if answer is None or answer.status == 400:
            continue
        sent = [o if o is None else o.strip(" ") for o in origins]
        wanted = oracle.ask(server.host_seen(host),
                            server.target_seen(target), *sent)
        reached += bool(answer.values("x-application"))
        granted += bool(answer.cors())
        may_refuse = len(origins) > 1 or (
            by_path and cases.has_readings(path))
        for fault in faults(server, answer, wanted, may_refuse):
            found.append(f"{fault}\n{target} {host} {origins!a}\n"
                         f"wanted {wanted}\n{answer}")
    connection.close()
    return found, reached, granted


def is_valid(path):
    done = subprocess.run([harness.PREFLIGHTD, "check", "-p", path], text=True,
                          capture_output=True, check=False)
    return done.returncode == 0


def run(number, rng, kinds, totals):
    """One policy on all servers."""
    while True:
        text, rules = make_policy(rng)
        with harness.Stage() as stage:
            os.chmod(stage.folder, 0o755)
            policy = stage.write("policy.ini", text)
            if not text or not is_valid(policy):
                continue
            backend = stage.path("preflightd.sock")
            stage.start_preflightd(backend, policy)
            os.chmod(backend, 0o777)
            oracle = Oracle(backend)
            seed = rng.random()
            for kind in kinds:
                options = ()
                if kind.asks and number % 4 == 3:
                    options = kind.asks
                with harness.Stage() as own:
                    os.chmod(own.folder, 0o755)
                    parts = export_servers.export(own, kind, backend, policy,
                                                  *options)
                    server = kind(own, parts, backend, options)
                    found, reached, granted = compare(
                        server, oracle, random.Random(seed), rules)
                    totals[kind.name] = [a + b for a, b in zip(
                        totals.get(kind.name, [0, 0]), (reached, granted))]
                what = " ".join([f"policy {number}, {kind.name}", *options])
                tap.ok(not found, what, "\n\n".join(
                    [*found[:SHOWN], f"{len(found)} faults", text]))
        return


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 6
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    kinds = [k for k in export_servers.ALL if k.name != "h2o"
             and (not sys.argv[3:] or k.name in sys.argv[3:])]
    for kind in list(kinds):
        missing = harness.find(kind.program, "spawn-fcgi")
        if missing:
            tap.skip(f"export {kind.name}", f"{', '.join(missing)} missing")
            kinds.remove(kind)
    tap.note(f"seed {seed}")
    rng, totals = random.Random(seed), {}
    for number in range(count):
        run(number, rng, kinds, totals)
    for name, (reached, granted) in totals.items():
        tap.ok(reached > 20 * count and granted > count,
               f"{name}: {reached} requests reached the application, {granted} "
               "responses have CORS headers")
    tap.done()


main()
