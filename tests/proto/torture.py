"""Clients that do their worst.  Every trap of a FastCGI stream is cut at every
byte; valid conversations are mutated; floods, slow and deaf clients, resets and
churn come in crowds.  Afterwards a well-formed preflight on a fresh connection
is answered within a second, and memory and descriptors are back.

LONG=1 makes it longer, SEED=N repeats a run."""

import os
import random
import signal
import socket
import struct
import time

from fcgi import (
    ABORT, AUTHORIZER, BEGIN, COMPLETE, END, FILTER, GET_VALUES, GET_VALUES_RESULT, PARAMS,
    POLICY, PREFLIGHT, STDIN, STDOUT, UNKNOWN_TYPE, Closed, Server, begin, is_sanitized, pairs,
    params_records, preflight, record, request, wait_for)
from tap import done, is_equal, note, ok

LONG = os.environ.get("LONG") == "1"
SEED = int(os.environ.get("SEED", "1"))
ORIGIN = b"https://app.example.com"
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close() sends RST


# What an answer may take; the sanitizers slow everything down.
SECOND = 5 if is_sanitized() else 1


def times(short, long):
    return long if LONG else short


# --- state of the process ---


def descriptors(server):
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


def resident(server):
    """Bytes of memory in use."""
    with open(f"/proc/{server.process.pid}/statm", encoding="ascii") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Watch:
    """What the server had before something was done to it."""

    def __init__(self, server):
        self.server = server
        self.is_well()
        self.fds, self.memory = descriptors(server), resident(server)

    def is_well(self):
        """Whether a fresh connection is answered, and the seconds it took."""
        start = time.monotonic()
        with self.server.client(5) as c:
            try:
                good = c.ask().status == 204
            except (Closed, OSError):
                good = False
        return good, time.monotonic() - start

    def check(self, what, more=8 << 20):
        """Three cases: it answers, its descriptors and its memory are back."""
        tries = [self.is_well() for _ in range(3)]  # others use the machine too
        ok(all(good for good, _ in tries) and min(took for _, took in tries) < SECOND,
           f"{what}: a fresh preflight is answered within a second", tries)
        ok(wait_for(lambda: descriptors(self.server) <= self.fds),
           f"{what}: the descriptors are back", (descriptors(self.server), self.fds))
        if not is_sanitized():
            ok(resident(self.server) <= self.memory + more, f"{what}: the memory is back",
               (resident(self.server), self.memory))


# --- conversations ---


def known(*names):
    return pairs({name: "" for name in names})


WHOLE = request()
ANSWER = (END, 1, 204)
HEADERS = "HTTP_ACCESS_CONTROL_REQUEST_HEADERS"
LIE = b"\xff\xff\xff\xff\x7f\xff\xff\xff"

