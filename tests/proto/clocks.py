"""Nothing depends on how long the machine has been up, or on a clock that
jumps: all that asks for the time, on a machine that was just started, has been
up for an hour or for ten years, and with a time of day that goes for and back."""

import ctypes
import json
import os
import re
import signal
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../fault"))
from fcgi import Server, preflight, wait_for  # noqa: E402
import tap  # noqa: E402
from faults import Faults  # noqa: E402

CLONE_NEWTIME = 0x80
YEAR = 365 * 86400
UPTIMES = (("2 s", 2), ("59 min 59 s", 3599), ("ten years", 10 * YEAR))
FORMS = ("", "json", "openmetrics", "html")
MANY = 30  # refusals: more than lines of a second

POLICIES = "".join(f"""\
[policy p{i}]
host = h{i}.example.com
allow-origins = https://o{{}}.example.com
""" for i in range(100))

def policy(number):
    return POLICIES.replace("{}", str(number))


libc = ctypes.CDLL(None, use_errno=True)


def is_good(status):
    if status != 0:
        raise OSError(ctypes.get_errno(), "time namespace")


def enter(uptime):
    """Puts the calling process, which has one thread, where the machine has been
    up for so long."""
    is_good(libc.unshare(CLONE_NEWTIME))
    offsets = []
    for name, clock in (("monotonic", time.CLOCK_MONOTONIC), ("boottime", time.CLOCK_BOOTTIME)):
        seconds, rest = divmod(uptime * 10**9 - time.clock_gettime_ns(clock), 10**9)
        offsets.append(f"{name} {seconds} {rest}\n")
    with open("/proc/self/timens_offsets", "w", encoding="ascii") as f:
        f.write("".join(offsets))
    fd = os.open("/proc/self/ns/time_for_children", os.O_RDONLY)
    try:
        is_good(libc.setns(fd, CLONE_NEWTIME))
    finally:
        os.close(fd)


def can_enter():
    child = os.fork()
    if child == 0:
        try:
            enter(2)
            os._exit(0 if time.monotonic() < 60 else 1)
        except OSError:
            os._exit(1)
    return os.waitpid(child, 0)[1] == 0


def origin(number, **more):
    return preflight(HTTP_HOST="h7.example.com", HTTP_ORIGIN=f"https://o{number}.example.com", **more)


class Clocked:
    """A server of which everything that asks for the time is tried."""

    def __init__(self, server, name):
        self.server, self.name, self.number = server, name, 0

    def ok(self, passed, what, detail=""):
        tap.ok(passed, f"{self.name}: {what}", detail)

    def status(self, form="json"):
        with self.server.client() as c:
            answer = c.ask({"REQUEST_METHOD": "GET", "REQUEST_URI": "/st" + (form and "?" + form)})
        return answer.body.decode() if answer.status == 200 else ""

    def allows(self, number):
        with self.server.client() as c:
            return c.ask(origin(number)).status == 204

    def pages(self):
        """The status page in all forms, and that the last hour adds up."""
        with self.server.client() as c:
            answered = [c.ask(origin(self.number)).status == 204 for _ in range(5)]
        pages = [self.status(form) for form in FORMS]
        self.ok(all(answered) and all(pages), "answers, and the status page in all its forms", pages)
        page = json.loads(self.status())
        hour = {reason: sum(minutes) for reason, minutes in page["last_hour"].items()}
        self.ok(hour == page["requests"]["reasons"], "the last hour adds up", page)
        self.ok(all(n >= 0 for minutes in page["last_hour"].values() for n in minutes)
                and sum(page["last_hour"]["allowed"][-3:]) == hour["allowed"], "in its last minutes", page["last_hour"])
        self.ok(0 <= page["uptime"] < 600, "the server has been up for as long as it has", page["uptime"])

    def rates(self):
        """Lines that are left out are counted, and told when their time is over."""
        with self.server.client() as c:
            for i in range(MANY):
                c.ask(origin(f"no{i}"))
            for _ in range(3):
                c.ask({"REQUEST_METHOD": "PUT", "REQUEST_URI": "/"})
        refused = json.loads(self.status())["requests"]["reasons"]["origin"]

        def told():
            log = self.server.log()
            left_out = re.findall(r"event=left-out reason=origin of=\"refused\" lines=(\d+)", log)
            return len(self.server.lines("event=refused", "reason=origin")) + sum(map(int, left_out))
        self.ok(wait_for(lambda: told() == refused), "refusals are logged, the rest of them counted",
                f"{told()} of {refused}")
        self.ok(len(self.server.lines("reason=not-options")) == 1, "one line a minute of what is delegated by mistake",
                self.server.lines("not-options"))

    def reloads(self):
        """The policy changes: SIGHUP, and without."""
        self.number += 1
        self.server.write_policy(policy(self.number))
        self.ok(wait_for(lambda: self.allows(self.number)), "--watch loads a new policy", self.server.log()[-500:])
        loads = len(self.server.lines("event=reloaded"))
        self.server.signal(signal.SIGHUP)
        self.ok(wait_for(lambda: len(self.server.lines("event=reloaded")) > loads), "SIGHUP too")

    def timeouts(self):
        with self.server.client() as silent, self.server.client() as half, self.server.client() as idle:
            half.send(b"\1\1")
            idle.ask(origin(self.number))
            with self.server.client() as keen:
                self.ok(keen.ask(origin(self.number)).status == 204, "nobody is timed out at once")
            self.ok(all(c.is_closed() for c in (silent, half, idle)),
                    "a silent connection, half a request and an idle one time out")

    def ends(self):
        with self.server.client() as half:
            half.send(b"\1\1")
            self.ok(self.server.stop() == 0, "it ends after its grace", self.server.log()[-500:])
        self.ok("event=stopped" in self.server.log(), "and says so", self.server.log()[-500:])


def serve(*args, **options):
    return Server("--status-path", "/st", "--watch", "--timeout", "1", "--idle-timeout", "1", "--grace", "1", *args,
                  policy=policy(0), **options)


def uptimes():
    if not can_enter():
        tap.skip("other uptimes of the machine", "no time namespace can be made")
        return
    for name, seconds in UPTIMES:
        for threads in ("1", "4"):
            with serve("-j", threads, preexec=lambda s=seconds: enter(s)) as s:
                c = Clocked(s, f"up for {name}, {threads} threads")
                c.pages()
                c.rates()
                c.timeouts()
                c.reloads()
                c.pages()
                c.ends()


def jumps():
    """The time of day, by a library between the program and the C library."""
    with tempfile.TemporaryDirectory(prefix="pf") as folder:
        control = Faults(folder)
        with serve(env=control.environment()) as s:
            c = Clocked(s, "before the clock jumps")
            c.pages()
            for c.name, seconds in (("ten years on", 10 * YEAR), ("twenty years back", -20 * YEAR),
                                    ("in 1970", 3600 - int(time.time()))):
                control.set(clock=seconds)
                year = time.gmtime(time.time() + seconds).tm_year
                c.pages()
                c.rates()
                c.timeouts()
                c.reloads()
                c.ok(s.lines(f"time={year}-", "event=reloaded"), "the log has the time of day as it is")
                c.ok(json.loads(c.status())["now"] - time.time() - seconds < 60, "and so has the status page")
            c.ends()


def main():
    uptimes()
    jumps()
    tap.done()


main()
