"""`serve --shadow`: a candidate policy judges every preflight too; it is never
answered from, and each difference is counted and logged."""

import os
import re
import signal
import tempfile
import threading

from fcgi import AUTHORIZER, Server, preflight, wait_for
from tap import done, is_equal, ok

LIVE = """\
[defaults]
refuse-status = 403

[policy api]
host = api.example.com
allow-origins = https://app.example.com, https://old.example.com
allow-methods = GET, PUT, PATCH
allow-headers = Content-Type, X-Old
max-age = 10

[policy open]
host = open.example.com
allow-origins = *

[policy going]
host = going.example.com
allow-origins = https://app.example.com
"""
CANDIDATE = """\
[defaults]
refuse-status = 403

[policy open]
host = open.example.com
allow-origins = *

[policy coming]
host = coming.example.com
allow-origins = https://app.example.com

[policy api]
host = api.example.com
allow-origins = https://app.example.com, https://new.example.com
allow-methods = PATCH, GET, DELETE
allow-headers = content-type, X-New
max-age = 10
"""

NEW, OLD = "https://new.example.com", "https://old.example.com"
MALFORMED = preflight(HTTP_ORIGIN="https://a.example, https://b.example")


def asking(method="GET", origin="https://app.example.com", host="api.example.com", headers=None):
    return preflight(HTTP_ACCESS_CONTROL_REQUEST_METHOD=method, HTTP_ORIGIN=origin, HTTP_HOST=host,
                     HTTP_ACCESS_CONTROL_REQUEST_HEADERS=headers)


# A preflight, the policy it is counted for, and both reasons; or None where
# both agree on it.
CASES = (
    ("an origin that is taken away", asking(origin=OLD), "api", "allowed", "origin"),
    ("an origin that comes", asking(origin=NEW), "api", "origin", "allowed"),
    ("a method that is taken away", asking("PUT"), "api", "allowed", "method"),
    ("a method that comes", asking("DELETE"), "api", "method", "allowed"),
    ("a header that is taken away", asking(headers="x-old"), "api", "allowed", "header"),
    ("a header that comes", asking(headers="x-new"), "api", "header", "allowed"),
    ("a method that goes with a header that comes", asking("PUT", headers="x-new"), "api", "header", "method"),
    ("a policy that goes", asking(host="going.example.com"), "going", "allowed", "no-policy"),
    ("a policy that comes", asking(host="coming.example.com"), "coming", "no-policy", "allowed"),
    ("another list of methods and headers in the answer", asking(), "api", "allowed", "allowed"),
    ("a policy that is the same", asking(host="open.example.com"), None, None, None),
    ("an origin that both refuse", asking(origin="https://evil.example"), None, None, None),
    ("a host that none serves", asking(host="none.example.com"), None, None, None),
    ("a malformed one", MALFORMED, None, None, None),
)
NOT_JUDGED = (
    ("an OPTIONS request that is no preflight", preflight(HTTP_ACCESS_CONTROL_REQUEST_METHOD=None), {}),
    ("another method", preflight(REQUEST_METHOD="GET"), {}),
    ("an actual request", preflight(REQUEST_METHOD="GET", CORS_MODE="actual", HTTP_ORIGIN=OLD), {}),
    ("an authorizer's", preflight(REQUEST_METHOD="GET", HTTP_ORIGIN=OLD), {"role": AUTHORIZER, "stdin": False}),
)


class Shadowed(Server):
    """A server with a candidate in its folder."""

    def __init__(self, *args, candidate=CANDIDATE, policy=LIVE, **options):
        self.private = tempfile.TemporaryDirectory(prefix="pf")
        self.candidate_path = os.path.join(self.private.name, "candidate.ini")
        self.write_candidate(candidate)
        super().__init__(*args, "--shadow", self.candidate_path, policy=policy, **options)

    def __exit__(self, *problem):
        super().__exit__(*problem)
        self.private.cleanup()

    def write_candidate(self, text):
        with open(self.candidate_path + ".new", "w", encoding="ascii") as f:
            f.write(text)
        os.rename(self.candidate_path + ".new", self.candidate_path)

    def totals(self):
        """What was logged of the counts, by policy and reasons."""
        found = {}
        for line in self.lines("event=shadow-total"):
            m = re.search(r' before="(.+)" after="(.+)" policy="(.*)" requests=(\d+)$', line)
            found[m[3], m[1], m[2]] = int(m[4])
        return found

    def hang_up(self, event):
        before = len(self.lines("event=" + event))
        self.signal(signal.SIGHUP)
        return wait_for(lambda: len(self.lines("event=" + event)) > before)


