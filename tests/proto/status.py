"""The status page over FastCGI: what it counts, in all its forms, and that it
stands in nobody's way."""

import html
import json
import os
import re
import signal
import subprocess
import sys
import tempfile

from fcgi import (
    AUTHORIZER, POLICY, Server, binary, preflight, request, wait_for)
from tap import done, is_equal, note, ok, skip

PATH = "/preflightd/status"
HOSTILE = "https://<script>alert(1)</script>&\"'\\"
REASONS = ("allowed", "origin", "method", "header", "no-policy", "malformed",
           "not-preflight", "not-options")
PARSER = """
import json, sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
print(json.dumps([[f.name, f.type, f.unit, f.documentation,
                   [[s.name, s.labels, s.value] for s in f.samples]]
                  for f in text_string_to_metric_families(sys.stdin.read())]))
"""


def ask(form="", method="GET", path=PATH, **more):
    return {"REQUEST_METHOD": method, "HTTP_HOST": "api.example.com",
            "REQUEST_URI": path + form, **more}


def state(client):
    """The page as JSON."""
    return json.loads(client.ask(ask("?json")).body)


def served(*args, **options):
    return Server("--status-path", PATH, *args, **options)


def times(client, n, **changes):
    for _ in range(n):
        client.ask(preflight(**changes))


def command_line():
    for path in ("", "status", "/", "/s/", "/a//b", "/a b", "/a?b", "/%41"):
        run = subprocess.run([binary(), "serve", "--status-path", path],
                             stdin=subprocess.DEVNULL, capture_output=True,
                             check=False, timeout=20)
        ok(run.returncode == 2 and b"invalid --status-path '" in run.stderr,
           f"refused: --status-path '{path}'", run.stderr)


def off():
    with Server() as s, s.client() as c:
        is_equal(c.ask(ask()).status, 405, "without the option there is no page")


def forms():
    wanted = {"": "text/plain; charset=utf-8", "?json": "application/json",
              "?openmetrics": "application/openmetrics-text; version=1.0.0;"
                              " charset=utf-8",
              "?html": "text/html; charset=utf-8"}
    with served() as s, s.client() as c:
        for form, kind in wanted.items():
            got = c.ask(ask(form))
            fields = dict(got.fields)
            ok(got.status == 200 and fields["Content-Type"] == kind
               and fields["Cache-Control"] == "no-store"
               and fields["X-Content-Type-Options"] == "nosniff"
               and int(fields["Content-Length"]) == len(got.body) > 500,
               f"GET {PATH}{form}", got.out)
            head = c.ask(ask(form, "HEAD"))
            ok(head.body == b"" and [k for k, _ in head.fields]
               == [k for k, _ in got.fields]
               and abs(int(head.field("Content-Length")) - len(got.body)) < 9,
               "... HEAD has the same fields and no body", head.out)
        csp = c.ask(ask("?html")).field("Content-Security-Policy")
        ok(csp.startswith("default-src 'none'; style-src 'unsafe-inline'")
           and "script" not in csp, "the page may run no script", csp)
        for method in ("POST", "DELETE", "get", "PUT"):
            got = c.ask(ask("", method))
            ok(got.status == 405 and got.field("Allow") == "GET, HEAD, OPTIONS",
               f"{method} is 405 with Allow", got.out)
        got = c.ask(preflight(REQUEST_URI=PATH))
        ok(got.status == 204 and got.field("Access-Control-Allow-Origin"),
           "a preflight for the path is one like any other", got.out)
        is_equal(c.ask(ask("", "OPTIONS")).status, 204, "so is other OPTIONS")
        is_equal(c.ask(ask(path="/other")).status, 405, "another path is not it")
        is_equal(c.ask(ask(CORS_MODE="actual")).status, 204,
                 "CORS_MODE=actual asks for something else")
        got = c.send(request(ask(), role=AUTHORIZER, stdin=False)).answer()
        ok(got.body == b"" and got.status == 200, "so does an authorizer", got.out)


def framing():
    with served() as s:
        with s.client() as c:
            got = c.ask(ask("?json"), body=b"x" * 100000)
            ok(json.loads(got.body)["healthy"], "a body is read away")
            c.send_bytewise(request(ask("?html"), padding=3))
            ok(c.answer().body.endswith(b"</html>\n"), "byte by byte")
            is_equal(c.ask().status, 204, "a kept connection goes on")
            c.send(request() + request(ask("?json"), rid=2) + request(rid=3)
                   + request(ask("?html"), rid=4) + request(rid=5))
            got = [c.answer(rid).status for rid in (1, 2, 3, 4, 5)]
            is_equal(got, [204, 200, 204, 200, 204],
                     "pipelined requests are answered in order")
        with s.client() as c:
            c.send(request(ask("?html"), keep=False))
            ok(c.answer().body.endswith(b"</html>\n") and c.is_closed(),
               "a connection that is not kept is closed behind it")
        with s.client() as c:
            c.send(request(ask("?html"))).half_close()
            ok(c.answer().body.endswith(b"</html>\n") and c.is_closed(),
               "a half-closed one too")


