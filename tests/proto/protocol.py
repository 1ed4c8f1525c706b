"""FastCGI 1.0 on one connection: records in any shape, in any pieces."""

import os
import socket
import struct
import subprocess

from fcgi import (
    ABORT, AUTHORIZER, CANT_MPX_CONN, COMPLETE, DATA, END, FILTER, GET_VALUES,
    GET_VALUES_RESULT, PARAMS, STDIN, STDOUT, UNKNOWN_ROLE, UNKNOWN_TYPE,
    PREFLIGHT, Server, begin, binary, pairs, params_records, preflight, record, request)
from tap import done, is_equal, ok

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
ORIGIN = "https://app.example.com"


def good(answer):
    return (answer.status == 204 and answer.protocol_status == COMPLETE
            and answer.app_status == 0 and answer.err == b"" and answer.body == b""
            and answer.field("Access-Control-Allow-Origin") == ORIGIN)


def end_of(content):
    """Application and protocol status of an END_REQUEST."""
    return struct.unpack(">IB3x", content)


def plain(s):
    with s.client() as c:
        a = c.ask()
        ok(good(a), "a preflight is answered", a.out)
        is_equal(a.field("Access-Control-Allow-Methods"), "GET, PUT", "with the whole list of methods")
        ok(good(c.ask()), "the connection is kept for the next")
        a = c.ask(preflight(HTTP_ORIGIN="https://evil.example"))
        is_equal((a.status, a.field("Access-Control-Allow-Origin")), (403, None), "a foreign origin is refused")
        ok(good(c.ask()), "nothing of one request reaches the next")
    with s.client() as c:
        c.send(request(keep=False))
        ok(good(c.answer()), "without FCGI_KEEP_CONN it is answered")
        ok(c.is_closed(1), "and closed at once, not after a lingering second")
    for rid in (1, 2, 255, 256, 4097, 65535):
        with s.client() as c:
            ok(good(c.ask(rid=rid)), f"request id {rid}")


def pieces(s):
    with s.client() as c:
        c.send_bytewise(request(padding=5))
        ok(good(c.answer()), "byte by byte, with padding on every record")
        c.send_bytewise(request())
        ok(good(c.answer()), "byte by byte again on the kept connection")
    for padding in (1, 7, 8, 255):
        with s.client() as c:
            ok(good(c.ask(padding=padding)), f"{padding} bytes of padding everywhere")
    for size in (1, 3, 17, 100):
        with s.client() as c:
            ok(good(c.ask(size=size)), f"pairs across PARAMS records of {size} bytes")
            c.send_bytewise(request(size=size, padding=1))
            ok(good(c.answer()), "... and byte by byte")
    whole = request(rid=3, padding=2)
    wrong = []
    with s.client() as c:
        for cut in range(1, len(whole)):
            c.send(whole[:cut]).send(whole[cut:])
            if not good(c.answer(3)):
                wrong.append(cut)
    is_equal(wrong, [], f"cut in two at each of {len(whole) - 1} places")
    with s.client() as c:
        c.send(begin() + params_records(pairs(PREFLIGHT)))
        ok(c.is_silent(), "a responder's request waits for the end of STDIN")
        c.send(record(STDIN, 1))
        ok(good(c.answer()), "and is answered then")
        c.send(begin() + record(STDIN, 1) + params_records(pairs(PREFLIGHT)))
        ok(good(c.answer()), "STDIN ended before PARAMS")
        c.send(request(preflight(CONTENT_LENGTH="5000")))
        ok(good(c.answer()), "a CONTENT_LENGTH without the body, as auth_request sends it")
        c.send(begin() + record(STDIN, 1) + record(PARAMS, 1))
        is_equal(c.answer().status, 405, "no parameters at all")


def bodies(s):
    with s.client() as c:
        ok(good(c.ask(body=b"x" * 100000)), "a body of 100,000 bytes is thrown away")
        c.send(begin() + params_records(pairs(PREFLIGHT)))
        for _ in range(400):
            c.send(record(STDIN, 1, b"\0" * 65535))
        c.send(record(STDIN, 1))
        ok(good(c.answer()), "and one of 26 MB")
        c.send(begin() + record(DATA, 1, b"x") + params_records(pairs(PREFLIGHT)) + record(STDIN, 1))
        ok(good(c.answer()), "DATA to a responder is passed over")