def judged():
    with Server(policy=LIVE) as plain, Shadowed("-j", "2") as s:
        ok(s.saw("event=shadow-loaded", "digest="), "the candidate is loaded")
        with plain.client() as without, s.client() as c:
            for name, params, policy, before, after in CASES:
                seen = len(s.lines("event=shadow-difference"))
                is_equal(c.ask(params).out, without.ask(params).out, f"{name}: the answer is the live policy's")
                if policy is None:
                    continue
                wait_for(lambda n=seen: len(s.lines("event=shadow-difference")) > n)
                line = (s.lines("event=shadow-difference")[seen:] + [""])[0]
                values = dict(re.findall(r' ([a-z-]+)="([^"]*)"', line))
                is_equal((values.get("before"), values.get("after"), values.get("origin"), values.get("method"),
                          values.get("host")),
                         (before, after, params["HTTP_ORIGIN"], params["HTTP_ACCESS_CONTROL_REQUEST_METHOD"],
                          params["HTTP_HOST"]),
                         f"{name}: one line with both reasons and the request")
                ok(policy in (values["policy"], values["shadow-policy"]), f"{name}: it names the policy", line)
                if before == after:
                    is_equal(values.get("differs"), "methods, headers", f"{name}: it says what differs")
                else:
                    ok(values.get("offending") in (*params.values(), "") and "differs" not in values,
                       f"{name}: it names the offending part", line)
            for name, params, options in NOT_JUDGED:
                is_equal(c.ask(params, **options).out, without.ask(params, **options).out, f"{name}: the same answer")
        counters = s.stopped_counters()
        wanted = {(policy, before, after): 1 for _, _, policy, before, after in CASES if policy}
        is_equal(s.totals(), wanted, "at the end the counts are logged")
        is_equal((counters["shadow-judged"], counters["shadow-differences"]), (len(CASES), len(wanted)),
                 "preflights are judged, and nothing else")
        ok(not s.lines("event=left-out") and len(s.lines("event=shadow-difference")) == len(wanted),
           "each difference has a line")


def answers():
    """Both allow, and the answer is another."""
    line = "max-age = 10"
    base = LIVE[LIVE.index("[policy api]"):LIVE.index("[policy open]")]
    for change, differs in (
            (base.replace(line, "max-age = 20"), "max-age"),
            (base.replace(line, "success-status = 200\nmax-age = 10"), "status"),
            (base.replace(line, line + "\nallow-credentials = yes"), "credentials"),
            (base.replace("https://app.example.com, https://old.example.com", "*"), "origin"),
            (base.replace("PATCH", "*").replace("X-Old", "X-New"), "methods, headers"),
            (base.replace("GET, PUT, PATCH", "PATCH, PUT, GET").replace("Content-Type, X-Old", "x-old, content-type"),
             None),
            (base.replace(line, line + "\ndebug = yes\nexpose-headers = X-Total"), None),
            (base.replace("[policy api]", "[policy other]"), None)):
        with Shadowed(policy=base, candidate=change) as s, s.client() as c:
            c.ask(asking())
            s.stop()
            lines = s.lines("event=shadow-difference")
            if differs is None:
                is_equal((lines, s.totals()), ([], {}), "order, spelling, names and what no preflight tells: no difference")
                continue
            is_equal(s.totals(), {("api", "allowed", "allowed"): 1}, f"another answer is counted: {differs}")
            ok(lines and lines[0].endswith(f' differs="{differs}"'), "and logged", lines)
    with Shadowed(policy=base, candidate=base.replace(line, "refuse-status = 404")) as s, s.client() as c:
        c.ask(asking(origin=NEW))
        s.stop()
        is_equal(s.totals(), {("api", "origin", "origin"): 1}, "another status of a refusal is counted")


def flood():
    """Lines are limited, counts are not, and neither is memory."""
    with Shadowed("-j", "2") as s:
        def ask():
            with s.client() as c:
                for i in range(500):
                    c.ask(asking("PUT" if i % 2 else "GET", headers=f"x-{i}" if i % 10 == 0 else None))

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        with s.client() as c:
            c.ask(asking(origin=OLD))
        ok(s.saw("event=shadow-difference", 'after="origin"'), "a difference among floods of others has its line")
        s.stop()
        lines = len(s.lines("event=shadow-difference", "reason=allowed-to-method"))
        left = sum(int(n) for n in re.findall(r"lines=(\d+)", "\n".join(s.lines("left-out", "allowed-to-method"))))
        ok(20 <= lines < 500 and lines + left == 1000, "20 lines a second for two reasons, then a count",
           f"{lines} {left}")
        is_equal(s.totals(), {("api", "allowed", "method"): 1000, ("api", "allowed", "allowed"): 800,
                              ("api", "header", "header"): 200, ("api", "allowed", "origin"): 1},
                 "each one is counted, over all threads")


