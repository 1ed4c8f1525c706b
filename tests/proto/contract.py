"""What an answer has to be, worked out the naive way from the documentation:
no indexes, no tables, nothing shared with the program.  Text is latin-1, one
character a byte.
"""

import ipaddress
import re

TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
LABEL = r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)"
LABELS = re.compile(rf"{LABEL}(?:\.{LABEL})*\.?|\[.*\]")
PORT = re.compile(r"[1-9][0-9]{0,4}")
DEFAULT_PORTS = {"http": "80", "https": "443", "ftp": "21"}
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


class TooMany(Exception):
    """A path with so many readings that the bound on them may be passed."""


def is_ipv6(text):
    try:
        return "%" not in text and bool(ipaddress.IPv6Address(text))
    except ValueError:
        return False


def host_of(text):
    """As policies are compared with; None for an absent one."""
    if text == "":
        return None
    text = re.sub(r":[0-9]{0,5}\Z", "", text.lower())
    if text.startswith("["):
        good = text.endswith("]") and is_ipv6(text[1:-1])
    else:
        text = text[:-1] if text.endswith(".") else text
        good = re.fullmatch(rf"{LABEL}(\.{LABEL})*", text) and len(text) <= 253
    if not good:
        raise Malformed()
    return text


def target_of(uri):
    """The authority of an absolute form, or None, and the path."""
    if uri == "*":
        return None, "/"
    absolute = re.match(r"https?://([^/?#\\]*)", uri, re.I)
    if absolute is None:
        return None, uri.split("?")[0]
    return absolute.group(1), uri[absolute.end() :].split("?")[0] or "/"


def request_host(policies, hosts, authority):
    """hosts: the Host fields, all of them."""
    if authority is None and len(set(hosts)) > 1:
        # RFC 9112, 3.2; a server's own configuration adds a second spelling at most.
        if len(set(hosts)) > 2 or len({host_of(h) for h in hosts}) > 1:
            raise Malformed()
    text = hosts[0] if authority is None else authority
    if is_dirty(text):
        raise Malformed()
    if all(claim == "*" for p in policies for claim in p["host"]):
        return None
    if authority == "":
        raise Malformed()
    return host_of(text)


ESCAPE = re.compile("%([0-9a-fA-F]{2})")


def decode(text, kept=""):
    return ESCAPE.sub(lambda m: m[0] if chr(int(m[1], 16)) == kept else chr(int(m[1], 16)), text)


def has_dots(text):
    return bool({".", ".."} & set(text.split("/")))


def without_dots(text):
    """As URL parsers do: '//' is a segment, and above the root is nothing."""
    out, segments = [], text.split("/")[1:]
    for i, segment in enumerate(segments):
        if segment not in (".", ".."):
            out.append(segment)
            continue
        if segment == ".." and out:
            out.pop()
        if i + 1 == len(segments):
            out.append("")
    return "/" + "/".join(out)


def steps(text, decoded):
    """What one server or another makes of a path that was decoded so often."""
    if decoded < 2:
        yield decode(text), decoded + 1
        yield decode(text, "/"), decoded + 1
    if decoded == 0:
        yield text.split("#")[0], decoded
    for end in set(re.findall(r"[\x00-\x1f\x7f]", text)):
        yield text.split(end)[0], decoded
    yield text.replace("\\", "/"), decoded
    yield re.sub(";[^/]*", "", text), decoded
    yield re.sub(r"/\.\.;[^/]*", "/..", text), decoded
    yield re.sub(r"^//[^/]*", "", text) or "/", decoded
    yield re.sub(r"^//+[^/]*", "", text) or "/", decoded
    yield re.sub("//+", "/", text), decoded
    yield without_dots(text), decoded


def readings(path, decoded=0, most=256):
    """All of them, as texts: decoded once at least, without dot segments."""
    seen, new = set(), {(path, decoded)}
    while new:
        seen |= new
        if len(seen) > most or sum(len(t) for t, _ in seen) > 128 * most:
            raise TooMany()
        new = {s for state in new for s in steps(*state)} - seen
    return {t for t, n in seen if (n or not ESCAPE.search(t)) and not has_dots(t)}


def host_rank(claim, host):
    """0 for no match; more for a more specific one."""
    if claim == "*":
        return 1
    if host is None:
        return 0
    if claim.startswith("*."):
        return 1 + len(claim) if host.endswith(claim[1:]) and host != claim[1:] else 0
    return 10000 if claim == host else 0


def claims_of(policies, host):
    """The claims that cover a host: rank, path, policy."""
    return [(host_rank(claim, host), path, policy) for policy in policies for claim in policy["host"]
            for path in policy["path"] if host_rank(claim, host)]


def reachable(policies, host):
    """Those that some path of the host may lead to, and None if one leads to
    none: a claim of "/" hides those of less specific hosts."""
    out, claims = [], claims_of(policies, host)
    for rank in sorted({r for r, _, _ in claims}, reverse=True):
        here = [(path, policy) for r, path, policy in claims if r == rank]
        out += [policy for _, policy in here]
        if "/" in [path for path, _ in here]:
            return out
    return out + [None]


def best(policies, host, path):
    ranked = [(0, 0, None)]
    for rank, prefix, policy in claims_of(policies, host):
        if prefix == "/" or (path + "/").startswith(prefix + "/"):
            ranked.append((rank, len(prefix), policy))
    return max(ranked, key=lambda r: r[:2])[2]


def one_of(policies):
    """What all of them are, None where they differ."""
    return policies[0] if all(p is policies[0] for p in policies) else None


def by_path(policies, host, path, decoded=0):
    """The policy that serves a path of a host."""
    found = reachable(policies, host)
    if one_of(found) is None and path.startswith("/"):
        found = [best(policies, host, reading) for reading in readings(path, decoded)]
    return one_of(found)


def choose(policies, host, target):
    """The policy for a Host field and a request target, or None.  Raises
    Malformed for a host that is none, TooMany for what may pass the bound."""
    authority, path = target_of(target)
    return by_path(policies, request_host(policies, [host], authority), path)


def policy_of(policies, params):
    """The policy for the parameters of a request."""
    name, uri = value(params, "CORS_POLICY"), value(params, "REQUEST_URI")
    if name:
        return next((p for p in policies if p["name"] == name), None)
    authority, path = target_of(uri)
    hosts = values(params, "HTTP_HOST") or [value(params, "SERVER_NAME")]
    host = request_host(policies, hosts, authority)
    if len(set(values(params, "REQUEST_URI"))) > 1:
        return None
    if uri:
        return by_path(policies, host, path)
    joined = value(params, "SCRIPT_NAME") + value(params, "PATH_INFO")
    return by_path(policies, host, joined or "/", 1)


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
        policy = policy_of(policies, params)
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
