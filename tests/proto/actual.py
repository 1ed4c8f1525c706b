"""The other half of CORS, asked per request: CORS_MODE=actual and the role
AUTHORIZER.  What the answers are, what is counted and what is logged.
"""

from fcgi import AUTHORIZER, COMPLETE, Server, preflight
from tap import done, is_equal, ok

POLICY = """\
[defaults]
refuse-status = 404

[policy api]
host = api.example.com
allow-origins = https://app.example.com, https://*.apps.example.com
allow-credentials = yes
expose-headers = X-Total, X-Page
debug = yes

[policy public]
host = api.example.com
path = /public
allow-origins = *
expose-headers = *

[policy bare]
host = bare.example.com
allow-origins = https://app.example.com
"""

APP = "https://app.example.com"
TAIL = [("Access-Control-Allow-Credentials", "true"),
        ("Access-Control-Expose-Headers", "X-Total, X-Page")]
VARY = [("Vary", "Origin")]


def granted(origin):
    return [("Access-Control-Allow-Origin", origin), *TAIL, *VARY]


STAR = [("Access-Control-Allow-Origin", "*"),
        ("Access-Control-Expose-Headers", "*")]

# What, the parameters changed in an actual request, the fields, the reason.
CASES = (
    ("an allowed origin", {}, granted(APP), "allowed"),
    ("a pattern's origin", {"HTTP_ORIGIN": "https://a.apps.example.com"},
     granted("https://a.apps.example.com"), "allowed"),
    ("a method that the policy does not list", {"REQUEST_METHOD": "DELETE"},
     granted(APP), "allowed"),
    ("OPTIONS", {"REQUEST_METHOD": "OPTIONS"}, granted(APP), "allowed"),
    ("what a preflight has", {
        "REQUEST_METHOD": "OPTIONS",
        "HTTP_ACCESS_CONTROL_REQUEST_METHOD": "DELETE"},
     granted(APP), "allowed"),
    ("no method", {"REQUEST_METHOD": None}, granted(APP), "allowed"),
    ("no Origin", {"HTTP_ORIGIN": None}, VARY, "allowed"),
    ("an empty Origin", {"HTTP_ORIGIN": ""}, VARY, "allowed"),
    ("a refused origin", {"HTTP_ORIGIN": "https://evil.com"}, VARY, "origin"),
    ("null", {"HTTP_ORIGIN": "null"}, VARY, "origin"),
    ("a malformed Origin", {"HTTP_ORIGIN": APP + ", https://evil.com"}, VARY,
     "malformed"),
    ("a malformed Host", {"HTTP_HOST": "api.example.com\x01"}, VARY,
     "malformed"),
    ("a '*' policy", {"REQUEST_URI": "/public/x"}, STAR, "allowed"),
    ("a '*' policy and another origin",
     {"REQUEST_URI": "/public/x", "HTTP_ORIGIN": "https://evil.com"}, STAR,
     "allowed"),
    ("a '*' policy without Origin",
     {"REQUEST_URI": "/public/x", "HTTP_ORIGIN": None}, STAR, "allowed"),
    ("a '*' policy and a malformed Origin",
     {"REQUEST_URI": "/public/x", "HTTP_ORIGIN": "a,b"}, STAR, "malformed"),
    ("no policy for the host", {"HTTP_HOST": "other.example.com"}, VARY,
     "no-policy"),
    ("no policy and no Origin",
     {"HTTP_HOST": "other.example.com", "HTTP_ORIGIN": None}, VARY, "allowed"),
    ("a path that servers disagree on",
     {"REQUEST_URI": "/public/..%2fadmin"}, VARY, "no-policy"),
    ("neither credentials nor exposed headers",
     {"HTTP_HOST": "bare.example.com"},
     [("Access-Control-Allow-Origin", APP), *VARY], "allowed"),
    ("CORS_POLICY", {"HTTP_HOST": "x.example.com", "CORS_POLICY": "public"},
     STAR, "allowed"),
    ("an unknown CORS_POLICY", {"CORS_POLICY": "nosuch"}, VARY, "no-policy"),
    ("its own origin", {"HTTP_ORIGIN": "https://api.example.com",
                        "REQUEST_SCHEME": "https"}, VARY, "allowed"),
    ("its own origin by HTTPS=on",
     {"HTTP_ORIGIN": "https://api.example.com", "HTTPS": "on"}, VARY,
     "allowed"),
    ("its own host, another scheme",
     {"HTTP_ORIGIN": "https://api.example.com", "REQUEST_SCHEME": "http"},
     VARY, "origin"),
    ("its own host, HTTPS=off",
     {"HTTP_ORIGIN": "https://api.example.com", "HTTPS": "off"}, VARY,
     "origin"),
    ("its own origin with a port",
     {"HTTP_ORIGIN": "http://api.example.com:8080",
      "HTTP_HOST": "api.example.com:8080"}, VARY, "allowed"),
    ("its own host, another port",
     {"HTTP_ORIGIN": "http://api.example.com:8081",
      "HTTP_HOST": "api.example.com:8080"}, VARY, "origin"),
    ("its own origin where no policy is",
     {"HTTP_ORIGIN": "http://other.example.com",
      "HTTP_HOST": "other.example.com"}, VARY, "allowed"),
    ("another value of CORS_MODE", {"CORS_MODE": "Actual"}, None,
     "not-options"),
)


