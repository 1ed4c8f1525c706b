"""preflightd explain: golden files, the triggers, the verdicts, that every fix
mends what it is for, pasted curl commands, options.

explain/NAME.cmd are the arguments, explained with explain/policy.ini;
explain/NAME.out is what goes to stdout, explain/NAME.json the same of --json.
"""

import json
import os
import random
import re
import shlex
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                os.pardir))
import tap  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
GOLDEN = os.path.join(HERE, "explain")
PREFLIGHTD = os.environ.get("PREFLIGHTD", os.path.join(TOP, "preflightd"))
APP = "https://app.example.com"
API = "https://api.example.com/v1/items"


def run(*argv, folder=GOLDEN, policy="policy.ini", data=b""):
    """Exit status, stdout and stderr of preflightd explain."""
    done = subprocess.run([PREFLIGHTD, "explain", "-p", policy, *argv],
                          cwd=folder, input=data, capture_output=True,
                          check=False, timeout=60)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def explain(*argv, **more):
    """The exit status and what --json prints."""
    status, out, err = run("--json", *argv, **more)
    if not out:
        return status, {"stderr": err}
    return status, json.loads(out)


def read(path):
    try:
        with open(path, encoding="utf-8") as f:
            return f.read()
    except FileNotFoundError:
        return ""


def write(path, text):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


# ---- golden files -----------------------------------------------------------

def check_golden(name):
    base = os.path.join(GOLDEN, name)
    argv = shlex.split(read(base + ".cmd"))
    status, out, err = run(*argv)
    tap.is_equal(out, read(base + ".out"), f"{name}: stdout")
    tap.is_equal(err, "", f"{name}: stderr")
    json_status, got = explain(*argv)
    wanted = read(base + ".json")
    tap.is_equal(got, json.loads(wanted) if wanted else None,
                 f"{name}: --json")
    tap.is_equal((status, json_status),
                 (0 if got["browser"] == "goes-on" else 1,) * 2,
                 f"{name}: status")


# ---- triggers ---------------------------------------------------------------

# Arguments, kinds and names of the triggers.
TRIGGERS = (
    ([], []),
    (["-X", "POST", "-H", "Content-Type: text/plain"], []),
    (["-X", "POST", "-H", "Content-Type: multipart/form-data"], []),
    (["-X", "POST", "-H", "Content-Type: application/x-www-form-urlencoded"],
     []),
    (["-X", "PUT"], ["method PUT"]),
    (["-X", "delete"], ["method DELETE"]),
    (["-X", "PATCH"], ["method PATCH"]),
    (["-X", "patch"], ["method patch"]),
    (["-X", "POST", "-H", "Content-Type: application/json"],
     ["value content-type"]),
    (["-H", "Authorization: Bearer t"], ["header authorization"]),
    (["-H", "X-API-Key: k"], ["header x-api-key"]),
    (["-H", "X-Requested-With: XMLHttpRequest"],
     ["header x-requested-with"]),
    (["-X", "POST", "--stream"], ["flag stream"]),
    (["-X", "POST", "--upload-listener"], ["flag upload-listener"]),
    (["-H", "Range: bytes=0-1023"], []),
    (["-H", "Range: bytes=-500"], ["value range"]),
    (["-H", "Accept: " + "a" * 128], []),
    (["-H", "Accept: " + "a" * 129], ["value accept"]),
    (["-H", "Cookie: a", "-H", "Sec-Fetch-Mode: cors"], []),
    (["-X", "PUT", "-H", "X-B: 1", "-H", "X-A: 2"],
     ["method PUT", "header x-b", "header x-a"]),
)


def check_triggers():
    for argv, wanted in TRIGGERS:
        _, got = explain("--origin", APP, *argv, API)
        about = " ".join(argv)[:60] or "GET"
        tap.is_equal([f"{t['kind']} {t['name']}" for t in got["triggers"]],
                     wanted, f"triggers: {about}")
        tap.is_equal((got["preflight"], got["preflight_request"] is None,
                      got["answer"] is None),
                     (bool(wanted), not wanted, not wanted),
                     f"preflight: {about}")
        tap.ok(all(t["text"] for t in got["triggers"]),
               f"triggers in words: {about}")


# ---- verdicts ---------------------------------------------------------------

