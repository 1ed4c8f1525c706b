"""preflightd at work: nginx with a page and an API of different origins,
preflightd under spawn-fcgi, and an application behind the API.

  demo.py [--once | --serve] [--port N]

Shows a few preflights and an actual request, then serves the page until it is
interrupted (--once: ends by itself; --serve: only serves; --port: the page's
port, the API's being the next).  The exit status is
0 where every answer was as expected.  $PREFLIGHTD names the program.
"""

import argparse
import http.server
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ETC = os.path.dirname(HERE)
DEADLINE = 15.0  # seconds for a server to come up, or to end
SOCKET = "/run/preflightd/preflightd.sock"
SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
SHOWN = ("HTTP/", "Access-Control-", "Vary:", "Preflight-Reason:")
SAFELISTED = ("GET", "HEAD", "POST")


class DemoError(Exception):
    """Something that the demo needs did not work."""


class Application(http.server.BaseHTTPRequestHandler):
    """Answers the actual requests; knows nothing of CORS."""
    protocol_version = "HTTP/1.1"

    def _answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = json.dumps({
            "answered by": "the application", "method": self.command,
            "path": self.path,
            "body": self.rfile.read(length).decode("utf-8", "replace"),
        }).encode() + b"\n"
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_PURGE = _answer

    def log_message(self, *_):
        pass


class Demo:
    """The servers, in a private folder; a context manager that ends them."""

    def __init__(self, port=None):
        self.port = port
        self.folder = tempfile.mkdtemp(prefix="preflightd-demo-")
        self.processes = []
        self.application = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        for process in reversed(self.processes):
            self._end(process)
        if self.application:
            self.application.shutdown()
            self.application.server_close()
        shutil.rmtree(self.folder)

    def _end(self, process):
        process.terminate()
        try:
            process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def path(self, name):
        return os.path.join(self.folder, name)

    def _fill(self, source, name, values):
        """Copies a file into the folder, its placeholders replaced."""
        with open(source, encoding="utf-8") as f:
            text = f.read()
        for key, value in values.items():
            text = text.replace(key, str(value))
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.write(text)

    def _start(self, name, argv, address):
        """Starts a program and waits until it takes connections."""
        with open(self.path(name + ".out"), "wb") as out:
            process = subprocess.Popen(
                argv, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=out,
                stderr=out, start_new_session=True)
        self.processes.append(process)
        self._wait(name, lambda: connects(address))

    def _wait(self, name, ready):
        """Waits until ready() while the youngest program runs."""
        process = self.processes[-1]
        end = time.monotonic() + DEADLINE
        while not ready():
            if process.poll() is not None:
                self.processes.remove(process)
                with open(self.path(name + ".out"), encoding="utf-8",
                          errors="replace") as f:
                    raise DemoError(f"{name} ended at once:\n{f.read()}")
            if time.monotonic() > end:
                raise DemoError(f"{name} does not answer")
            time.sleep(0.02)

    def start(self):
        self._start_application()
        self._start_preflightd()
        # Another program may take a port between our choice and nginx's bind.
        for attempt in range(5):
            try:
                return self._start_nginx()
            except DemoError as error:
                if attempt == 4 or self.port or "in use" not in str(error):
                    raise

    def _start_application(self):
        self.application = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), Application)
        self.application.daemon_threads = True
        threading.Thread(target=self.application.serve_forever,
                         kwargs={"poll_interval": 0.1}, daemon=True).start()

    def _start_preflightd(self):
        program = os.environ.get("PREFLIGHTD") or shutil.which("preflightd")
        if not program:
            raise DemoError("set PREFLIGHTD to the program")
        address = self.path("preflightd.sock")
        self._start("preflightd", [
            "spawn-fcgi", "-n", "-s", address, "-M", "0600", "--",
            os.path.abspath(program), "serve", "--policy",
            os.path.join(ETC, "policy.ini")], address)
        # spawn-fcgi listens before preflightd has read its policy.
        self._wait("preflightd", lambda: answers(address))

    def _start_nginx(self):
        self.page, self.api = (self.port, self.port + 1) if self.port \
            else free_ports(2)
        values = {
            "@USER@": "user root;" if os.geteuid() == 0 else "",
            "@PAGE_PORT@": self.page, "@API_PORT@": self.api,
            "@APPLICATION_PORT@": self.application.server_port,
            SOCKET: self.path("preflightd.sock"),
        }
        self._fill(os.path.join(HERE, "nginx.conf"), "nginx.conf", values)
        for name in ("http.conf", "server.conf"):
            self._fill(os.path.join(ETC, "nginx", name), name, values)
        self._fill(os.path.join(HERE, "index.html"), "page/index.html",
                   {"@API@": f"http://127.0.0.1:{self.api}"})
        self._start("nginx", ["nginx", "-e", "stderr", "-p", self.folder, "-c",
                              "nginx.conf"], ("127.0.0.1", self.api))


def connects(address):
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with socket.socket(family) as s:
        s.settimeout(DEADLINE)
        try:
            s.connect(address)
        except OSError:
            return False
    return True


def answers(address):
    """Whether a FastCGI application answers a question for its limits."""
    name = b"FCGI_MAX_CONNS"
    question = bytes([1, 9, 0, 0, 0, len(name) + 2, 0, 0, len(name), 0]) + name
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(DEADLINE)
        try:
            s.connect(address)
            s.sendall(question)
            return s.recv(1) != b""
        except OSError:
            return False


