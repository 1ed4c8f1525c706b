"""Logs of `preflightd serve` that fail, fill up or go away: nothing of it stops
an answer, and what was lost is counted and told."""

import json
import os
import re
import resource
import signal
import socket
import tempfile

from fcgi import Server, preflight, wait_for
import tap

MANY = 3000  # lines: more than the log's queue and a pipe hold


def ask_many(server, n):
    """Sends n requests; whether each was answered."""
    with server.client() as c:
        return all(c.ask().status == 204 for _ in range(n))


def requests(text):
    return len(re.findall(r"^time=\S+ level=info event=(?:request|status) .*$", text, re.M))


def left_out(text, reason):
    """What the lines of that reason count, together."""
    return sum(map(int, re.findall(rf"event=left-out reason={reason} lines=(\d+)", text)))


class Tried:
    """Waits until all lines of n requests were written, or could not be; each
    look at the status page is a request too."""

    def __init__(self, server, n, path):
        self.server, self.n, self.path = server, n, path
        self.done = wait_for(self.look)

    def look(self):
        with self.server.client() as c:
            page = c.ask({"REQUEST_METHOD": "GET", "REQUEST_URI": "/st?json"})
        known, self.n = self.n, self.n + 1
        return requests(whole_lines(text_of(self.path))) + json.loads(page.body)["log_lines_lost"] >= known


def whole_lines(text):
    """Without what a full disk cut off."""
    return text[: text.rfind("\n") + 1]


def text_of(path):
    with open(path, encoding="latin-1") as f:
        return f.read()


class Reader:
    """The end of a pipe or socket that is read from now and then."""

    def __init__(self, fd):
        self.fd, self.text = fd, ""
        os.set_blocking(fd, False)

    def read(self):
        """What has come so far."""
        try:
            while chunk := os.read(self.fd, 65536):
                self.text += chunk.decode("latin-1")
        except BlockingIOError:
            pass
        return self.text

    def accounts_for(self, n, reason):
        """Waits until lines and counts add up to n."""
        return wait_for(lambda: requests(self.read()) + left_out(self.text, reason) == n)

    def sums(self, reason):
        return requests(self.text), left_out(self.text, reason), self.text[-600:]


def full_pipe():
    """A stderr that is shared, and not read for a while."""
    read_end, write_end = os.pipe()
    with Server("--log-requests", preexec=lambda: os.dup2(write_end, 2), pass_fds=(write_end,)) as s:
        tap.ok(ask_many(s, MANY), f"stderr is a full pipe: {MANY} requests are answered")
        tap.ok(os.get_blocking(write_end), "and the pipe that is shared stays blocking")
        reader = Reader(read_end)
        tap.ok(reader.accounts_for(MANY, "slow-log"), "read again, it tells how many lines were lost",
               reader.sums("slow-log"))
        tap.ok(left_out(reader.text, "slow-log") > 0, "which are some")
        tap.ok(ask_many(s, 1) and reader.accounts_for(MANY + 1, "slow-log"), "and goes on")
        os.close(read_end)
        tap.ok(ask_many(s, 50), "nobody will ever read it: requests are answered")
        tap.is_equal(s.stop(), 0, "and it ends")
    os.close(write_end)


