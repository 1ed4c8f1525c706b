"""What an exported configuration must do, for every server: requests that are
compared with what preflightd itself says (CORS_MODE=actual), and some whose
headers are written out here.

Where a path has several readings an export may do less than the policy, never
more.
"""

import re

APP = "https://app.example.com"
APPS = "https://b.a.apps.example.com"

ORIGINS = (
    APP, APP + ":8443", APPS, "https://a_b-9.apps.example.com",
    "https://x.ports.example.com", "https://x.ports.example.com:1",
    "https://x.ports.example.com:65535", "https://x.ports.example.com:444",
    "https://x.dev.example.com:8443", "http://localhost",
    "http://localhost:5173", "http://localhost:8", "http://localhost:81",
    "http://[::1]:9090", "https://admin.example.com", "null",
    "https://an-origin-that-is-longer-than-a-key-of-a-map.example.com",
    "https://" + ".".join(["a" * 61] * 3 + ["b" * 51]) + ".apps.example.com",
    "https://a.example.org",
    None, "",
    # never allowed, but by '*'
    "https://app.example.com.evil.com", "https://evilapp.example.com",
    "https://appxexample.com", "https://APP.example.com",
    "HTTPS://app.example.com", "https://app.example.com.",
    "https://app.example.com/", "https://app.example.com:443",
    "https://app.example.com:8444", "http://app.example.com",
    "https://apps.example.com", "https://evilapps.example.com",
    "https://.apps.example.com", "https://a..apps.example.com",
    "https://-a.apps.example.com", "https://a-.apps.example.com",
    "https://A.apps.example.com", "https://a.apps.example.com:8443",
    "https://a b.apps.example.com", "https://evil.com/.apps.example.com",
    "https://" + "a" * 64 + ".apps.example.com",
    "https://" + ".".join(["a" * 61] * 3 + ["b" * 52]) + ".apps.example.com",
    "https://x.dev.example.com", "https://x.dev.example.com:84430",
    "https://x.ports.example.com:443", "https://x.ports.example.com:0",
    "https://x.ports.example.com:01", "https://x.ports.example.com:65536",
    "https://x.ports.example.com:", "https://x.ports.example.com:8443x",
    "http://localhost:80", "http://localhost:5173.evil.com",
    "http://[::1]:9091", "http://[::1]", "Null", "*",
    APP + ", https://evil.com", APP + ",", "https://example.org",
    "https://\xe4.apps.example.com", "api", "default", "https://", "$1", "%00",
)

HOSTS = (
    "api.example.com", "API.Example.COM", "api.example.com.",
    "api.example.com:8443", "other.example.com", "a.tenants.example.com",
    "b.a.tenants.example.com", "b_.tenants.example.com:80",
    "tenants.example.com", "xtenants.example.com", "xapi.example.com",
    "api.example.com.evil.com", "apixexample.com", "127.0.0.1",
    "127.0.0.1:8080", "[::1]", "[::1]:80", "a.b.c.d.tenants.example.com",
    "a" * 64 + ".tenants.example.com",
    ".".join(["a" * 63] * 4) + ".tenants.example.com",
)

PATHS = (
    "/", "/x", "/public", "/public/", "/public/x?y=/public/admin", "/publicity",
    "/Public", "/public/admin", "/public/admin/users", "/public/administrator",
    "/public?x", "/a.b/c+d", "/axb/c+d", "/a.b/ccd", "/a.b/c%2bd/x", "/t",
    "/t/x", "/tt", "/publi%63/admin", "/%70ublic", "/public/%61dmin",
    "/public/%41dmin", "//public", "/public//admin", "/public///admin/",
    "/public%20", "/public/%c3%a4", "/public/x%3fy", "/x?/../public",
    "/public/..x", "/public/...",
    # parameters
    "/public;v=1", "/public;v=1/admin", "/x;y", "/x;/public", "/;/public",
    "/public/admin;x", "/public/;x/admin", "/public%3bx/y", "/xyz;/public/x",
    # more that servers do not agree on
    "/public/..%2fadmin", "/public%2fadmin", "/public%2F", "/public/%5cx",
    "/public/..;/x", "/public/.;x", "/public/%2e%2e;/x", "/public//../x",
    "/public/x%0ay", "/public/x%7fy", "/public/%c0%af", "/public/%e0%80%af",
    "/public/%f0%80%80%af", "/x/..//public", "/public/x%1f",
)

# Dot segments: browsers send none, and exports refuse them.
DOTTED = ("/x/../public", "/public/../x", "/public/./admin", "/./public",
          "/public/%2e%2e/x", "/public/admin/..", "/x/%2E/public")


def has_readings(path):
    """Whether servers may read it in several ways."""
    return re.search(
        r"//|[\\;#]|%(2f|5c|3b|25|[01]|7f|.?$|[^0-9a-f]|.[^0-9a-f])|[^!-~]|"
        r"/(\.|%2e){1,2}(/|$)", path.split("?")[0], re.I) is not None


def requests():
    """(host, path, origin) of every request that is compared."""
    for origin in ORIGINS:
        yield "api.example.com", "/x", origin
        yield "api.example.com", "/public/admin", origin
        yield "api.example.com", "/public", origin
        yield "a.tenants.example.com", "/t", origin
    for host in HOSTS:
        for path in ("/x", "/public", "/public/admin", "/t"):
            for origin in (APP, "https://a.example.org", None):
                yield host, path, origin
    for path in PATHS + DOTTED:
        for host in ("api.example.com", "other.example.com",
                     "a.tenants.example.com"):
            for origin in (APP, "https://admin.example.com", None):
                yield host, path, origin


def api(origin):
    return {"access-control-allow-origin": origin,
            "access-control-allow-credentials": "true",
            "access-control-expose-headers": "X-Total, X-Page%', X-Odd|`~"}


PUBLIC = {"access-control-allow-origin": "*",
          "access-control-expose-headers": "*"}
ADMIN = {"access-control-allow-origin": "https://admin.example.com"}

# What, path, origin, the CORS fields, whether it varies by Origin.
WRITTEN_OUT = (
    ("an allowed origin", "/x", APP, api(APP), True),
    ("a pattern's origin", "/x", APPS, api(APPS), True),
    ("a refused origin", "/x", "https://evil.com", {}, True),
    ("no origin", "/x", None, {}, True),
    ("a '*' policy", "/public", APP, PUBLIC, False),
    ("a '*' policy and no origin", "/public", None, PUBLIC, False),
    ("a '*' policy and a malformed origin", "/public", "a, b", PUBLIC, False),
    ("a longer path", "/public/admin", "https://admin.example.com", ADMIN,
     True),
    ("... and an origin of the shorter one", "/public/admin", APP, {}, True),
)
