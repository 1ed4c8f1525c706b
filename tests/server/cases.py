"""What the answers to policy.ini are over HTTP: one table for every server.

A case says who answers (preflightd or the application), the status, and all
the Access-Control header fields of the answer; one that is not listed must not
be there.  Where servers rightly differ, the status is a dict by server, and a
server that refuses the request itself must send no CORS header.
"""

import os
from dataclasses import dataclass, field

import harness
import tap

POLICY = os.path.join(harness.TOP, "tests", "server", "policy.ini")
APP = "https://app.example.com"
VARY = ["origin", "access-control-request-method",
        "access-control-request-headers"]
LISTS = {"access-control-allow-methods", "access-control-allow-headers",
         "access-control-expose-headers"}


@dataclass
class Case:
    what: str
    line: str
    headers: list
    status: object
    cors: dict = field(default_factory=dict)
    by: str = "preflightd"
    extra: dict = field(default_factory=dict)  # header: value, None: absent
    body: bytes = b""


def _grant(origin, methods, headers=None, credentials=False, max_age=None):
    fields = {"access-control-allow-origin": origin,
              "access-control-allow-methods": methods}
    if headers:
        fields["access-control-allow-headers"] = headers
    if credentials:
        fields["access-control-allow-credentials"] = "true"
    if max_age is not None:
        fields["access-control-max-age"] = max_age
    return fields


def api(origin):
    return _grant(origin, "GET, HEAD, POST, PUT, DELETE",
                  "Content-Type, X-Token, Authorization", True, "600")


def admin(origin="https://admin.example.com"):
    return _grant(origin, "GET, PUT", None, True)


PUBLIC = _grant("*", "*", "*, Authorization")


def preflight(what, status, cors, origin=APP, host="api.example.com", path="/",
              method="PUT", asked=None, **more):
    """A preflight; origin, method and asked may be lists of header lines."""
    headers = [("Host", host)]
    for name, values in (("Origin", origin),
                         ("Access-Control-Request-Method", method),
                         ("Access-Control-Request-Headers", asked)):
        if values is not None:
            values = [values] if isinstance(values, str) else values
            headers += [(name, v) for v in values]
    return Case(what, f"OPTIONS {path}", headers, status, cors, **more)


def refused(what, status=403, **more):
    return preflight(what, status, {}, **more)


def _origins():
    for origin, what in (
            (APP, "an exact origin"),
            (APP + ":8443", "an exact origin with a port"),
            ("https://a.apps.example.com", "one label under a pattern"),
            ("https://b.a.apps.example.com", "two labels under a pattern"),
            ("https://a_b-9.apps.example.com", "all characters of a label"),
            ("http://localhost:5173", "any port"),
            ("http://localhost", "any port, none written"),
            ("http://[::1]:9090", "an IPv6 origin")):
        yield preflight(f"allowed: {what}", 204, api(origin), origin=origin)
    for origin in (
            "https://app.example.com.evil.com", "https://evilapp.example.com",
            "https://app.example.com:8444", "http://app.example.com",
            "https://APP.example.com", "HTTPS://app.example.com",
            "https://app.example.com.", "https://app.example.com/",
            "https://app.example.com:443", "https://app.example.com@evil.com",
            "https://example.com", "https://apps.example.com",
            "https://evilapps.example.com", "https://.apps.example.com",
            "https://a..apps.example.com", "https://-a.apps.example.com",
            "https://a/b.apps.example.com", "https://a.apps.example.com:8443",
            "https://" + "a" * 64 + ".apps.example.com",
            "http://localhost:80", "http://localhost:", "http://localhost:0",
            "http://localhost:65536", "http://localhost:05173",
            "http://localhost:5173.evil.com", "https://localhost:5173",
            "http://[::1]:9091", "http://[::1]", "null", "*", "app.example.com",
            "https://*.apps.example.com", "https://app_example.com", "https://"):
        yield refused(f"refused: origin {origin[:60]}", origin=origin)
    yield refused("refused: two Origin lines", origin=[APP, APP])
    yield refused("refused: two Origin lines, the first one foreign",
                  origin=["https://evil.com", APP])
    yield refused("refused: two origins in one line",
                  origin=f"{APP}, https://evil.com")
    yield refused("refused: 8-bit bytes in the origin",
                  origin="https://\xe4pp.example.com")
    yield refused("refused: a control byte in the origin",
                  {"nginx": 403, "lighttpd": 400}, origin=APP + "\x01")
    yield refused("refused: a tab in the origin",
                  origin="https://app\t.example.com")
    yield refused("refused: an origin of 4 KB",
                  origin="https://" + "a." * 2000 + "apps.example.com")
    yield refused("refused: an origin of 16 KB",
                  {"nginx": 400, "lighttpd": 431},
                  origin="https://" + "a." * 8000 + "apps.example.com")


