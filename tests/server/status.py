"""The status page behind a real nginx, as etc/ has it, behind the other servers, and
in a real browser: what it shows, on a phone too, and what a hostile Origin does
to it.
"""

import json
import os
import socket

import chromium
import export_servers
import harness
import tap

PATH = "/preflightd/status"
SOCKET = "/run/preflightd/preflightd.sock"
HOSTILE = "https://<script>document.title='gone'</script><img src=x " \
          "onerror=\"document.title='gone'\">"
POLICY = """\
[policy api]
host = api.example.com
allow-origins = https://app.example.com, https://old.example.com:8443
allow-methods = GET, PUT
"""
NARROW, WIDE = 360, 1000
FITS = "document.documentElement.scrollWidth <= window.innerWidth"


def etc(stage, *names):
    """A file of etc/, with the test's socket."""
    with open(os.path.join(harness.TOP, "etc", *names), encoding="utf-8") as f:
        return f.read().replace(SOCKET, stage.path("preflightd.sock"))


def configuration(stage, port):
    stage.write("http.conf", etc(stage, "nginx", "http.conf"))
    stage.write("fastcgi_params", "".join(
        f"fastcgi_param {name} {value};\n" for name, value in (
            ("QUERY_STRING", "$query_string"),
            ("REQUEST_METHOD", "$request_method"),
            ("SCRIPT_NAME", "$fastcgi_script_name"),
            ("REQUEST_URI", "$request_uri"),
            ("SERVER_NAME", "$server_name"))))
    return f"""
	include http.conf;
	server {{
		listen 127.0.0.1:{port};
		include {os.path.join(harness.TOP, 'etc', 'nginx', 'server.conf')};
		{etc(stage, "nginx", "status.conf")}
	}}"""


def start(stage):
    backend = stage.path("preflightd.sock")
    policy = stage.write("policy.ini", POLICY)
    stage.start("preflightd", [
        harness.PREFLIGHTD, "serve", "-p", policy, "-l", "unix:" + backend,
        "--status-path", PATH], backend)
    os.chmod(stage.folder, 0o755)
    os.chmod(backend, 0o777)
    return backend, policy


def start_site(stage):
    start(stage)
    address = ("127.0.0.1", harness.free_port())
    stage.start_nginx(configuration(stage, address[1]), address)
    return address


def get(address, form="", method="GET"):
    return harness.request(address, f"{method} {PATH}{form}",
                           [("Host", "api.example.com")])


def preflights(address, origin, times, method="PUT"):
    for _ in range(times):
        harness.request(address, "OPTIONS /", [
            ("Host", "api.example.com"), ("Origin", origin),
            ("Access-Control-Request-Method", method)])


def status_of(address, source):
    """The status for a client of that address."""
    with socket.socket() as s:
        s.settimeout(harness.DEADLINE)
        s.bind((source, 0))
        s.connect(address)
        s.sendall(f"GET {PATH} HTTP/1.0\r\n\r\n".encode())
        return s.recv(64).decode("latin-1").split()[1]


# ---- behind the other servers ---------------------------------------------------

# The file of etc/ that delegates the page, and the line of the server's example
# that it stands before.
OTHERS = (
    (export_servers.Lighttpd, "status.conf", "include "),
    (export_servers.Apache, "status.conf", "\tProxyPass "),
    (export_servers.Haproxy, "status.cfg", "    default_backend "),
    (export_servers.Caddy, "status.caddy", "\t\timport "),
)


def is_shown(address, source):
    """Whether a client of that address sees the page."""
    with socket.socket() as s:
        s.settimeout(harness.DEADLINE)
        s.bind((source, 0))
        s.connect(address)
        s.sendall(f"GET {PATH}?json HTTP/1.1\r\nHost: api.example.com\r\n"
                  "Connection: close\r\n\r\n".encode())
        text = b""
        while chunk := s.recv(4096):
            text += chunk
    return b"\"uptime\"" in text