# About, arguments, reason, codes of the failures.
VERDICTS = (
    ("allowed", ["--origin", APP, "-X", "PUT", API], "allowed", []),
    ("a pattern", ["--origin", "https://x.preview.example.com", "-X", "PUT",
                   API], "allowed", []),
    ("the method", ["--origin", APP, "-X", "DELETE", API], "method",
     ["method"]),
    ("lower case", ["--origin", APP, "-X", "patch", API], "method",
     ["method"]),
    ("the header", ["--origin", APP, "-H", "X-A: 1", API], "header",
     ["header"]),
    ("both, and another header", ["--origin", APP, "-X", "DELETE", "-H",
                                  "X-B: 1", "-H", "X-A: 1", API], "method",
     ["method", "header", "header"]),
    ("the origin", ["--origin", "https://evil.example", "-X", "PUT", API],
     "origin", ["acao-missing", "status", "method"]),
    ("the origin, without a preflight", ["--origin", "https://evil.example",
                                         API], "origin", ["acao-missing"]),
    ("no policy", ["--origin", APP, "-X", "PUT", "https://x.example.com/"],
     "no-policy", ["acao-missing", "status", "method"]),
    ("no policy, without a preflight",
     ["--origin", APP, "https://api.example.com/v2"], "no-policy",
     ["acao-missing"]),
    ("an encoded slash", ["--origin", APP,
                          "https://api.example.com/v1/..%2fx"], "no-policy",
     ["acao-missing"]),
    ("star", ["--origin", APP, "-X", "PUT", "-H", "X-A: 1",
              "https://open.example.com/"], "allowed", []),
    ("star with credentials", ["--origin", APP, "--credentials",
                               "https://open.example.com/"], "allowed",
     ["acao-star-credentials"]),
    ("null", ["--origin", "null", "https://open.example.com/"], "allowed",
     []),
    ("Authorization under a star",
     ["--origin", APP, "-H", "Authorization: t", "https://open.example.com/"],
     "header", ["authorization"]),
    ("the same today", ["--origin", APP, "-H", "Authorization: t",
                        "--browser", "chromium",
                        "https://open.example.com/"], "header", []),
    ("a forbidden method", ["--origin", APP, "-X", "Trace", API], "allowed",
     ["method-forbidden"]),
)


def check_verdicts():
    for about, argv, reason, codes in VERDICTS:
        status, got = explain(*argv)
        tap.is_equal((status, got["reason"], got["browser"],
                      [f["code"] for f in got["failures"]]),
                     (1 if codes else 0, reason,
                      "blocked" if codes else "goes-on", codes), about)
        tap.ok(all(re.fullmatch(r"\d+\.\d+", f["step"]) and f["message"]
                   for f in got["failures"]), f"{about}: steps")


def check_shape():
    status, got = explain("--origin", APP, "-X", "put", "-H",
                          "X-B:  1 ", "-H", "Content-Type: a/b", "-H",
                          "Cookie: c", "--stream", "--credentials",
                          "HTTPS://API.example.com:443/v1/../v1/x?y#z")
    tap.is_equal(status, 1, "shape: status")
    tap.is_equal(got["request"], {
        "method": "PUT", "url": "https://api.example.com/v1/x?y",
        "origin": APP, "credentials": True, "flag": "stream",
        "headers": [["X-B", "1"], ["Content-Type", "a/b"],
                    ["Cookie", "c"]]}, "shape: request")
    tap.is_equal(got["preflight_request"], {
        "method": "OPTIONS", "target": "/v1/x?y",
        "headers": [["Host", "api.example.com"], ["Accept", "*/*"],
                    ["Access-Control-Request-Method", "PUT"],
                    ["Access-Control-Request-Headers", "content-type,x-b"],
                    ["Origin", APP]]}, "shape: preflight_request")
    tap.is_equal((got["policy"], got["file"], got["line"], got["rule"]),
                 ("api", "policy.ini", 5, {"file": "policy.ini", "line": 10}),
                 "shape: policy")
    tap.is_equal(got["answer"]["status"], 204, "shape: answer")
    tap.is_equal(got["actual"], {
        "headers": [["Access-Control-Allow-Origin", APP],
                    ["Access-Control-Allow-Credentials", "true"],
                    ["Access-Control-Expose-Headers", "X-Total-Count"],
                    ["Vary", "Origin"]], "readable": []},
                 "shape: actual, blocked")
    _, got = explain("--origin", APP, API)
    tap.is_equal((got["request"]["flag"], got["policy"], got["answer"],
                  got["actual"]["readable"]),
                 (None, "api", None,
                  ["cache-control", "content-language", "content-length",
                   "content-type", "expires", "last-modified", "pragma",
                   "X-Total-Count"]), "shape: without a preflight")
    _, got = explain("--origin", APP, "https://open.example.com/")
    tap.is_equal(got["actual"]["headers"],
                 [["Access-Control-Allow-Origin", "*"]],
                 "shape: no Vary where the policy is '*'")
    status, got = explain("--origin", "https://api.example.com", "-X", "PUT",
                          "-H", "X-A: 1", API)
    tap.is_equal((status, got["cors"], got["preflight"], got["policy"],
                  got["line"], got["browser"]),
                 (0, False, False, None, None, "goes-on"), "same origin")
    _, got = explain("--origin", APP, "-X", "PUT", "https://none.example.com")
    tap.is_equal((got["policy"], got["file"], got["line"], got["rule"]),
                 (None, None, None, None), "no policy")


