"""A server with calls of the system failing under it: at its start, in the
middle of its work, at a reload and at its end.  It starts or says why not;
what it answers is right; and once calls succeed again it serves as before."""

import errno
import os
import signal
import subprocess
import sys
import tempfile
import time

import faults
from faults import ALLOCATIONS, Faults, chosen, fcgi, tap

OTHER_POLICY = fcgi.POLICY.replace("GET, PUT", "GET, PUT, PURGE")
METHODS = {"GET, PUT": fcgi.POLICY, "GET, PUT, PURGE": OTHER_POLICY}
EVERY_CALL = (*ALLOCATIONS, "open", "openat", "read", "write", "fstat", "lstat", "fstatat",
              "dup2", "unlinkat", "fchownat", "flock", "socket", "bind", "listen", "getsockopt", "setsockopt",
              "getsockname", "getaddrinfo", "fcntl", "epoll_create1", "epoll_ctl",
              "epoll_wait", "eventfd", "pthread_create", "getrlimit", "setrlimit",
              "poll", "sigwait")
WRONG = (AssertionError, ValueError, IndexError)
LOST = (fcgi.Closed, OSError)


def is_good(answer):
    return (answer.status == 204 and answer.protocol_status == fcgi.COMPLETE
            and answer.field("Access-Control-Allow-Origin") == "https://app.example.com"
            and answer.field("Access-Control-Allow-Methods") in METHODS)


def serves(server, timeout=5.0):
    """Whether a fresh connection gets its answer, and soon."""
    until = time.monotonic() + timeout
    while time.monotonic() < until:
        try:
            with server.client(timeout) as c:
                return is_good(c.ask())
        except LOST:
            time.sleep(0.01)
    return False


# --- the start ---


def start(control, args, tcp):
    """Starts a server while calls are armed.  What is wrong, or None."""
    with fcgi.Server(*args, tcp=tcp, env=control.environment()) as s:
        control.disarm()
        # It listens, and its first thread answers, before all of the start is
        # done: it may still end.
        if s.process.poll() is None and serves(s):
            if s.stop() == 0:
                return None
        elif not fcgi.wait_for(lambda: s.process.poll() is not None):
            return f"it does not serve; {s.log()[-300:]!r}"
        status = s.process.returncode
        if status in (2, 3) and s.log().strip():
            return None
        return f"status {status}; {s.log()[-300:]!r}"


def starting(control, most):
    for tcp in (False, True):
        args = ["-j", "2", "--log", os.path.join(os.path.dirname(control.path), "log")]
        control.arm(EVERY_CALL, 0)
        with fcgi.Server(*args, tcp=tcp, env=control.environment()) as s:
            total = control.get("count")
            s.stop()
        wrong = []
        for at in chosen(total, most):
            control.arm(EVERY_CALL, at)
            found = start(control, args, tcp)
            if found:
                wrong.append(f"call {at}: {found}")
        tap.ok(not wrong, f"starting on {'TCP' if tcp else 'a unix socket'}, with each of "
               f"{total} calls failing", "\n".join(wrong))


def starting_twice(control):
    """Of two starts on one path the second comes while the first has bound its
    socket, and does not listen yet."""
    control.arm(("listen",), 1)
    control.set(hold=1)
    with fcgi.Server(env=control.environment(), wait=False) as s:
        tap.ok(fcgi.wait_for(lambda: control.get("hits")), "a start is held between bind and listen")
        second = subprocess.run([fcgi.binary(), "serve", "-p", s.policy_path, "-l", "unix:" + s.path],
                                stdin=subprocess.DEVNULL, capture_output=True, timeout=30, check=False)
        control.set(hold=0)
        tap.ok(second.returncode == 3 and b"in use" in second.stderr,
               "another one meanwhile ends with status 3", (second.returncode, second.stderr))
        tap.ok(serves(s), "and the first serves", s.log())
    control.disarm()


# --- at work ---