def pipelined(s):
    with s.client() as c:
        c.send(b"".join(request(rid=i) for i in range(1, 51)))
        ok(all(good(c.answer(i)) for i in range(1, 51)), "50 pipelined requests, answered in order")
        c.send(request(rid=1) + request(rid=2)[:30])
        ok(good(c.answer(1)), "one and a half: the first is answered")
        c.send(request(rid=2)[30:])
        ok(good(c.answer(2)), "and then the second")
        c.send(request(rid=1) + request(rid=2, keep=False) + request(rid=3))
        ok(good(c.answer(1)) and good(c.answer(2)) and c.is_closed(),
           "nothing behind a request without FCGI_KEEP_CONN is answered")
    with s.client() as c:
        one = request()
        n = 3000
        c.socket.settimeout(30)
        c.socket.setblocking(False)
        data, sent, answers, got = one * n, 0, 0, b""
        import select
        import time
        until = time.monotonic() + 30
        size = None
        while time.monotonic() < until:
            readable, writable, _ = select.select([c.socket], [c.socket] if sent < len(data) else [], [], 5)
            if writable:
                try:
                    sent += c.socket.send(data[sent : sent + 65536])
                except BlockingIOError:
                    pass
                if sent < len(data):
                    continue  # read nothing while there is more to send and room for it
            if readable:
                got += c.socket.recv(1 << 20)
            answers = got.count(b"Status: 204")
            size = len(got)
            if answers == n:
                break
        is_equal(answers, n, f"{n} pipelined, read late ({size} bytes)")
    with s.client() as c:
        c.send(request()).half_close()
        ok(good(c.answer()) and c.is_closed(), "a whole request followed by a half-close is answered")
    with s.client() as c:
        c.send(request(rid=1) + request(rid=2)).half_close()
        ok(good(c.answer(1)) and good(c.answer(2)) and c.is_closed(), "two, followed by a half-close")
    with s.client() as c:
        c.send(request()[:-8]).half_close()
        ok(c.is_closed(), "half a request followed by a half-close ends the connection")


def management(s):
    with s.client() as c:
        c.send(record(GET_VALUES, 0, pairs({"FCGI_MPXS_CONNS": ""})))
        is_equal(c.record(), (GET_VALUES_RESULT, 0, pairs({"FCGI_MPXS_CONNS": "0"}), b""),
                 "GET_VALUES alone is answered at once")
        names = {"FCGI_MAX_CONNS": "", "UNKNOWN": "", "FCGI_MAX_REQS": "", "FCGI_MPXS_CONNS": "", "": ""}
        c.send(record(GET_VALUES, 0, pairs(names), padding=3))
        kind, rid, content, _ = c.record()
        is_equal((kind, rid, content), (GET_VALUES_RESULT, 0, pairs(
            {"FCGI_MAX_CONNS": "4096", "FCGI_MAX_REQS": "4096", "FCGI_MPXS_CONNS": "0"})),
            "three names are answered, others left out")
        c.send(record(GET_VALUES, 0, pairs([("FCGI_MAX_CONNS", "")] * 1000)))
        is_equal(c.record()[2], pairs({"FCGI_MAX_CONNS": "4096"}), "a name asked a thousand times is answered once")
        c.send(record(GET_VALUES, 0))
        is_equal(c.record(), (GET_VALUES_RESULT, 0, b"", b""), "no name at all")
        c.send(record(GET_VALUES, 0, pairs([("x" * 200, "y" * 300)])))
        is_equal(c.record()[2], b"", "long unknown names")
        for kind in (12, 77, 255):
            c.send(record(kind, 0, b"abcdef", padding=2))
            is_equal(c.record(), (UNKNOWN_TYPE, 0, bytes([kind]) + b"\0" * 7, b""), f"unknown management type {kind}")
        c.send_bytewise(record(GET_VALUES, 0, pairs({"FCGI_MAX_REQS": ""}), padding=4))
        is_equal(c.record()[2], pairs({"FCGI_MAX_REQS": "4096"}), "GET_VALUES byte by byte")
        half = begin() + params_records(pairs(PREFLIGHT))
        c.send(half[:40] + half[40:] + record(GET_VALUES, 0, pairs({"FCGI_MAX_REQS": ""})))
        is_equal(c.record()[0], GET_VALUES_RESULT, "GET_VALUES within a request is answered")
        c.send(record(99, 0) + record(STDIN, 1))
        is_equal(c.record()[0], UNKNOWN_TYPE, "so is an unknown type")
        ok(good(c.answer()), "and then the request")
        c.send(request() + record(GET_VALUES, 0, pairs({"FCGI_MAX_REQS": ""})) + request(rid=2))
        ok(good(c.answer()) and c.record()[0] == GET_VALUES_RESULT and good(c.answer(2)),
           "between two pipelined requests")
    with s.client() as c:
        c.send(record(GET_VALUES, 0, b"\x0e"))
        ok(c.is_closed(), "GET_VALUES with a cut pair closes")


