"""Random policies and random requests, near misses above all: every answer of
a running preflightd equals what contract.py works out.

The seed is printed, and SEED=N repeats a run.  ANSWERS=N asks for so many, over
a policy file for each 1,000 of them, with JOBS=N at once, as
`make differential` does.  ROUND=N repeats one of the policy files."""

import multiprocessing
import os
import random
import tempfile

from contract import TooMany, answer, readings
from fcgi import AUTHORIZER, RESPONDER, Closed, Server, request
from tap import done, is_equal, note

SEED = int(os.environ.get("SEED", "1"))
ANSWERS = int(os.environ.get("ANSWERS", "0"))
JOBS = int(os.environ.get("JOBS", "1"))
BATCHES, BATCH, SHOWN = 25 if ANSWERS else 4, 40, 5
ROUNDS = -(-ANSWERS // (BATCHES * BATCH)) if ANSWERS else 30

SCALARS = {"success-status": (204, (200, 202, 203, 299)), "refuse-status": (403, (404, 200, 400, 500, 599)),
           "debug": (False, (True, True, False)), "max-age": (None, (0, 60, 7200, 86400))}
HOSTS = ("api.example.com", "*.example.com", "*.api.example.com", "*", "example.com", "v2.api.example.com", "localhost",
         "127.0.0.1", "[::1]", "*.test", "a_b.test", "*.v2.api.example.com", "xn--bcher-kva.example", "*.com", "com",
         "-h.example.com")
PATHS = ("/", "/v1", "/v1/items", "/v10", "/public", "/v1/a-b", "/.well-known", "/v1/Items",
         "/v1/items/x", "/public/v1", "/v", "/caf\xc3\xa9")
ORIGINS = ("https://app.example.com", "https://app.example.com:8443", "http://localhost:5173", "http://[::1]:9090",
           "chrome-extension://abcdef", "https://a.b.example.com", "http://app.example.com", "https://xn--bcher-kva.example",
           "https://-h.example.com", "https://app.example.com.", "ftp://files.example.com", "https://a_b.example.com:1",
           "http://127.0.0.1", "custom+x.y-z://Host".lower())
PATTERNS = ("https://*.example.com", "http://localhost:*", "https://*.apps.example.com:*", "https://*.example.com:8443",
            "http://*.example.com", "http://127.0.0.1:*", "https://app.example.com:*", "http://[::1]:*",
            "https://*.-h.example.com", "https://*.example.com.:*", "ftp://*.example.com:*", "https://-h.example.com:*",
            "https://*.a.example.com")
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "QUERY", "x-Own")
FIELDS = ("Content-Type", "X-Token", "Authorization", "X-A", "x-b.c", "If-Match", "X-" + "Long" * 20)
ODD_BYTES = "\x00\x01\t\x1f\x7f\x80\xff\n\r ,;:/@%\\\"*"


# --- policies ---


def some(rng, items, most=4):
    return rng.sample(items, rng.randrange(1, most + 1))


def random_origins(rng, credentials):
    out = some(rng, ORIGINS) + (some(rng, PATTERNS, 3) if rng.random() < 0.7 else [])
    if not credentials and rng.random() < 0.25:
        out.append("*")
    if not credentials and rng.random() < 0.25:
        out.append("null")
    rng.shuffle(out)
    return out


def random_list(rng, items, star):
    """Absent, empty, named, or with a '*'."""
    kind = rng.random()
    if kind < 0.2:
        return None
    if kind < 0.3:
        return []
    out = some(rng, items, 5)
    return out if kind < 0.7 or not star else ["*"] + (out if kind < 0.85 else [])


def random_scalars(rng, likely):
    return {k: rng.choice(choices) for k, (_, choices) in SCALARS.items() if rng.random() < likely}


def random_claims(rng, claims):
    """Hosts and paths, of claims that are still free."""
    hosts, paths = some(rng, HOSTS, 3), some(rng, PATHS, 3)
    if not {(h, p) for h in hosts for p in paths} <= claims:
        free = sorted(claims & {(h, p) for h in hosts for p in PATHS})
        hosts, paths = ([x] for x in rng.choice(free)) if free else ([], [])
    claims -= {(h, p) for h in hosts for p in paths}
    return hosts, paths


