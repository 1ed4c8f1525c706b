"""The requests that agree.py has both a browser make and explain explain.

A case is what it is about, the page that asks, the URL without its port, and
what is special of the request: method, headers, credentials, flag, twice.
"""

APP = "app.localhost"
OTHER = "other.localhost"
NUMERIC = "127.0.0.1"
SANDBOX = "sandbox"  # a page of the origin null

API = "api.localhost/"
BARE = "bare.localhost/v1"
OPEN = "open.localhost/"
ECHO = "echo.localhost/"
NULL = "sandbox.localhost/"
PATTERNS = "a.b.patterns.localhost/"


def _header(*pairs, **more):
    return {"headers": [list(p) for p in pairs], **more}


def _type(value, method="POST"):
    return _header(("Content-Type", value), method=method)


# Eight headers of 128 bytes that need no permission in Chromium.
_HINTS = [(name, "1" * 128) for name in (
    "Accept", "Accept-Language", "Content-Language", "Downlink", "DPR", "RTT",
    "Viewport-Width", "Width")]

METHODS = (
    ("GET", APP, API, {}),
    ("HEAD", APP, API, {"method": "HEAD"}),
    ("POST", APP, API, {"method": "POST"}),
    ("put is PUT", APP, API, {"method": "put"}),
    ("DELETE with a query", APP, API + "a/b?x=1&y=%20", {"method": "DELETE"}),
    ("PATCH", APP, API, {"method": "PATCH"}),
    ("OPTIONS by script", APP, API, {"method": "OPTIONS"}),
    ("patch is not PATCH", APP, API, {"method": "patch"}),
    ("get is GET", APP, BARE, {"method": "get"}),
    ("PURGE, not listed", APP, API, {"method": "PURGE"}),
    ("PURGE under *", APP, OPEN, {"method": "PURGE"}),
    ("PURGE under * with credentials", APP, ECHO,
     {"method": "PURGE", "credentials": True}),
    ("PUT where none is listed", APP, BARE, {"method": "PUT"}),
    ("POST where none is listed", APP, BARE, {"method": "POST"}),
    ("OPTIONS where it is not listed", APP, BARE, {"method": "OPTIONS"}),
    ("TRACE", APP, API, {"method": "TRACE"}),
    ("TRACE by XMLHttpRequest", APP, API,
     {"method": "TRACE", "flag": "upload-listener"}),
    ("connect", APP, API, {"method": "connect"}),
)

HEADERS = (
    ("a header that is listed", APP, API, _header(("X-Token", "1"))),
    ("a header in another case", APP, API, _header(("x-tOKEN", "1"))),
    ("a header that is not listed", APP, API, _header(("X-Other", "1"))),
    ("a header, none listed", APP, BARE, _header(("X-Token", "1"))),
    ("two headers, one listed", APP, API,
     _header(("X-Token", "1"), ("Traceparent", "00-1"))),
    ("headers are sorted", APP, API,
     _header(("X-Token", "1"), ("Content-Type", "a/b"),
             ("Authorization", "t"), method="PUT")),
    ("a header twice", APP, API, _header(("X-Token", "1"), ("X-Token", "2"))),
    ("an empty header", APP, API, _header(("X-Token", ""))),
    ("a header under *", APP, OPEN, _header(("X-Any", "1"))),
    ("a header under * with credentials", APP, ECHO,
     _header(("X-Any", "1"), credentials=True)),
    ("Authorization listed", APP, API, _header(("Authorization", "t"))),
    ("Authorization under *", APP, OPEN, _header(("Authorization", "t"))),
    ("Authorization beside *", APP, OPEN + "authorization",
     _header(("Authorization", "t"))),
    ("Authorization under * with credentials", APP, ECHO,
     _header(("Authorization", "t"), credentials=True)),
    ("headers that script cannot set", APP, BARE,
     _header(("Cookie", "a=1"), ("Sec-Fetch-Mode", "x"), ("Host", "x"),
             ("Proxy-X", "1"), ("Date", "today"), ("Referer", "/"))),
    ("a method override that is forbidden", APP, BARE,
     _header(("X-HTTP-Method-Override", "GET, trace"))),
    ("a method override", APP, BARE,
     _header(("X-HTTP-Method-Override", "PUT"))),
    ("User-Agent", APP, BARE, _header(("User-Agent", "mine"))),
    ("Cache-Control", APP, API, _header(("Cache-Control", "no-cache"))),
    ("Last-Event-ID", APP, BARE, _header(("Last-Event-ID", "7"))),
    ("If-None-Match", APP, BARE, _header(("If-None-Match", '"a"'))),
    ("an Access-Control header of the answer", APP, BARE,
     _header(("Access-Control-Allow-Origin", "*"))),
    ("DPR", APP, BARE, _header(("DPR", "2"))),
    ("Save-Data", APP, BARE, _header(("Save-Data", "on"))),
    ("Save-Data with another value", APP, BARE, _header(("Save-Data", "x"))),
    ("Device-Memory", APP, BARE, _header(("Device-Memory", "8"))),
    ("Downlink", APP, BARE, _header(("Downlink", "9"))),
    ("ECT", APP, BARE, _header(("ECT", "4g"))),
    ("RTT", APP, BARE, _header(("RTT", "50"))),
    ("Viewport-Width", APP, BARE, _header(("Viewport-Width", "640"))),
    ("Width", APP, BARE, _header(("Width", "640"))),
    ("Intervention", APP, BARE, _header(("Intervention", "x"))),
    ("DPR, no number", APP, BARE, _header(("DPR", "x"))),
    ("DPR, a fraction", APP, BARE, _header(("DPR", "1.5"))),
    ("Width, a fraction", APP, BARE, _header(("Width", "1.5"))),
    ("ECT in upper case", APP, BARE, _header(("ECT", "4G"))),
    ("Priority", APP, BARE, _header(("Priority", "u=1"))),
)