# ---- fixes ------------------------------------------------------------------

def apply(folder, fixes):
    """Makes the changes, the last line first so that numbers stay true."""
    for fix in sorted(fixes, key=lambda f: -f["line"]):
        path = os.path.join(folder, fix["file"])
        lines = read(path).split("\n")
        if fix["action"] == "replace":
            lines[fix["line"] - 1] = fix["write"]
        else:
            lines[fix["line"]:fix["line"]] = fix["write"].split("\n")
        write(path, "\n".join(lines))


# About, the policy, the arguments, what is written (None: there is no fix).
FIXES = (
    ("an origin", "[policy a]\nallow-origins = https://a.example ; ours\n",
     ["--origin", APP], ["allow-origins = https://a.example, " + APP +
                         " ; ours"]),
    ("an origin in a list over lines",
     "[policy a]\nallow-origins =\n  https://a.example\n  https://b.example\n",
     ["--origin", APP], ["allow-origins = " + APP]),
    ("an origin beside a file", "[policy a]\nallow-origins = @list\n",
     ["--origin", APP], ["allow-origins = @list, " + APP]),
    ("an origin of [defaults]",
     "[defaults]\nallow-origins = https://a.example\n[policy a]\n",
     ["--origin", APP], ["allow-origins = https://a.example, " + APP]),
    ("an insecure origin with credentials",
     "[policy a]\nallow-origins = https://a.example\nallow-credentials = yes\n",
     ["--origin", "http://app.example.com"],
     ["insecure-origins = allow",
      "allow-origins = https://a.example, http://app.example.com"]),
    ("an insecure origin, inherited by others with credentials",
     "[defaults]\nallow-origins = https://a.example\n[policy a]\n"
     "[policy b]\npath = /b\nallow-credentials = yes\n",
     ["--origin", "http://app.example.com"],
     ["insecure-origins = allow",
      "allow-origins = https://a.example, http://app.example.com"]),
    ("null", "[policy a]\nallow-origins = https://a.example\n",
     ["--origin", "null"], ["allow-origins = https://a.example, null"]),
    ("null beside credentials",
     "[policy a]\nallow-origins = https://a.example\nallow-credentials = yes\n",
     ["--origin", "null"], None),
    ("null with credentials",
     "[policy a]\nallow-origins = null\n",
     ["--origin", "null", "--credentials"], None),
    ("a method", "[policy a]\nallow-origins = *\nallow-methods = GET PUT,\n",
     ["--origin", APP, "-X", "PATCH"], ["allow-methods = GET PUT, PATCH"]),
    ("a method where none is listed", "[policy a]\nallow-origins = *\n",
     ["--origin", APP, "-X", "PATCH"],
     ["allow-methods = GET, HEAD, POST, PATCH"]),
    ("a method in lower case",
     "[policy a]\nallow-origins = *\nallow-methods = PATCH\n",
     ["--origin", APP, "-X", "patch"], ["allow-methods = PATCH, patch"]),
    ("headers where none is listed", "[policy a]\nallow-origins = *\n",
     ["--origin", APP, "-H", "X-B: 1", "-H", "X-A: 1"],
     ["allow-headers = X-A, X-B"]),
    ("headers, an empty list",
     "[policy a]\nallow-origins = *\nallow-headers =\n",
     ["--origin", APP, "-H", "X-B: 1"], ["allow-headers = X-B"]),
    ("headers of [defaults]",
     "[defaults]\nallow-headers = X-A\n[policy a]\nallow-origins = *\n",
     ["--origin", APP, "-H", "X-B: 1"], ["allow-headers = X-A, X-B"]),
    ("Authorization beside a star",
     "[policy a]\nallow-origins = *\nallow-headers = *\n",
     ["--origin", APP, "-H", "Authorization: t"],
     ["allow-headers = *, Authorization"]),
    ("a header of CORS itself", "[policy a]\nallow-origins = *\n",
     ["--origin", APP, "-H", "Access-Control-Allow-Origin: *"], None),
    ("credentials", "[policy a]\nallow-origins = " + APP + "\n",
     ["--origin", APP, "--credentials"], ["allow-credentials = yes"]),
    ("credentials set to no",
     "[policy a]\nallow-credentials = no # not yet\nallow-origins = " + APP +
     "\n", ["--origin", APP, "--credentials"],
     ["allow-credentials = yes # not yet"]),
    ("credentials for a star",
     "[policy a]\nallow-origins = *\nexpose-headers = *\n",
     ["--origin", APP, "--credentials"],
     ["allow-credentials = yes", "allow-origins = " + APP,
      "expose-headers ="]),
    ("credentials for a star of [defaults]",
     "[defaults]\nallow-origins = *\nexpose-headers = *\n[policy a]\n"
     "[policy b]\npath = /b\n", ["--origin", APP, "--credentials"],
     ["allow-credentials = yes", "allow-origins = " + APP,
      "expose-headers ="]),
    ("credentials for a star in a file",
     "[policy a]\nallow-origins = @star\n",
     ["--origin", APP, "--credentials"], ["allow-credentials = yes", APP]),
    ("credentials where others are insecure, null, over a suffix",
     "[policy a]\nallow-origins = " + APP + " null http://b.example\n"
     "  https://*.github.io\n", ["--origin", APP, "--credentials"],
     ["allow-credentials = yes", "allow-origins = " + APP +
      " http://b.example", "insecure-origins = allow",
      "public-suffixes = allow"]),
    ("everything at once",
     "[policy a]\nhost = *\nallow-origins = https://a.example\n",
     ["--origin", APP, "-X", "PUT", "-H", "X-A: 1", "--credentials"],
     ["allow-origins = https://a.example, " + APP,
      "allow-credentials = yes", "allow-methods = GET, HEAD, POST, PUT",
      "allow-headers = X-A"]),
    ("a path", "[policy a]\npath = /v2\nallow-origins = *\n",
     ["--origin", APP], ["path = /v2, /v1/items"]),
    ("a host", "[policy a]\nhost = x.example.com\nallow-origins = *\n",
     ["--origin", APP], ["host = x.example.com, api.example.com"]),
    ("a path and a method", "[policy a]\npath = /v2\nallow-origins = *\n",
     ["--origin", APP, "-X", "PUT"],
     ["path = /v2, /v1/items", "allow-methods = GET, HEAD, POST, PUT"]),
    ("neither host nor path",
     "[policy a]\nhost = x.example.com\npath = /v2\nallow-origins = *\n",
     ["--origin", APP, "-H", "X-A: 1"],
     ["[policy api-example-com]\nhost = api.example.com\npath = /v1/items\n"
      "allow-origins = " + APP + "\nallow-headers = x-a\n"
      "allow-credentials = no"]),
    ("a new policy with credentials",
     "[defaults]\nexpose-headers = *\n[policy api-example-com]\n"
     "host = x.example.com\nallow-origins = *\n",
     ["--origin", "http://app.example.com", "-X", "PUT", "--credentials"],
     None),
    ("a path that claims would clash",
     "[policy a]\nhost = api.example.com x.example.com\npath = /v2\n"
     "allow-origins = *\n[policy b]\nhost = x.example.com\n"
     "path = /v1/items\nallow-origins = *\n", ["--origin", APP], 1),
    ("a path that servers read in different ways",
     "[policy a]\npath = /v2\nallow-origins = *\n",
     ["--origin", APP, "https://api.example.com/v1/x%2fy"], None),
    ("a method that is forbidden", "[policy a]\nallow-origins = *\n",
     ["--origin", APP, "-X", "TRACK"], None),
)


