"""Every client is bounded: slow, idle, half-sent, silent, greedy, too many."""

import os
import resource
import signal
import time

from fcgi import (
    COMPLETE, PARAMS, PREFLIGHT, STDIN, Closed, Server, begin, is_sanitized, pairs,
    params_records, preflight, record, request, wait_for)
from tap import done, is_equal, ok


def good(answer):
    return answer.status == 204 and answer.protocol_status == COMPLETE


def timed(client, timeout):
    """Seconds until the connection is closed, or None."""
    start = time.monotonic()
    return time.monotonic() - start if client.is_closed(timeout) else None


def timeouts():
    with Server("--timeout", "1", "--idle-timeout", "2s") as s:
        with s.client() as silent, s.client() as half, s.client() as slow, s.client() as idle, s.client() as keen:
            half.send(request()[:60])
            idle.ask()
            body = request(preflight(HTTP_X="v" * 3000))
            start = time.monotonic()
            closed = None
            for i in range(len(body)):
                try:
                    slow.send(body[i : i + 1])
                except OSError:
                    closed = time.monotonic() - start
                    break
                if not keen.ask().status == 204:
                    break
                slow.socket.settimeout(0.01)
                try:
                    if slow.socket.recv(1) == b"":
                        closed = time.monotonic() - start
                        break
                except TimeoutError:
                    pass
                except OSError:
                    closed = time.monotonic() - start
                    break
            ok(closed is not None and 0.9 < closed < 2, "a byte now and then does not prolong a request", closed)
            ok(silent.is_closed(2), "no first byte: closed")
            ok(half.is_closed(2), "half a request: closed")
            ok(idle.is_closed(3), "an idle kept connection: closed after its own time")
            ok(good(keen.ask()), "one that asks goes on")
        counters = s.stopped_counters()
        is_equal([counters["timeout-" + k] for k in ("first", "request", "idle")], [1, 2, 1], "each is counted")
        ok(s.lines("level=warning", "event=closed", "reason=timeout-request"), "and logged", s.log())


def unread():
    with Server("--timeout", "1s") as s, s.client() as c:
        c.socket.setblocking(False)
        data = request() * 100
        start = time.monotonic()
        sent = 0
        gone = False
        while time.monotonic() - start < 5 and not gone:
            try:
                sent += c.socket.send(data)
            except BlockingIOError:
                time.sleep(0.01)
            except OSError:
                gone = True
        ok(gone and time.monotonic() - start < 3, f"answers nobody reads: closed ({sent} bytes were taken)")
        is_equal(s.stopped_counters()["timeout-answer"], 1, "and counted")


def is_answered(client):
    try:
        return good(client.ask())
    except Closed:
        return False


def too_many():
    with Server("--max-connections", "10") as s:
        clients = [s.client() for _ in range(10)]
        for c in clients:
            ok(good(c.ask()), "ten connections are served")
        clients[0].ask()  # now the second has been idle longest
        with s.client() as more:
            ok(good(more.ask()), "an eleventh too")
            ok(clients[1].is_closed(), "the one that was idle longest goes")
            ok(all(good(c.ask()) for i, c in enumerate(clients) if i != 1), "the others stay")
        for c in clients:
            c.socket.close()
        silent = [s.client() for _ in range(20)]
        with s.client() as c:
            ok(good(c.ask()), "after 20 silent ones the next is answered, long before their timeout")
        for c in silent:
            c.socket.close()
        ok(s.stopped_counters()["evicted-connections"] >= 11, "evictions are counted")
    with Server("--max-connections", "20", "-j", "3") as s:
        idle, answered = [], 0
        for _ in range(15):
            for _ in range(60):
                idle.append(s.client())
                answered += is_answered(idle[-1])
            for _ in range(40):
                with s.client() as c:
                    answered += is_answered(c)
        is_equal(answered, 1500, "three threads share one limit, and none of them closes who has just come")
        status = f"/proc/{s.process.pid}/fd"
        ok(wait_for(lambda: len(os.listdir(status)) < 50), "and keep to it", len(os.listdir(status)))
        for c in idle:
            c.socket.close()