def fifo(folder):
    path = os.path.join(folder, "fifo")
    os.mkfifo(path)
    with Server("--log", path, "--log-requests") as s:
        tap.ok(ask_many(s, MANY), "the log is a FIFO without a reader: it starts and answers")
        reader = Reader(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
        tap.ok(reader.accounts_for(MANY, "slow-log"), "who opens it gets the first lines and a count",
               reader.sums("slow-log"))
        tap.ok("event=started" in reader.text, "with the very first")
        os.close(reader.fd)
        tap.ok(ask_many(s, MANY), "the reader goes: it answers")
        os.rename(path, path + ".old")
        with open(path, "w", encoding="ascii"):
            pass
        s.signal(signal.SIGUSR1)
        tap.ok(wait_for(lambda: left_out(text_of(path), "slow-log") > 0),
               "SIGUSR1 leads on to a file in its place, though it was full")
        tap.is_equal(s.stop(), 0, "and it ends")
        tap.ok("event=stopped" in text_of(path), "in the file")


def full_disk(folder):
    """The disk is full, or the file at its limit."""
    with Server("--log", "/dev/full", "--log-requests") as s:
        tap.ok(ask_many(s, 200), "the disk is full: requests are answered")
        tap.is_equal(s.stop(), 0, "and it ends")
    log = os.path.join(folder, "limited")

    def limited():
        resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
    with Server("--log", log, "--log-requests", "--status-path", "/st", preexec=limited) as s:
        tap.ok(ask_many(s, 200), "the log file is at its limit of size: requests are answered")
        # All of them were tried: the next file is not to be filled too.
        tried = Tried(s, 200, log)
        os.rename(log, log + ".1")
        s.signal(signal.SIGUSR1)
        tap.ok(wait_for(lambda: os.path.exists(log) and left_out(text_of(log), "failed-log") > 0),
               "in a new file it tells how many lines were lost", text_of(log + ".1")[-300:])
        tap.ok('error="File too large"' in text_of(log), "and why")

        def total():
            whole = whole_lines(text_of(log + ".1")) + text_of(log)
            return requests(whole) + left_out(whole, "failed-log")
        tap.ok(wait_for(lambda: total() == tried.n), "which adds up, with the line that was cut", f"{total()} of {tried.n}")
        tap.is_equal([x for x in text_of(log).splitlines() if not x.startswith("time=")], [],
                     "and every line in it is whole")
        tap.is_equal(s.stop(), 0, "and it ends")


def torn_line(folder):
    """A line that a full disk cut is ended before the next one."""
    log = os.path.join(folder, "torn")

    def limited():
        resource.setrlimit(resource.RLIMIT_FSIZE, (5000, resource.RLIM_INFINITY))
    with Server("--log", log, "--log-requests", "--status-path", "/st", preexec=limited) as s:
        ask_many(s, 100)
        Tried(s, 100, log)
        tap.ok(not text_of(log).endswith("\n"), "the disk is full in the middle of a line", text_of(log)[-100:])
        resource.prlimit(s.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        ask_many(s, 1)
        tap.ok(wait_for(lambda: left_out(text_of(log), "failed-log") > 0), "with room again the log goes on")
        tap.is_equal([x for x in text_of(log).splitlines() if x.count("time=") != 1], [],
                     "and no line is joined to the one that was cut")
        tap.is_equal(s.stop(), 0, "and it ends")


def sleeps(pid):
    """How often the log's thread has gone to sleep."""
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/status", encoding="ascii") as f:
            text = f.read()
        if text.startswith("Name:\tlog\n"):
            return int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", text, re.M)[1])
    return 0


def log_settles(server):
    """Waits until the lines that there are were tried; while the log fails its
    thread looks again each second."""
    before = sleeps(server.process.pid)
    wait_for(lambda: sleeps(server.process.pid) >= before + 2)


class Syslog:
    """A daemon that listens where /dev/log would be."""

    def __init__(self, path, kind=socket.SOCK_DGRAM):
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, kind)
        self.socket.bind(path)
        if kind == socket.SOCK_STREAM:
            self.socket.listen(8)
        self.socket.settimeout(10)

    def line(self):
        return self.socket.recv(65536).decode("latin-1")

    def until(self, part):
        """The first line that has a part, or the last of all."""
        line = ""
        try:
            while part not in line:
                line = self.line()
        except TimeoutError:
            pass
        return line

    def close(self):
        self.socket.close()
        os.unlink(self.path)


def syslog(folder):
    path = os.path.join(folder, "devlog")
    daemon = Syslog(path)
    with Server("--log", "syslog:" + path) as s, s.client() as c:
        line = daemon.until("event=started")
        tap.ok(re.match(r"<30>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d preflightd\[%d\]: level=info event=started "
                        % s.process.pid, line), "a line to syslog: its own head, no time of ours, no newline", line)
        c.ask(preflight(CORS_POLICY="no\nsuch"))
        line = daemon.until("event=refused")
        tap.ok(line.startswith("<27>") and "no\\x0asuch" in line and "\n" not in line,
               "an error has the priority of one, bytes of clients are escaped", line)
        daemon.close()
        for i in range(3):
            tap.is_equal(c.ask(preflight(HTTP_ORIGIN=f"https://lost{i}.example")).status, 403,
                         "the daemon is gone: requests are answered")
        log_settles(s)
        daemon = Syslog(path)
        line = daemon.until("failed-log")
        tap.ok("event=left-out reason=failed-log lines=3 error=" in line, "it comes back and is told what was lost", line)
        c.ask(preflight(HTTP_ORIGIN="https://again.example"))
        tap.ok("again.example" in daemon.until("again.example"), "and the log goes on")
        daemon.close()
        daemon = Syslog(path)
        c.ask(preflight(HTTP_ORIGIN="https://restarted.example"))
        tap.ok("restarted.example" in daemon.until("restarted.example"), "a daemon that was restarted gets the next line")
        tap.is_equal(s.log(), "", "nothing goes to stderr")
        tap.is_equal(s.stop(), 0, "it ends")
    with Server("--log", "syslog:" + path, "--log-requests") as s:
        tap.ok(ask_many(s, MANY), f"the daemon reads nothing: {MANY} requests are answered")
        tap.is_equal(s.stop(), 0, "and it ends")
    daemon.close()
    with Server("--log", "syslog:" + path) as s:
        tap.ok(ask_many(s, 1), "without a daemon it starts")
        log_settles(s)
        daemon = Syslog(path, socket.SOCK_STREAM)
        peer, _ = daemon.socket.accept()
        peer.settimeout(10)
        got = peer.recv(65536).decode("latin-1")
        tap.ok("reason=failed-log lines=" in got and got.endswith("\0"), "one that takes a stream gets NULs between lines", got)
        peer.close()
        daemon.close()


def main():
    full_pipe()
    with tempfile.TemporaryDirectory() as folder:
        fifo(folder)
        full_disk(folder)
        torn_line(folder)
        syslog(folder)
    tap.done()


main()