def _methods_and_headers():
    for method in ("GET", "HEAD", "POST", "PUT", "DELETE"):
        yield preflight(f"allowed: method {method}", 204, api(APP),
                        method=method)
    for method in ("PATCH", "put", "PUTT", "X-ODD!", "CONNECT"):
        yield preflight(f"method {method} is left to the browser", 204,
                        api(APP), method=method)
    for method in ("PUT,GET", "PUT GET", "P@T", "P/T", "\xfcT", '"PUT"'):
        yield refused(f"refused: method {method!a} is no token", method=method)
    yield refused("refused: two different method lines",
                  method=["PUT", "DELETE"])
    for asked in ("content-type", "x-token,content-type", "CONTENT-TYPE",
                  " content-type ,\tx-token", ",,content-type,,", ",",
                  ["content-type", "x-token"]):
        yield preflight(f"allowed: headers {asked!a}", 204, api(APP),
                        asked=asked)
    for asked in ("x-other", "content-type,x-other", "x-toke", "*",
                  ["content-type", "x-other"]):
        yield preflight(f"headers {asked!a} are left to the browser", 204,
                        api(APP), asked=asked)
    for asked in ("content type", "a(b)", "x:y", "x\xe4", "content-type;q=1",
                  ["content-type", "a b"]):
        yield refused(f"refused: headers {asked!a} hold no token", asked=asked)
    yield preflight("headers of 6 KB", 204, api(APP),
                    asked=",".join(f"x-{n:04}" for n in range(860)))


def _policies():
    yield preflight("the public policy is '*'", 204, PUBLIC, path="/public",
                    origin="https://anybody.example.net")
    yield preflight("'*' holds for null", 204, PUBLIC, path="/public/x",
                    origin="null")
    yield preflight("a second path of the same policy", 204, PUBLIC,
                    path="/open/x?y=/../admin")
    yield preflight("paths match by whole segments", 204, api(APP),
                    path="/publicity")
    yield refused("... and not by letters", path="/publicity",
                  origin="https://anybody.example.net")
    yield preflight("the longest path wins, with its own status", 200, admin(),
                    path="/admin/users", origin="https://admin.example.com")
    yield refused("refuse-status is the chosen policy's", 404, path="/admin")
    yield refused("paths are case-sensitive", path="/Public",
                  origin="https://anybody.example.net")
    for host in ("API.Example.COM", "api.example.com:8443",
                 "api.example.com."):
        yield preflight(f"host {host} is api.example.com", 204, api(APP),
                        host=host)
    for host in ("example.com", "xapi.example.com", "api.example.com.evil.com",
                 "tenants.example.com", "127.0.0.1"):
        yield refused(f"no policy for host {host}", host=host)
    tenant = _grant(APP, "GET, PATCH", "X-Tenant")
    yield preflight("a host under a pattern", 204, tenant,
                    host="a.b.tenants.example.com")
    yield preflight("the exact host beats the pattern", 204,
                    _grant("https://one.example.org", "GET", None, False, "0"),
                    host="one.tenants.example.com",
                    origin="https://one.example.org")
    yield refused("... and is not mixed with it",
                  host="one.tenants.example.com")
    yield preflight("'*' with credentials answers what was asked", 204,
                    _grant(APP, "PURGE", "x-one, x-two", True),
                    host="echo.example.com", method="PURGE",
                    asked="x-one,x-two")
    yield preflight("... and no header where none was asked", 204,
                    _grant(APP, "PURGE", None, True),
                    host="echo.example.com", method="PURGE")
    yield refused("... and echoes nothing that is no token",
                  host="echo.example.com", asked="x-one, x two")
    yield preflight("null is an origin where it is listed", 204,
                    _grant("null", "GET, PUT"), host="null.example.com",
                    origin="null")
    named = _grant("https://admin.example.com", "GET, PUT", None, True)
    yield preflight("CORS_POLICY names the policy, whatever the path", 200,
                    named, host="named.example.com", path="/public",
                    origin="https://admin.example.com")
    yield refused("... also for refusals", 404, host="named.example.com",
                  path="/public")