def check_fix(folder, about, policy, argv, wanted):
    write(os.path.join(folder, "policy.ini"), policy)
    write(os.path.join(folder, "list"), "https://a.example\n")
    write(os.path.join(folder, "star"), "# all\n*\n")
    if not argv[-1].startswith("https://api."):
        argv = [*argv, API]
    status, got = explain(*argv, folder=folder)
    if wanted is None and got["fix"]:
        wanted = 1
    if not isinstance(wanted, int):
        tap.is_equal([f["write"] for f in got["fix"]], wanted or [],
                     f"fix: {about}: what is written")
    tap.is_equal(status, 1, f"fix: {about}: blocked before")
    text = run(*argv, folder=folder)[1]
    tap.ok("\nFIX\n" in text, f"fix: {about}: in the text", text)
    if wanted is None:
        return
    apply(folder, got["fix"])
    status, after = explain(*argv, folder=folder)
    tap.ok(status == 0 and after["browser"] == "goes-on",
           f"fix: {about}: goes on after", f"{got['fix']}\n{after}")


def check_fixes(folder):
    for row in FIXES:
        check_fix(folder, *row)


def check_expose(folder):
    policy = os.path.join(folder, "policy.ini")
    for text, wanted in (("", "expose-headers = X-Total"),
                         ("expose-headers = X-A\n",
                          "expose-headers = X-A, X-Total")):
        write(policy, "[policy a]\nallow-origins = *\n" + text)
        argv = ["--origin", APP, "--read", "X-Total", "--read", "Pragma", API]
        status, got = explain(*argv, folder=folder)
        tap.is_equal((status, [f["write"] for f in got["fix"]]),
                     (0, [wanted]), f"--read: {wanted}")
        apply(folder, got["fix"])
        status, got = explain(*argv, folder=folder)
        tap.ok(not got["fix"] and "X-Total" in got["actual"]["readable"],
               f"--read: {wanted}, applied")
    _, got = explain("--origin", APP, "--read", "Set-Cookie", API,
                     folder=folder)
    tap.is_equal(got["fix"], [], "--read: no page reads Set-Cookie")


