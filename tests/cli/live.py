"""explain --live: what a browser makes of a running server's answers, with and
without a policy file beside them.
"""

import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(TOP, "tests"))

import tap  # noqa: E402
from answering import Answering  # noqa: E402

PREFLIGHTD = os.environ.get("PREFLIGHTD", os.path.join(TOP, "preflightd"))
APP = "https://app.example.com"
JSON = ["-H", "Content-Type: application/json"]

POLICY = """[policy api]
allow-origins = https://app.example.com
allow-methods = GET, PUT
allow-headers = Content-Type
expose-headers = X-Total
max-age = 600
"""

VARY = ("Vary: Origin, Access-Control-Request-Method, "
        "Access-Control-Request-Headers")
PREFLIGHT = ("HTTP/1.1 204 No Content", "Access-Control-Allow-Origin: " + APP,
             "Access-Control-Allow-Methods: GET,PUT",
             "Access-Control-Allow-Headers: content-type",
             "Access-Control-Max-Age: 600", VARY)
ACTUAL = ("HTTP/1.1 200 OK", "Access-Control-Allow-Origin: " + APP,
          "Access-Control-Expose-Headers: X-Total", "X-Total: 9",
          "Vary: Origin, Accept-Encoding", "Content-Length: 0")


def answers(preflight=PREFLIGHT, actual=ACTUAL):
    """What an Answering server says to OPTIONS and to other requests."""
    def answer(request):
        lines = preflight if request.startswith(b"OPTIONS ") else actual
        return ("\r\n".join(lines) + "\r\n\r\n").encode()
    return answer


def without(lines, name):
    return tuple(line for line in lines if not line.startswith(name))


def run(folder, *argv, policy=("-p", "policy.ini"), data=b"", **more):
    """Exit status, stdout and stderr of explain --live."""
    environment = {k: v for k, v in os.environ.items()
                   if k != "PREFLIGHTD_POLICY"}
    environment.update(more)
    done = subprocess.run(
        [PREFLIGHTD, "explain", "--live", *policy, *argv], cwd=folder,
        input=data, env=environment, capture_output=True, check=False,
        timeout=60)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def live(folder, answer, *argv, path="/v1", **more):
    """The exit status, what --json prints and the requests' first words."""
    server = Answering(answer)
    status, out, err = run(folder, "--json", "--origin", APP, *argv,
                           f"http://127.0.0.1:{server.port}{path}", **more)
    server.stop()
    methods = [request.split(b" ")[0].decode() for request in server.requests]
    return (status, json.loads(out) if out else {"stderr": err}, methods,
            server.requests)


def differences(result):
    return {(d["case"], d["id"]) for d in result["live"]["differences"]}


# ---- what is sent -------------------------------------------------------------

def lines_of(request):
    return request.decode().split("\r\n")


def sent(folder):
    status, result, methods, requests = live(
        folder, answers(), "-X", "put", *JSON, "-H", "X-A: b", path="/v1?q=1")
    tap.is_equal((status, methods), (1, ["OPTIONS"]),
                 "where the preflight is refused, the request is not sent")
    tap.ok(result["live"]["sent"] is False
           and [f["step"] for f in result["failures"]] == ["10.7"],
           "and the browser's failure is the header's", json.dumps(result))
    status, result, methods, requests = live(folder, answers(), "-X", "put",
                                             *JSON, path="/v1?q=1")
    preflight, actual = (lines_of(r) for r in requests)
    tap.is_equal((status, methods), (0, ["OPTIONS", "PUT"]),
                 "the preflight, then the request")
    tap.ok(preflight[0] == "OPTIONS /v1?q=1 HTTP/1.1"
           and {"Origin: " + APP, "Access-Control-Request-Method: PUT",
                "Access-Control-Request-Headers: content-type",
                "Accept: */*"} <= set(preflight)
           and preflight.count("Accept: */*") == 1
           and sum(line.startswith("Host:") for line in preflight) == 1,
           "the preflight is that of a browser", "\n".join(preflight))
    tap.ok(actual[0] == "PUT /v1?q=1 HTTP/1.1"
           and {"Origin: " + APP, "Content-Type: application/json",
                "Content-Length: 0"} <= set(actual),
           "the request has Origin and the script's headers",
           "\n".join(actual))
    for argv, wanted in (
            (["-X", "PUT", "--preflight-only"], ["OPTIONS"]),
            ([], ["GET"]),
            (["-X", "HEAD"], ["HEAD"]),
            (["--preflight-only"], []),
            (["-X", "TRACE"], [])):
        tap.is_equal(live(folder, answers(), *argv)[2], wanted,
                     f"sent with {' '.join(argv) or 'no option'}: {wanted}")


