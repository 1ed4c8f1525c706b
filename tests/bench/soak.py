"""A long mixture of everything on one server: allowed and refused preflights,
plain ones, actual requests, reloads, good ones and broken ones, and hostile
bytes between.  Every answer is compared, byte for byte, with what the same
request got at the start; resident memory is printed and must stay within 1 MB
of what it was after the warm-up.

usage: soak.py [REQUESTS]   (1,000,000; SEED=N repeats a run)"""

import os
import random
import signal
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../proto"))
from fcgi import POLICY, Closed, Server, is_sanitized, pairs, preflight, record, request  # noqa: E402
from tap import done, is_equal, note, ok  # noqa: E402

BATCH = 200    # requests that are pipelined
WARM_UP = 0.1  # of all
MORE = 1 << 20  # bytes that resident memory may grow by then

POLICIES = POLICY + """\
[policy wide]
host = *.example.net
path = /v1 /v2
allow-origins = https://*.example.net http://localhost:*
allow-methods = *
allow-headers = *
allow-credentials = yes
debug = yes
"""
BROKEN = POLICIES + "[policy wrong]\nallow-origins = https://a.example/\n"


def resident(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def requests():
    """Whole requests of every kind."""
    wide = {"HTTP_HOST": "a.example.net", "HTTP_ORIGIN": "https://b.example.net"}
    kinds = [
        preflight(), preflight(HTTP_ORIGIN="https://evil.example"),
        preflight(HTTP_HOST="nobody.example"), preflight(HTTP_ORIGIN="https://a b"),
        preflight(HTTP_ACCESS_CONTROL_REQUEST_METHOD="PURGE"),
        preflight(HTTP_ACCESS_CONTROL_REQUEST_HEADERS="x-a, content-type"),
        preflight(HTTP_ACCESS_CONTROL_REQUEST_METHOD=None), preflight(REQUEST_METHOD="GET"),
        preflight(**wide), preflight(**wide, HTTP_ACCESS_CONTROL_REQUEST_HEADERS="x-a," * 500 + "b"),
        preflight(**wide, REQUEST_URI="/v1/..%2fadmin"), preflight(CORS_MODE="actual", **wide),
        preflight(CORS_POLICY="wide", **wide), preflight(CORS_POLICY="none"),
        preflight(HTTP_X="v" * 3000), preflight(HTTP_X="v" * 70000),
    ]
    for params in kinds:
        yield request(params)
        yield request(params, size=100 if len(str(params)) < 5000 else 9000, padding=3)
    yield request(preflight(**wide), role=2)


def answer_of(server, data):
    """What comes back for one request, to the end of the connection."""
    with server.client() as c:
        c.send(data).half_close()
        got = b""
        while more := c.socket.recv(65536):
            got += more
        return got


def read_exactly(client, n):
    parts = []
    while n > 0:
        got = client.socket.recv(min(n, 1 << 20))
        if not got:
            raise Closed()
        parts.append(got)
        n -= len(got)
    return b"".join(parts)


def disturb(server, rng, data):
    """Something hostile on a connection of its own."""
    with server.client() as c:
        kind = rng.randrange(6)
        spoilt = bytearray(data[:4000])
        spoilt[rng.randrange(len(spoilt))] ^= 1 << rng.randrange(8)
        try:
            if kind == 0:
                c.send(rng.randbytes(rng.randrange(1, 300)))
            elif kind == 1:
                c.send(bytes(spoilt)).half_close()
            elif kind == 2:
                c.send(data[: rng.randrange(len(data))])
            elif kind == 3:
                c.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                c.send(data * 3)
            elif kind == 4:
                c.send(record(1, 1, b"\0\1\1\0\0\0\0\0") + record(4, 1, pairs({"A": "b" * 60000})))
        except OSError:
            pass


def reload(server, rng):
    server.write_policy(BROKEN if rng.random() < 0.3 else POLICIES)
    server.signal(signal.SIGHUP)


def soak(server, total, rng):
    """Runs; the number of wrong answers and the two sizes of memory."""
    table = [(data, answer_of(server, data)) for data in requests()]
    # The large ones seldom, or they would be all there is.
    weights = [1 if len(data) > 20000 else 40 for data, _ in table]
    pid, count, wrong, warm, noted = server.process.pid, 0, 0, None, time.monotonic()
    clients = [server.client(30) for _ in range(8)]
    while count < total:
        for i, c in enumerate(clients):
            chosen = rng.choices(table, weights, k=BATCH)
            c.send(b"".join(data for data, _ in chosen))
            wanted = b"".join(answer for _, answer in chosen)
            wrong += read_exactly(c, len(wanted)) != wanted
            count += BATCH
            if rng.random() < 0.05:
                c.socket.close()
                clients[i] = server.client(30)
        disturb(server, rng, rng.choice(table)[0])
        if rng.random() < 0.02:
            reload(server, rng)
        if warm is None and count >= total * WARM_UP:
            warm = resident(pid)
        if time.monotonic() > noted + 10:
            noted = time.monotonic()
            note(f"{count} requests, {resident(pid) >> 10} KB")
    for c in clients:
        c.socket.close()
    return wrong, warm, resident(pid)


def main():
    total = int(sys.argv[1]) if len(sys.argv) > 1 else 1000000
    seed = int(os.environ.get("SEED", "1"))
    with Server("--log", "/dev/null", "-j", "2", policy=POLICIES) as s:
        wrong, warm, after = soak(s, total, random.Random(seed))
        is_equal(wrong, 0, f"{total} requests, seed {seed}: every answer is the same as at first")
        note(f"resident: {warm >> 10} KB after the warm-up, {after >> 10} KB at the end")
        if not is_sanitized():
            ok(after - warm < MORE, "resident memory grows by less than 1 MB", after - warm)
        is_equal(s.stop(), 0, "it ends with status 0")
    done()


main()