ORIGINS = (APP, "https://b.example", "http://c.example", "null", "*",
           "https://*.d.example", "http://localhost:*")


def random_policy(rng):
    """A policy file that may have errors."""
    def some(key, values):
        if rng.random() < 0.4:
            return ""
        chosen = rng.sample(values, rng.randint(0, len(values)))
        separator = rng.choice((" ", ", ", "\n  "))
        return f"{key} = {separator.join(chosen)}\n"

    def body():
        return (some("allow-methods", ["GET", "PUT", "*"][:rng.randint(1, 3)])
                + some("allow-headers", ["X-A", "Authorization", "*"]) +
                some("expose-headers", ["X-A"]) +
                rng.choice(("", "", "allow-credentials = yes\n",
                            "allow-credentials = no\n",
                            "insecure-origins = allow\n")))

    def origins():
        return "allow-origins = " + rng.choice(
            (" ", "\n   ")).join(rng.sample(ORIGINS, rng.randint(1, 3))) + "\n"

    text = "[defaults]\n" + body() + rng.choice(("", origins()))
    for name in ("a", "b")[:rng.randint(1, 2)]:
        text += f"[policy {name}]\n" + rng.choice(
            ("", "host = api.example.com\n", "host = *.example.com\n"))
        text += f"path = /{name if rng.random() < 0.3 else 'v1'}\n"
        text += body() + (origins() if "allow-origins" not in text or
                          rng.random() < 0.5 else "")
    return text