def round_of(server, keep):
    """64 clients that connect, ask, and close or stay. Returns how many got
    their answer, or None where somebody was slow for a reason of its own."""
    start = time.monotonic()
    clients = [server.client() for _ in range(64)]
    for i, c in enumerate(clients):
        try:
            c.send(request(keep=keep(i)))
        except OSError:
            pass
    slow = time.monotonic() - start > 0.8
    answered = 0
    for c in clients:
        try:
            answered += good(c.answer())
        except (Closed, OSError):
            pass
    for c in clients:
        c.socket.close()
    return None if slow else answered


def bursts():
    """More at once than there may be: who has no place waits."""
    for threads in ("1", "4"):
        with Server("--max-connections", "48", "-j", threads) as s:
            for keep, how in ((lambda i: False, "closed"), (lambda i: True, "kept"), (lambda i: i % 2, "of both kinds")):
                rounds = [round_of(s, keep) for _ in range(70)]
                is_equal([n for n in rounds if n not in (None, 64)], [],
                         f"{threads} threads, 48 places: no request of 64 at once is lost, connections {how}")


def waiting():
    """All places are taken by requests that are under way."""
    whole = request()
    with Server("--max-connections", "4") as s:
        busy = [s.client().send(whole[:20]) for _ in range(4)]
        with s.client() as more:
            more.send(whole)
            for i in range(20, 60):
                for c in busy:
                    c.send(whole[i : i + 1])
                if not more.is_silent(0.05):
                    break
            is_equal(i, 59, "four slow requests have all places: the fifth waits")
            busy[0].socket.close()
            ok(good(more.answer()), "until one of them goes")
        with s.client() as more:
            more.ask()
            ok(all(good(c.send(whole[60:]).answer()) for c in busy[1:]), "all of them are answered in the end")
        for c in busy:
            c.socket.close()
        half = [s.client().send(whole[:20]) for _ in range(4)]
        with s.client() as more:
            ok(good(more.ask()), "four requests that stand still do not have them for long")
        for c in half:
            c.socket.close()
        pauses = s.stopped_counters()["accept-pauses"]
        ok(0 < pauses < 100, "nobody spins meanwhile", pauses)
    with Server("--max-connections", "4", "--grace", "30") as s:
        half = []
        for _ in range(4):
            c = s.client()
            c.ask()
            half.append(c.send(whole[:20]))
        later = [s.client().send(whole) for _ in range(20)]
        s.signal(signal.SIGTERM)
        ok(all(good(c.answer()) for c in later), "SIGTERM: who waited for a place is answered")
        ok(all(good(c.send(whole[20:]).answer()) for c in half), "and so is who was half-way")
        is_equal(s.wait(), 0, "then it ends")
        for c in half + later:
            c.socket.close()


def descriptors():
    def few():
        resource.setrlimit(resource.RLIMIT_NOFILE, (40, 100))

    with Server(preexec=few) as s:
        ok(s.saw("event=clamped", "wanted=4096"), "a limit above RLIMIT_NOFILE is clamped, with a warning", s.log())
        flood = [s.client() for _ in range(150)]
        with s.client() as c:
            ok(good(c.ask()), "150 silent connections with 100 descriptors: the next is answered")
        for c in flood:
            c.socket.close()
        is_equal(s.stop(), 0, "it lives")
    with Server("--max-connections", "100000000", preexec=few) as s:
        ok(s.saw("event=clamped", "wanted=100000000"), "and so is one that no system has", s.log())

    # Descriptors taken away under its feet: the kernel says EMFILE.
    with Server("--max-connections", "500") as s:
        with s.client() as c:
            c.ask()
            soft, hard = resource.prlimit(s.process.pid, resource.RLIMIT_NOFILE)
            resource.prlimit(s.process.pid, resource.RLIMIT_NOFILE, (12, hard))
            flood = [s.client() for _ in range(4)]
            with s.client() as last:
                ok(good(last.ask()), "out of descriptors one that is quiet goes for who comes")
            cpu = cpu_seconds(s.process.pid)
            time.sleep(0.5)
            used = cpu_seconds(s.process.pid) - cpu
            ok(used < 0.3, "out of descriptors it does not spin", used)
            for f in flood:
                f.socket.close()
            resource.prlimit(s.process.pid, resource.RLIMIT_NOFILE, (soft, hard))
        with s.client() as c:
            ok(good(c.ask()), "and has not lost its socket")


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        for line in f:
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
    return 0