def controls():
    """What clients send reaches no terminal as it is."""
    with served() as s, s.client() as c:
        for text in (b"\xc2\x9b31m", b"\x7f", b"\x1b[31m"):
            c.ask(preflight(HTTP_ORIGIN=b"https://" + text))
            c.ask(preflight(HTTP_ACCESS_CONTROL_REQUEST_METHOD=b"P" + text))
        for form in ("", "?json", "?html", "?openmetrics"):
            page = c.ask(ask(form)).body
            ok(not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]", page),
               f"control characters in '{form}' are escaped", page)


def counting():
    policy = POLICY + ("[policy all]\nhost = all.example.com\n"
                       "allow-origins = *\n")
    with served(policy=policy) as s, s.client() as c:
        times(c, 5)
        times(c, 3, HTTP_HOST="all.example.com",
              HTTP_ACCESS_CONTROL_REQUEST_METHOD="GET")
        times(c, 4, HTTP_ORIGIN="http://app.example.com")
        times(c, 2, HTTP_ORIGIN=HOSTILE)
        times(c, 1, HTTP_ORIGIN=b"https://\xe4\x01")
        times(c, 2, HTTP_ACCESS_CONTROL_REQUEST_METHOD="put")
        times(c, 1, HTTP_ACCESS_CONTROL_REQUEST_HEADERS="content-type, x-key")
        times(c, 3, HTTP_HOST="other.example.com")
        times(c, 1, HTTP_ORIGIN=None)
        c.ask(ask(path="/other"))
        got = state(c)
        of = {row["policy"]: row["reasons"] for row in got["requests"]["policies"]}
        wanted = {"allowed": 5, "origin": 6, "method": 2, "header": 1,
                  "malformed": 1, "not-preflight": 1}
        is_equal({k: v for k, v in of["api"].items() if v}, wanted,
                 "requests of a policy by reason")
        is_equal({k: v for k, v in of["all"].items() if v}, {"allowed": 3},
                 "... of another")
        is_equal({k: v for k, v in of["(none)"].items() if v},
                 {"no-policy": 3, "not-options": 1}, "... and without one")
        is_equal(got["requests"]["total"], 23, "the status page is not counted")
        is_equal(tuple(of["api"]), REASONS, "every reason is there")
        is_equal({r: sum(row[r] for row in of.values()) for r in REASONS},
                 got["requests"]["reasons"], "the rows add up")
        is_equal({r: sum(v) for r, v in got["last_hour"].items()},
                 got["requests"]["reasons"], "so do the last hour's minutes")
        ok(all(len(v) == 60 for v in got["last_hour"].values()), "... sixty")
        refused(s, got)
        never_seen(s, c, got)
        escaped(c)


def refused(s, got):
    lists = got["refused"]
    rows = [(x["text"], x["reason"], x["policy"], x["count"], x["line"])
            for x in lists["origins"]]
    is_equal(rows[:2] + sorted(rows[2:]),
             [("http://app.example.com", "origin", "api", 4, 3),
              ("https://app.example.com", "no-policy", None, 3, None),
              ("https://<script>alert(1)</script>&\"'\\", "origin", "api", 2, 3),
              ("https://\\xe4\\x01", "malformed", "api", 1, None)],
             "the origins that are refused most, and the line to change")
    x = lists["origins"][0]
    ok(x["explanation"] == "policy has https://app.example.com, got "
       "http://app.example.com: other scheme" and x["file"] == s.policy_path,
       "... with the nearest miss", x)
    is_equal([(x["text"], x["count"], x["line"]) for x in lists["methods"]],
             [("put", 2, 4)], "the methods")
    is_equal([(x["text"], x["count"], x["line"]) for x in lists["headers"]],
             [("x-key", 1, 5)], "the header names")


def never_seen(s, c, got):
    is_equal(got["never_seen"], {"count": 0, "origins": []},
             "every allowed origin has come")
    is_equal(got["policy"]["origins"], 2, "... of two")