# What is sent, and the records that come back before the end of the connection.
# Each is a trap of one implementation or other.
TRAPS = {
    "one request": (WHOLE, [ANSWER]),
    "two on one connection": (WHOLE + request(rid=2), [ANSWER, (END, 2, 204)]),
    "half a request": (WHOLE[:-8], []),
    "padding on every record, BEGIN and the empty ones too":
        (request(padding=3) + request(rid=2, padding=255), [ANSWER, (END, 2, 204)]),
    "PARAMS in records of three bytes": (request(size=3), [ANSWER]),
    "STDIN that ends before PARAMS": (begin() + record(STDIN, 1) + params_records(pairs(PREFLIGHT)),
                                      [ANSWER]),
    "a body, and the next behind it": (request(body=b"x" * 40) + request(rid=2), [ANSWER, (END, 2, 204)]),
    "STDIN that comes after the answer": (
        request(role=AUTHORIZER, stdin=False) + record(STDIN, 1, b"late") + record(STDIN, 1)
        + request(rid=2), [(END, 1, 200), (END, 2, 204)]),
    "the id used again at once": (
        request(role=AUTHORIZER, stdin=False) + WHOLE, [(END, 1, 200), ANSWER]),
    "GET_VALUES as the last bytes": (
        record(GET_VALUES, 0, known("FCGI_MAX_CONNS")), [(GET_VALUES_RESULT, 0)]),
    "GET_VALUES of four known names": (
        record(GET_VALUES, 0, known("FCGI_MAX_CONNS", "FCGI_MAX_REQS", "FCGI_MPXS_CONNS") * 2),
        [(GET_VALUES_RESULT, 0)]),
    "GET_VALUES with a length that lies": (record(GET_VALUES, 0, LIE + b"FCGI_MAX_CONNS"), []),
    "GET_VALUES that ends within a pair": (
        record(GET_VALUES, 0, known("FCGI_MAX_CONNS")[:-3]) + WHOLE, []),
    "GET_VALUES of nothing": (record(GET_VALUES, 0) + WHOLE, [(GET_VALUES_RESULT, 0), ANSWER]),
    "GET_VALUES within a request": (
        begin() + record(GET_VALUES, 0, known("FCGI_MAX_REQS")) + params_records(pairs(PREFLIGHT))
        + record(99, 0) + record(STDIN, 1), [(GET_VALUES_RESULT, 0), (UNKNOWN_TYPE, 0), ANSWER]),
    "an unknown management record with content": (
        record(77, 0, b"abc", 5) + WHOLE, [(UNKNOWN_TYPE, 0), ANSWER]),
    "an answer to nothing is not answered": (
        record(UNKNOWN_TYPE, 0, b"\x4d" + b"\0" * 7) + WHOLE, [ANSWER]),
    "an unknown role": (request(role=77, rid=3) + WHOLE, [(END, 3), ANSWER]),
    "a filter": (request(role=FILTER, rid=3) + WHOLE, [(END, 3), ANSWER]),
    "a second BEGIN": (begin(5) + begin(6) + params_records(pairs(PREFLIGHT), 6)
                       + params_records(pairs(PREFLIGHT), 5) + record(STDIN, 6)
                       + record(STDIN, 5), [(END, 6), (END, 5, 204)]),
    "a second BEGIN of the same id": (begin() + WHOLE, []),
    "an abort in the middle": (begin() + record(PARAMS, 1, pairs(PREFLIGHT)[:33])
                               + record(ABORT, 1) + WHOLE, [(END, 1, None), ANSWER]),
    "an abort": (begin() + record(ABORT, 1) + WHOLE, [(END, 1, None), ANSWER]),
    "an abort behind PARAMS": (begin() + params_records(pairs(PREFLIGHT)) + record(ABORT, 1)
                               + record(STDIN, 1) + WHOLE, [(END, 1, None), ANSWER]),
    "empty records that nobody knows": (
        record(PARAMS, 9) + record(200, 9) + record(STDIN, 9) + WHOLE, [ANSWER]),
    "two Origins": (request([*PREFLIGHT.items(), ("HTTP_ORIGIN", ORIGIN)]), [(END, 1, 403)]),
    "an empty Origin": (request(preflight(HTTP_ORIGIN="")), [ANSWER]),
    "header names in two parameters": (
        request([*PREFLIGHT.items(), (HEADERS, "content-type"), (HEADERS, "content-type, x")]),
        [ANSWER]),
    "an actual request asked by GET, with the length of a body that does not come": (
        request(preflight(REQUEST_METHOD="GET", CORS_MODE="actual", CONTENT_LENGTH="100"))
        + request(rid=3), [ANSWER, (END, 3, 204)]),
    "a NUL in a value": (request(preflight(HTTP_ORIGIN=ORIGIN + b"\0")), [(END, 1, 403)]),
    "ids at both ends": (request(rid=65535) + request(rid=1), [(END, 65535, 204), ANSWER]),
    "not kept, and more behind it": (request(keep=False) + request(rid=2), [ANSWER]),
    "lengths near 2^31": (begin() + params_records(LIE) + record(STDIN, 1), []),
    "a good request, then a lie": (WHOLE + begin(2) + record(PARAMS, 2, LIE), [ANSWER]),
    "a pair that is cut": (begin() + params_records(b"\x0c\x04HTTP") + record(STDIN, 1), []),
    "a BEGIN that is too short": (record(BEGIN, 1, b"\0\1\1") + WHOLE, []),
    "another version": (WHOLE + record(BEGIN, 2, b"\0\1\1\0\0\0\0\0", version=2), [ANSWER]),
}


def read_all(client):
    """Everything up to the end of the connection."""
    data = b""
    try:
        while got := client.socket.recv(1 << 16):
            data += got
    except ConnectionResetError:
        pass
    return data


def records_of(data):
    """The records in data as TRAPS writes them; raises where it is malformed."""
    found, out = [], {}
    while data:
        version, kind, rid, n, padding, reserved = struct.unpack_from(">BBHHBB", data)
        content, data = data[8:8 + n], data[8 + n + padding:]
        if version != 1 or reserved != 0 or len(content) != n:
            raise ValueError("a malformed record")
        if kind == STDOUT:
            out[rid] = out.get(rid, b"") + content
        elif kind == END and content[:4] != b"\0\0\0\0":
            raise ValueError("a status of its own")
        elif kind == END and content[4] == COMPLETE:
            text = out.pop(rid, b"")
            if text.startswith(b"Status: 204 ") and not text.endswith(b"\r\n\r\n"):
                raise ValueError("a 204 with a body")
            found.append((END, rid, int(text[8:11]) if text else None))
        else:
            found.append((kind, rid))
    return found


