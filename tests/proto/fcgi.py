"""A FastCGI client and a running preflightd, for the protocol tests.

The client knows records, not libraries: every byte that a web server could
send, and that none should, can be sent in any pieces.
"""

import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import tap  # noqa: E402
from ports import free_port  # noqa: E402

BEGIN, ABORT, END, PARAMS, STDIN, STDOUT, STDERR, DATA = range(1, 9)
GET_VALUES, GET_VALUES_RESULT, UNKNOWN_TYPE = 9, 10, 11
RESPONDER, AUTHORIZER, FILTER = 1, 2, 3
COMPLETE, CANT_MPX_CONN, OVERLOADED, UNKNOWN_ROLE = range(4)

WAIT = 10.0  # seconds that anything may take before it counts as never

POLICY = """\
[policy api]
host = api.example.com
allow-origins = https://app.example.com
allow-methods = GET, PUT
allow-headers = Content-Type
"""

PREFLIGHT = {
    "REQUEST_METHOD": "OPTIONS",
    "REQUEST_URI": "/v1/items",
    "HTTP_HOST": "api.example.com",
    "HTTP_ORIGIN": "https://app.example.com",
    "HTTP_ACCESS_CONTROL_REQUEST_METHOD": "PUT",
}


# --- building ---


def record(kind, rid, content=b"", padding=0, version=1):
    header = struct.pack(">BBHHBB", version, kind, rid, len(content), padding, 0)
    return header + content + b"\xa5" * padding


def begin(rid=1, role=RESPONDER, keep=True, padding=0):
    body = struct.pack(">HB5x", role, 1 if keep else 0)
    return record(BEGIN, rid, body, padding)


def _length(n):
    return struct.pack(">B", n) if n < 128 else struct.pack(">I", n | 0x80000000)


def _bytes(text):
    return text if isinstance(text, bytes) else text.encode("latin-1")


def pairs(params):
    """Name-value pairs from a dict or a list of tuples."""
    out = b""
    for name, value in params.items() if isinstance(params, dict) else params:
        name, value = _bytes(name), _bytes(value)
        out += _length(len(name)) + _length(len(value)) + name + value
    return out


def params_records(stream, rid=1, size=65535, padding=0):
    """A PARAMS stream in records of at most size bytes, and its end."""
    out = b"".join(
        record(PARAMS, rid, stream[i : i + size], padding)
        for i in range(0, len(stream), size)
    )
    return out + record(PARAMS, rid, b"", padding)


def request(params=None, rid=1, role=RESPONDER, keep=True, body=b"", padding=0,
            size=65535, stdin=True):
    """A whole request."""
    out = begin(rid, role, keep, padding)
    out += params_records(pairs(PREFLIGHT if params is None else params), rid, size, padding)
    if stdin:
        for i in range(0, len(body), 65535):
            out += record(STDIN, rid, body[i : i + 65535], padding)
        out += record(STDIN, rid, b"", padding)
    return out


def preflight(**changes):
    """PREFLIGHT with some parameters changed, or left out where None."""
    params = dict(PREFLIGHT)
    for name, value in changes.items():
        if value is None:
            params.pop(name, None)
        else:
            params[name] = value
    return params


# --- reading ---


class Answer:
    """What came back for one request."""

    def __init__(self, out, err, status, app_status):
        self.out, self.err = out, err
        self.protocol_status, self.app_status = status, app_status
        head, _, self.body = out.partition(b"\r\n\r\n")
        self.fields = [
            tuple(part.strip() for part in line.decode("latin-1").split(":", 1))
            for line in head.split(b"\r\n") if b":" in line
        ]

    @property
    def status(self):
        return int((self.field("Status") or "200").split()[0])

    def field(self, name):
        for key, value in self.fields:
            if key.lower() == name.lower():
                return value
        return None


class Closed(Exception):
    """The connection ended where more was wanted."""


class Client:
    """One connection; use it in a with statement."""

    def __init__(self, server, timeout=WAIT):
        if server.tcp:
            self.socket = socket.create_connection(server.tcp, timeout)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        else:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(timeout)
            self.socket.connect(server.path)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)
        return self

    def send_bytewise(self, data):
        for i in range(len(data)):
            self.socket.sendall(data[i : i + 1])
        return self

    def half_close(self):
        self.socket.shutdown(socket.SHUT_WR)
        return self

    def _read(self, n):
        while len(self.buffer) < n:
            try:
                got = self.socket.recv(65536)
            except ConnectionResetError:
                got = b""
            if not got:
                raise Closed()
            self.buffer += got
        out, self.buffer = self.buffer[:n], self.buffer[n:]
        return out

    def record(self):
        """The next record as (type, id, content, padding)."""
        version, kind, rid, n, padding, reserved = struct.unpack(">BBHHBB", self._read(8))
        if version != 1 or reserved != 0:
            raise AssertionError(f"a header with version {version}, reserved {reserved}")
        content = self._read(n)
        return kind, rid, content, self._read(padding)

    def answer(self, rid=1):
        """The answer to one request; records of another id are an error."""
        out, err = b"", b""
        while True:
            kind, got, content, _ = self.record()
            if got != rid:
                raise AssertionError(f"a record of id {got}, wanted {rid}")
            if kind == STDOUT:
                out += content
            elif kind == STDERR:
                err += content
            elif kind == END:
                app, status = struct.unpack(">IB3x", content)
                return Answer(out, err, status, app)
            else:
                raise AssertionError(f"a record of type {kind}")

    def ask(self, params=None, **options):
        """Sends a whole request and reads its answer."""
        self.send(request(params, **options))
        return self.answer(options.get("rid", 1))

    def is_closed(self, timeout=WAIT):
        """Whether the other end closes, with nothing more to read."""
        self.socket.settimeout(timeout)
        try:
            return self.buffer == b"" and self.socket.recv(1) == b""
        except (ConnectionResetError, BrokenPipeError):
            return True
        except socket.timeout:
            return False
        finally:
            self.socket.settimeout(WAIT)

    def is_silent(self, timeout=0.2):
        """Whether nothing comes for a while, and the connection stays open."""
        self.socket.settimeout(timeout)
        try:
            self.buffer += self.socket.recv(1)
            return False
        except socket.timeout:
            return True
        except ConnectionResetError:
            return False
        finally:
            self.socket.settimeout(WAIT)