def roles(s):
    for role in (0, FILTER, 4, 65535):
        with s.client() as c:
            c.send(request(role=role, rid=9) + request(rid=10))
            kind, rid, content, _ = c.record()
            is_equal((kind, rid, end_of(content)), (END, 9, (0, UNKNOWN_ROLE)), f"role {role} gets UNKNOWN_ROLE")
            ok(good(c.answer(10)), "and the connection goes on")
    with s.client() as c:
        c.send(begin(role=FILTER, keep=False))
        is_equal(end_of(c.record()[2]), (0, UNKNOWN_ROLE), "without FCGI_KEEP_CONN too")
        ok(c.is_closed(1), "then it is closed")
    with s.client() as c:
        c.send(request(role=AUTHORIZER, stdin=False))
        a = c.answer()
        is_equal((a.status, a.protocol_status), (200, COMPLETE), "an authorizer is answered without STDIN")
        ok(all(n == "Status" or n.startswith("Variable-") for n, _ in a.fields),
           "with Variable- lines only", a.out)
        c.send(record(STDIN, 1, b"late") + record(STDIN, 1))
        ok(c.is_silent(0.1), "late STDIN is passed over")
        ok(good(c.ask()), "and never harms the next request")
        c.send(request(role=AUTHORIZER, rid=5) + request(rid=5))
        ok(c.answer(5).status == 200 and good(c.answer(5)), "STDIN right behind it, then the same id again")
        c.send(request(role=AUTHORIZER, stdin=False, keep=False))
        ok(c.answer().status == 200 and c.is_closed(1), "it is closed at once without FCGI_KEEP_CONN")
    with s.client() as c:
        c.send(request(role=AUTHORIZER, stdin=False, keep=False))
        c.send(record(STDIN, 1, b"x" * 60000))
        ok(c.answer().status == 200, "late STDIN costs nobody the answer")


def multiplexed(s):
    with s.client() as c:
        c.send(begin(1) + begin(2) + params_records(pairs(PREFLIGHT), 2) + params_records(pairs(PREFLIGHT), 1))
        kind, rid, content, _ = c.record()
        is_equal((kind, rid, end_of(content)), (END, 2, (0, CANT_MPX_CONN)), "a second BEGIN gets CANT_MPX_CONN")
        c.send(record(STDIN, 2) + record(STDIN, 1))
        ok(good(c.answer(1)), "and the first is answered")
        ok(good(c.ask(rid=2)), "and then the second, asked again")
        c.send(begin(1) + begin(1))
        ok(c.is_closed(), "the same id begun twice is closed")
    with s.client() as c:
        c.send(begin(4) + record(ABORT, 4))
        kind, rid, content, _ = c.record()
        is_equal((kind, rid, end_of(content)), (END, 4, (0, COMPLETE)), "ABORT_REQUEST ends the request")
        ok(good(c.ask(rid=4)), "and the connection goes on, with the same id")
        c.send(begin(4) + params_records(pairs(PREFLIGHT), 4)[:50])
        rest = params_records(pairs(PREFLIGHT), 4)[50:]
        c.send(rest + record(ABORT, 4) + record(STDIN, 4))
        is_equal(end_of(c.answer(4) and b"\0" * 8), (0, COMPLETE), "aborted after PARAMS")
        c.send(record(ABORT, 77) + record(STDIN, 78, b"x") + record(PARAMS, 79, b"y") + record(DATA, 80))
        ok(c.is_silent(0.1), "records of unknown ids are ignored")
        ok(good(c.ask()), "and harm nothing")
        c.send(begin(1) + record(PARAMS, 2, b"zzz") + record(STDIN, 2) + request(rid=1)[16:])
        ok(good(c.answer(1)), "within a request too")
        c.send(record(STDOUT, 1, b"x") + record(END, 1, b"\0" * 8) + record(200, 1, b"x"))
        ok(good(c.ask()), "records that only an application sends are ignored")
    lie = begin(5) + record(PARAMS, 5, b"\xff\xff\xff\xff\x00")
    for kind, last in (("ABORT_REQUEST", record(ABORT, 5)), ("a second BEGIN", begin(6)),
                       ("an unknown type", record(99, 0))):
        with s.client() as c:
            c.send(lie + last)
            ok(c.is_closed(), f"{kind} behind a pair that cannot be true, at once: closed without an answer")
    with s.client() as c:
        c.send(lie[:-2]).send(lie[-2:])
        ok(c.is_closed(), "and before anything comes behind it")
    with s.client() as c:
        c.send(begin(1, keep=False) + record(ABORT, 1))
        ok(c.record()[0] == END and c.is_closed(1), "aborted without FCGI_KEEP_CONN it is closed")