def talk(server, pieces, sync=None):
    """Sends the pieces, each read before the next is sent, and then no more;
    what comes back."""
    with server.client() as c:
        try:
            for i, piece in enumerate(pieces):
                if i > 0 and sync is not None:
                    sync.ask()  # one thread: what came before has been read
                c.send(piece)
            c.half_close()
        except OSError:
            pass  # it has closed already: then what it said before counts
        return read_all(c)


def traps(server):
    watch = Watch(server)
    with server.client() as sync:
        for name, (data, wanted) in TRAPS.items():
            whole = talk(server, [data])
            is_equal(records_of(whole), wanted, name)
            wrong = [at for at in range(1, len(data))
                     if talk(server, [data[:at], data[at:]], sync) != whole]
            is_equal(wrong, [], f"{name}: cut at each of {len(data) - 1} places")
    wrong = []
    for name, (data, _) in TRAPS.items():
        with server.client() as c:
            try:
                c.send_bytewise(data).half_close()
            except OSError:
                pass
            if read_all(c) != talk(server, [data]):
                wrong.append(name)
    is_equal(wrong, [], "each of them byte by byte")
    watch.check("traps")


def cut_off(server):
    """Every beginning of a request, and then a half-close, a close, a reset."""
    watch = Watch(server)
    data = WHOLE + request(rid=2)
    wrong = []
    for at in range(len(data)):
        right = [e for e, n in ((ANSWER, len(WHOLE)), ((END, 2, 204), len(data))) if at >= n]
        if records_of(talk(server, [data[:at]])) != right:
            wrong.append(at)
        for linger in (False, True):
            with server.client() as c:
                if linger:
                    c.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                c.send(data[:at])
    is_equal(wrong, [], f"each of {len(data)} beginnings, then a half-close, a close, a reset")
    watch.check("cut off")


# --- mutations ---


def mutate(rng, data):
    """The bytes with one to four things wrong."""
    data = bytearray(data)
    for _ in range(rng.randrange(1, 5)):
        at = rng.randrange(len(data))
        kind = rng.randrange(9)
        if kind == 0:
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            data[at] = rng.choice((0, 1, 0x7f, 0x80, 0xff, rng.randrange(256)))
        elif kind == 2:
            del data[at:at + rng.randrange(1, 20)]
        elif kind == 3:
            data[at:at] = rng.randbytes(rng.randrange(1, 20))
        elif kind == 4:
            data[at:at] = rng.choice(list(TRAPS.values()))[0]
        elif kind == 5:
            del data[at + 1:]
        elif kind == 6:
            data[at:at] = data[:at][-rng.randrange(1, 200):]
        else:
            spoil_header(rng, data, kind)
        if not data:
            data = bytearray(b"\x01")
    return bytes(data[:1 << 17])


def spoil_header(rng, data, kind):
    """Another type, id, length or padding in the header of some record."""
    at, starts = 0, []
    while at + 8 <= len(data):
        starts.append(at)
        at += 8 + (data[at + 4] << 8 | data[at + 5]) + data[at + 6]
    if not starts:
        return
    at = rng.choice(starts)
    if kind == 7:
        data[at + 1] = rng.choice((*range(13), 255))
    else:
        data[at + rng.randrange(2, 7)] = rng.choice((0, 1, 2, 255, rng.randrange(256)))


def is_sane(data):
    """Whether an answer is FastCGI and allows nobody else."""
    try:
        records_of(data)
    except (ValueError, struct.error):
        return False
    for line in data.split(b"\r\n"):
        name, _, value = line.partition(b": ")
        if name.endswith(b"Access-Control-Allow-Origin") and value != ORIGIN:
            return False
    return True


def mutations(server, rounds):
    watch = Watch(server)
    rng = random.Random(SEED)
    bases = [data for data, _ in TRAPS.values()]
    wrong = []
    for i in range(rounds):
        data = mutate(rng, rng.choice(bases))
        answer = talk(server, [data])
        if not is_sane(answer):
            wrong.append((data, answer))
        if i % 500 == 499 and not watch.is_well()[0]:
            wrong.append("it does not answer")
            break
    ok(not wrong, f"{rounds} mutations, seed {SEED}: sane answers only", wrong[:2])
    watch.check("mutations")


# --- crowds ---


def floods(server):
    """Records without end, of the kinds that are answered and those that are
    not; all answers come, and nothing piles up."""
    watch = Watch(server)
    n = times(20000, 500000)
    kinds = [  # the last: how many bytes answer one
        ("GET_VALUES", record(GET_VALUES, 0, known("FCGI_MAX_CONNS")), 8 + 2 + 14 + 4),
        ("unknown types", record(99, 0, b"?"), 16),
        ("BEGINs of other ids", begin(2), 16),
        ("aborts of other ids", record(ABORT, 7), 0),
        ("empty records", record(STDIN, 8), 0),
        ("unknown roles", begin(3, role=9), 16),
    ]
    for name, one, size in kinds:
        with server.client() as c:
            if name.startswith("BEGIN"):
                c.send(begin(1))
            got = pump(c, one, n, size * n)
            ok(got == size * n, f"a flood of {n} {name}", (got, size * n))
    watch.check("floods")