VALUES = (
    ("text/plain", APP, BARE, _type("text/plain")),
    ("text/plain with a charset", APP, BARE, _type("Text/Plain;charset=UTF-8")),
    ("multipart/form-data", APP, BARE, _type("multipart/form-data; boundary=x")),
    ("a form", APP, BARE, _type("application/x-www-form-urlencoded")),
    ("JSON, allowed", APP, API, _type("application/json")),
    ("JSON, not allowed", APP, BARE, _type("application/json")),
    ("JSON with GET", APP, BARE, _type("application/json", "GET")),
    ("text/plain with a quote", APP, BARE, _type('text/plain; a="b"')),
    ("a type without a slash", APP, BARE, _type("text")),
    ("an empty type", APP, BARE, _type("")),
    ("two types in one", APP, BARE, _type("text/plain, application/json")),
    ("a type with text behind it", APP, BARE, _type("text/plain x; a=b")),
    ("Accept of 128 bytes", APP, BARE, _header(("Accept", "a" * 128))),
    ("Accept of 129 bytes", APP, BARE, _header(("Accept", "a" * 129))),
    ("Accept with a bracket", APP, BARE, _header(("Accept", "text/html;q=[1]"))),
    ("Accept twice, 129 bytes together", APP, BARE,
     _header(("Accept", "a" * 63), ("Accept", "b" * 64))),
    ("Accept twice, 128 bytes together", APP, BARE,
     _header(("Accept", "a" * 63), ("Accept", "b" * 63))),
    ("Accept nine times, 1025 bytes", APP, BARE,
     _header(*[("Accept", "a" * 114)] * 8, ("Accept", "a" * 113))),
    ("values of 1024 bytes together", APP, BARE, _header(*_HINTS)),
    ("values of 1026 bytes together", APP, BARE,
     _header(*_HINTS, ("Save-Data", "on"))),
    ("all that need no permission, 640 bytes", APP, BARE,
     _header(("Accept", "a" * 128), ("Accept-Language", "a" * 128),
             ("Content-Language", "a" * 128),
             ("Content-Type", "text/plain;a=" + "b" * 115),
             ("Range", "bytes=0-" + "9" * 15))),
    ("Accept-Language", APP, BARE,
     _header(("Accept-Language", "en-US,en;q=0.9,*"))),
    ("Accept-Language with an underscore", APP, BARE,
     _header(("Accept-Language", "en_US"))),
    ("Content-Language twice", APP, BARE,
     _header(("Content-Language", "en"), ("Content-Language", "de"))),
    ("Range", APP, BARE, _header(("Range", "bytes=0-1023"))),
    ("Range without an end", APP, BARE, _header(("Range", "bytes=7-"))),
    ("Range without a start", APP, BARE, _header(("Range", "bytes=-500"))),
    ("Range, allowed", APP, API, _header(("Range", "bytes=-500"))),
    ("Range backwards", APP, BARE, _header(("Range", "bytes=5-4"))),
    ("Range with spaces", APP, BARE, _header(("Range", "bytes = 0-1"))),
    ("two ranges", APP, BARE, _header(("Range", "bytes=0-1,4-5"))),
)