def exchange(server, parts, want):
    """Sends the parts on one connection; how many answers were right.  Raises
    where one is wrong."""
    right = 0
    try:
        with server.client() as c:
            for part in parts:
                c.send(part)
            for rid in want:
                answer = c.answer(rid)
                if not is_good(answer):
                    raise AssertionError(f"a wrong answer: {answer.out!r}")
                right += 1
    except TimeoutError as late:
        raise AssertionError("neither answered nor closed") from late
    except LOST:
        pass
    return right


def work(server):
    """Traffic that uses every part of the engine; how many answers were right,
    of how many."""
    big = fcgi.request(fcgi.preflight(HTTP_X="v" * 20000), rid=3, size=5000)
    whole = fcgi.request()
    values = fcgi.record(fcgi.GET_VALUES, 0, fcgi.pairs({"FCGI_MAX_CONNS": ""}))
    talks = [
        ([whole], [1]),
        ([fcgi.request(keep=False)], [1]),
        ([whole[:9], whole[9:40], whole[40:]], [1]),
        ([big[:7000], big[7000:15000], big[15000:]], [3]),
        ([whole + fcgi.request(rid=2) + big], [1, 2, 3]),
        ([fcgi.begin() + fcgi.record(fcgi.ABORT, 1), ], []),
        ([values[:12], values[12:]], []),
        ([whole * 300] * 3, [1] * 900),  # more than a socket keeps
    ]
    return (sum(exchange(server, parts, want) for parts, want in talks),
            sum(len(want) for _, want in talks))


WORKING = [
    ("allocations", ALLOCATIONS, (0,)),
    ("accept4", ("accept4",), (errno.ECONNABORTED, errno.EMFILE, errno.ENFILE,
                               errno.ENOBUFS, errno.ENOMEM, errno.EINTR, errno.EPROTO,
                               errno.EPERM, errno.EAGAIN)),
    ("recv", ("recv",), (errno.ECONNRESET, errno.EINTR, errno.EAGAIN, errno.ENOMEM)),
    ("send", ("send",), (errno.EPIPE, errno.EINTR, errno.EAGAIN, errno.ENOBUFS)),
    ("epoll_ctl", ("epoll_ctl",), (errno.ENOMEM, errno.ENOSPC)),
    ("accept4 and epoll_ctl", ("accept4", "epoll_ctl"), (errno.ENOMEM,)),
    ("epoll_wait", ("epoll_wait",), (errno.EINTR,)),
    ("reading and writing", ("read", "write", "poll"), (errno.EINTR, errno.EIO,
                                                        errno.ENOSPC)),
]


# After these a call is made again: nobody is to notice.
HARMLESS = (errno.EINTR, errno.EAGAIN)


def descriptors(server):
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


def working(control, most):
    for threads, tcp in (("1", False), ("2", True)):
        control.disarm()
        with fcgi.Server("-j", threads, "--log-requests", tcp=tcp,
                         env=control.environment()) as s:
            serves(s)
            before = descriptors(s)
            for name, calls, errors in WORKING:
                for error in errors:
                    what = f"{name}{' with ' + errno.errorcode[error] if error else ''}"
                    tap.ok(*try_work(control, s, calls, error, most,
                                     f"at work on {threads} threads: {what}"))
            control.disarm()
            right, wanted = work(s)
            tap.is_equal(right, wanted, "and then all is answered again")
            tap.ok(fcgi.wait_for(lambda: descriptors(s) <= before), "the descriptors are back",
                   (descriptors(s), before))
            tap.is_equal(s.stop(), 0, "it ends with status 0")


def try_work(control, server, calls, error, most, what):
    """The arguments of one case: passed, description, detail."""
    control.arm(calls, 0)
    work(server)
    total = control.get("count")
    for at in chosen(total, 20 if calls == ALLOCATIONS else most):
        for times in (1, 3, 1 << 40):
            control.arm(calls, at, times, error)
            try:
                # With everything failing there is nothing to wait for.
                if times <= 3:
                    right, wanted = work(server)
                    if right != wanted and error in HARMLESS:
                        raise AssertionError(f"{right} of {wanted} are answered")
                else:
                    exchange(server, [fcgi.request(keep=False)], [])
            except WRONG as wrong:
                return False, what, f"call {at}, {times} times: {wrong}"
            control.disarm()
            if not serves(server):
                return False, what, f"call {at}, {times} times: it does not serve"
    return True, f"{what}, {total} calls", ""