def pump(client, one, n, wanted):
    """Sends a record n times, reading what comes; the bytes that came."""
    block, got = one * 200, 0
    client.socket.settimeout(10)
    for i in range(0, n, 200):
        client.socket.sendall(block)
        while i > 2000 and got < wanted * (i - 2000) // n:
            got += len(client.socket.recv(1 << 20))
    while got < wanted:
        more = client.socket.recv(1 << 20)
        if not more:
            break
        got += len(more)
    return got


def crowd(server):
    """Hundreds that are slow, half-way, deaf or silent at once; who asks is
    answered, and those that can be are in the end."""
    watch = Watch(server)
    n = times(100, 500)
    data = request(preflight(HTTP_X="v" * 300))
    slow, deaf, silent = ([server.client() for _ in range(n)] for _ in range(3))
    for c in deaf:
        c.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        c.socket.setblocking(False)
        for _ in range(50):
            try:
                c.socket.send(WHOLE * 20)
            except BlockingIOError:
                break
    worst, right = 0, True
    with server.client(60) as keen:
        keen.ask()  # behind all that the deaf ones have asked
        for i in range(0, 60):
            for c in slow:
                c.send(data[i:i + 1])
            start = time.monotonic()
            right = right and keen.ask().status == 204
            worst = max(worst, time.monotonic() - start)
    ok(right and worst < 2 * SECOND, f"beside {3 * n} slow, deaf and silent ones who asks is answered", worst)
    for c in slow:
        c.send(data[60:])
    ok(all(c.answer().status == 204 for c in slow), "the slow ones are answered in the end")
    for i, c in enumerate(slow + deaf + silent):
        if i % 2:
            c.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        c.socket.close()
    watch.check("a crowd")


def churn(server, n):
    """Connections that come and go: with nothing, half a request, a whole one,
    kept or not, read or not, closed or reset."""
    watch = Watch(server)
    rng = random.Random(SEED)
    asked = right = 0
    for _ in range(n):
        with server.client() as c:
            kind = rng.randrange(6)
            try:
                if kind == 1:
                    c.send(WHOLE[:rng.randrange(len(WHOLE))])
                elif kind == 2:
                    c.send(WHOLE)
                elif kind == 3:
                    c.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                    c.send(WHOLE * 3)
                elif kind > 3:
                    asked += 1
                    right += c.ask(keep=kind == 4).status == 204
            except (Closed, OSError):
                pass
    is_equal(right, asked, f"{n} connections come and go: all that ask are answered")
    watch.check("churn")


# --- several threads ---


def threads(rounds):
    """Four threads with few connections between them, a policy that is loaded
    again and again, and all of the above mixed."""
    policies = [POLICY, POLICY.replace("GET, PUT", "GET, PUT, PURGE")]
    with Server("-j", "4", "--max-connections", "40", "--log-requests",
                policy=policies[0]) as s:
        watch = Watch(s)
        rng = random.Random(SEED)
        crowd_of = []
        right = asked = 0
        for i in range(rounds):
            if i % 40 == 0:
                s.write_policy(policies[i // 40 % 2])
                s.signal(signal.SIGHUP)
            if i % 97 == 0:
                s.signal(signal.SIGUSR1)
            c = s.client()
            c.socket.setblocking(False)
            try:
                c.socket.send(mutate(rng, WHOLE) if i % 3 else b"")
            except OSError:
                pass
            crowd_of.append(c)
            if len(crowd_of) > 60:
                crowd_of.pop(0).socket.close()
            with s.client() as keen:
                asked += 1
                try:
                    right += keen.ask().status == 204 and keen.ask().status == 204
                except (Closed, OSError):
                    pass
        for c in crowd_of:
            c.socket.close()
        # Who has just come is never the quietest of all, but for a moment.
        ok(right >= asked * 0.99, f"{right} of {asked} are answered on four threads, beside "
           "evictions and reloads")
        ok(len(s.lines("event=reloaded")) > rounds // 100, "the policy was loaded again and again")
        watch.check("four threads")
        is_equal(s.stop(), 0, "it ends with status 0")


def main():
    note(f"seed {SEED}")
    with Server("--log-level", "error") as s:
        traps(s)
        cut_off(s)
        mutations(s, times(1500, 200000))
        floods(s)
        crowd(s)
        churn(s, times(3000, 100000))
        is_equal(s.stop(), 0, "it ends with status 0")
    threads(times(400, 5000))
    done()


main()
