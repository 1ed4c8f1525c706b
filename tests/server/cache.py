"""nginx's cache in front of preflightd, as `export nginx --cache` writes it:
every answer is the one without a cache, also the second and the third time;
no request gets another one's answer; a changed policy takes effect; what is
kept is bounded.
"""

import os
import random
import signal
import subprocess

import cases
import harness
import tap

POLICY = os.path.join(harness.TOP, "tests", "server", "policy.ini")
# Servers of nginx.py that the exported parts do not make.
OTHER_HOSTS = ("named.example.com", "everything.example.com")
SMALL = """\
[policy small]
allow-origins = {}
"""


class Nginx:
    """nginx with a cache, and the preflightd behind it."""

    def __init__(self, stage, policy, time):
        os.chmod(stage.folder, 0o755)
        self.stage, self.policy, self.time = stage, policy, time
        self.socket = stage.path("preflightd.sock")
        self.daemon = stage.start_preflightd(self.socket, policy)
        os.chmod(self.socket, 0o777)
        self.address = stage.path("http.sock")
        self.asked = 0
        self.export()
        stage.write("passwords", "u:{PLAIN}p\n")
        self.process = stage.start_nginx(self.configuration(), self.address)

    def export(self):
        for part in ("http", "server", "headers"):
            done = subprocess.run(
                [harness.PREFLIGHTD, "export", "nginx", "-p", self.policy,
                 "--socket", "unix:" + self.socket, f"--cache={self.time}",
                 "--cache-path", self.stage.path("cache"), "--part", part,
                 "-o", self.stage.path(part)],
                text=True, capture_output=True, check=False)
            if done.returncode != 0:
                raise RuntimeError(done.stderr)

    def configuration(self):
        application = self.stage.start_application()

        def server(names, extra=""):
            return f"""
	server {{
		listen unix:{self.address};
		server_name {names};
		access_log {self.stage.path('cache.log')} cache;
		include server;
		{extra}
		location / {{ proxy_pass http://application; }}
	}}"""
        return f"""
	log_format cache $upstream_cache_status;
	keepalive_requests 1000000;
	add_header X-Inherited "must not be on a preflight" always;
	fastcgi_ignore_headers Vary;
	fastcgi_cache_use_stale error timeout updating;
	upstream application {{ server unix:{application}; }}
	include http;
	{server("_")}
	{server("auth.example.com",
            'auth_basic "test"; auth_basic_user_file passwords;')}"""

    def ask(self, case):
        self.asked += 1
        return harness.request(self.address, case.line, case.headers,
                               case.body)

    def log(self):
        """What the cache did with each request so far."""
        lines = []

        def is_whole():
            lines[:] = self.stage.read("cache.log").splitlines()
            return len(lines) >= self.asked
        harness.wait_until(is_whole, "nginx's log")
        return lines

    def files(self):
        return os.listdir(self.stage.path("cache"))


def seen(answer):
    """What a client sees of an answer."""
    return (answer.status, answer.body,
            sorted(h for h in answer.headers if h[0] not in
                   ("date", "content-length", "transfer-encoding")))


def request_size(case):
    return len(case.line) + sum(len(n) + len(v) + 4 for n, v in case.headers)


def is_right(case, answer, what):
    found = list(cases.faults(case, answer, "nginx"))
    tap.ok(not found, what, "\n".join(
        [*found, case.line, *map(str, case.headers), f"answer: {answer}"]))


def table():
    """The table that all servers share, each case three times: passed on,
    kept, and answered by nginx where it is a grant."""
    with harness.Stage() as stage:
        nginx = Nginx(stage, POLICY, "60m")
        for case in cases.all_cases():
            if dict(case.headers)["Host"] in OTHER_HOSTS:
                continue
            answers = [nginx.ask(case) for _ in range(3)]
            for turn, answer in enumerate(answers):
                is_right(case, answer, f"cached, {turn + 1}: {case.what}")
            tap.ok(seen(answers[0]) == seen(answers[1]) == seen(answers[2]),
                   f"cached: {case.what}: always the same")
            granted = case.by == "preflightd" and case.cors
            kept = granted and request_size(case) < 2900
            log = nginx.log()[-3:]
            tap.ok((log[2] == "HIT") if kept else ("HIT" not in log),
                   f"cached: {case.what}: {'' if kept else 'not '}kept", log)
        verified(nginx)
        tap.is_equal(stage.read("nginx-error.log").count("[alert]"), 0,
                     "nginx has nothing to complain about")