def behind(kind, name, line):
    with harness.Stage() as stage:
        backend, policy = start(stage)
        parts = export_servers.export(stage, kind, backend, policy)
        with open(os.path.join(harness.TOP, "etc", kind.example),
                  encoding="utf-8") as f:
            text = f.read()
        text = text.replace(line, etc(stage, kind.name, name) + line, 1)
        site = kind(stage, parts, backend, (), text).plain
        tap.ok(get(site, "?json").values("content-type") == [
            "application/json"], f"{kind.name} delegates the page")
        tap.is_equal([is_shown(site, "127.0.0.1"), is_shown(site, "127.0.0.2")],
                     [True, False],
                     f"{kind.name} shows it to its own machine alone")


def through_nginx(address):
    for form in ("", "?json", "?openmetrics=", "?html"):
        answer = get(address, form)
        head = get(address, form, "HEAD")
        tap.ok(answer.status == 200 and len(answer.body) > 1000
               and answer.values("cache-control") == ["no-store"]
               and head.status == 200 and head.body == b"",
               f"GET and HEAD of {PATH}{form}", str(answer))
    answer = get(address, method="POST")
    tap.ok(answer.status == 405 and answer.values("allow"), "POST is refused",
           str(answer))
    tap.is_equal([status_of(address, source)
                  for source in ("127.0.0.1", "127.0.0.2")], ["200", "403"],
                 "nginx shows it to this machine's own address alone")
    got = json.loads(get(address, "?json").body)
    tap.is_equal([(x["text"], x["count"]) for x in got["refused"]["origins"]],
                 [("https://old.example.com", 7), (HOSTILE, 5)],
                 "what was refused through nginx is counted")


def shown(browser):
    """The page's text as a reader sees it."""
    return browser.evaluate("document.body.innerText")


def in_browser(stage, address):
    page = "http://%s:%d%s?html" % (*address, PATH)
    with chromium.Chromium(stage) as browser:
        browser.open(page, NARROW, 740)
        text = shown(browser)
        for part in ("Healthy", "https://old.example.com:8443",
                     "policy has https://old.example.com:8443, got "
                     "https://old.example.com: other port",
                     stage.path("policy.ini") + ":3", "1 of 2 entries",
                     "<script>document.title='gone'</script><img src=x "
                     "onerror=\\x22document.title='gone'\\x22>"):
            tap.ok(part in text, f"the page shows: {part[-60:]}", text)
        tap.is_equal(browser.evaluate(
            "[document.title, document.scripts.length, document.images.length]"),
            ["healthy - preflightd", 0, 0], "the hostile Origin is text alone")
        tap.ok(browser.evaluate(FITS), "it fits on a narrow screen")
        tap.is_equal(browser.evaluate(
            "[document.documentElement.lang, document.querySelectorAll('h1')"
            ".length, !!document.querySelector('svg[role=img][aria-label]')]"),
            ["en", 1, True], "language, heading and the plot have their names")
        tap.is_equal(browser.evaluate(
            "[...new Set([...document.querySelectorAll('svg rect')].map((e) => "
            "e.getAttribute('class')))].sort()"), ["a", "r"],
            "the plot has what was allowed and refused")
        light = browser.evaluate("getComputedStyle(document.body).backgroundColor")
        browser.dark(True)
        tap.ok(browser.evaluate("getComputedStyle(document.body)"
                                ".backgroundColor") != light, "it can be dark")
        browser.screenshot(stage.path("narrow.png"))
        browser.open(page, WIDE, 900)
        tap.ok(browser.evaluate(FITS), "it fits on a wide screen")
        picture = os.environ.get("STATUS_SCREENSHOT", stage.path("status.png"))
        browser.screenshot(picture)
        with open(picture, "rb") as f:
            tap.ok(f.read(8) == b"\x89PNG\r\n\x1a\n", "a screenshot of it")
        tap.is_equal(browser.console, [], "the console has nothing to say")


missing = harness.find("nginx")
if missing:
    tap.skip_all(f"{', '.join(missing)} missing")
with harness.Stage() as private:
    site = start_site(private)
    preflights(site, "https://app.example.com", 20)
    preflights(site, "https://old.example.com", 7)
    preflights(site, HOSTILE, 5)
    through_nginx(site)
    if harness.find("chromium"):
        tap.skip("in a browser", "chromium missing")
    else:
        in_browser(private, site)
for each in OTHERS:
    missing = harness.find(each[0].program)
    if missing:
        tap.skip(f"behind {each[0].name}", f"{', '.join(missing)} missing")
    else:
        behind(*each)
tap.done()