def escaped(c):
    page = c.ask(ask("?html")).body.decode("ascii")
    shown = html.unescape(re.sub(r"<[^>]*>", "", page))
    ok("<script" not in page and "https://<script>alert(1)</script>&\\x22'\\x5c"
       in shown and "https://\\xe4\\x01" in shown,
       "a hostile origin is text on the page", page)
    text = c.ask(ask()).body.decode("ascii")
    ok("https://<script>alert(1)</script>&\\x22'\\x5c\n" in text
       and "\x01" not in text, "... and escaped in the text", text)


def reloading():
    policy = POLICY.replace("https://app", "https://new.example.com, null, https://app")
    with served() as s, s.client() as c:
        times(c, 2)
        times(c, 3, HTTP_ORIGIN="https://new.example.com")
        got = state(c)
        old = got["policy"]
        ok(got["healthy"] and old["last_reload"]["result"] == "none"
           and re.fullmatch("[0-9a-f]{64}", old["digest"]), "before a reload", old)
        s.write_policy(policy)
        s.signal(signal.SIGHUP)
        s.saw("event=reloaded")
        got = state(c)
        new = got["policy"]
        ok(new["digest"] != old["digest"] and new["loads"] == 2
           and new["last_reload"]["result"] == "good"
           and new["last_reload"]["at"] == new["loaded_at"], "after a good one", new)
        is_equal(got["requests"]["policies"][0]["reasons"]["allowed"], 2,
                 "a policy keeps its counts")
        x = got["refused"]["origins"][0]
        ok(x["allowed_now"] and x["explanation"] == "" and x["count"] == 3,
           "an origin that was refused is allowed now", x)
        is_equal([x["origin"] for x in got["never_seen"]["origins"]],
                 ["https://new.example.com", "null"],
                 "what had come before is known still")
        s.write_policy("[policy x]\nallow-orgins = *\n")
        s.signal(signal.SIGHUP)
        s.saw("event=reload-refused")
        got = state(c)
        last = got["policy"]["last_reload"]
        ok(not got["healthy"] and last["result"] == "refused"
           and ":2:1: " in last["error"] and "'allow-orgins'" in last["error"],
           "a refused one makes it unhealthy and is told", last)
        is_equal(got["policy"]["digest"], new["digest"], "... the old one stays")
        ok(b"<title>attention" in c.ask(ask("?html")).body
           and b"status:                attention" in c.ask(ask()).body,
           "... in every form")
        s.write_policy(POLICY.replace("api]", "other]"))
        s.signal(signal.SIGHUP)
        wait_for(lambda: len(s.lines("event=reloaded")) == 2)
        times(c, 1)
        rows = {row["policy"]: row for row in state(c)["requests"]["policies"]}
        ok(not rows["api"]["in_use"] and rows["api"]["reasons"]["allowed"] == 2
           and rows["other"]["reasons"]["allowed"] == 1,
           "a policy that is gone keeps its counts for a while", rows)
        is_equal(state(c)["refused"]["origins"][0]["explanation"],
                 "its policy is not in use any more", "... and its refusals")


def threads():
    with served("-j", "3") as s:
        clients = [s.client() for _ in range(12)]
        for i, c in enumerate(clients):
            times(c, 5)
            times(c, i, HTTP_ORIGIN=f"https://{i % 3}.example.net")
        got = [state(c) for c in clients]
        ok(all(g["requests"]["reasons"]["allowed"] == 60
               and g["requests"]["reasons"]["origin"] == 66
               and sum(g["last_hour"]["origin"]) == 66
               and g["threads"] == 3
               and g["connections"]["open"] == len(clients) for g in got),
           "three threads' counts are one", got[0])
        is_equal([(x["text"], x["count"], x["count_max"])
                  for x in got[-1]["refused"]["origins"]],
                 [("https://2.example.net", 26, 26), ("https://1.example.net", 22, 22),
                  ("https://0.example.net", 18, 18)], "... refusals too")
        for c in clients:
            c.socket.close()


def shadow():
    with tempfile.TemporaryDirectory() as folder:
        candidate = os.path.join(folder, "candidate.ini")
        with open(candidate, "w", encoding="ascii") as f:
            f.write(POLICY.replace("https://app", "https://new")
                    + "[policy more]\nhost = more.example.com\n"
                    "allow-origins = https://app.example.com\n")
        with served("-j", "2", "--shadow", candidate) as s:
            for _ in range(3):
                with s.client() as c:
                    times(c, 2)
                    times(c, 1, HTTP_ORIGIN="https://new.example.com")
                    times(c, 1, HTTP_HOST="more.example.com",
                          HTTP_ACCESS_CONTROL_REQUEST_METHOD="GET")
            with s.client() as c:
                shadow_shown(s, c, candidate)