def actual(changes):
    """The parameters of an actual request; empty values are kept."""
    return preflight(**{"REQUEST_METHOD": "GET", "CORS_MODE": "actual",
                        "HTTP_ACCESS_CONTROL_REQUEST_METHOD": None,
                        **changes})


def answers(client, what, changes, wanted):
    params = actual(changes)
    a = client.ask(params)
    if wanted is None:
        is_equal(a.status, 405, f"{what}: no actual mode")
        return
    is_equal((a.status, a.fields[1:], a.body, a.protocol_status),
             (204, wanted, b"", COMPLETE), f"{what}: CORS_MODE=actual")
    params.pop("CORS_MODE")
    a = client.ask(params, role=AUTHORIZER, stdin=False)
    is_equal((a.out.split(b"\r\n")[0], a.fields[1:], a.body),
             (b"Status: 200 OK", [("Variable-" + n, v) for n, v in wanted],
              b""), f"{what}: AUTHORIZER")


def counted():
    """Every case is answered as it should, and counted and logged once."""
    for what, changes, wanted, reason in CASES:
        with Server(policy=POLICY) as s:
            with s.client() as c:
                answers(c, what, changes, wanted)
            counters = s.stopped_counters()
            times = 1 if wanted is None else 2
            is_equal((counters["requests"], counters[reason]), (times, times),
                     f"{what}: counted as {reason}")
            refused = s.lines("event=refused") + s.lines("event=unknown-policy")
            ok(all(f"reason={reason}" in x for x in refused)
               and bool(refused) == (reason != "allowed"),
               f"{what}: logged as {reason}", s.log())
            ok(wanted is None or all('mode="actual"' in x for x in refused),
               f"{what}: the log says which mode", s.log())


def body():
    """nginx says how long a body is that it does not send."""
    with Server(policy=POLICY) as s, s.client() as c:
        a = c.ask(actual({"CONTENT_LENGTH": "1000", "REQUEST_METHOD": "PUT"}))
        is_equal((a.status, a.fields[1:]), (204, granted(APP)),
                 "a Content-Length without a body is not waited for")
        a = c.ask(preflight(HTTP_ORIGIN="https://evil.com"))
        is_equal(a.status, 404, "a preflight on the same connection")


def plain_options():
    """An actual OPTIONS of a page carries the same, whatever its Origin."""
    with Server(policy=POLICY) as s, s.client() as c:
        for what, origin, path, wanted in (
                ("with an Origin", APP, "/public", STAR),
                ("without Origin", None, "/public", STAR),
                ("with a malformed Origin", "a,b", "/public", STAR),
                ("of a policy that names origins, without", None, "/", [])):
            a = c.ask(preflight(HTTP_ORIGIN=origin, REQUEST_URI=path,
                                HTTP_ACCESS_CONTROL_REQUEST_METHOD=None))
            is_equal([f for f in a.fields if f[0].startswith("Access")],
                     wanted, f"a plain OPTIONS {what}")


counted()
body()
plain_options()
done()
