"""What an answer has to be, worked out the naive way from the documentation:
no indexes, no tables, nothing shared with the program.  Text is latin-1, one
character a byte.
"""

import re

TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
LABEL = r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)"
LABELS = re.compile(rf"{LABEL}(?:\.{LABEL})*\.?|\[.*\]")
HOST = re.compile(r"(?:[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*|\[[0-9a-z:._-]{2,}\])")
PORT = re.compile(r"[1-9][0-9]{0,4}")
DEFAULT_PORTS = {"http": "80", "https": "443", "ftp": "21"}
# What decoders that take UTF-8 lightly read as a shorter character.
OVERLONG = re.compile("[\xc0\xc1]|\xe0[\x80-\x9f]|\xf0[\x80-\x8f]")
LINES_MAX = 64
SAFE_METHODS = ("GET", "HEAD", "POST")
# What a '*' in allow-methods is spelled out as where a list is needed.
USUAL_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}
VARY = ("Vary", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers")


def is_dirty(text):
    return any(c < " " or c >= "\x7f" for c in text)


def values(params, name):
    """Those of a parameter; an empty one is an absent one."""
    return [v for n, v in params if n == name and v != ""]


def value(params, name):
    return (values(params, name) or [""])[-1]


# --- which policy ---


class Malformed(Exception):
    """A host that no policy is looked for with."""


def host_of(text):
    """As policies are compared with; None for what is no host."""
    if is_dirty(text):
        raise Malformed()
    text = re.sub(r":[0-9]{0,5}\Z", "", text.lower())
    if text.endswith(".") and not text.startswith("["):
        text = text[:-1]
    good = HOST.fullmatch(text) and (text.startswith("[") or len(text) <= 253)
    return text if good else None


def target_of(params):
    """The authority of an absolute form, or None, and the path."""
    uri = value(params, "REQUEST_URI")
    if uri == "":
        return None, value(params, "SCRIPT_NAME") + value(params, "PATH_INFO") or "/"
    if uri == "*":
        return None, "/"
    absolute = re.match(r"https?://([^/?#\\]*)", uri, re.I)
    if absolute is None:
        return None, uri.split("?")[0]
    return absolute.group(1), uri[absolute.end() :].split("?")[0] or "/"


def request_host(params, authority):
    if authority is not None:
        return host_of(authority)
    given = values(params, "HTTP_HOST") or [value(params, "SERVER_NAME")]
    hosts = [host_of(v) for v in given]
    # RFC 9112, 3.2; a server's own configuration adds a second spelling at most.
    if len(set(hosts)) > 1 or len(set(given)) > 2:
        raise Malformed()
    return hosts[0]


def segments_of(path, cut):
    """The path's segments, or None where servers disagree on it.  cut: what
    follows a ';' is not looked at, as servlet containers do."""
    if not path.startswith("/") or re.search(r"[\\#]|%(?![0-9a-fA-F]{2})", path):
        return None
    if re.search(r"%(2f|5c|[01].|7f)", path, re.I) or re.search(r"[\x00-\x1f\x7f]", path):
        return None
    path = re.sub("%(..)", lambda m: chr(int(m.group(1), 16)), path)
    if OVERLONG.search(path):
        return None
    dots = {".", ".."} & set(path.split("/"))
    if re.search(r"/\.\.?;", path) or (dots and "//" in path):
        return None
    out = []
    for segment in path.split("/"):
        segment = segment.split(";")[0] if cut else segment
        if segment == ".." and not out:
            return None
        if segment == "..":
            out.pop()
        elif segment not in ("", "."):
            out.append(segment)
    return out


def host_rank(claim, host):
    """0 for no match; more for a more specific one."""
    if claim == "*":
        return 1
    if host is None:
        return 0
    if claim.startswith("*."):
        return 1 + len(claim) if host.endswith(claim[1:]) and host != claim[1:] else 0
    return 10000 if claim == host else 0


def best(policies, host, segments):
    ranked = [(0, -1, None)]
    for policy in policies:
        for claim in policy["host"]:
            for path in policy["path"]:
                prefix = [s for s in path.split("/") if s]
                if host_rank(claim, host) and segments[: len(prefix)] == prefix:
                    ranked.append((host_rank(claim, host), len(prefix), policy))
    return max(ranked, key=lambda r: r[:2])[2]


def choose(policies, params):
    name = value(params, "CORS_POLICY")
    if name:
        return next((p for p in policies if p["name"] == name), None)
    authority, path = target_of(params)
    host = request_host(params, authority)
    if len(set(values(params, "REQUEST_URI"))) > 1:
        return None
    readings = [segments_of(path, cut) for cut in (False, True)]
    if None in readings:
        return None
    found = [best(policies, host, r) for r in readings]
    return found[0] if found[0] is found[1] else None


# --- the decision ---


def entry_matches(entry, origin):
    if "*" not in entry:
        return entry == origin
    scheme, host, port = re.fullmatch(r"(.+)://(.+?)(?::(\*|[0-9]+))?", entry).groups()
    wanted = re.escape(scheme + "://")
    wanted += "(?P<host>" + (".+" + re.escape(host[1:]) if host.startswith("*.") else re.escape(host)) + ")"
    wanted += "(:(?P<port>[0-9]+))?" if port == "*" else re.escape(":" + port) if port else ""
    got = re.fullmatch(wanted, origin)
    if got is None or len(got["host"].rstrip(".")) > 253 or not LABELS.fullmatch(got["host"]):
        return False
    number = got.groupdict().get("port")
    return number is None or bool(
        PORT.fullmatch(number) and int(number) <= 65535 and number != DEFAULT_PORTS.get(scheme))


def origin_matches(policy, origin):
    entries = policy["allow-origins"]
    return "*" in entries or any(entry_matches(e, origin) for e in entries)


def origin_is_malformed(origins):
    return len(origins) > 1 or any(is_dirty(o) or "," in o for o in origins)


def asked_headers(params):
    joined = ",".join(values(params, "HTTP_ACCESS_CONTROL_REQUEST_HEADERS"))
    # A flood of lines is no list of a browser's.
    if len(values(params, "HTTP_ACCESS_CONTROL_REQUEST_HEADERS")) > LINES_MAX:
        return ["\0"]
    return [e for e in (e.strip(" \t") for e in joined.split(",")) if e]


def header_allowed(policy, name):
    listed = [h.lower() for h in policy["allow-headers"]]
    return name.lower() in listed or ("*" in listed and name.lower() != "authorization")


def reason_of(policy, params, host_malformed):
    methods = values(params, "HTTP_ACCESS_CONTROL_REQUEST_METHOD")
    origins, headers = values(params, "HTTP_ORIGIN"), asked_headers(params)
    if not origins or not methods:
        return "not-preflight"
    if host_malformed or origin_is_malformed(origins) or len(methods) > 1:
        return "malformed"
    if not all(TOKEN.fullmatch(t) for t in methods + headers):
        return "malformed"
    if policy is None:
        return "no-policy"
    if not origin_matches(policy, origins[0]):
        return "origin"
    if not {methods[0], "*"} & set(policy["allow-methods"]) and methods[0] not in SAFE_METHODS:
        return "method"
    return "allowed" if all(header_allowed(policy, h) for h in headers) else "header"


# --- the answer ---


def joined(name, items):
    return [("Access-Control-" + name, ", ".join(items))] if items else []


def grant(policy, origin):
    out = joined("Allow-Origin", ["*" if "*" in policy["allow-origins"] else origin])
    return out + joined("Allow-Credentials", ["true"] if policy["allow-credentials"] else [])


def actual_fields(policy, params):
    if policy is None:
        return []
    origins = values(params, "HTTP_ORIGIN")
    if "*" not in policy["allow-origins"] and (
            not origins or origin_is_malformed(origins) or not origin_matches(policy, origins[0])):
        return []
    expose = policy["expose-headers"]
    return grant(policy, (origins or [""])[0]) + joined("Expose-Headers", ["*"] if "*" in expose else expose)


def preflight_fields(policy, params):
    methods, headers = policy["allow-methods"], policy["allow-headers"]
    if "*" in methods:
        methods = [value(params, "HTTP_ACCESS_CONTROL_REQUEST_METHOD")] if policy["allow-credentials"] else ["*"]
    if "*" in headers and policy["allow-credentials"]:
        headers = [h for h in asked_headers(params) if header_allowed(policy, h)]
    elif "*" in headers:
        headers = ["*"] + [h for h in headers if h.lower() == "authorization"]
    age = policy["max-age"]
    return (grant(policy, value(params, "HTTP_ORIGIN")) + joined("Allow-Methods", methods) +
            joined("Allow-Headers", headers) + joined("Max-Age", [] if age is None else [str(age)]))


def allow_field(policy):
    methods = {"OPTIONS"} | set(policy["allow-methods"] if policy else ())
    if "*" in methods:
        methods = methods - {"*"} | USUAL_METHODS
    return ("Allow", ", ".join(sorted(methods)))


def actual_answer(policy, params, authorizer):
    fields = actual_fields(policy, params)
    if policy is None or "*" not in policy["allow-origins"]:
        fields.append(("Vary", "Origin"))
    if authorizer:
        return 200, sorted(("Variable-" + n, v) for n, v in fields)
    return 204, sorted(fields)


def answer(defaults, policies, params, authorizer=False):
    """The status and the sorted fields.  Preflight-Reason is the reason and
    the policy's name only, Allow is sorted; of a 405 the body's fields are
    left out."""
    actual = authorizer or value(params, "CORS_MODE") == "actual"
    if not actual and value(params, "REQUEST_METHOD") != "OPTIONS":
        return 405, [("Allow", "OPTIONS")]
    policy, host_malformed = None, False
    try:
        policy = choose(policies, params)
    except Malformed:
        host_malformed = True
    if actual:
        return actual_answer(policy, params, authorizer)
    reason, fields = reason_of(policy, params, host_malformed), [VARY]
    chosen = policy or defaults
    if reason == "not-preflight":
        status = 204
        fields += [allow_field(policy)] + actual_fields(policy, params)
    elif reason in ("allowed", "method", "header"):
        status = chosen["success-status"]
        fields += preflight_fields(policy, params)
    else:
        status = chosen["refuse-status"]
    if chosen["debug"]:
        fields.append(("Preflight-Reason", reason + (" " + policy["name"] if policy else "")))
    if status != 204:  # RFC 9110, 8.6
        fields.append(("Content-Length", "0"))
    return status, sorted(fields)