def broken():
    """A candidate that can't be used never stops the real policy."""
    with Shadowed(candidate="nonsense\n") as s, s.client() as c:
        ok(s.saw("event=shadow-refused") and s.lines("event=policy-error", "candidate.ini", "line=1", "level=error"),
           "a candidate with an error: the server starts without it", s.log())
        is_equal(c.ask(asking(origin=OLD)).status, 204, "and answers")
        s.write_policy(LIVE.replace(OLD, NEW))
        ok(s.hang_up("reloaded"), "the real policy is loaded beside it")
        is_equal([c.ask(asking(origin=o)).status for o in (OLD, NEW)], [403, 204], "and used")
        s.write_candidate(CANDIDATE)
        ok(s.hang_up("shadow-loaded"), "a mended candidate is loaded")
        c.ask(asking("PUT"))
        ok(s.saw("event=shadow-difference", "reason=allowed-to-method"), "and judges")
        s.write_candidate("[policy x]\nallow-origins = https://x.example/\n")
        ok(s.hang_up("shadow-refused"), "a candidate that breaks is refused")
        before = len(s.lines("event=shadow-difference"))
        c.ask(asking("PUT"))
        ok(wait_for(lambda: len(s.lines("event=shadow-difference")) > before), "and the one before it goes on")
        s.write_candidate(CANDIDATE.replace("DELETE", "PUT"))
        s.write_policy("nonsense\n")
        ok(s.hang_up("shadow-loaded") and s.lines("event=reload-refused"),
           "a broken policy does not keep the candidate from being loaded")
        c.ask(asking("DELETE"))
        c.ask(asking(origin=NEW))
        s.stop()
        is_equal(s.totals().get(("api", "allowed", "method")), 2, "the counts of the pair before were logged")
        ok(("api", "method", "allowed") not in s.totals() and ("api", "allowed", "allowed") in s.totals(),
           "and those of the new pair", s.totals())
    with Shadowed() as s:
        os.unlink(s.candidate_path)
        os.mkfifo(s.candidate_path)
        ok(s.hang_up("shadow-refused") and s.lines("it is a pipe"), "a FIFO as candidate is not waited for")


def counting_on():
    """Counts go on where a load changes nothing that matters."""
    with Shadowed() as s, s.client() as c:
        c.ask(asking("PUT"))
        c.ask(asking(host="coming.example.com"))
        sections = CANDIDATE.split("\n\n")
        s.write_candidate("\n\n".join([sections[0], *reversed(sections[1:])]) + "\n# a comment\n")
        ok(s.hang_up("shadow-loaded"), "the same candidate in another order")
        is_equal(s.totals(), {}, "its counts go on")
        c.ask(asking("PUT"))
        c.ask(asking(host="coming.example.com"))
        s.stop()
        is_equal(s.totals(), {("api", "allowed", "method"): 2, ("coming", "no-policy", "allowed"): 2},
                 "each where it belongs")


def watched():
    with Shadowed("--watch") as s, s.client() as c:
        c.ask(asking("PUT"))
        s.write_candidate(CANDIDATE.replace("DELETE", "PUT"))
        ok(wait_for(lambda: len(s.lines("event=shadow-loaded")) == 2), "--watch: a candidate that changes is loaded")
        ok(not s.lines("event=reloaded"), "alone")
        c.ask(asking("PUT"))
        ok(s.saw("reason=allowed-to-allowed"), "and judges")
        s.write_policy(LIVE.replace(OLD, NEW))
        ok(s.saw("event=reloaded"), "so is the policy")
        is_equal([c.ask(asking(origin=o)).status for o in (OLD, NEW)], [403, 204], "and answers")
        s.write_policy(LIVE)
        s.write_candidate(LIVE)
        ok(wait_for(lambda: len(s.lines("event=reloaded")) > 1 and s.lines("event=shadow-loaded")[3:]
                    == [] and len(s.lines("event=shadow-loaded")) == 3), "both at once")
        before = len(s.lines("event=shadow-difference"))
        c.ask(asking("PUT"))
        s.stop()
        is_equal(len(s.lines("event=shadow-difference")), before, "the candidate is the policy now: no difference")


def swaps():
    """Both are swapped in one step: a pair that agrees never differs."""
    pairs = [LIVE.replace("max-age = 10", f"max-age = {i}") for i in range(1, 3)]
    with Shadowed("-j", "2", policy=pairs[0], candidate=pairs[0]) as s:
        stop, failed = threading.Event(), []

        def ask():
            with s.client() as c:
                while not stop.is_set():
                    answer = c.ask(asking())
                    if answer.status != 204:
                        failed.append(answer.out)

        threads = [threading.Thread(target=ask) for _ in range(3)]
        for t in threads:
            t.start()
        loaded = 0
        for i in range(50):
            s.write_policy(pairs[i % 2])
            s.write_candidate(pairs[i % 2])
            loaded += bool(s.hang_up("reloaded"))
        stop.set()
        for t in threads:
            t.join()
        counters = s.stopped_counters()
        is_equal((loaded, failed), (50, []), "50 reloads of both under load")
        ok(counters["shadow-judged"] == counters["allowed"] > 0, "every preflight was judged", counters)
        is_equal(counters["shadow-differences"], 0, "and each by the candidate of its own pair")


def main():
    judged()
    answers()
    flood()
    broken()
    counting_on()
    watched()
    swaps()
    done()


main()