def verified(nginx):
    """`preflightd verify` finds nothing wrong with what is cached."""
    port = harness.free_port()
    stage = nginx.stage
    conf = stage.read("nginx.conf").replace(
        f"listen unix:{nginx.address};",
        f"listen unix:{nginx.address}; listen 127.0.0.1:{port};").replace(
            "include server;", "include server; include headers;")
    stage.write("nginx.conf", conf)
    nginx.process.send_signal(signal.SIGHUP)

    def is_open():
        try:
            harness.connect(("127.0.0.1", port)).close()
        except OSError:
            return False
        return True
    harness.wait_until(is_open, "nginx's second address")
    for turn in range(3):
        done = subprocess.run(
            [harness.PREFLIGHTD, "verify", "-p", nginx.policy, "--rate",
             "1000", "--resolve", f"api.example.com:{port}:127.0.0.1",
             f"http://api.example.com:{port}/x",
             f"http://api.example.com:{port}/public"],
            text=True, capture_output=True, check=False)
        tap.is_equal((done.returncode, done.stderr), (0, ""),
                     f"cached: verify finds nothing, {turn + 1}")


def alike():
    """Preflights that a careless key takes for one another."""
    def echo(asked, names, method="PUT", status=204):
        fields = {"access-control-allow-origin": cases.APP,
                  "access-control-allow-credentials": "true",
                  "access-control-allow-methods": method}
        if names:
            fields["access-control-allow-headers"] = names
        return cases.preflight(f"{method}, {asked}", status, fields,
                               host="echo.example.com", method=method,
                               asked=asked)

    for asked, names in ((None, ""), ("x-a", "x-a"), ("x-b", "x-b"),
                         ("x-a,x-b", "x-a, x-b"), ("x-b,x-a", "x-b, x-a"),
                         (["x-a", "x-b"], "x-a, x-b"),
                         (["x-a", "x-c"], "x-a, x-c"),
                         (["x-a", "x-b,x-c"], "x-a, x-b, x-c")):
        yield echo(asked, names)
    yield echo("x-a", "x-a", "PUTx-a")
    yield echo("x-ax-a", "x-ax-a", "PUT")
    yield cases.refused("a second line of no token", host="echo.example.com",
                        asked=["x-a", "x b"])
    for origin in (cases.APP, cases.APP + ":8443",
                   "https://a.apps.example.com", "https://b.apps.example.com"):
        for path in ("/x", "/x?a", "/xy"):
            yield cases.preflight(f"{origin} at {path}", 204,
                                  cases.api(origin), origin=origin, path=path)
    for more in ([], [""], ["https://evil.com"], [cases.APP]):
        again = [cases.APP, *more]
        granted = more in ([], [""])
        yield cases.preflight(f"{again}", 204 if granted else 403,
                              cases.api(cases.APP) if granted else {},
                              origin=again)
    yield cases.refused("two methods", method=["PUT", "PUT"])
    yield cases.refused("a foreign origin", origin="https://evil.com")
    yield cases.preflight("another host", 204, {
        "access-control-allow-origin": cases.APP,
        "access-control-allow-methods": "GET, PATCH",
        "access-control-allow-headers": "X-Tenant"},
        host="a.tenants.example.com", path="/x")
    yield cases.preflight("another path", 204, cases.PUBLIC, path="/public")
    yield cases.refused("another path, refused", 404, path="/admin")
    # A 200, to which nginx applies what it finds in a request.
    for name, value in (("If-Match", '"x"'), ("If-None-Match", "*"),
                        ("If-Modified-Since", "Sun, 22 Nov 2026 00:00:00 GMT"),
                        ("If-Unmodified-Since",
                         "Sun, 22 Nov 2015 00:00:00 GMT"),
                        ("Range", "bytes=0-"), ("X-Nothing", "")):
        case = cases.preflight(f"a 200 with {name}", 200, cases.admin(),
                               path="/admin",
                               origin="https://admin.example.com")
        case.headers.append((name, value))
        yield case