def _paths():
    yield preflight("a dot segment leads to the strict policy", 200, admin(),
                    path="/public/../admin", origin="https://admin.example.com")
    for path in ("/public/../admin", "/public/./../admin/x",
                 "/public/%2e%2e/admin", "/public/.%2E/admin"):
        yield refused(f"{path} is not public", 404, path=path)
    for path in ("/public/..%2fadmin", "/public/%2e%2e%2fadmin",
                 "/public%2f..%2fadmin", "/public/..%2Fadmin",
                 "/public/..;/admin", "/public/..;x=y/admin",
                 "/public/%5c..%5cadmin", "/public//../admin",
                 "/public//%2e%2e/admin", "/public/..%5cadmin",
                 "/public/\\..\\admin", "//public/x", "/public/%252e%252e/x"):
        yield refused(f"{path} gets no policy",
                      {"nginx": 403, "lighttpd": (400, 403)}, path=path,
                      origin="https://anybody.example.net")
    for path in ("/../admin", "/public/../../admin"):
        yield refused(f"{path} is not public",
                      {"nginx": (400, 404), "lighttpd": (400, 404)}, path=path,
                      origin="https://anybody.example.net")
    for path in ("/%70ublic/x", "/x/../public", "/public/%20",
                 "/public;v=1/../public/x", "/public/x?..%2fadmin",
                 "/public/..."):
        yield preflight(f"{path} is public", 204, PUBLIC, path=path,
                        origin="https://anybody.example.net")


def _debug():
    yield preflight("debug: the reason of an allowed one", 204,
                    _grant(APP, "GET, PUT"), host="debug.example.com",
                    extra={"preflight-reason": ("allowed", "debug")})
    yield refused("debug: the nearest miss", host="debug.example.com",
                  origin="https://app.example.com:8443",
                  extra={"preflight-reason": ("origin", APP)})
    yield refused("debug: a malformed origin",
                  host="debug.example.com", origin="https://\xe4.example.com",
                  extra={"preflight-reason": ("malformed", "debug", "Origin")})
    yield preflight("no reason without debug", 204, api(APP),
                    extra={"preflight-reason": None})


def _others():
    """What is no preflight never gets to preflightd."""
    origin = ("Origin", APP)
    asked = ("Access-Control-Request-Method", "PUT")
    host = ("Host", "api.example.com")

    def application(what, line, *headers, body=b""):
        return Case(what, line, [host, *headers], 200, {}, "application",
                    {"vary": None}, body)

    yield application("OPTIONS without Origin", "OPTIONS /x", asked)
    yield application("OPTIONS with an empty Origin", "OPTIONS /x",
                      ("Origin", ""), asked)
    yield application("OPTIONS without a method asked", "OPTIONS /x", origin)
    yield application("OPTIONS with an empty method asked", "OPTIONS /x",
                      origin, ("Access-Control-Request-Method", ""))
    yield application("bare OPTIONS", "OPTIONS /x")
    for method in ("GET", "HEAD", "DELETE"):
        yield application(f"an actual {method}", f"{method} /x", origin)
    yield application("a GET that asks like a preflight", "GET /x", origin,
                      asked)
    yield application("an actual PUT with its body", "PUT /x", origin,
                      ("Content-Length", "4"), body=b"body")
    yield application("an actual GET of a refused origin", "GET /x",
                      ("Origin", "https://evil.com"))


def _authentication():
    auth = ("Host", "auth.example.com")
    yield preflight("a preflight passes basic authentication", 204, api(APP),
                    host="auth.example.com")
    yield refused("... and is refused as elsewhere", host="auth.example.com",
                  origin="https://evil.com")
    yield Case("an actual request meets it", "GET /x", [auth, ("Origin", APP)],
               401, {}, "the server")
    yield Case("so does a bare OPTIONS", "OPTIONS /x", [auth, ("Origin", APP)],
               401, {}, "the server")
    yield Case("... and passes with the password", "GET /x",
               [auth, ("Origin", APP), ("Authorization", "Basic dTpw")], 200,
               {}, "application")