def copied_command(folder):
    """A copied command is no order to change anything."""
    server = Answering(answers())
    command = (f"curl 'http://127.0.0.1:{server.port}/v1' -X PUT "
               f"-H 'origin: {APP}'")
    for argv, wanted in (([], [b"OPTIONS"]),
                         (["-X", "PUT"], [b"OPTIONS", b"PUT"])):
        del server.requests[:]
        status, out, err = run(folder, "--json", "--curl", command, *argv)
        result = json.loads(out)
        tap.ok(status == 0 and [r.split(b" ")[0] for r in server.requests]
               == wanted and result["live"]["sent"] is bool(argv),
               f"--curl with PUT {' '.join(argv)}: sent {wanted}", out + err)
        tap.is_equal(any("was not sent" in n for n in result["notes"]),
                     not argv, "a note says whether it was not sent")
    server.stop()


# ---- what comes back ----------------------------------------------------------

def good(folder):
    status, result, _, _ = live(folder, answers(), "-X", "PUT", *JSON)
    tap.ok(status == 0 and result["browser"] == "goes-on"
           and result["answer"]["status"] == 204
           and ["Access-Control-Allow-Methods", "GET,PUT"]
           in result["answer"]["headers"]
           and result["live"] == {"error": None, "sent": True, "status": 200,
                                  "differences": []}
           and "X-Total" in result["actual"]["readable"]
           and ["X-Total", "9"] in result["actual"]["headers"]
           and (result["policy"], result["reason"]) == ("api", "allowed"),
           "a server that is right: its own answers, and no difference",
           json.dumps(result, indent=1))


CASES = (
    # what, preflight, actual, browser, failing step, sent, differences
    ("404 to the preflight", ("HTTP/1.1 404 Not Found",), ACTUAL, "blocked",
     "9.1", False, {("preflight", "preflight-not-found")}),
    ("a redirect of the preflight",
     ("HTTP/1.1 301 Moved", *PREFLIGHT[1:], "Location: /x"), ACTUAL,
     "blocked", "10.2", False, {("preflight", "preflight-redirect")}),
    ("the origin twice", (*PREFLIGHT, PREFLIGHT[1]), ACTUAL, "blocked",
     "9.3", False, {("preflight", "allow-origin-duplicate")}),
    ("a method too little",
     ("HTTP/1.1 204 x", "Access-Control-Allow-Methods: GET",
      *without(PREFLIGHT[1:], "Access-Control-Allow-Methods")), ACTUAL,
     "blocked", "10.5", False, {("preflight", "methods-differ")}),
    ("no header on the response", PREFLIGHT, ("HTTP/1.1 200 OK", "Vary: Origin",
     "Content-Length: 0"), "blocked", "9.1", True,
     {("actual", "allow-origin-missing")}),
    ("none on an error", PREFLIGHT, ("HTTP/1.1 500 Oh", "Content-Length: 0"),
     "blocked", "9.1", True, {("actual", "errors-without-headers")}),
    ("no Vary", PREFLIGHT, without(ACTUAL, "Vary"), "goes-on", None, True,
     {("actual", "vary-missing")}),
    ("another max-age", without(PREFLIGHT, "Access-Control-Max-Age"), ACTUAL,
     "goes-on", None, True, {("preflight", "max-age-differs")}),
)


def cases(folder):
    for what, preflight, actual, browser, step, was_sent, wanted in CASES:
        status, result, _, _ = live(folder, answers(preflight, actual), "-X",
                                    "PUT", *JSON)
        steps = [f["step"] for f in result["failures"]]
        tap.ok(status == (0 if browser == "goes-on" else 1)
               and result["browser"] == browser
               and steps[:1] == ([step] if step else [])
               and result["live"]["sent"] is was_sent
               and differences(result) == wanted, f"{what}: {browser}",
               json.dumps(result, indent=1))
        status, alone, _, _ = live(folder, answers(preflight, actual), "-X",
                                   "PUT", *JSON, policy=())
        tap.ok(alone["browser"] == browser and alone["policy"] is None
               and alone["reason"] is None and alone["fix"] == []
               and alone["failures"] == result["failures"]
               and differences(alone) == set(),
               f"{what}, without a policy file: the same verdict",
               json.dumps(alone, indent=1))


def by_policy(folder):
    """The server allows what the policy does not, and the other way round."""
    status, result, _, _ = live(
        folder, answers((*without(PREFLIGHT, "Access-Control-Allow-Methods"),
                         "Access-Control-Allow-Methods: GET, PUT, DELETE")),
        "-X", "DELETE")
    tap.ok(status == 0 and result["reason"] == "method" and result["fix"] == []
           and differences(result) == {("preflight", "methods-differ")},
           "a server that allows more: no change to the policy is proposed",
           json.dumps(result, indent=1))
    status, result, _, _ = live(folder, answers(), "-X", "DELETE")
    tap.ok(status == 1 and result["reason"] == "method"
           and "DELETE" in result["fix"][0]["write"]
           and differences(result) == set(),
           "a server as strict as the policy: the change is",
           json.dumps(result, indent=1))