def memory():
    with Server("--timeout", "60") as s:
        big = begin() + params_records(pairs(preflight(HTTP_X="v" * 1000000)))[:-8]
        clients = []
        for _ in range(150):
            c = s.client()
            try:
                c.send(big)
            except OSError:
                pass
            clients.append(c)
        with s.client() as c:
            ok(good(c.ask()), "beside 150 half-sent megabytes others are served")
        if not is_sanitized():
            ok(rss(s.process.pid) < 110 * 1024 * 1024, "which take less than 110 MB", rss(s.process.pid))
        ok(clients[0].is_closed(), "the oldest went")
        last = clients[-1]
        last.send(record(PARAMS, 1) + record(STDIN, 1))
        ok(good(last.answer()), "the newest is answered when it is whole")
        for c in clients:
            c.socket.close()
        ok(s.stopped_counters()["evicted-memory"] >= 80, "and they are counted")


def idle_memory():
    with Server() as s:
        with s.client() as c:
            c.ask()
            before = rss(s.process.pid)
            clients = []
            for _ in range(1000):
                k = s.client()
                k.ask()
                clients.append(k)
            each = (rss(s.process.pid) - before) / 1000
            if not is_sanitized():
                ok(each <= 1024, "an idle connection takes at most 1 KB", f"{each:.0f} bytes")
            ok(good(c.ask()), "1,000 idle ones keep nobody waiting")
        for k in clients:
            k.socket.close()


def many_slow():
    with Server() as s:
        slow = [s.client() for _ in range(300)]
        data = request(preflight(HTTP_X="v" * 200))
        worst = 0
        with s.client() as keen:
            for i in range(40):
                for c in slow:
                    c.send(data[i : i + 1])
                start = time.monotonic()
                keen.ask()
                worst = max(worst, time.monotonic() - start)
        ok(worst < 0.5, "300 that send byte by byte hold up nobody", f"{worst:.3f} s at worst")
        for c in slow:
            c.send(data[40:])
        ok(all(good(c.answer()) for c in slow), "and are all answered in the end")
        for c in slow:
            c.socket.close()


def stopping():
    with Server("--grace", "5", "--timeout", "30") as s:
        with s.client() as half, s.client() as idle, s.client() as fresh, s.client() as later:
            idle.ask()
            half.ask()
            half.send(request()[:50])
            with s.client() as sync:
                sync.ask()
            s.signal(signal.SIGTERM)
            ok(idle.is_closed(0.4), "at SIGTERM an idle connection closes at once")
            ok(not os.path.exists(s.path), "the socket file is gone")
            later.send(request())
            ok(good(later.answer()), "one that had just connected is still answered")
            ok(fresh.is_closed(2), "one that sends nothing closes soon")
            is_equal(s.wait(0.3), None, "half a request is waited for")
            half.send(request()[50:])
            ok(good(half.answer()), "and answered")
            ok(half.is_closed(1), "then closed, though kept")
            is_equal(s.wait(2), 0, "then it ends with status 0")
    with Server("--grace", "1s") as s:
        with s.client() as half:
            half.send(request()[:50])
            with s.client() as sync:
                sync.ask()
            start = time.monotonic()
            s.signal(signal.SIGINT)
            is_equal(s.wait(4), 0, "SIGINT: it ends with status 0")
            took = time.monotonic() - start
            ok(0.8 < took < 2.5, "when the grace is over", took)
            ok(half.is_closed(1), "whatever is left")


def main():
    for case in (timeouts, unread, too_many, bursts, waiting, descriptors, memory, idle_memory, many_slow, stopping):
        case()
    done()


main()