def check_random_fixes(folder):
    """Whatever is blocked: a fix that is given mends it."""
    rng = random.Random(20)
    applied = without = broken = 0
    while applied < 60 and broken < 1000:
        policy = random_policy(rng)
        argv = ["--origin", rng.choice((APP, "http://c.example", "null",
                                        "https://x.example")),
                "-X", rng.choice(("GET", "PUT", "PATCH", "POST")),
                *rng.sample(("-HX-A: 1", "-HX-B: 1", "-HAuthorization: t",
                             "--credentials"), rng.randint(0, 3)),
                rng.choice((API, "https://api.example.com/",
                            "https://other.example/v1"))]
        write(os.path.join(folder, "policy.ini"), policy)
        status, got = explain(*argv, folder=folder)
        if status == 2:
            broken += 1
            continue
        if status == 0:
            continue
        if not got["fix"]:
            without += 1
            if "null" not in argv:
                tap.ok(False, "there is no fix", f"{argv}\n{policy}")
            continue
        apply(folder, got["fix"])
        status, after = explain(*argv, folder=folder)
        if status != 0:
            tap.ok(False, "a fix does not mend it",
                   f"{argv}\n{policy}\n{got['fix']}\n{after}")
        applied += 1
    tap.note(f"{applied} fixes applied, {without} without, {broken} policies "
             "with errors")
    tap.is_equal(applied, 60, "60 fixes of random policies were tried")


# ---- curl -------------------------------------------------------------------

CHROME = r"""curl 'https://api.example.com/v1/items?a=1' \
  -X 'PUT' \
  -H 'accept: */*' \
  -H 'accept-language: en-US,en;q=0.9' \
  -H 'cache-control: no-cache' \
  -b 'sid=1' \
  -H 'content-type: application/json' \
  -H 'origin: https://app.example.com' \
  -H 'priority: u=1, i' \
  -H 'referer: https://app.example.com/' \
  -H 'sec-ch-ua: "Chromium";v="142"' \
  -H 'sec-fetch-mode: cors' \
  -H 'user-agent: Mozilla/5.0' \
  --data-raw $'{"a":"it\'s"}'
"""
CMD = CHROME.replace("\\\n", "^\r\n").replace(
    r"$'{", '^"^{').replace(r"it\'s", "its").replace("}'", '^}^"').replace(
    '"Chromium";v="142"', "x").replace('{"a":"its"', r'{^\"a^\":^\"its^\"'
    ).replace("'", '^"')
FIREFOX = ("curl 'https://api.example.com/v1/items' --compressed "
           "-H 'User-Agent: Mozilla/5.0' -H 'Accept: */*' "
           "-H 'Accept-Encoding: gzip' -H 'Referer: https://app.example.com/p' "
           "-H 'X-API-Key: k' -H 'Connection: keep-alive' -H 'TE: trailers'")


def check_curl():
    for about, argv, data in (("an argument", ["--curl", CHROME], b""),
                              ("standard input", ["--curl", "-"],
                               CHROME.encode()),
                              ("cmd.exe", ["--curl", CMD], b"")):
        status, got = explain(*argv, data=data)
        tap.is_equal((status, got.get("request")), (0, {
            "method": "PUT", "url": "https://api.example.com/v1/items?a=1",
            "origin": APP, "credentials": True, "flag": None,
            "headers": [["accept", "*/*"],
                        ["accept-language", "en-US,en;q=0.9"],
                        ["content-type", "application/json"]]}),
                     f"--curl: {about}")
        tap.is_equal([t["name"] for t in got.get("triggers", [])],
                     ["PUT", "content-type"], f"--curl: {about}: triggers")
    status, got = explain("--curl", FIREFOX)
    tap.is_equal((status, got["request"]["origin"],
                  got["request"]["credentials"],
                  [t["name"] for t in got["triggers"]],
                  [f["code"] for f in got["failures"]]),
                 (1, APP, False, ["x-api-key"], ["header"]),
                 "--curl: Firefox, the origin from Referer")
    _, got = explain("--curl", CHROME, "--origin", "https://b.example", "-X",
                     "POST", "-H", "User-Agent: x")
    tap.is_equal((got["request"]["origin"], got["request"]["method"],
                  [t["name"] for t in got["triggers"]]),
                 ("https://b.example", "POST", ["content-type",
                                                "user-agent"]),
                 "--curl: options go before, and their headers are script's")
    status, got = explain("--curl", "curl https://h/")
    tap.ok(status == 2 and "--origin" in got["stderr"],
           "--curl without an origin", got)


# ---- options, messages ------------------------------------------------------

