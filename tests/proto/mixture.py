"""Legal records in any mixture and any pieces, and bytes of no sense at all.

The seed is printed; SEED=N repeats a run, ROUNDS=N makes it longer."""

import os
import random
import socket

from fcgi import (
    ABORT, AUTHORIZER, CANT_MPX_CONN, DATA, END, FILTER, GET_VALUES, GET_VALUES_RESULT, PARAMS, RESPONDER,
    STDIN, STDOUT, UNKNOWN_ROLE, UNKNOWN_TYPE, Closed, Server, begin, pairs, preflight, record)
from tap import done, is_equal, note, ok

SEED = int(os.environ.get("SEED", "1"))
ROUNDS = int(os.environ.get("ROUNDS", "150"))


def noise(rng, busy):
    """A record that changes nothing, and the record that answers it, if any."""
    padding = rng.choice((0, 0, 1, 7, 255))
    other = rng.randrange(40000, 50000)
    kind = rng.randrange(6 if busy else 5)
    if kind == 0:
        return record(GET_VALUES, 0, pairs({"FCGI_MPXS_CONNS": ""}), padding), (GET_VALUES_RESULT, 0)
    if kind == 1:
        return record(rng.randrange(12, 256), 0, rng.randbytes(rng.randrange(20)), padding), (UNKNOWN_TYPE, 0)
    if kind == 2:
        return record(rng.choice((ABORT, PARAMS, STDIN, DATA)), other, rng.randbytes(rng.randrange(9)), padding), None
    if kind == 3:
        return begin(other, FILTER, padding=padding), (END, other)
    if kind == 4:
        return record(STDOUT, rng.randrange(1, 65536), b"?", padding), None
    return begin(other, RESPONDER, padding=padding), (END, other)


def one(rng, rid):
    """A request as a list of records, with noise, and what is to come back."""
    role = rng.choice((RESPONDER, RESPONDER, AUTHORIZER))
    allowed = rng.random() < 0.5
    params = preflight(HTTP_ORIGIN="https://app.example.com" if allowed else "https://evil.example",
                       HTTP_X="v" * rng.choice((0, 5, 200, 5000, 70000)))
    stream, size = pairs(params), rng.choice((1 + rng.randrange(50), 1000, 65535))
    if len(stream) / size > 500:
        size = 1000
    padding = rng.choice((0, 0, 3, 255))
    out, wanted = [begin(rid, role, padding=padding)], []
    contents = [stream[i : i + size] for i in range(0, len(stream), size)] + [b""]
    todo = [record(PARAMS, rid, c, padding) for c in contents]
    if role == RESPONDER:
        todo += [record(STDIN, rid, b"b" * rng.randrange(1, 3000), padding) for _ in range(rng.randrange(3))]
        todo.append(record(STDIN, rid, b"", padding))
    for part in todo:
        if rng.random() < 0.1:
            extra, answer = noise(rng, True)
            out.append(extra)
            if answer:
                wanted.append(answer)
        out.append(part)
    if rng.random() < 0.1:  # before its end: aborted
        out[-1] = record(ABORT, rid)
        wanted.append((END, rid, None))
    else:
        wanted.append((END, rid, 200 if role == AUTHORIZER else 204 if allowed else 403))
    if role == AUTHORIZER:
        out += [record(STDIN, rid, b"late"), record(STDIN, rid)][: rng.randrange(3)]
    if rng.random() < 0.3:
        extra, answer = noise(rng, False)
        out.append(extra)
        if answer:
            wanted.append(answer)
    return out, wanted


def status_of(out):
    return int(out.split(b"Status: ", 1)[1][:3]) if out else None


def read_back(client, count):
    """The records that came, STDOUT folded into the END that follows it."""
    got, out = [], {}
    while len(got) < count:
        kind, rid, content, _ = client.record()
        if kind == STDOUT:
            out[rid] = out.get(rid, b"") + content
        elif kind == END and content[4] in (CANT_MPX_CONN, UNKNOWN_ROLE):
            got.append((END, rid))
        elif kind == END:
            got.append((END, rid, status_of(out.pop(rid, b""))))
        else:
            got.append((kind, rid))
    return got


def send_in_pieces(rng, client, data):
    most = rng.choice((10, 100, 5000, 1 << 20))
    if len(data) / most > 3000:
        most = 5000
    while data:
        n = rng.randrange(1, most + 1)
        client.send(data[:n])
        data = data[n:]


def legal(s, rng):
    bad = 0
    for i in range(ROUNDS):
        data, wanted = b"", []
        for _ in range(rng.randrange(1, 6)):
            records, answers = one(rng, rng.randrange(1, 40000))
            data += b"".join(records)
            wanted += answers
        with s.client() as c:
            send_in_pieces(rng, c, data)
            try:
                got = read_back(c, len(wanted))
            except Closed:
                got = "closed"
            if got != wanted:
                bad += 1
                note(f"round {i}: got {got}, wanted {wanted}")
            elif not c.is_silent(0.001):
                bad += 1
                note(f"round {i}: more came than was asked for")
    is_equal(bad, 0, f"{ROUNDS} mixtures of legal records, seed {SEED}")


def spoilt(s, rng):
    """A byte changed, removed or added: an answer or a close, never an end."""
    for _ in range(4 * ROUNDS):
        data = bytearray(b"".join(one(rng, 1)[0])[:8000])
        for _ in range(rng.randrange(1, 4)):
            at = rng.randrange(len(data))
            if rng.random() < 0.5:
                data[at] = rng.randrange(256)
            elif rng.random() < 0.5:
                del data[at : at + rng.randrange(1, 9)]
            else:
                data[at:at] = rng.randbytes(rng.randrange(1, 9))
        with s.client() as c:
            try:
                c.send(bytes(data)).half_close()
                while c.socket.recv(65536):
                    pass
            except (ConnectionError, OSError) as e:
                if isinstance(e, socket.timeout):
                    ok(False, "a spoilt request followed by a half-close is neither answered nor closed", data)
                    return
    ok(True, f"{4 * ROUNDS} spoilt requests are answered or closed")


def main():
    rng = random.Random(SEED)
    with Server("--log-level", "error") as s:
        legal(s, rng)
        spoilt(s, rng)
        with s.client() as c:
            is_equal(c.ask().status, 204, "and the next good one is answered")
        is_equal(s.stop(), 0, "it lives to its end")
    done()


main()