ORIGINS = (
    ("GET of another origin", OTHER, API, {}),
    ("GET of another origin, credentials", OTHER, API, {"credentials": True}),
    ("PUT of another origin", OTHER, API, {"method": "PUT"}),
    ("PUT, refused with 200", APP, API + "strict", {"method": "PUT"}),
    ("GET, refused", APP, API + "strict/x", {}),
    ("a strict path by a detour", APP, API + "x/%2e%2e/strict",
     {"method": "PUT"}),
    ("PUT with a header of another origin", OTHER, API,
     _header(("X-Other", "1"), method="PUT")),
    ("another port", NUMERIC, API, {"method": "PUT"}),
    ("any origin", OTHER, OPEN, {"method": "PUT"}),
    ("any origin, GET", OTHER, OPEN, {}),
    ("a pattern", OTHER, PATTERNS, {"method": "PUT"}),
    ("an address", NUMERIC, PATTERNS, {"method": "PUT"}),
    ("null, not listed", SANDBOX, API, {}),
    ("null, not listed, PUT", SANDBOX, API, {"method": "PUT"}),
    ("null, listed", SANDBOX, NULL, {}),
    ("null, listed, PUT", SANDBOX, NULL, {"method": "PUT"}),
    ("null, listed, header", SANDBOX, NULL, _header(("X-A", "1"))),
    ("null, any origin", SANDBOX, OPEN, _header(("X-A", "1"))),
    ("null under a pattern", SANDBOX, PATTERNS, {"method": "PUT"}),
    ("no policy for the host", APP, "none.localhost/", {}),
    ("no policy for the host, PUT", APP, "none.localhost/",
     {"method": "PUT"}),
    ("no policy for the path", APP, "bare.localhost/v2", {"method": "PUT"}),
    ("no policy for an encoded slash", APP, API + "a%2fb", {"method": "PUT"}),
    ("the page's own origin", APP, APP + "/own",
     _header(("X-A", "1"), method="PUT")),
)

CREDENTIALS = (
    ("with credentials", APP, API, {"credentials": True}),
    ("with credentials, PUT", APP, API,
     {"method": "PUT", "credentials": True}),
    ("credentials under *", APP, OPEN, {"credentials": True}),
    ("credentials under *, PUT and a header", APP, OPEN,
     _header(("X-A", "1"), method="PUT", credentials=True)),
    ("credentials that are not given", APP, BARE, {"credentials": True}),
    ("credentials that are not given, header", APP, BARE,
     _header(("X-A", "1"), credentials=True)),
    ("null, credentials that are not given", SANDBOX, NULL,
     {"method": "PUT", "credentials": True}),
)

# Chromium sends a stream over HTTP/2 or HTTP/3 only: over HTTP/1.1 no pair could
# agree where the preflight is passed.
FLAGS = (
    ("an upload listener", APP, BARE,
     {"method": "POST", "flag": "upload-listener"}),
    ("an upload listener with a header", APP, API,
     _header(("X-Token", "1"), method="POST", flag="upload-listener")),
    ("an upload listener and credentials", APP, ECHO,
     {"method": "PUT", "flag": "upload-listener", "credentials": True}),
    ("an upload listener, refused", OTHER, API,
     {"method": "POST", "flag": "upload-listener"}),
    ("an upload listener, method refused", APP, BARE,
     {"method": "PUT", "flag": "upload-listener"}),
    ("a stream", APP, "https://" + API, {"method": "POST", "flag": "stream"}),
    ("a stream and a method that is not listed", APP, "https://" + BARE,
     {"method": "PUT", "flag": "stream"}),
    ("a stream, nothing listed", APP, "https://" + BARE,
     {"method": "POST", "flag": "stream"}),
    ("a stream, refused", OTHER, API, {"method": "POST", "flag": "stream"}),
    ("a stream, method refused", APP, BARE,
     {"method": "PUT", "flag": "stream"}),
)

# The same request twice.
TWICE = (
    ("max-age of 10 minutes", APP, API, {"method": "PUT", "twice": True}),
    ("max-age of 0", APP, OPEN, {"method": "PUT", "twice": True}),
    ("max-age, a listed header", APP, API,
     _header(("X-Token", "1"), twice=True)),
    ("max-age, with credentials", APP, API,
     {"method": "PUT", "credentials": True, "twice": True}),
    ("max-age, Authorization", APP, OPEN + "authorization",
     _header(("Authorization", "t"), twice=True)),
)

CASES = (METHODS + HEADERS + VALUES + ORIGINS + CREDENTIALS + FLAGS + TWICE)