def second_listener(control):
    """Of two sockets that are listened on again after a pause, the second can't
    be: later both are."""
    with tempfile.TemporaryDirectory(prefix="pf") as folder:
        second = os.path.join(folder, "s")
        with fcgi.Server("--listen", f"unix:{second}", env=control.environment()) as s:
            first, hits = s.path, 0
            for _ in range(50):
                pauses = len(s.lines("event=accept-paused"))
                control.arm(("accept4",), 1, 1, errno.ENOMEM)
                with s.client():
                    fcgi.wait_for(lambda: len(s.lines("event=accept-paused")) > pauses)
                    # Both have been taken out; the pause is a tenth of a second.
                    control.arm(("epoll_ctl",), 2, 1, errno.ENOSPC)
                    good = serves(s)
                hits = control.get("hits")
                control.disarm()
                for s.path in (second, first):
                    good = good and serves(s)
                if hits or not good:
                    break
            tap.ok(good and hits, "a socket that can't be listened on after a pause, later can", s.log()[-500:])
            tap.is_equal(s.stop(), 0, "it ends with status 0")


def without_memory(server, control, parts, want, at):
    """Sends the parts on a connection whose allocation number `at` fails.  What
    is wrong where it neither ends nor has the answers whole, or None."""
    with server.client() as c:
        if not is_good(c.ask()):
            return "not even the first is answered"
        control.arm(("malloc",), at)
        try:
            for part in parts:
                c.send(part)
                c.is_silent(0.05)
            for rid in want:
                if not is_good(c.answer(rid)):
                    return "a wrong answer"
        except TimeoutError:
            return "neither answered nor closed"
        except LOST:
            return None if control.get("hits") else "it ends for nothing"
        except WRONG as wrong:
            return repr(wrong)
        finally:
            control.disarm()
    return "no word of it" if control.get("hits") else None


def keeping(control):
    """What can't be kept, an unread answer or half a request, is not left out:
    the connection ends."""
    whole = fcgi.request()
    # More than the piece of memory that the first request leaves behind.
    big = fcgi.request(fcgi.preflight(HTTP_X="v" * 20000))
    for what, parts, want in (
            ("unread answers", [whole * 900, whole * 400], [1] * 1300),
            ("half a request", [big[:15000], big[15000:]], [1])):
        wrong, hits, at = [], 1, 0
        while hits:
            at += 1
            # A new one each: what another has freed is used again.
            with fcgi.Server(env=control.environment()) as s:
                found = without_memory(s, control, parts, want, at)
                hits = control.get("hits")
                if found or (hits and not fcgi.wait_for(lambda: s.saw("no-memory"))):
                    wrong.append(f"allocation {at}: {found}; {s.log()[-300:]!r}")
                if not serves(s) or s.stop() != 0:
                    wrong.append(f"allocation {at}: it does not serve or end")
        tap.ok(not wrong and at > 1, f"{what}, {at - 1} allocations: without memory the connection ends",
               "\n".join(wrong))


# --- reloads ---


def reloads(control, most):
    """Every call of a reload fails: the old policy or the new one, never
    another, and the log says which."""
    calls = (*ALLOCATIONS, "open", "read", "fstat")
    control.disarm()
    with fcgi.Server("-j", "2", "--log", "stderr", env=control.environment()) as s:
        control.arm(calls, 0)
        reload_once(s, METHODS["GET, PUT, PURGE"])
        total = control.get("count")
        wrong, refused = [], 0
        current = "GET, PUT, PURGE"
        for at in chosen(total, 4 * most):
            new = next(m for m in METHODS if m != current)
            control.arm(calls, at)
            event = reload_once(s, METHODS[new])
            control.disarm()
            if event == "reloaded":
                current = new
            else:
                refused += 1
            with s.client() as c:
                got = c.ask().field("Access-Control-Allow-Methods")
            if event is None or got != current:
                wrong.append(f"call {at}: {event}, {got} in place of {current}")
                current = got
        tap.ok(not wrong, f"reloading with each of {total} calls failing", "\n".join(wrong))
        tap.ok(refused > 0, f"{refused} were refused")
        tap.is_equal(reload_once(s, METHODS["GET, PUT"]), "reloaded", "and the next one succeeds")
        tap.is_equal(s.stop(), 0, "it ends with status 0")


