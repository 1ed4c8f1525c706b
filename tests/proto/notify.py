"""What `preflightd serve` tells the service manager, by the protocol of
sd_notify(3), and that its watchdog watches the threads that answer."""

import ctypes
import os
import signal
import socket
import tempfile
import time

from fcgi import POLICY, Server, binary
import tap

WORKER_STALL = 0x4206, 0x4207  # PTRACE_SEIZE, PTRACE_INTERRUPT
PTRACE_DETACH = 17


class Manager:
    """Where NOTIFY_SOCKET leads."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)

    def message(self, timeout=10.0):
        """The next one as a dict, or None."""
        self.socket.settimeout(timeout)
        try:
            text = self.socket.recv(65536).decode("utf-8")
        except TimeoutError:
            return None
        return dict(line.split("=", 1) for line in text.splitlines())

    def drain(self):
        self.socket.setblocking(False)
        try:
            while self.socket.recv(65536):
                pass
        except BlockingIOError:
            pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
        os.unlink(self.path)


def states(folder, *args):
    what = " ".join(("serve",) + args)
    with Manager(folder) as m, Server(*args, env={"NOTIFY_SOCKET": m.path}) as s:
        got = m.message() or {}
        tap.ok(got.get("READY") == "1", f"{what}: READY=1", got)
        started = s.saw("event=started")[0]
        digest = started.split("digest=\"")[1][:12]
        tap.ok(digest in got.get("STATUS", ""), "with a state that names the policy", got)
        with s.client() as c:
            tap.is_equal(c.ask().status, 204, "then it answers")
        before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        s.signal(signal.SIGHUP)
        got = m.message() or {}
        after = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        tap.ok(got.get("RELOADING") == "1" and before <= int(got.get("MONOTONIC_USEC", 0)) <= after,
               "SIGHUP: RELOADING=1 with the time by CLOCK_MONOTONIC", (before, got, after))
        got = m.message() or {}
        tap.ok(got.get("READY") == "1", "then READY=1", got)
        s.write_policy("[policy api]\nallow-origins = https://x.example/\n")
        s.signal(signal.SIGHUP)
        m.message()
        got = m.message() or {}
        tap.ok(got.get("READY") == "1" and digest in got.get("STATUS", "") and "policy.ini:2:" in got["STATUS"],
               "a refused reload: READY=1 with the old policy, and file and line of the error", got)
        s.write_policy(POLICY)
        s.signal(signal.SIGHUP)
        m.message()
        got = m.message() or {}
        tap.ok(got.get("READY") == "1" and "refused" not in got.get("STATUS", ""), "a good one after it clears that",
               got)
        s.signal(signal.SIGTERM)
        got = m.message() or {}
        tap.ok(got.get("STOPPING") == "1" and got.get("STATUS"), "SIGTERM: STOPPING=1", got)
        tap.is_equal(s.wait(), 0, "and it ends")


def trace(request, thread):
    """Stops one thread of a process from outside, or lets it go."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    if libc.ptrace(request, thread, None, None) == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def workers(pid):
    """The threads that answer."""
    found = []
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/comm", encoding="ascii") as f:
            if f.read().strip() == "worker":
                found.append(int(task))
    return found


def watchdog(folder):
    with Manager(folder) as m, Server("-j", "2", env={"NOTIFY_SOCKET": m.path, "WATCHDOG_USEC": "100000"}) as s:
        got = [m.message() for _ in range(6)]
        tap.ok(all(x and x.get("WATCHDOG") == "1" for x in got[1:]), "an idle server pings the watchdog", got)
        try:
            worker = workers(s.process.pid)[0]
            for request in WORKER_STALL:
                trace(request, worker)
        except OSError as error:
            tap.omit("a worker that hangs", f"this place does not let it be stopped: {error}")
        else:
            tap.ok(s.saw("level=error", "event=stalled"), "a worker that hangs is told", s.log())
            m.drain()
            tap.is_equal(m.message(0.4), None, "and ends the pings, though the other one answers")
            os.waitpid(worker, getattr(os, "WALL", 0x40000000))
            trace(PTRACE_DETACH, worker)
            got = m.message() or {}
            tap.is_equal(got.get("WATCHDOG"), "1", "which come again when it goes on")
        tap.is_equal(s.stop(), 0, "it stops")
    with Manager(folder) as m, Server(env={"NOTIFY_SOCKET": m.path, "WATCHDOG_USEC": "100000",
                                           "WATCHDOG_PID": "1"}) as s:
        m.message()
        tap.is_equal(m.message(0.4), None, "a watchdog of another process is not pinged")


def main():
    with tempfile.TemporaryDirectory() as folder:
        with open(binary(), "rb") as f:
            has_library = b"libsystemd.so" in f.read()
        if not has_library:
            with Manager(folder) as m, Server(env={"NOTIFY_SOCKET": m.path}) as s:
                tap.ok(s.saw("level=warning", "event=not-notified"), "a build without libsystemd says so", s.log())
            tap.omit("sd_notify", "built without libsystemd")
            tap.done()
        states(folder)
        states(folder, "--sandbox")
        watchdog(folder)
    tap.done()


main()
