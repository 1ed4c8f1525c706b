"""Real servers for the tests: a private folder, unix sockets or free ports,
readiness by connecting, and everything that was started ended by its pid.
"""

import http.server
import os
import shutil
import socket
import socketserver
import subprocess
import sys
import tempfile
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PREFLIGHTD = os.environ.get("PREFLIGHTD", os.path.join(TOP, "preflightd"))
DEADLINE = 20.0  # seconds for anything that must happen

os.environ["PATH"] += ":/usr/sbin:/sbin"
sys.path.insert(0, os.path.join(TOP, "tests"))
from ports import free_port  # noqa: E402,F401  (for the tests)


def find(*programs):
    """The programs of these that are missing."""
    return [p for p in programs if not shutil.which(p)]


def connect(address):
    """A connection to a unix socket's path or to a (host, port)."""
    if isinstance(address, tuple):
        return socket.create_connection(address, timeout=DEADLINE)
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(DEADLINE)
    try:
        s.connect(address)
    except OSError:
        s.close()
        raise
    return s


def wait_until(question, what):
    """Asks until the answer is true, or raises TimeoutError."""
    end = time.monotonic() + DEADLINE
    while not question():
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {DEADLINE:g} s")
        time.sleep(0.01)


class Stage:
    """A private folder and the processes that live in it; a context manager
    that ends and removes all of them, the youngest first."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="preflightd-")
        self._processes = []
        self._applications = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for application in self._applications:
            application.shutdown()
            application.server_close()
        for process in reversed(self._processes):
            self.stop(process)
        shutil.rmtree(self.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        """Writes a file into the folder and returns its path."""
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.write(text)
        return self.path(name)

    def read(self, name):
        with open(self.path(name), encoding="utf-8", errors="replace") as f:
            return f.read()

    def start(self, name, argv, address):
        """Starts a program, its output in NAME.log, and waits until address
        takes connections."""
        with open(self.path(name + ".log"), "ab") as log:
            process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True)
        self._processes.append(process)

        def ready():
            if process.poll() is not None:
                raise RuntimeError(
                    f"{name} ended with {process.returncode}:\n"
                    + self.read(name + ".log"))
            try:
                connect(address).close()
            except OSError:
                return False
            return True
        wait_until(ready, f"{name} at {address}")
        return process

    def stop(self, process):
        """Ends a program that start() started and returns its status."""
        if process in self._processes:
            self._processes.remove(process)
        if process.poll() is None:
            process.terminate()
        try:
            return process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    def start_nginx(self, http, address, user="root"):
        """Starts nginx with these lines in http { }; its errors go to
        nginx-error.log. Where root starts it, its worker runs as user."""
        temporary = "\n\t".join(
            f"{kind}_temp_path {self.path(kind)};"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        conf = self.write("nginx.conf", f"""\
{f"user {user};" if os.geteuid() == 0 else ""}
worker_processes 1;
daemon off;
pid {self.path("nginx.pid")};
events {{ worker_connections 256; }}
http {{
	access_log off;
	{temporary}
	{http}
}}
""")
        return self.start("nginx", [
            "nginx", "-e", self.path("nginx-error.log"), "-p", self.folder,
            "-c", conf], address)

    def start_application(self):
        """Starts what stands behind the web server; returns its socket."""
        address = self.path("application.sock")
        application = _UnixServer(address, _Application)
        self._applications.append(application)
        threading.Thread(target=application.serve_forever,
                         kwargs={"poll_interval": 0.05}, daemon=True).start()
        return address

    def start_preflightd(self, address, policy, spawner="spawn-fcgi"):
        """Starts preflightd on a unix socket's path or a (host, port), under
        spawn-fcgi alone or under spawn-fcgi and multiwatch."""
        where = (["-s", address] if isinstance(address, str)
                 else ["-a", address[0], "-p", str(address[1])])
        argv = ["spawn-fcgi", "-n", *where, "--"]
        if spawner == "multiwatch":
            argv += [shutil.which("multiwatch"), "-f", "2", "-s", "TERM", "--"]
        argv += [PREFLIGHTD, "serve", "-p", policy]
        return self.start("preflightd", argv, address)


class _UnixServer(socketserver.ThreadingMixIn, http.server.HTTPServer):
    address_family = socket.AF_UNIX
    daemon_threads = True

    def server_bind(self):
        self.socket.bind(self.server_address)
        self.server_name, self.server_port = "application", 0


class _Application(http.server.BaseHTTPRequestHandler):
    """Answers everything, with no CORS header of its own."""
    protocol_version = "HTTP/1.1"

    def _answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.command.encode() + b" " + self.rfile.read(length)
        self.send_response(200)
        self.send_header("X-Application", "reached")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = _answer

    def address_string(self):
        return "unix"

    def log_message(self, *_):
        pass


class Response:
    """An HTTP response: status, headers (lower-case name, value), body."""

    def __init__(self, raw):
        head, _, self.body = raw.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        words = lines[0].split(" ", 2)
        self.status = int(words[1]) if len(words) > 1 else 0
        self.headers = []
        for line in lines[1:]:
            name, _, value = line.partition(":")
            self.headers.append((name.lower(), value.strip()))

    def values(self, name):
        return [v for n, v in self.headers if n == name.lower()]

    def cors(self):
        """The Access-Control header fields, repeated ones joined visibly."""
        fields = {}
        for name, value in self.headers:
            if name.startswith("access-control-"):
                fields[name] = (fields[name] + " AND " + value
                                if name in fields else value)
        return fields

    def __str__(self):
        return "\n".join([str(self.status)]
                         + [f"{n}: {v}" for n, v in self.headers])


def request(address, line, headers, body=b""):
    """Sends one request as it stands, odd ones too, on a connection of its own
    and returns the Response.  line is the request line without the version;
    text is sent as latin-1."""
    head = "".join(f"{n}: {v}\r\n" for n, v in headers)
    raw = f"{line} HTTP/1.1\r\n{head}Connection: close\r\n\r\n".encode("latin-1")
    answer = b""
    with connect(address) as s:
        try:
            s.sendall(raw + body)
            while chunk := s.recv(65536):
                answer += chunk
        except (BrokenPipeError, ConnectionResetError):
            pass  # a server may answer and close before it has read it all
        except TimeoutError:
            pass  # status 0 tells it where nothing came
    return Response(answer)