def shadow_shown(s, c, candidate):
    got = state(c)["shadow"]
    ok(re.fullmatch("[0-9a-f]{64}", got["digest"]) and got["loads"] == 1,
       "the candidate is there", got)
    rows = [(d["policy"], d["before"], d["after"], d["requests"])
            for d in got["differences"]]
    is_equal(sorted(rows), [("api", "allowed", "origin", 6),
                            ("api", "origin", "allowed", 3),
                            ("more", "no-policy", "allowed", 3)],
             "its differences are counted")
    families = strict(c.ask(ask("?openmetrics")).body.decode("ascii"))
    if families is None:
        skip("the candidate's metrics", "python3-prometheus-client is missing")
    else:
        is_equal(sorted((labels["policy"], labels["before"], labels["after"], value)
                        for _, labels, value
                        in families["preflightd_shadow_differences"][4]),
                 sorted(rows), "... in the metrics")
    ok(b"<h2>Shadow policy</h2>" in c.ask(ask("?html")).body
       and b"  api  allowed -> origin  6\n" in c.ask(ask()).body,
       "... on the page and in the text")
    with open(candidate, "w", encoding="ascii") as f:
        f.write("nonsense\n")
    s.signal(signal.SIGHUP)
    s.saw("event=shadow-refused")
    got = state(c)
    ok(not got["healthy"] and got["shadow"]["last_reload"]["result"] == "refused",
       "a candidate that can't be used is told", got["shadow"])


def strict(text):
    """The families by name, or None where no parser is there."""
    for python in (sys.executable, "/usr/bin/python3"):
        if os.access(python, os.X_OK) and subprocess.run(
                [python, "-c", "import prometheus_client.openmetrics.parser"],
                stderr=subprocess.DEVNULL, check=False).returncode == 0:
            run = subprocess.run([python, "-c", PARSER], input=text,
                                 capture_output=True, text=True, check=False)
            if run.returncode != 0:
                note(run.stderr)
                return {}
            return {f[0]: f for f in json.loads(run.stdout)}
    return None


def metrics():
    with served() as s, s.client() as c:
        times(c, 4)
        times(c, 2, HTTP_ORIGIN=HOSTILE)
        s.write_policy("nonsense\n")
        s.signal(signal.SIGHUP)
        s.saw("event=reload-refused")
        got = c.ask(ask("?a=b&openmetrics="))
        text = got.body.decode("ascii")
        ok(got.field("Content-Type").startswith("application/openmetrics-text")
           and text.endswith("\n# EOF\n"), "asked for as Prometheus can", text)
        ok("<" not in text and "alert" not in text, "a client chooses no label", text)
        families = strict(text)
        if families is None:
            skip("OpenMetrics", "python3-prometheus-client is missing")
            return
        ok(len(families) > 15, "a strict parser takes all of it", text)
        good = all(name.startswith("preflightd_") and docs and samples
                   and (kind != "counter" or not name.endswith("_total"))
                   and all(s[0].endswith("_total") or kind != "counter"
                           for s in samples)
                   and (unit == "" or name.endswith("_" + unit))
                   for name, kind, unit, docs, samples in families.values())
        ok(good, "names, units and help are as they should be", families)
        counted = {(labels["policy"], labels["reason"]): value for _, labels, value
                   in families["preflightd_requests"][4]}
        is_equal({k: v for k, v in counted.items() if v},
                 {("api", "allowed"): 4, ("api", "origin"): 2},
                 "requests by policy and reason")
        is_equal(families["preflightd_policy_last_load_successful"][4][0][2], 0,
                 "the last load was refused")
        is_equal(families["preflightd_connections"][4][0][2], 1,
                 "one connection is open")
        is_equal({labels["error"] for _, labels, _ in families["preflightd_connection_errors"][4]},
                 {"protocol", "peer", "cut-short", "refused-peer", "refused-memory"},
                 "connections that ended in an error, by what it was")
        is_equal(families["preflightd_log_lines_lost"][4][0][2], 0, "no line of the log was lost")