def random_policy(rng, name, claims, defaults):
    """What is written in a policy."""
    credentials = rng.random() < 0.4
    hosts, paths = random_claims(rng, claims)
    if not hosts:
        return None
    written = {"name": name, "host": hosts, "path": paths, "allow-credentials": credentials,
               "allow-origins": random_origins(rng, credentials),
               "allow-methods": random_list(rng, METHODS, True),
               "allow-headers": random_list(rng, FIELDS, True),
               "expose-headers": random_list(rng, FIELDS, not credentials), **random_scalars(rng, 0.4)}
    for key, usual in (("host", ["*"]), ("path", ["/"])):
        if written[key] == usual and rng.random() < 0.5:
            del written[key]
    if "allow-origins" in defaults and rng.random() < 0.3:
        del written["allow-origins"]
    return {k: v for k, v in written.items() if v is not None}


def random_defaults(rng):
    written = {**random_scalars(rng, 0.5), "allow-methods": random_list(rng, METHODS, True),
               "allow-headers": random_list(rng, FIELDS, True), "expose-headers": random_list(rng, FIELDS, False),
               "allow-origins": random_origins(rng, True), "allow-credentials": rng.random() < 0.5}
    return {k: v for k, v in written.items() if v is not None and rng.random() < 0.5}


def into_file(rng, folder, entries):
    """Some of the entries in a file, and its name in their place."""
    entries = list(entries)
    moved = [entries.pop(rng.randrange(len(entries))) for _ in range(rng.randrange(1, len(entries) + 1))]
    path = os.path.join(folder, "origins.txt")
    with open(path, "w", encoding="utf-8") as f:
        f.write(rng.choice(("\n", " # a comment\n", "\r\n", "\n\n# none\n")).join(moved) + rng.choice(("", "\n")))
    return entries + ["@" + path]


def text_of(rng, keys, folder):
    """The lines of a section, and once a file of origins in the folder."""
    out = ""
    for key, v in keys.items():
        if key == "max-age" and v == 86400:
            v = rng.choice(("1d", "24h", "1440m", "86400s", "86400"))
        elif isinstance(v, bool):
            v = "yes" if v else "no"
        elif isinstance(v, list):
            if key == "allow-origins" and not os.listdir(folder) and rng.random() < 0.3:
                v = into_file(rng, folder, v)
            v = rng.choice((", ", " ", ",", "\n    ", " ; why not\n\t")).join(v)
        if key != "name":
            out += f"{key} = {v}\n"
    return out + "insecure-origins = allow\npublic-suffixes = allow\n"


def random_file(rng, folder):
    """The file's text, its defaults and its policies as they are meant."""
    defaults, claims = random_defaults(rng), {(h, p) for h in HOSTS for p in PATHS}
    base = {"host": ["*"], "path": ["/"], "allow-methods": ["GET", "HEAD", "POST"], "allow-headers": [],
            "expose-headers": [], "allow-credentials": False}
    base.update({k: v for k, (v, _) in SCALARS.items()}, **defaults)
    policies, text = [], "[defaults]\n" + text_of(rng, defaults, folder)
    for i in range(rng.randrange(1, 7 if rng.random() < 0.7 else 31)):
        policy = random_policy(rng, f"p{i}", claims, defaults)
        if policy:
            policies.append({**base, **policy})
            text += f"[policy p{i}]\n" + text_of(rng, policy, folder)
    return text, base, policies


# --- requests ---


def spoil(rng, text):
    """A byte changed, removed, added, or its case turned."""
    at = rng.randrange(len(text) + 1)
    odd = rng.choice(ODD_BYTES)
    return rng.choice((text[:at] + odd + text[at:], text[:at] + text[at + 1 :], text[:at] + odd + text[at + 1 :],
                       text[:at] + text[at:].swapcase(), text + odd, odd + text))


def labels(rng):
    return ".".join(rng.choice(("a", "b-c", "x_y", "-a", "a-", "A", "", "0", "l" * 63, "l" * 64, "*", "m" * 60))
                    for _ in range(rng.choice((1, 1, 2, 3, 4, 5))))