def _everything_delegated():
    """A server that sends all requests of a host to preflightd."""
    host = ("Host", "everything.example.com")
    allow = {"allow": ["OPTIONS", "GET", "PUT"]}
    yield preflight("a preflight where everything is delegated", 204,
                    _grant(APP, "GET, PUT"), host="everything.example.com")
    yield Case("a plain OPTIONS is answered with Allow", "OPTIONS /x", [host],
               204, {}, extra=allow)
    yield Case("... with the origin where it is allowed", "OPTIONS /x",
               [host, ("Origin", APP)], 204,
               {"access-control-allow-origin": APP}, extra=allow)
    yield Case("... and without where it is not", "OPTIONS /x",
               [host, ("Origin", "https://evil.com")], 204, extra=allow)
    for method in ("GET", "PUT"):
        yield Case(f"a {method} is 405", f"{method} /x",
                   [host, ("Origin", APP), ("Content-Length", "0")], 405,
                   by="not OPTIONS", extra={"allow": ["OPTIONS"]})


def all_cases():
    for group in (_origins, _methods_and_headers, _policies, _paths, _debug,
                  _others, _authentication, _everything_delegated):
        yield from group()


def _words(value):
    return [w.strip().lower() for w in value.split(",")]


def _same(name, got, wanted):
    if name in LISTS:
        return [w.strip() for w in got.split(",")] == \
               [w.strip() for w in wanted.split(",")]
    return got == wanted


def _extra_faults(case, answer):
    for name, wanted in case.extra.items():
        got = ", ".join(answer.values(name))
        if wanted is None:
            good = not answer.values(name)
        elif isinstance(wanted, tuple):
            good = all(part in got for part in wanted)
        else:
            good = [w.strip() for w in got.split(",")] == wanted
        if not good:
            yield f"{name} is {got!r}, wanted {wanted!r}"


def faults(case, answer, server):
    """What is wrong with an answer; nothing where it is right."""
    wanted = case.status
    if isinstance(wanted, dict):
        wanted = wanted[server]
    wanted = wanted if isinstance(wanted, tuple) else (wanted,)
    if answer.status not in wanted:
        yield f"status {answer.status}, wanted {wanted}"
    got = answer.cors()
    for name in got.keys() | case.cors.keys():
        if name not in got or name not in case.cors or \
                not _same(name, got[name], case.cors[name]):
            yield (f"{name} is {got.get(name)!r}, "
                   f"wanted {case.cors.get(name)!r}")
    own_refusal = isinstance(case.status, dict) and answer.status >= 400
    if case.by == "preflightd" and not own_refusal and \
            [_words(v) for v in answer.values("vary")] != [VARY]:
        yield f"vary is {answer.values('vary')!r}"
    if (answer.values("x-application") == ["reached"]) != \
            (case.by == "application"):
        yield f"the application was {'not ' * (case.by == 'application')}asked"
    if case.by == "application" and not case.line.startswith("HEAD") and \
            answer.body != case.line.split()[0].encode() + b" " + case.body:
        yield f"the application's body is {answer.body!r}"
    if answer.status == 204 and answer.body:
        yield f"a 204 with the body {answer.body!r}"
    yield from _extra_faults(case, answer)


def ask(address):
    """The answer to a preflight of the API."""
    return harness.request(address, "OPTIONS /", [
        ("Host", "api.example.com"), ("Origin", APP),
        ("Access-Control-Request-Method", "PUT")])


def is_answered(answer, what):
    tap.ok(answer.status == 204 and answer.cors() == api(APP),
           what, str(answer))


def inherited(address):
    answer = ask(address)
    tap.ok(answer.status == 204 and not answer.values("x-inherited"),
           "a preflight's answer has nothing but preflightd's headers",
           str(answer))


def run(server, variant, address):
    """Sends every case to a server and reports each."""
    for case in all_cases():
        answer = harness.request(address, case.line, case.headers, case.body)
        found = list(faults(case, answer, server))
        tap.ok(not found, f"{variant}: {case.what}",
               "\n".join([*found, f"{case.line}", *map(str, case.headers),
                          f"answer: {answer}"]))