def allowed_by_star():
    """What a '*' covers now is not shown as refused still; Authorization is no
    part of it."""
    policy = "[policy api]\nallow-origins = https://app.example.com\n"
    with served(policy=policy) as s, s.client() as c:
        c.ask(preflight(HTTP_ACCESS_CONTROL_REQUEST_METHOD="PURGE"))
        c.ask(preflight(HTTP_ACCESS_CONTROL_REQUEST_METHOD="GET",
                        HTTP_ACCESS_CONTROL_REQUEST_HEADERS="x-a"))
        c.ask(preflight(HTTP_ACCESS_CONTROL_REQUEST_METHOD="GET",
                        HTTP_ACCESS_CONTROL_REQUEST_HEADERS="authorization"))
        s.write_policy(policy + "allow-methods = *\nallow-headers = *\n")
        s.signal(signal.SIGHUP)
        s.saw("event=reloaded")
        got = state(c)["refused"]
        is_equal({x["text"]: x["allowed_now"] for kind in ("methods", "headers") for x in got[kind]},
                 {"PURGE": True, "x-a": True, "authorization": False},
                 "a '*' allows now what was refused, but for Authorization")


def flood():
    with served() as s, s.client() as c:
        for i in range(2000):
            c.ask(preflight(HTTP_ORIGIN=f"https://{i}.example.net"))
            if i % 10 == 0:
                c.ask(preflight(HTTP_ORIGIN="https://often.example.net"))
        c.ask(preflight(HTTP_ORIGIN="https://" + "x" * 60000))
        got = state(c)["refused"]["origins"]
        ok(len(got) == 20 and got[0]["text"] == "https://often.example.net"
           and got[0]["count"] <= 200 <= got[0]["count_max"]
           and all(x["count"] <= 2 for x in got[1:]),
           "what is frequent in a flood is found, with its bounds", got)
        ok(all(len(x["text"]) <= 200 for x in got), "long texts are cut")


def unread():
    """Many pages are asked for and none is read."""
    with served() as s, s.client() as c, s.client() as other:
        c.send(request(ask("?html")) * 300)
        is_equal([other.ask().status for _ in range(50)], [204] * 50,
                 "who reads no page keeps nobody waiting")
        with open(f"/proc/{s.process.pid}/status", encoding="ascii") as f:
            kib = int(re.search(r"VmRSS:\s+(\d+)", f.read())[1])
        ok(kib < 200000, "... and takes no memory for all of them", f"{kib} KiB")
        pages = [c.answer().body for _ in range(300)]
        ok(all(p.startswith(b"<!DOCTYPE html>") and p.endswith(b"</html>\n")
               for p in pages), "all of them come when they are read")
        is_equal(c.ask().status, 204, "and the connection goes on")


def large():
    """More than a record holds, more policies than have counts of their own,
    more origins than are looked at once."""
    names = "".join(f"[policy p{i}]\nhost = h{i}.example.com\n"
                    for i in range(1200))
    with served() as s, s.client() as c:
        listed = os.path.join(s.folder, "origins")
        with open(listed, "w", encoding="ascii") as f:
            f.writelines(f"https://o{i}.example.com\n" for i in range(100000))
        s.write_policy("[defaults]\nallow-origins = @origins\n" + names)
        s.signal(signal.SIGHUP)
        s.saw("event=reloaded")
        for i in range(0, 1200, 100):
            c.ask(preflight(HTTP_HOST=f"h{i}.example.com",
                            HTTP_ORIGIN=f"https://o{i}.example.com",
                            HTTP_ACCESS_CONTROL_REQUEST_METHOD="GET"))
        got = state(c)
        rows = {row["policy"]: row["reasons"]["allowed"]
                for row in got["requests"]["policies"]}
        ok(len(rows) <= 1003 and sum(rows.values()) == 12 and rows["p0"] == 1
           and rows["(others)"] == 2, "a bounded number of policies is told apart",
           f"{len(rows)} {rows['(others)']}")
        is_equal((got["policy"]["policies"], got["policy"]["origins"],
                  got["never_seen"]["count"]), (1200, 100000, 100000 - 12),
                 "the rest is counted")
        is_equal([x["origin"] for x in got["never_seen"]["origins"]],
                 [f"https://o{i}.example.com" for i in range(1, 21)],
                 "the first origins that never came are listed")
        is_equal((got["never_seen"]["origins"][0]["file"],
                  got["never_seen"]["origins"][0]["line"]), (listed, 2),
                 "... with their lines")
        body = c.ask(ask("?openmetrics")).body
        ok(len(body) > 65535 * 3 and body.endswith(b"# EOF\n"),
           "an answer of many records comes whole", len(body))
        page = c.ask(ask("?html")).body
        ok(len(page) < 65535, "the page for people stays short", len(page))


command_line()
off()
forms()
framing()
controls()
counting()
reloading()
allowed_by_star()
threads()
shadow()
metrics()
flood()
unread()
large()
done()