def mixed():
    """All of them in turn, in several orders."""
    with harness.Stage() as stage:
        nginx = Nginx(stage, POLICY, "60m")
        order = list(alike())
        for turn in range(4):
            for case in order:
                is_right(case, nginx.ask(case),
                         f"in turn, {turn + 1}: {case.what}")
            random.Random(turn).shuffle(order)
        hits = nginx.log()[-len(order):].count("HIT")
        tap.ok(hits > len(order) // 2, "in turn: most are kept in the end",
               f"{hits} of {len(order)}")
        body(nginx)


def body(nginx):
    """A preflight with a body, kept or not, leaves the connection whole."""
    head = ("OPTIONS /x HTTP/1.1\r\nHost: api.example.com\r\n"
            f"Origin: {cases.APP}\r\n"
            "Access-Control-Request-Method: PUT\r\n")
    with harness.connect(nginx.address) as s:
        s.sendall((head + "Content-Length: 4\r\n\r\nbody").encode() * 3
                  + (head + "Connection: close\r\n\r\n").encode())
        answer = b""
        while chunk := s.recv(65536):
            answer += chunk
    nginx.asked += 4
    tap.is_equal(answer.count(b"HTTP/1.1 204"), 4,
                 "a preflight's body is no request")


def small(origin=cases.APP):
    return cases.preflight("a preflight", 204, {
        "access-control-allow-origin": origin,
        "access-control-allow-methods": "GET, HEAD, POST"}, origin=origin)


def is_kept(nginx, case, what):
    """Asks until nginx answers by itself."""
    answer = None

    def is_hit():
        nonlocal answer
        answer = nginx.ask(case)
        return nginx.log()[-1] == "HIT"
    harness.wait_until(is_hit, what)
    is_right(case, answer, f"{what}: kept")


def change(nginx):
    """Takes the origin away, and has preflightd load that."""
    nginx.stage.write("small.ini", SMALL.format("https://new.example.com"))
    nginx.daemon.send_signal(signal.SIGHUP)


def until(nginx, status, what):
    """Waits for an answer without CORS headers, of that status."""
    answer = None

    def is_there():
        nonlocal answer
        answer = nginx.ask(small())
        return answer.status == status
    harness.wait_until(is_there, what)
    tap.ok(not answer.cors(), what, str(answer))


def reloaded():
    """A reload of the policy alone takes effect when answers expire; so does
    an end of preflightd."""
    with harness.Stage() as stage:
        nginx = Nginx(stage, stage.write("small.ini",
                                         SMALL.format(cases.APP)), "1s")
        is_kept(nginx, small(), "for 1 s")
        change(nginx)
        until(nginx, 403, "a reload takes effect without a new export")
        new = small("https://new.example.com")
        is_kept(nginx, new, "the new origin")
        stage.stop(nginx.daemon)
        answer = None

        def is_gone():
            nonlocal answer
            answer = nginx.ask(new)
            return answer.status == 502
        harness.wait_until(is_gone, "expired answers")
        tap.ok(not answer.cors(), "preflightd down: nothing stale is served",
               str(answer))