def check_input():
    """Standard input that can't be read is no mistake of the command."""
    with open("/dev/null", encoding="ascii") as empty:
        for stdin, wanted in ((os.open("/", os.O_RDONLY), 3), (empty.fileno(), 2)):
            done = subprocess.run([PREFLIGHTD, "explain", "-p", "policy.ini", "--curl", "-"], cwd=GOLDEN, stdin=stdin,
                                  capture_output=True, timeout=60, check=False)
            tap.ok(done.returncode == wanted and done.stderr, f"--curl - of what has no command: {wanted}",
                   (done.returncode, done.stderr))


def check_usage(folder):
    bad = (
        [], ["--nope"], [APP, API], ["--origin", APP],
        ["--origin", APP, API, API], [API],
        ["--origin", APP, "-X", "A B", API],
        ["--origin", APP, "-X", "", API],
        ["--origin", APP, "-H", "X", API], ["--origin", APP, "-H", ": x", API],
        ["--origin", APP, "-H", "X Y: x", API],
        ["--origin", APP, "-H", "X: a\nb", API],
        ["--origin", APP, "--browser", "netscape", API],
        ["--origin", APP, "--read", "a b", API],
        ["--origin", APP, "--stream", "--upload-listener", API],
        ["--origin", APP, "--curl", "curl https://h/", API],
        ["--origin", "*", API], ["--origin", "https://*.example.com", API],
        ["--origin", APP + "/", API], ["--origin", "file:///x", API],
        ["--origin", "HTTPS://app.example.com", API],
        ["--origin", APP + ":443", API], ["--origin", "", API],
        ["--origin", APP, "api.example.com/v1"],
        ["--origin", APP, "https://u:p@api.example.com/"],
        ["--origin", APP, "ftp://api.example.com/"],
        ["--curl", "wget x"], ["--curl", "curl 'https://h/"],
    )
    for argv in bad:
        status, out, err = run(*argv)
        tap.ok(status == 2 and out == "" and len(err.splitlines()) >= 2,
               f"usage: {' '.join(argv)[:60]!r}", err)
    for argv, wanted in (
            (["--origin", APP + "/", API],
             f"origin '{APP}/' has a trailing slash, which browsers never "
             f"send\n  write {APP}"),
            (["--origin", "file:///x/y", API],
             "origin 'file:///x/y' has scheme file, which browsers never "
             "send\n  pages from files send 'null'; serve them over "
             "http://localhost instead"),
            (["--origin", APP, "api.example.com/v1"],
             "URL 'api.example.com/v1' does not begin with http:// or "
             "https://\n  write it whole, as in "
             "https://api.example.com/v1/items"),
            (["--curl", "wget x"],
             "the command is not curl but 'wget'\n  copy the request 'as "
             "cURL (bash)' in the browser's network panel"),
            (["--origin", APP, "--browser", "chrome", API],
             "unknown browser 'chrome'\n  write spec, chromium (Chrome, "
             "Edge), firefox or webkit (Safari)")):
        tap.is_equal(run(*argv)[2], f"preflightd explain: {wanted}\n",
                     f"message: {' '.join(argv)[:60]!r}")
    tap.ok(run("--foo")[2].startswith("preflightd explain: "),
           "getopt's messages have the command's name")
    _, _, err = run("--origin", "https://app.example.com/\x1b", API)
    tap.ok("\x1b" not in err, "messages are escaped")
    _, out, _ = run("--origin", APP, "-H", "X-A: \x1b[31m\u00e9", API)
    tap.ok("\x1b" not in out and "\\x1b[31m" in out, "text is escaped")
    _, got = explain("--origin", APP, "-H", "X-A: \x1b\u00e9", API)
    tap.is_equal(got["request"]["headers"], [["X-A", "\x1b\u00e9"]],
                 "JSON has the value itself")
    write(os.path.join(folder, "policy.ini"), "[policy a]\nfoo = 1\n")
    status, out, err = run("--origin", APP, API, folder=folder)
    tap.ok(status == 2 and out == "" and "policy.ini:2:1: error:" in err,
           "a policy with errors", err)
    status, _, err = run("--origin", APP, API, folder=folder, policy="none")
    tap.ok(status == 2 and "[file-unusable]" in err, "no policy file", err)
    write(os.path.join(folder, "policy.ini"),
          "[policy a]\nallow-origins = null\n")
    status, _, err = run("--origin", "null", API, folder=folder)
    tap.is_equal((status, err), (0, ""), "warnings are for check")