def free_ports(count):
    """TCP ports of the loopback that nothing uses now."""
    held = [socket.socket() for _ in range(count)]
    for s in held:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in held]
    for s in held:
        s.close()
    return ports


def curl(method, url, headers, body=None):
    """Sends a request and returns the answer's header lines and body."""
    argv = ["curl", "-sS", "-i", "--noproxy", "*", "--max-time", "10", "-X",
            method, url]
    for name, value in headers:
        argv += ["-H", f"{name}: {value}"]
    if body is not None:
        argv += ["--data", body]
    run = subprocess.run(argv, capture_output=True, text=True, check=False)
    if run.returncode:
        raise DemoError(run.stderr.strip())
    head, _, body = run.stdout.replace("\r\n", "\n").partition("\n\n")
    return head.split("\n"), body.strip()


def fields(lines):
    """The header fields of an answer, names in lower case."""
    pairs = (line.partition(":") for line in lines[1:])
    return {name.lower(): value.strip() for name, _, value in pairs}


def listed(value, item):
    return item.lower() in (word.strip().lower() for word in value.split(","))


def verdict(lines, origin, method, header):
    """What a browser makes of a preflight's answer."""
    got = fields(lines)
    if not lines[0].split()[1].startswith("2") or \
            got.get("access-control-allow-origin") not in ("*", origin):
        return "blocked: the origin is refused"
    if method not in SAFELISTED and \
            not listed(got.get("access-control-allow-methods", ""), method):
        return f"blocked: the method {method} is not in the list"
    if not listed(got.get("access-control-allow-headers", ""), header):
        return f"blocked: the header {header} is not in the list"
    return "the browser sends the actual request"


def show(title, method, url, headers, lines, body=""):
    print(f"\n{title}\n")
    print(f"    > {method} {url}")
    for name, value in headers:
        print(f"    > {name}: {value}")
    print()
    for line in lines:
        if line.startswith(SHOWN):
            print(f"    < {line}")
    if body:
        print(f"\n    {body}")


def show_preflights(demo):
    """Returns how many answers were not as expected."""
    url = f"http://127.0.0.1:{demo.api}/items/7"
    page = f"http://127.0.0.1:{demo.page}"
    wrong = 0
    for number, (title, origin, method, header, wanted) in enumerate((
            ("allowed", page, "PUT", "content-type", "the browser sends"),
            ("origin refused", "https://elsewhere.example", "PUT",
             "content-type", "blocked: the origin"),
            ("method refused", page, "PURGE", "content-type",
             "blocked: the method"),
            ("header refused", page, "PUT", "x-not-allowed",
             "blocked: the header")), 1):
        headers = [("Origin", origin),
                   ("Access-Control-Request-Method", method),
                   ("Access-Control-Request-Headers", header)]
        lines, body = curl("OPTIONS", url, headers)
        show(f"{number}. Preflight: {title}", "OPTIONS", url, headers, lines,
             body)
        said = verdict(lines, origin, method, header)
        good = said.startswith(wanted)
        wrong += not good
        print(f"\n    = {said}" + ("" if good else "   NOT AS EXPECTED"))
    return wrong


def show_actual(demo):
    """Returns 1 where the actual request was not answered as expected."""
    url = f"http://127.0.0.1:{demo.api}/items/7"
    page = f"http://127.0.0.1:{demo.page}"
    headers = [("Origin", page), ("Content-Type", "application/json")]
    lines, body = curl("PUT", url, headers, '{"name": "lamp"}')
    show("5. The actual request", "PUT", url, headers, lines, body)
    got = fields(lines)
    good = lines[0].split()[1] == "200" and "application" in body and \
        got.get("access-control-allow-origin") == page
    print("\n    = the page may read the answer" if good
          else "\n    = NOT AS EXPECTED")
    return int(not good)


def introduce(demo):
    print(f"""
preflightd answers CORS preflights from etc/policy.ini
    page         http://127.0.0.1:{demo.page}/
    API          http://127.0.0.1:{demo.api}/   another port: another origin
    preflights   nginx -> preflightd, under spawn-fcgi
    the rest     nginx -> an application""")


def show_all(demo):
    introduce(demo)
    wrong = show_preflights(demo) + show_actual(demo)
    print("\nEvery answer was as expected." if not wrong
          else f"\n{wrong} answers were not as expected.")
    return wrong


def wait(demo):
    """Serves until a signal ends the program."""
    print(f"""
Demo page: http://127.0.0.1:{demo.page}/
For a site of your own: README.md, "Using it"
Ctrl-C ends it.""", flush=True)
    while True:
        time.sleep(0.2)  # pause() misses a signal that comes just before it


def interrupt(*_):
    raise KeyboardInterrupt


def main():
    parser = argparse.ArgumentParser(prog="demo.py")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--once", action="store_true")
    how.add_argument("--serve", action="store_true")
    parser.add_argument("--port", type=int, choices=range(1, 65535),
                        metavar="N")
    options = parser.parse_args()
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    for number in SIGNALS:
        signal.signal(number, interrupt)
    wrong = 1
    try:
        with Demo(options.port) as demo:
            demo.start()
            wrong = 0
            if not options.serve:
                wrong = show_all(demo)
            if not options.once:
                wait(demo)
    except KeyboardInterrupt:
        print()
    except (DemoError, OSError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