def wrong(s):
    cases = [
        ("garbage", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
        ("version 0", record(1, 1, b"\0" * 8, version=0)),
        ("version 2 later", request()[:16] + record(PARAMS, 1, b"", version=2)),
        ("one wrong byte", b"\x02"),
        ("a BEGIN of 7 bytes", record(1, 1, b"\0\1\1\0\0\0\0")),
        ("a BEGIN of 9 bytes", record(1, 1, b"\0\1\1\0\0\0\0\0\0")),
    ]
    lies = [
        ("a name of 0x7fffff00 bytes", b"\xff\xff\xff\x00\x01ab"),
        ("a value of 0x7fffffff bytes", b"\x01\xff\xff\xff\xffab"),
        ("both", b"\xff\xff\xff\xff\xff\xff\xff\xffab"),
    ]
    for what, pair in lies:
        cases.append((what, begin() + record(PARAMS, 1, pair)))
    for what, pair in lies + [("a pair longer than the stream", b"\x05\x05abc"), ("a lone length", b"\x05"),
                              ("a cut length", b"\x80\x00")]:
        cases.append((what + ", in a whole request", begin() + params_records(pair) + record(STDIN, 1)))
    for what, data in cases:
        with s.client() as c:
            try:
                c.send(data)
            except OSError:
                pass
            ok(c.is_closed(), f"{what} closes the connection")
    with s.client() as c:
        c.send(request() + b"garbage!")
        ok(good(c.answer()) and c.is_closed(), "a good request before garbage is answered")
    with s.client() as c:
        ok(good(c.ask()), "and others are served as before")


def sizes(s):
    for n in (127, 128, 129, 16384, 65000, 65535, 65536, 200000, 1024 * 1024 - 400):
        with s.client() as c:
            ok(good(c.ask(preflight(HTTP_X=("v" * n)))), f"a value of {n} bytes")
    with s.client() as c:
        ok(good(c.ask(preflight(**{"N" * 300: "v"}))), "a name of 300 bytes")
        many = list(PREFLIGHT.items()) + [(f"HTTP_X_{i}", "v" * 50) for i in range(1000)]
        ok(good(c.ask(many)), "1,000 parameters")
    for n in (1024 * 1024 + 1, 3 * 1024 * 1024):
        with s.client() as c:
            try:
                c.send(request(preflight(HTTP_X="v" * n)))
            except OSError:
                pass
            ok(c.is_closed(), f"a value of {n} bytes closes the connection")
    with s.client() as c:
        a = c.ask(preflight(HTTP_ORIGIN=ORIGIN + "\0"))
        is_equal((a.status, a.field("Access-Control-Allow-Origin")), (403, None), "a NUL in Origin is seen, not an end")
        a = c.ask(preflight(HTTP_ORIGIN=""))
        is_equal(a.status, 204, "an empty Origin is none")
        a = c.ask(preflight(REQUEST_METHOD="GET"))
        is_equal((a.status, a.field("Allow")), (405, "OPTIONS"), "another method gets 405 and Allow")
        ok(a.body, "with a text")
        advice(a.body.decode("ascii"), s.policy_path)
        twice = list(PREFLIGHT.items()) + [("HTTP_ORIGIN", ORIGIN)]
        is_equal(c.ask(twice).status, 403, "a repeated Origin is malformed")


def advice(text, policy):
    """What the text names is in what is exported, and in the files that come
    with the program."""
    for server, setting in (("nginx", " = OPTIONS)"), ("lighttpd", '$HTTP["request-method"] == "OPTIONS"'),
                            ("apache", "RewriteCond %{REQUEST_METHOD} =OPTIONS"), ("haproxy", "method OPTIONS"),
                            ("caddy", "method OPTIONS")):
        out = subprocess.run([binary(), "export", server, "-p", policy], stdin=subprocess.DEVNULL,
                             capture_output=True, check=True).stdout.decode("utf-8")
        line = next((x for x in text.splitlines() if x.lower().startswith("  " + server + " ")), "")
        ok(setting in line and setting in out, f"it names what {server} delegates by", line)
    with open(os.path.join(TOP, "etc/nginx/server.conf"), encoding="ascii") as f:
        ok(" = OPTIONS)" in f.read(), "and nginx without export")
    with open(os.path.join(TOP, "etc/h2o/preflightd.rb"), encoding="ascii") as f:
        ok('env["REQUEST_METHOD"] == "OPTIONS"' in f.read() and 'env["REQUEST_METHOD"] == "OPTIONS"' in text,
           "and h2o")


def no_reader(s):
    with s.client() as c:
        c.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        data = request() * 50
        try:
            c.socket.setblocking(False)
            for _ in range(200):
                c.socket.send(data)
        except BlockingIOError:
            pass
        with s.client() as other:
            ok(all(good(other.ask()) for _ in range(100)), "one that reads no answer keeps nobody waiting")


def main():
    for tcp in (False, True):
        with Server("--log-level", "error", tcp=tcp) as s:
            for case in (plain, pieces, bodies, pipelined, management, roles, multiplexed, wrong, sizes, no_reader):
                case(s)
            is_equal(s.stop(), 0, "it stops with status 0")
            is_equal(s.out(), b"", "stdout was never written")
    done()


main()