def exported():
    """A new export takes effect at once: the key holds the digest."""
    with harness.Stage() as stage:
        nginx = Nginx(stage, stage.write("small.ini",
                                         SMALL.format(cases.APP)), "60m")
        is_kept(nginx, small(), "for an hour")
        change(nginx)
        harness.wait_until(
            lambda: nginx.ask(small("https://new.example.com")).status == 204,
            "preflightd's reload")
        is_right(small(), nginx.ask(small()),
                 "until it expires an answer is that of the old policy")
        nginx.export()
        nginx.process.send_signal(signal.SIGHUP)
        until(nginx, 403, "a new export takes effect at once")


def down():
    """Without preflightd what is kept is answered, and nothing else."""
    with harness.Stage() as stage:
        nginx = Nginx(stage, stage.write("small.ini",
                                         SMALL.format(cases.APP)), "60m")
        is_kept(nginx, small(), "for an hour")
        stage.stop(nginx.daemon)
        is_right(small(), nginx.ask(small()),
                 "preflightd down: what is kept is answered")
        case = small()
        case.line += "other"
        answer = nginx.ask(case)
        tap.ok(answer.status == 502 and not answer.cors(),
               "preflightd down: 502 for the rest", str(answer))
        answer = nginx.ask(cases.Case("", "GET /", small().headers, 200))
        tap.ok(answer.values("x-application"),
               "preflightd down: actual requests go on", str(answer))


def flood(nginx, count, times):
    """Asks with so many origins, each so many times in a row; returns how
    often they were granted."""
    raw = b"".join(
        (f"OPTIONS / HTTP/1.1\r\nHost: h\r\nOrigin: https://o{n}.example\r\n"
         "Access-Control-Request-Method: GET\r\n\r\n").encode() * times
        for n in range(count))
    end = (b"OPTIONS / HTTP/1.1\r\nHost: h\r\nOrigin: https://end.example\r\n"
           b"Access-Control-Request-Method: GET\r\nConnection: close\r\n\r\n")
    granted, tail, at = 0, b"", 0
    raw += end
    with harness.connect(nginx.address) as s:
        while at < len(raw):
            # Not more than what answers have room for on the way back.
            cut = raw.find(b"\r\n\r\n", at + 16384)
            cut = len(raw) if cut == -1 else cut + 4
            asked = raw.count(b"\r\n\r\n", at, cut)
            s.sendall(raw[at:cut])
            at = cut
            while asked > 0 and (chunk := s.recv(65536)):
                tail += chunk
                *whole, tail = tail.split(b"\r\n\r\n")
                asked -= len(whole)
                granted += sum(b"HTTP/1.1 204" in w and b"\nAccess-Control-"
                               b"Allow-Origin: *" in w for w in whole)
    nginx.asked += count * times + 1
    return granted


def bounded():
    """A client that asks with ever new origins."""
    with harness.Stage() as stage:
        nginx = Nginx(stage, stage.write("small.ini", SMALL.format("*")), "60m")
        tap.is_equal(flood(nginx, 100, 1), 101, "100 origins are granted")
        tap.is_equal(len(nginx.files()), 0, "what is asked once is not kept")
        tap.is_equal(flood(nginx, 100, 1), 101, "... nor refused then")
        tap.is_equal(len(nginx.files()), 101, "what is asked twice is kept")
        tap.is_equal(flood(nginx, 10000, 2), 20001, "10,000 origins are "
                     "granted, more than there is room for")
        kept = len(nginx.files())
        tap.ok(4000 < kept < 10000, "the oldest make room", kept)
        tap.ok(all(os.path.getsize(os.path.join(stage.path("cache"), name))
                   <= 8192 for name in nginx.files()),
               "what is kept is small")
        is_kept(nginx, cases.preflight(
            "after the flood", 204, {
                "access-control-allow-origin": "*",
                "access-control-allow-methods": "GET, HEAD, POST"}),
            "after the flood")
        tap.is_equal(stage.read("nginx-error.log").count("[alert]"), 0,
                     "after the flood nginx has nothing to complain about")


missing = harness.find("nginx", "spawn-fcgi")
if missing:
    tap.skip_all(f"{', '.join(missing)} missing")
for part in (table, mixed, reloaded, exported, down, bounded):
    part()
tap.done()