def random_origin(rng, policies):
    entry = rng.choice(rng.choice(policies)["allow-origins"] + ["null", "https://evil.example"])
    kind = rng.random()
    if entry.endswith(":*"):
        entry = entry[:-2] + rng.choice(("", ":1", ":80", ":443", ":65535", ":65536", ":0", ":080", ":", ":8443", ":99999999999"))
    if "*." in entry:
        entry = entry.replace("*", rng.choice(("a", "a.b", labels(rng))), 1)
    if kind < 0.6:
        return entry
    if kind < 0.8:
        return spoil(rng, entry)
    return rng.choice((entry + "/", entry.upper(), entry + ".", entry + ":443", entry + ":80", entry.replace("https:", "http:"),
                       entry.replace("://", "://www."), entry + ".evil.example", entry.replace("://", "://evil-"),
                       entry + ", " + entry, entry.replace("http:", "https:"), "https://user@app.example.com", "file://"))


def random_host(rng):
    host = rng.choice(HOSTS).replace("*", rng.choice(("a", "a.b", "", labels(rng))), 1)
    kind = rng.random()
    if kind < 0.6:
        return host
    if kind < 0.75:
        return spoil(rng, host)
    return rng.choice((host + ".", host + "..", host.upper(), host + ":8080", host + ".:443", host + ":", host + ":x",
                       host + ":123456", "[" + host + "]", host + ".evil.example", "user@" + host, ""))


PARTS = ("/", "//", "/.", "/..", "/x", "/items", "/%2e%2e", "/%2E", "/..;/", "/.;a", "/..%2fv1", "%2f", "/%76%31", "/;x", ";p",
         "/..%3b", "%", "%zz", "%00", "%5c", "\\", "#", "?q=/../", "/v1", "/public", "\x01", "\xe9", " ", "%20", "/...", ";/../v1",
         "%3bx", "%25", "/public;a/..", "%7f", "%c3%a9", "%252f", "/%252e%252e", "%5c..%5c", "\\..\\v1", "%2fv1", "///", "//v1",
         "%c0%af", "/\xc0\xaf", "/caf%C3%A9", "/v1/items/x/", "%0a", "%2500", "%%32f", "/" + "x" * 1100)


def random_path(rng):
    """One that is far enough from the bound on readings."""
    while True:
        path = rng.choice(PATHS)
        for _ in range(rng.choice((0, 0, 1, 1, 2, 3, 4))):
            part = rng.choice(PARTS)
            path = rng.choice((path + part, part + path, path.rstrip("/") + part))
        try:
            readings(path.split("?")[0])
            return path
        except TooMany:
            pass


def random_target(rng):
    kind = rng.random()
    if kind < 0.85:
        return random_path(rng)
    if kind < 0.95:
        return rng.choice(("http://", "https://", "HTTP://", "ftp://")) + random_host(rng) + rng.choice(("", random_path(rng)))
    return rng.choice(("*", "", "v1", "?x", "**", "http://"))


def random_names(rng):
    names = [rng.choice(FIELDS + ("x-other", "*", "a b", "x:y", "", " ", "\t", "\xe9")) if rng.random() < 0.3
             else rng.choice(FIELDS) for _ in range(rng.randrange(5))]
    names = [rng.choice((n, n.lower(), n.upper())) for n in names]
    out = rng.choice((",", ", ", " ,\t", ",,")).join(names)
    return spoil(rng, out) if rng.random() < 0.1 else out