# --- the server ---


def binary():
    path = os.environ.get("PREFLIGHTD", "./preflightd")
    if not os.access(path, os.X_OK):
        tap.skip_all(f"{path} is not there")
    return os.path.abspath(path)


def is_sanitized():
    """Whether the program was built with a sanitizer, which takes memory."""
    with open(binary(), "rb") as f:
        return re.search(rb"__(asan|tsan)_init", f.read()) is not None


def wait_for(question, timeout=WAIT):
    """Asks until the answer is yes. Returns the last answer."""
    until = time.monotonic() + timeout
    while True:
        answer = question()
        if answer or time.monotonic() > until:
            return answer
        time.sleep(0.01)


def environment(command, changes):
    """What a server is started with.  LeakSanitizer looks into the process from
    outside, which a confined one does not let it."""
    env = dict(os.environ, **changes)
    if "--sandbox" in command or "--user" in command:
        env["ASAN_OPTIONS"] = env.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
    return env


class Server:
    """A preflightd of our own in a private folder; use it in a with statement.

    args go to `serve`; policy is the text of its policy file. listen=False
    leaves --listen away, tcp=True listens on a free TCP port."""

    def __init__(self, *args, policy=POLICY, tcp=False, listen=True, preexec=None,
                 stdin=subprocess.DEVNULL, pass_fds=(), env=None, wait=True):
        self.folder = tempfile.mkdtemp(prefix="pf")
        self.path = os.path.join(self.folder, "s")
        self.policy_path = os.path.join(self.folder, "policy.ini")
        self.log_path = os.path.join(self.folder, "log")
        self.out_path = os.path.join(self.folder, "out")
        self.tcp = None
        self.write_policy(policy)
        command = [binary(), "serve", "--policy", self.policy_path]
        if tcp:
            self.tcp = ("127.0.0.1", free_port())
            command += ["--listen", "%s:%d" % self.tcp]
        elif listen:
            command += ["--listen", "unix:" + self.path]
        command += args
        # Whole scripts are run once more with these (sandbox.py).
        command += os.environ.get("PREFLIGHTD_SERVE_ARGS", "").split()
        self.process = None
        try:
            with open(self.log_path, "wb") as log, open(self.out_path, "wb") as out:
                self.process = subprocess.Popen(
                    command, stdin=stdin, stdout=out, stderr=log,
                    pass_fds=pass_fds, preexec_fn=preexec,
                    env=environment(command, env or {}))
            if wait and not wait_for(lambda: self.is_up() or self.process.poll() is not None):
                raise AssertionError("it did not start")
        except BaseException:
            self.__exit__()
            raise

    def write_policy(self, text):
        temporary = self.policy_path + ".new"
        with open(temporary, "w", encoding="utf-8") as f:
            f.write(text)
        os.rename(temporary, self.policy_path)

    def is_up(self):
        try:
            with Client(self):
                return True
        except OSError:
            return False

    def client(self, timeout=WAIT):
        return Client(self, timeout)

    def log(self):
        with open(self.log_path, encoding="latin-1") as f:
            return f.read()

    def lines(self, *parts):
        """The log's lines that have all of the parts."""
        return [line for line in self.log().splitlines() if all(p in line for p in parts)]

    def saw(self, *parts):
        """Waits for such a line."""
        return wait_for(lambda: self.lines(*parts))

    def out(self):
        with open(self.out_path, "rb") as f:
            return f.read()

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, timeout=WAIT):
        """The exit status, or None where it does not end."""
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            return None

    def stop(self):
        """Stops it; the exit status."""
        self.signal(signal.SIGTERM)
        return self.wait(15)

    def stopped_counters(self):
        """Stops it; the counters of its last line."""
        self.stop()
        line = self.lines("event=stopped")[-1]
        return {k: int(v) for k, v in (p.split("=") for p in line.split()[3:])}

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        if self.process is not None and self.process.poll() is None:
            self.signal(signal.SIGTERM)
            if self.wait(15) is None:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