def reload_once(server, text):
    """Reloads; the event that the log then has, or None."""
    before = len(server.lines("event=reload"))
    server.write_policy(text)
    server.signal(signal.SIGHUP)
    fcgi.wait_for(lambda: len(server.lines("event=reload")) > before)
    lines = server.lines("event=reload")[before:]
    return lines[0].split("event=")[1].split()[0] if lines else None


# --- the log, the clock, the end ---


def logs(control):
    folder = os.path.dirname(control.path)
    log = os.path.join(folder, "reopened")
    with fcgi.Server("--log", log, "--log-requests", env=control.environment()) as s:
        control.arm(("write",), 1, 1 << 40, errno.ENOSPC)
        tap.ok(serves(s), "a log on a full disk keeps nobody from being served")
        control.disarm()
        control.arm(("open",), 1)
        s.signal(signal.SIGUSR1)
        tap.ok(fcgi.wait_for(lambda: "event=log-not-reopened" in open(log).read()),
               "open fails at SIGUSR1: the old log says so")
        control.disarm()
        before = descriptors(s)
        os.rename(log, log + ".1")
        s.signal(signal.SIGUSR1)
        tap.ok(fcgi.wait_for(lambda: os.path.exists(log)), "the next one opens it")
        tap.ok(fcgi.wait_for(lambda: descriptors(s) <= before), "and the old one is closed, without a line to write")
        tap.is_equal(s.stop(), 0, "it ends with status 0")
    with fcgi.Server("--log", "/dev/full", "--log-requests") as s:
        tap.ok(all(serves(s) for _ in range(50)), "a log to /dev/full likewise")
        tap.is_equal(s.stop(), 0, "it ends with status 0")


def clocks(control):
    with fcgi.Server("--timeout", "2", "--idle-timeout", "60", "--log-requests",
                     env=control.environment()) as s:
        with s.client() as c, s.client() as idle:
            right = [is_good(idle.ask())]
            for seconds in (86400 * 400, -86400 * 400, -(1 << 31), 1 << 33, 0):
                control.set(clock=seconds)
                right += [is_good(c.ask()), serves(s)]
                reloaded = reload_once(s, fcgi.POLICY)
                right += [reloaded == "reloaded", is_good(idle.ask())]
            tap.ok(all(right), "the clock jumps for and back: kept connections, new ones, idle ones and reloads", right)
        stamps = {line.split("-")[0] for line in s.log().splitlines()}
        tap.ok(len(stamps) > 2, "and the log shows it", stamps)
        tap.is_equal(s.stop(), 0, "it ends with status 0")


def ending(control, most):
    calls = ("epoll_wait", "read", "accept4", "recv", "send", "epoll_ctl",
             "unlinkat", "poll", *ALLOCATIONS)
    wrong = []
    total = most
    at = 0
    while at < total:
        at += 1
        control.disarm()
        with fcgi.Server("-j", "2", "--grace", "2", env=control.environment()) as s:
            clients = [s.client() for _ in range(4)]
            clients[0].ask()
            clients[1].send(fcgi.request()[:50])
            control.arm(calls, at)
            status = s.stop()
            if faults.LONG:
                total = max(total, control.get("count"))
            for c in clients:
                c.socket.close()
            if status != 0:
                wrong.append(f"call {at}: {status}; {s.log()[-300:]!r}")
    tap.ok(not wrong, f"ending with each of {total} calls failing", "\n".join(wrong))


def main():
    most = int(sys.argv[1]) if len(sys.argv) > 1 else 4
    with tempfile.TemporaryDirectory(prefix="pf") as folder:
        control = Faults(folder)
        starting(control, 2 * most)
        starting_twice(control)
        working(control, most)
        second_listener(control)
        keeping(control)
        reloads(control, most)
        logs(control)
        clocks(control)
        ending(control, most)
    tap.done()


if __name__ == "__main__":
    main()