def random_request(rng, policies):
    """The parameters, in any order."""
    params = [("REQUEST_METHOD", "OPTIONS" if rng.random() < 0.95 else rng.choice(("GET", "HEAD", "options", "", "OPTIONS ")))]
    if rng.random() < 0.93:
        params.append(("REQUEST_URI", random_target(rng)))
    if rng.random() < 0.15:
        path = random_path(rng)
        at = rng.randrange(len(path) + 1)
        params += [("SCRIPT_NAME", path[:at]), ("PATH_INFO", path[at:])]
    for name, likely, make in (
            ("HTTP_HOST", 0.95, lambda: random_host(rng)),
            ("HTTP_HOST", 0.03, lambda: random_host(rng)),
            ("HTTP_HOST", 0.01, lambda: random_host(rng)),
            ("REQUEST_URI", 0.01, lambda: random_target(rng)),
            ("REQUEST_SCHEME", 0.2, lambda: rng.choice(("http", "https"))),
            ("HTTPS", 0.1, lambda: rng.choice(("on", "off"))),
            ("HTTP_COOKIE", 0.1, lambda: spoil(rng, "a=b")),
            ("SERVER_NAME", 0.2, lambda: random_host(rng)),
            ("HTTP_ORIGIN", 0.95, lambda: random_origin(rng, policies)),
            ("HTTP_ORIGIN", 0.03, lambda: rng.choice(("", random_origin(rng, policies)))),
            ("HTTP_ACCESS_CONTROL_REQUEST_METHOD", 0.92, lambda: random_method(rng)),
            ("HTTP_ACCESS_CONTROL_REQUEST_METHOD", 0.02, lambda: random_method(rng)),
            ("HTTP_ACCESS_CONTROL_REQUEST_HEADERS", 0.7, lambda: random_names(rng)),
            ("HTTP_ACCESS_CONTROL_REQUEST_HEADERS", 0.1, lambda: random_names(rng)),
            ("CORS_POLICY", 0.3, lambda: rng.choice([p["name"] for p in policies] + ["", "nosuch", "P0"])),
            ("CORS_POLICY", 0.02, lambda: rng.choice(policies)["name"]),
            ("CORS_MODE", 0.12, lambda: rng.choice(("actual", "actual", "actual", "Actual", "")))):
        if rng.random() < likely:
            params.append((name, make()))
    if rng.random() < 0.003:
        params += [("HTTP_ACCESS_CONTROL_REQUEST_HEADERS", "x-a")] * rng.choice((63, 64, 65))
    rng.shuffle(params)
    return params


def random_method(rng):
    method = rng.choice(METHODS)
    return method if rng.random() < 0.85 else rng.choice((spoil(rng, method), method.lower(), "*", "", "TRACE"))


# --- both sides ---


def seen(got):
    """An answer in contract.py's form."""
    fields = []
    for name, v in got.fields:
        if name == "Preflight-Reason":
            reason, _, rest = v.partition("; policy ")
            v = (reason.split(";")[0] + " " + rest.split(" ")[0]).rstrip()
        elif name == "Allow":
            v = ", ".join(sorted(v.split(", ")))
        if name != "Status" and not (got.status == 405 and name.startswith("Content-")):
            fields.append((name, v))
    return got.status, sorted(fields)


def differences(rng, s, defaults, policies):
    """Where answers differ, as texts."""
    out = []
    with s.client() as client:
        for _ in range(BATCHES):
            asked = [(random_request(rng, policies), AUTHORIZER if rng.random() < 0.04 else RESPONDER) for _ in range(BATCH)]
            client.send(b"".join(request(p, rid=i + 1, role=r) for i, (p, r) in enumerate(asked)))
            for i, (params, role) in enumerate(asked):
                got = seen(client.answer(i + 1))
                wanted = answer(defaults, policies, params, role == AUTHORIZER)
                if got != wanted:
                    out.append(f"asked  {sorted(params)}\ngot    {got}\nwanted {wanted}")
    return out


def one_round(number):
    """The differences over one policy file, which is shown with them."""
    rng = random.Random(f"{SEED} {number}")
    with tempfile.TemporaryDirectory(prefix="pf") as folder:
        text, defaults, policies = random_file(rng, folder)
        with Server(policy=text.encode("latin-1").decode("utf-8")) as s:
            try:
                found = differences(rng, s, defaults, policies)
            except (AssertionError, Closed, OSError) as e:
                found = [f"{e!r}\n{s.log()}"]
    return [f"round {number}\n{text}\n{found[0]}"] + found[1:] if found else []


def main():
    only = os.environ.get("ROUND")
    numbers = [int(only)] if only else range(ROUNDS)
    with multiprocessing.Pool(JOBS) as pool:
        found = [text for texts in pool.imap_unordered(one_round, numbers) for text in texts]
    for text in found[:SHOWN]:
        note(text)
    is_equal(len(found), 0, f"{len(numbers) * BATCHES * BATCH} answers over {len(numbers)} policy files, seed {SEED}")


if __name__ == "__main__":
    main()
    done()