def redirect(folder):
    actual = ("HTTP/1.1 302 Found", "Location: https://other.example.com/",
              *ACTUAL[1:])
    status, result, methods, _ = live(folder, answers(actual=actual))
    tap.ok(status == 0 and methods == ["GET"] and any(
        "https://other.example.com/" in note for note in result["notes"]),
           "a redirect of the request is told, not followed",
           json.dumps(result, indent=1))


def text(folder):
    server = Answering(answers(actual=("HTTP/1.1 403 No", "X: \x1b[31m",
                                       "Content-Length: 0")))
    url = f"http://127.0.0.1:{server.port}/v1"
    status, out, err = run(folder, "--origin", APP, "-X", "PUT", *JSON, url)
    titles = [line for line in out.splitlines() if line.isupper()
              and not line.startswith(" ")]
    tap.is_equal((status, err, titles), (1, "", [
        "REQUEST", "PREFLIGHT", "POLICY",
        "ANSWER TO THE PREFLIGHT, BY THE SERVER", "RESPONSE, BY THE SERVER",
        "BROWSER", "DIFFERENCES FROM THE POLICY FILE", "NOTES"]),
                 "the text has the server's answers and the differences")
    tap.ok("ok    10.7" in out and "FAIL  9.1" in out
           and "blocked: the request is sent, but the page does not get the "
           "response" in out and "preflight request doesn't pass" not in out
           and "\x1b" not in out and "X: \\x1b[31m" in out
           and "is carried out" in out,
           "it fails at the response, behind a good preflight", out)
    status, out, _ = run(folder, "--origin", APP, url, policy=())
    tap.ok(status == 1 and "POLICY" not in out and "DIFFERENCES" not in out,
           "without a policy file it says nothing of one", out)
    server.stop()


def no_answer(folder):
    silent = Answering(None)
    for argv, wanted in ((["-X", "PUT"], False), ([], True)):
        status, out, err = run(folder, "--json", "--timeout", "1", "--origin",
                               APP, *argv, f"http://127.0.0.1:{silent.port}/")
        result = json.loads(out)
        tap.ok(status == 1 and err == "" and result["browser"] == "blocked"
               and result["live"]["error"] and result["answer"] is None
               and result["live"]["sent"] is wanted
               and result["failures"] == [],
               f"no answer to {argv or 'GET'}: blocked, and why", out)
        status, out, err = run(folder, "--timeout", "1", "--origin", APP,
                               *argv, f"http://127.0.0.1:{silent.port}/")
        tap.ok(status == 1 and err == "" and "no answer from the server" in out
               and "there is no answer" in out, "the text says so too", out)
    silent.stop()


def same_origin(folder):
    server = Answering(answers())
    origin = f"http://127.0.0.1:{server.port}"
    status, out, _ = run(folder, "--json", "--origin", origin, origin + "/v1")
    result = json.loads(out)
    tap.ok(status == 0 and result["cors"] is False and not server.requests,
           "the page's own origin: CORS does not apply, and the server is not asked", out)
    server.stop()


# ---- which policy -------------------------------------------------------------

def which_policy(folder):
    status, result, methods, _ = live(folder, answers(), policy=(),
                                      PREFLIGHTD_POLICY="policy.ini")
    tap.ok(status == 0 and result["policy"] == "api",
           "the policy file of the environment", json.dumps(result))
    for policy, more in ((("-p", "none.ini"), {}),
                         ((), {"PREFLIGHTD_POLICY": "none.ini"})):
        status, result, methods, _ = live(folder, answers(), policy=policy,
                                          **more)
        tap.ok(status == 2 and not methods and "none.ini" in result["stderr"],
               f"a policy file that is named must be there: {policy or more}",
               json.dumps(result))
    done = subprocess.run([PREFLIGHTD, "explain", "--preflight-only",
                           "--origin", APP, "http://127.0.0.1/"],
                          capture_output=True, check=False, text=True)
    tap.ok(done.returncode == 2 and "--live" in done.stderr,
           "--preflight-only without --live is an error", done.stderr)


with tempfile.TemporaryDirectory() as private:
    with open(os.path.join(private, "policy.ini"), "w", encoding="utf-8") as f:
        f.write(POLICY)
    sent(private)
    copied_command(private)
    good(private)
    cases(private)
    by_policy(private)
    redirect(private)
    text(private)
    no_answer(private)
    same_origin(private)
    which_policy(private)
tap.done()
