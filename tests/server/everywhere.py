"""One policy file serves six web servers at once, all of them asking one
preflightd, but for a mod_fcgid that starts its own: verify finds nothing on any
of them, and a browser comes to the same outcome on each.
"""

import contextlib
import json
import os
import shutil
import socketserver
import subprocess
import threading
import urllib.parse

import chromium
import export_servers
import fcgid
import harness
import tap

POLICY = os.path.join(harness.TOP, "tests", "server", "everywhere.ini")
API, PARTNER = "api.example.com", "www.partner.example.com"
SITES = [(API, "/x"), (API, "/public/x"), (PARTNER, "/public/x")]
PAGES = ("app.example.com", "b.a.apps.example.com", "evil.example.net")
HTML = b"<!doctype html><title>a page</title>"


# ---- the application and the pages --------------------------------------------

class Application(export_servers.Application):
    """Says what has reached it; below /missing with 404."""
    refused = []  # requests that no browser may have sent

    def _answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = json.dumps({
            "method": self.command, "cookie": self.headers.get("Cookie"),
            "login": self.headers.get("Authorization"),
            "body": self.rfile.read(length).decode()}).encode()
        path = urllib.parse.urlsplit(self.path).path
        if self.command in ("DELETE", "OPTIONS") or "X-Refused" in self.headers:
            self.refused.append(f"{self.command} {self.path}")
        self.send_response(404 if "missing" in path else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("X-Total", "3")
        self.send_header("X-Hidden", "4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = _answer


class Page(harness._Application):
    """The same empty page for every host."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(HTML)))
        self.end_headers()
        self.wfile.write(HTML)


class _Pages(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True
    allow_reuse_address = True


@contextlib.contextmanager
def pages():
    """Serves the pages; gives their port."""
    with _Pages(("127.0.0.1", harness.free_port()), Page) as server:
        thread = threading.Thread(target=server.serve_forever,
                                  kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield server.server_address[1]
        server.shutdown()


# ---- the servers --------------------------------------------------------------

def start(stack, kind, backend):
    """Starts a server in a folder of its own; returns its address."""
    stage = stack.enter_context(harness.Stage())
    os.chmod(stage.folder, 0o755)
    os.chmod(shutil.copyfile(POLICY, stage.path("policy.ini")), 0o644)
    parts = export_servers.export(stage, kind, backend, POLICY)
    return kind(stage, parts, backend).plain


def kinds():
    """The servers by name; those that are missing are skipped."""
    for kind in (*export_servers.ALL, fcgid.Fcgid):
        name = "mod_fcgid" if kind is fcgid.Fcgid else kind.name
        missing = (fcgid.missing() if kind is fcgid.Fcgid
                   else harness.find(kind.program))
        if missing:
            tap.skip(name, f"{', '.join(missing)} missing")
        else:
            yield name, kind


def verified(servers):
    """verify over the URLs of all of them."""
    names = ("api", "www.partner")
    resolved = [word for _, (host, port) in servers for name in names
                for word in ("--resolve", f"{name}.example.com:{port}:{host}")]
    urls = [f"http://{host}:{port}{path}" for _, (_, port) in servers
            for host, path in SITES]
    done = subprocess.run(
        [harness.PREFLIGHTD, "verify", "-p", POLICY, "--rate", "1000",
         *resolved, *urls], text=True, capture_output=True, check=False)
    tap.ok(done.returncode == 0 and done.stdout.count(", ok\n") == len(urls),
           f"verify finds nothing on {len(servers)} servers, "
           f"{len(urls)} URLs", done.stdout + done.stderr)


# ---- the browser --------------------------------------------------------------

# Sends one request from the page; gives what the page can see of the answer.
ASK = """async ([url, options]) => {
    try {
        const answer = await fetch(url, options);
        return {status: answer.status, total: answer.headers.get("X-Total"),
                hidden: answer.headers.get("X-Hidden"),
                saw: await answer.json()};
    } catch (error) {
        return error.name;
    }
}"""

JSON = {"Content-Type": "application/json"}
LOGIN = {**JSON, "Authorization": "Bearer t"}
BLOCKED = "TypeError"


def options(method="GET", headers=None, cookies=False):
    """Options of fetch()."""
    made = {"method": method, "headers": headers or {},
            "credentials": "include" if cookies else "omit",
            "cache": "no-store"}
    if method == "PUT":
        made["body"] = '{"a":1}'
    return made


def read(status=200, method="GET", cookie=None, login=None, hidden=None):
    """What a page sees of an answer that it may read."""
    return {"status": status, "total": "3", "hidden": hidden,
            "saw": {"method": method, "cookie": cookie, "login": login,
                    "body": '{"a":1}' if method == "PUT" else ""}}


PUT = read(method="PUT", login="Bearer t")
PUT_COOKIE = read(method="PUT", login="Bearer t", cookie="c=1")
OPEN_PUT = read(method="PUT", hidden="4")

# What, host, path, options, then what the policy says to each page of PAGES.
CASES = (
    ("PUT of JSON with a login", API, "/x", options("PUT", LOGIN),
     (PUT, PUT, BLOCKED)),
    ("PUT of JSON with a login and cookies", API, "/x",
     options("PUT", LOGIN, True), (PUT_COOKIE, PUT_COOKIE, BLOCKED)),
    ("GET with cookies", API, "/x", options(cookies=True),
     (read(cookie="c=1"), read(cookie="c=1"), BLOCKED)),
    ("a refused method", API, "/x", options("DELETE"), (BLOCKED,) * 3),
    ("a refused header", API, "/x", options(headers={"X-Refused": "1"}),
     (BLOCKED,) * 3),
    ("the body of a 404", API, "/missing", options(),
     (read(404), read(404), BLOCKED)),
    ("the body of a 404 after a preflight", API, "/missing",
     options("PUT", JSON), (read(404, "PUT"), read(404, "PUT"), BLOCKED)),
    ("for everyone, PUT", API, "/public/x", options("PUT", JSON),
     (OPEN_PUT,) * 3),
    ("for everyone, but not with cookies", API, "/public/x",
     options(cookies=True), (BLOCKED,) * 3),
    ("for everyone, but no login", API, "/public/x", options("PUT", LOGIN),
     (BLOCKED,) * 3),
    ("another host", PARTNER, "/public/x", options("PUT", JSON),
     (BLOCKED, {**OPEN_PUT, "total": None, "hidden": None}, BLOCKED)),
    ("another host, with cookies", PARTNER, "/x", options(cookies=True),
     (BLOCKED,) * 3),
)


def ask(browser, servers):
    """Every case on every server, from the page that is open."""
    asked = [[f"http://{host}:{port}{path}", made]
             for _, (_, port) in servers for _, host, path, made, _ in CASES]
    answers = browser.evaluate(
        "Promise.all(%s.map(%s))" % (json.dumps(asked), ASK))
    for number, (name, _) in enumerate(servers):
        yield name, answers[number * len(CASES):(number + 1) * len(CASES)]


def in_browser(servers):
    """One Chromium, a page of each origin."""
    if harness.find("chromium"):
        tap.skip("in a browser", "chromium missing")
        return
    rules = "--host-resolver-rules=MAP *.example.com 127.0.0.1, " \
        "MAP *.example.net 127.0.0.1"
    with harness.Stage() as stage, pages() as port, \
            chromium.Chromium(stage, rules) as browser:
        for which, page in enumerate(PAGES):
            browser.open(f"http://{page}:{port}/")
            browser.cookie("c", "1", f"http://{API}/")
            for name, answers in ask(browser, servers):
                for case, got in zip(CASES, answers):
                    tap.is_equal(got, case[-1][which],
                                 f"{name}: from {page}: {case[0]}")
    tap.is_equal(Application.refused, [],
                 "no refused request has reached the application")


def ports_differ():
    """What the servers of one configuration rely on."""
    ports = [harness.free_port() for _ in range(300)]
    tap.is_equal(len(set(ports)), len(ports), "no port is given out twice")


missing = harness.find("spawn-fcgi")
if missing:
    tap.skip_all(f"{', '.join(missing)} missing")
ports_differ()
export_servers.Server.handler = Application
with contextlib.ExitStack() as stack:
    common = stack.enter_context(harness.Stage())
    os.chmod(common.folder, 0o755)
    address = common.path("preflightd.sock")
    common.start_preflightd(address, POLICY)
    os.chmod(address, 0o777)
    running = [(name, start(stack, kind, address)) for name, kind in kinds()]
    verified(running)
    in_browser(running)
tap.done()