# What Chromium does otherwise: arguments, triggers by the standard, triggers in
# Chromium, and a note or a header that is ignored there.
CHROMIUM = (
    (["-H", "DPR: 2"], ["dpr"], [], "DPR: Chromium needs no permission"),
    (["-H", "DPR: x"], ["dpr"], ["dpr"], None),
    (["-H", "User-Agent: x"], ["user-agent"], [], "User-Agent"),
    (["-H", "Accept: " + "a" * 63, "-H", "accept: " + "b" * 64], [],
     ["accept"], None),
)


def check_chromium():
    for argv, standard, chromium, text in CHROMIUM:
        _, by_standard = explain("--origin", APP, *argv, API)
        _, got = explain("--origin", APP, "--browser", "chromium", *argv, API)
        tap.is_equal([[t["name"] for t in g["triggers"]]
                      for g in (by_standard, got)], [standard, chromium],
                     f"Chromium: {argv[1][:20]}")
        said = got["notes"] + [i["name"] for i in got["ignored"]]
        if text:
            tap.ok(any(text in line for line in said),
                   f"... and says {text!r}", said)
    _, text, _ = run("--origin", APP, *CHROMIUM[0][0], API)
    tap.ok("  Chrome does not block it\n  Firefox's console:\n" in text,
           "Chrome has no words for what it does not block", text)
    _, got = explain("--origin", APP, "--upload-listener", *CHROMIUM[3][0],
                     API)
    tap.is_equal([t["name"] for t in got["triggers"]],
                 ["upload-listener", "accept"],
                 "XMLHttpRequest joins lines of one name")


def check_notes():
    for about, argv, text in (
            ("mixed content", ["http://api.example.com/v1"], "mixed content"),
            ("Private Network Access",
             ["-H", "Access-Control-Request-Private-Network: true", API],
             "Local Network Access"),
            ("the cache", ["-X", "PUT", API],
             "Chromium 600, Firefox 600, WebKit 600"),
            ("Firefox and '*'", ["-X", "PUT", "https://open.example.com/"],
             "Firefox sends a preflight before every"),
            ("a needless header",
             ["-H", "X-Requested-With: x", "https://open.example.com/"],
             "could be saved"),
            ("a stream without TLS",
             ["-X", "POST", "--stream", "http://open.example.com/"],
             "ERR_ALPN_NEGOTIATION_FAILED"),
            ("User-Agent", ["-H", "User-Agent: x", API], "Chromium drops"),
            ("expose", [API], "expose-headers"),
            ("the request has run", ["https://none.example.com/"],
             "carried out")):
        _, got = explain("--origin", APP, *argv)
        tap.ok(any(text in note for note in got["notes"]), f"note: {about}",
               got["notes"])
    _, got = explain("--origin", APP, "http://localhost:8080/")
    tap.ok(not any("mixed" in note for note in got["notes"]),
           "no note: mixed content on loopback")


def check_controls():
    """Control characters, U+009B (CSI) among them, never reach a terminal."""
    for text in ("\x9b31m", "\x7f", "\x1b[31m"):
        command = f"curl '{API}/{text}' -X 'P{text}' -H 'Origin: https://a{text}' -H 'X-{text}: {text}'"
        for option in ((), ("--json",)):
            _, out, err = run(*option, "--curl", command)
            tap.ok(not set("\x9b\x7f\x1b") & set(out + err), f"{text!r} is escaped {option}", out + err)
            _, out, err = run(*option, "--origin", f"https://{text}", API)
            tap.ok(not set("\x9b\x7f\x1b") & set(out + err), f"{text!r} as origin is escaped {option}", out + err)


def main():
    for name in sorted(n[:-4] for n in os.listdir(GOLDEN)
                       if n.endswith(".cmd")):
        check_golden(name)
    check_triggers()
    check_verdicts()
    check_shape()
    check_curl()
    check_input()
    check_notes()
    check_controls()
    check_chromium()
    for check in (check_fixes, check_expose, check_random_fixes, check_usage):
        with tempfile.TemporaryDirectory() as folder:
            check(folder)
    tap.done()


main()
