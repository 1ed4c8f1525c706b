"""preflightd diff, and check --canonical: golden files, policies by chance
against a plain reading of the rules, size, and options.

diff/NAME.old.ini and diff/NAME.new.ini are compared; NAME.out is what goes to
stdout and NAME.json what --json gives, without digests.
"""

import itertools
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
import tap  # noqa: E402

TOP = os.path.dirname(os.path.dirname(HERE))
PREFLIGHTD = os.environ.get("PREFLIGHTD", os.path.join(TOP, "preflightd"))
GOLDEN = os.path.join(HERE, "diff")
# No case depends on luck: the same policies are made each time.
CHANCE = random.Random(20261122)


def run(*argv, folder):
    """Exit status, stdout and stderr of preflightd."""
    done = subprocess.run([PREFLIGHTD, *argv], cwd=folder, check=False,
                          stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=60)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as f:
        return f.read()


def write(text, *path):
    with open(os.path.join(*path), "w", encoding="utf-8") as f:
        f.write(text)


def compare(old, new, folder):
    """diff --json of two policies given as text."""
    write(old, folder, "old.ini")
    write(new, folder, "new.ini")
    status, out, err = run("diff", "--json", "old.ini", "new.ini",
                           folder=folder)
    if status not in (0, 1):
        raise RuntimeError(f"diff ends with {status}: {err}\n{old}\n{new}")
    got = json.loads(out)
    got["status"] = status
    return got


def digest(text, folder):
    write(text, folder, "digest.ini")
    _, out, err = run("check", "--json", "digest.ini", folder=folder)
    return json.loads(out)["digest"] or err


# ---- golden files ---------------------------------------------------------

def check_golden(name):
    files = (f"{name}.old.ini", f"{name}.new.ini")
    wanted = read(GOLDEN, name + ".out")
    same = wanted.startswith("same: ")
    status, out, err = run("diff", *files, folder=GOLDEN)
    tap.is_equal((status, err), (0 if same else 1, ""), f"{name}: status")
    tap.is_equal(out, wanted, f"{name}: stdout")
    status, out, err = run("diff", "--json", *files, folder=GOLDEN)
    got = json.loads(out)
    digests = [got[side].pop("digest") for side in ("old", "new")]
    tap.is_equal((status, err), (0 if same else 1, ""),
                 f"{name}: --json: status")
    tap.is_equal(got, json.loads(read(GOLDEN, name + ".json")),
                 f"{name}: --json")
    tap.is_equal(digests[0] == digests[1], same, f"{name}: digests")
    tap.is_equal(digests, [json.loads(run("check", "--json", file,
                                          folder=GOLDEN)[1])["digest"]
                           for file in files],
                 f"{name}: the digests are those of check")
    for file in files:
        check_canonical(f"diff/{file}", file, GOLDEN)


def check_canonical(about, file, folder):
    """The canonical form is a policy of the same digest, and its own canonical
    form; returns it."""
    status, text, _ = run("check", "--canonical", file, folder=folder)
    wanted = json.loads(run("check", "--json", file, folder=folder)[1])
    with tempfile.TemporaryDirectory() as other:
        write(text, other, "c.ini")
        got = json.loads(run("check", "--json", "c.ini", folder=other)[1])
        again = run("check", "--canonical", "c.ini", folder=other)[1]
    tap.is_equal((status, got["digest"], got["tests"]),
                 (0, wanted["digest"], wanted["tests"]),
                 f"{about}: canonical has the same digest and tests")
    tap.is_equal(again, text, f"{about}: canonical is its own canonical form")
    return text


# ---- one key at a time ----------------------------------------------------

BASE = {
    "host": "api.example.com", "path": "/v1, /v2",
    "allow-origins": "https://a.example.com, https://*.example.org",
    "allow-methods": "GET, PUT", "allow-headers": "X-A, X-B",
    "allow-credentials": "no", "expose-headers": "X-C, X-D",
    "max-age": "600", "success-status": "204", "refuse-status": "403",
    "debug": "no",
}

# Key, another value, the subject of the change; None where it means the same.
KEYS = (
    ("host", "api.example.net", "host"),
    ("host", "api.example.com, *.example.com", "host"),
    ("host", "api.example.com api.example.com", None),
    ("path", "/v1", "path"),
    ("path", "/v2 /v1", None),
    ("path", "/v1, /v2, /v1/x", "path"),
    ("allow-origins", "https://*.example.org, https://a.example.com", None),
    ("allow-origins", "https://a.example.com, https://*.example.org, "
     "https://x.example.org", None),
    ("allow-origins", "https://a.example.com, https://*.example.org, "
     "https://*.x.example.org", None),
    ("allow-origins", "https://a.example.com", "origin"),
    ("allow-origins", "https://*.example.org", "origin"),
    ("allow-origins", "https://a.example.com:8443, https://*.example.org",
     "origin"),
    ("allow-origins", "http://a.example.com, https://*.example.org", "origin"),
    ("allow-origins", "https://a.example.com, https://*.example.org:*",
     "origin"),
    ("allow-origins", "https://a.example.com, https://*.x.example.org",
     "origin"),
    ("allow-origins", "https://a.example.com, https://*.example.org, null",
     "origin"),
    ("allow-origins", "*", "origin"),
    ("allow-methods", "PUT, GET, PUT", None),
    ("allow-methods", "PUT", "method"),
    ("allow-methods", "GET, PUT, HEAD", "method"),
    ("allow-methods", "GET, Put", "method"),
    ("allow-methods", "", "method"),
    ("allow-methods", "*", "method"),
    ("allow-headers", "x-b, x-a", None),
    ("allow-headers", "x-b", "header"),
    ("allow-headers", "", "header"),
    ("allow-headers", "X-A, X-B, *", "header"),
    ("allow-credentials", "yes", "credentials"),
    ("expose-headers", "X-D X-c", None),
    ("expose-headers", "X-D", "expose"),
    ("expose-headers", "*", "expose"),
    ("max-age", "10m", None),
    ("max-age", "0", "max-age"),
    ("max-age", None, "max-age"),
    ("success-status", "200", "status"),
    ("refuse-status", "200", "status"),
    ("debug", "yes", "debug"),
)


def policy(values):
    return "[policy p]\n" + "".join(f"{key} = {value}\n" for key, value in
                                    values.items() if value is not None)


def check_keys(folder):
    base = policy(BASE)
    wanted = digest(base, folder)
    for key, value, subject in KEYS:
        other = policy({**BASE, key: value})
        got = compare(base, other, folder)
        about = f"{key} = {value}"
        tap.is_equal((got["same"], got["status"]),
                     (subject is None, int(subject is not None)), about)
        tap.is_equal({c["subject"] for c in got["changes"]},
                     {subject} - {None}, f"{about}: subject")
        tap.is_equal(digest(other, folder) == wanted, subject is None,
                     f"{about}: digest")
    for line, subject in (("debug = yes", "debug"),
                          ("refuse-status = 404", "status")):
        got = compare(base, f"[defaults]\n{line}\n{base}", folder)
        tap.is_equal([(c["policy"], c["subject"], c["line"], c["to"])
                      for c in got["changes"]],
                     [(None, subject, 2, line.split()[-1])],
                     f"[defaults] {line}")
        tap.is_equal(got["old"]["digest"] == got["new"]["digest"], False,
                     f"[defaults] {line}: digest")
    got = compare(base, base.replace("[policy p]", "[policy q]"), folder)
    tap.is_equal([(c["change"], c["subject"], c["from"], c["to"])
                  for c in got["changes"]],
                 [("changed", "policy", "p", "q")], "a renamed policy")


# ---- canonical form -------------------------------------------------------

# What the loader could take for something else, or must not lose.
ODD = """\ufeff[test b]
request = get http://API.example.com:80?x;y=1
origin = http://a.example.com
headers = X-B x-a
expect = allowed
credentials = no
[policy two]
path = /a=b, /[x]
allow-headers = X-A,#b
allow-origins = host://abc debug://x https://a.example.com
allow-methods = X,#Y
max-age = 1d
[defaults]
debug = yes
insecure-origins = allow
[policy one]
host = [::1], *.example.com, 127.0.0.1
allow-headers = x-a X-B
allow-origins = http://a.example.com, http://[::1]:9090
allow-credentials = yes
[test a]
request = PUT https://other.example/a;c/x
origin = https://b.example, or none
expect = malformed
"""

ODD_CANONICAL = """[defaults]
refuse-status = 403
debug = yes

[policy one]
host =
  *.example.com
  127.0.0.1
  [::1]
path =
  /
allow-origins =
  http://[::1]:9090
  http://a.example.com
allow-methods =
  GET
  HEAD
  POST
allow-headers =
  x-a
  x-b
allow-credentials = yes
expose-headers =
success-status = 204
refuse-status = 403
insecure-origins = allow
public-suffixes = refuse
debug = yes

[policy two]
host =
  *
path =
  /[x]
  /a=b
allow-origins =
  ,debug://x
  ,host://abc
  https://a.example.com
allow-methods =
  ,#Y
  X
allow-headers =
  ,#b
  x-a
allow-credentials = no
expose-headers =
max-age = 86400
success-status = 204
refuse-status = 403
insecure-origins = allow
public-suffixes = refuse
debug = yes

[test a]
request = PUT https://other.example/a;c/x
origin = https://b.example, or none
headers =
credentials = no
expect = malformed

[test b]
request = GET http://api.example.com/?x;y=1
origin = http://a.example.com
headers =
  x-a
  x-b
credentials = no
expect = allowed
"""


def check_odd(folder):
    write(ODD, folder, "odd.ini")
    tap.is_equal(check_canonical("odd values", "odd.ini", folder),
                 ODD_CANONICAL, "odd values: canonical form")


def check_canonical_options(folder):
    write("[policy a]\nallow-origins = https://a.example.com/\n", folder,
          "bad.ini")
    status, out, err = run("check", "--canonical", "bad.ini", folder=folder)
    tap.ok(status == 2 and out == "" and "[origin-trailing-slash]" in err,
           "--canonical of a faulty policy prints errors alone", out + err)
    status, out, err = run("check", "--canonical", "--json", "bad.ini",
                           folder=folder)
    tap.ok(status == 2 and out == "" and "excludes" in err,
           "--canonical and --json exclude each other")


# ---- by chance ------------------------------------------------------------

HOSTS = ("a.x.example", "b.a.x.example", "c.b.a.x.example", "x.example",
         "a.y.example", "y.example")
PATTERNS = tuple(f"{scheme}://{host}{port}" for scheme in ("https", "http")
                 for host, port in (("*.x.example", ""), ("*.x.example", ":*"),
                                    ("*.a.x.example", ""),
                                    ("*.a.x.example", ":*"),
                                    ("*.x.example", ":8080"),
                                    ("a.x.example", ":*")))
EXACT = tuple(f"{scheme}://{host}{port}" for scheme in ("https", "http")
              for host in HOSTS for port in ("", ":8080"))
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "PURGE", "purge")
HEADERS = ("X-A", "X-B", "Authorization", "Content-Type")
CLAIM_HOSTS = ("*", "*.x.example", "*.a.x.example", "a.x.example",
               "b.a.x.example", "y.example")
CLAIM_PATHS = ("/", "/p", "/p/q", "/p/q/r", "/s")


def some(items, most):
    return CHANCE.sample(items, CHANCE.randint(0, most))


def random_origins():
    entries = some(EXACT, 5) + some(PATTERNS, 3) + some(("null", "*"), 1)
    return entries or ["https://a.x.example"]


def random_policies():
    """Policies as name: {key: list or text}; no two claim the same."""
    free = list(itertools.product(CLAIM_HOSTS, CLAIM_PATHS))
    CHANCE.shuffle(free)
    policies = {}
    for name in CHANCE.sample(("a", "b", "c", "d", "e"),
                              CHANCE.randint(1, 5)):
        host, path = free.pop()
        hosts, paths = [host], [path]
        if CHANCE.random() < 0.5:
            more = [p for h, p in free if h == host]
            paths += more[:CHANCE.randint(0, 2)]
        free = [(h, p) for h, p in free if h != host or p not in paths]
        policies[name] = {
            "host": hosts, "path": paths, "allow-origins": random_origins(),
            "allow-methods": some(METHODS, 4) + some(("*",), 1),
            "allow-headers": some(HEADERS, 3) + some(("*",), 1),
            "expose-headers": some(HEADERS, 2) + some(("*",), 1),
            "max-age": CHANCE.choice((None, "60", "600")),
            "success-status": CHANCE.choice(("200", "204")),
            "refuse-status": CHANCE.choice(("403", "404")),
            "debug": CHANCE.choice(("yes", "no")),
        }
    return policies


def spelled(policies, shuffle=False):
    """The policies as a file, where asked in another order and spelling."""
    text = []
    names = list(policies)
    if shuffle:
        CHANCE.shuffle(names)
    for name in names:
        lines = []
        for key, value in policies[name].items():
            if isinstance(value, list):
                value = list(value)
                if shuffle:
                    CHANCE.shuffle(value)
                    if key.endswith("headers"):
                        value = [v.swapcase() for v in value]
                value = CHANCE.choice((" ", ", ", "\n  ")).join(value)
            elif key == "max-age" and shuffle and value:
                value = {"60": "1m", "600": "600s"}[value]
            if value is not None:
                lines.append(f"{key} = {value}\n")
        if shuffle:
            CHANCE.shuffle(lines)
        text.append(f"[policy {name}]\n" + "".join(lines))
    return "\n".join(text)


def pattern_matches(entry, origin):
    """The rule of the manual, word by word."""
    if entry == "*" or entry == origin:
        return True
    form = r"(https?)://(\*\.)?([a-z.]+)(:\*|:\d+)?"
    scheme, star, host, port = re.fullmatch(form, entry).groups() \
        if "*" in entry else (None,) * 4
    parts = re.fullmatch(form, origin)
    if not scheme or not parts or parts[1] != scheme:
        return False
    if port != ":*" and parts[4] != port:
        return False
    return parts[3].endswith("." + host) if star else parts[3] == host


def allows(entries, origin):
    return any(pattern_matches(e, origin) for e in entries)


def serving(policies, host, path):
    """The name of the policy that serves a host and a path."""
    best = None
    for name, p in policies.items():
        for h, prefix in itertools.product(p["host"], p["path"]):
            if h == host:
                rank = 1000
            elif h.startswith("*.") and host.endswith(h[1:]):
                rank = len(h)
            elif h == "*":
                rank = 0
            else:
                continue
            if prefix != "/" and prefix != path and \
                    not path.startswith(prefix + "/"):
                continue
            if best is None or (rank, len(prefix)) > best[:2]:
                best = (rank, len(prefix), name)
    return best and best[2]


def origin_faults(old, new, changes):
    """What is wrong with the origins that a diff has for one policy."""
    granted = [c["value"] for c in changes if c["change"] == "granted"]
    taken = [c["value"] for c in changes if c["change"] == "taken"]
    moved = [c["value"] for c in changes if c["change"] == "moved"]
    faults = []
    for origin in EXACT + ("null", "https://other.example"):
        before, after = allows(old, origin), allows(new, origin)
        if after and not before and not allows(granted, origin):
            faults.append(f"{origin} is granted, and not told")
        if before and not after and not allows(taken, origin):
            faults.append(f"{origin} is taken, and not told")
        if origin in granted and (before or not after):
            faults.append(f"{origin} is told as granted, and is not")
        if origin in taken and (after or not before):
            faults.append(f"{origin} is told as taken, and is not")
        if origin in moved and not (before and after):
            faults.append(f"{origin} is told to stay, and does not")
    return faults


def route_faults(old, new, changes, renamed):
    """The same for hosts and paths that fall to another policy."""
    moves = {(c["from"], c["to"], c["value"]) for c in changes
             if c["change"] == "moved" and c["subject"] == "path"}
    faults = []
    for host in HOSTS + ("z.example",):
        for path in CLAIM_PATHS + ("/p/q/r/t", "/u"):
            before = serving(old, host, path)
            after = serving(new, host, path)
            if None in (before, after) or renamed.get(before, before) == after:
                continue
            if not any(m[:2] == (before, after) and
                       serving({"x": {"host": [m[2].partition("/")[0]],
                                      "path": ["/" + m[2].partition("/")[2]]}},
                               host, path) for m in moves):
                faults.append(f"{host}{path}: {before} to {after}")
    return faults


def check_pair(number, folder):
    old, new = random_policies(), random_policies()
    if number % 2:  # mostly the same
        new = {name: dict(p) for name, p in old.items()}
        other = random_policies()
        key = CHANCE.choice([k for k in next(iter(other.values()))
                             if k not in ("host", "path")])
        name = CHANCE.choice(list(new))
        new[name][key] = next(iter(other.values()))[key]
        if number % 4 == 1 and len(new) > 1:
            del new[CHANCE.choice([n for n in new if n != name])]
    got = compare(spelled(old), spelled(new), folder)
    changes = got["changes"]
    tap.is_equal((got["same"], got["status"], bool(changes)),
                 (got["old"]["digest"] == got["new"]["digest"],
                  int(not got["same"]), not got["same"]),
                 f"pair {number}: same just where the digests are")
    renamed = {c["from"]: c["to"] for c in changes
               if c["change"] == "changed" and c["subject"] == "policy"}
    faults = route_faults(old, new, changes, renamed)
    for name, p in old.items():
        now = new.get(renamed.get(name, name))
        if now is not None:
            faults += origin_faults(
                p["allow-origins"], now["allow-origins"],
                [c for c in changes if c["subject"] == "origin" and
                 "where" not in c and c["policy"] == renamed.get(name, name)])
    tap.is_equal(faults, [], f"pair {number}: origins and hosts as the rules "
                 "have them")


def check_random(folder):
    for number in range(60):
        check_pair(number, folder)
    for number in range(12):
        policies = random_policies()
        write(spelled(policies), folder, "one.ini")
        write(spelled(policies, shuffle=True), folder, "two.ini")
        one = check_canonical(f"policies {number}", "one.ini", folder)
        tap.is_equal(run("check", "--canonical", "two.ini", folder=folder)[1],
                     one, f"policies {number}: canonical is that of another "
                     "order and spelling")
        status, out, _ = run("diff", "one.ini", "two.ini", folder=folder)
        tap.is_equal((status, out), (0, "same: one.ini and two.ini mean the "
                                     "same\n"),
                     f"policies {number}: another spelling is the same")


# ---- size and options -----------------------------------------------------

def check_size(folder):
    """Many origins are found by hash: this takes hours where they are not."""
    count = 100000
    for name, first in (("one", 0), ("two", 30)):
        write("".join(f"https://o{i}.example.com\n"
                      for i in range(first, first + count)),
              folder, name + ".txt")
        write(f"[policy a]\nallow-origins = @{name}.txt\n", folder,
              name + ".ini")
    _, out, _ = run("diff", "one.ini", "two.ini", folder=folder)
    tap.is_equal((out.count("\n+ "), out.count("\n- "), out.splitlines()[20]),
                 (20, 21, "+ policy a: 10 more origins, printed with --all"),
                 "few of many origins are printed")
    _, out, _ = run("diff", "--all", "one.ini", "two.ini", folder=folder)
    tap.is_equal((out.count("+ policy a: origin"),
                  out.count("- policy a: origin"), "more" in out),
                 (30, 30, False), "--all prints them all")
    _, out, _ = run("diff", "--json", "one.ini", "two.ini", folder=folder)
    tap.is_equal(len(json.loads(out)["changes"]), 60, "--json has them all")
    write("[policy a]\nallow-origins = https://*.example.com\n", folder,
          "wide.ini")
    _, out, _ = run("diff", "one.ini", "wide.ini", folder=folder)
    tap.is_equal(out.splitlines()[-1],
                 f"1 granted, 0 taken away, 0 changed, {count} moved",
                 "no origin that a pattern comes to cover is lost")


def measured(*argv, folder):
    """Exit status, stdout, and the most memory that it had, in MiB."""
    with open(os.path.join(folder, "out"), "w+", encoding="utf-8") as out, \
            subprocess.Popen([PREFLIGHTD, *argv], cwd=folder, stdout=out) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        return process.returncode, out.read(), used.ru_maxrss // 1024


def check_product(folder):
    """Hosts times paths: the cost is that of the files and of what differs."""
    hosts = [f"h{i}.example.com" for i in range(4000)]
    paths = [f"/p{i}" for i in range(4000)]

    def policy(name, some_hosts, some_paths):
        return f"[policy {name}]\nallow-origins = https://a.example\nhost =\n  " + "\n  ".join(some_hosts) + \
            "\npath =\n  " + "\n  ".join(some_paths) + "\n"

    write(policy("a", hosts, paths), folder, "old.ini")
    for about, text, wanted, last in (
            ("itself", policy("a", hosts, paths), 0, "same: old.ini and new.ini mean the same"),
            ("one path changed", policy("a", hosts, [*paths[1:], "/x"]), 1,
             "1 granted, 1 taken away, 0 changed, 0 moved"),
            ("all paths changed", policy("a", hosts, [p + "x" for p in paths]), 1,
             "4000 granted, 4000 taken away, 0 changed, 0 moved"),
            ("one host changed", policy("a", [*hosts[1:], "x.example.com"], paths), 1,
             "1 granted, 1 taken away, 0 changed, 0 moved"),
            ("another policy for one path", policy("a", hosts, paths[1:]) + policy("b", hosts, paths[:1]), 1,
             "4002 granted, 1 taken away, 0 changed, 4000 moved")):
        write(text, folder, "new.ini")
        status, out, mib = measured("diff", "old.ini", "new.ini", folder=folder)
        tap.is_equal((status, out.splitlines()[-1:]), (wanted, [last]), f"4000 hosts and 4000 paths: {about}")
        tap.ok(mib < 400, f"4000 hosts and 4000 paths: {about}: memory", f"{mib} MiB")


def check_pipes(folder):
    """What `git show` prints, against a file."""
    if not shutil.which("bash"):
        tap.skip("pipes", "bash is missing")
        return
    text = "[policy p]\nallow-origins = https://a.example\n"
    write(text, folder, "one.ini")
    write(text + "max-age = 5m\n", folder, "two.ini")

    def shell(command):
        done = subprocess.run(["bash", "-c", command, "bash", PREFLIGHTD], cwd=folder, stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=60, check=False)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    wanted = shell('"$1" diff one.ini two.ini')
    tap.is_equal(wanted[0], 1, "two files differ")
    for command in ('"$1" diff <(cat one.ini) two.ini', '"$1" diff <(cat one.ini) <(cat two.ini)',
                    'cat one.ini | "$1" diff - two.ini', 'cat two.ini | "$1" diff one.ini -'):
        got = shell(command)
        tap.ok(got[0] == 1 and "max-age" in got[1] and got[2] == "", command, got)
    status, _, err = shell('"$1" diff - - <one.ini')
    tap.ok(status == 2 and "standard input" in err, "standard input twice", err)


def check_options(folder):
    write("[policy a]\nallow-origins = https://a.example.com\n", folder,
          "good.ini")
    write("[policy a]\nallow-origins = https://a.example.com/\n", folder,
          "bad.ini")
    for argv in ((), ("good.ini",), ("good.ini", "good.ini", "good.ini"),
                 ("--nope", "good.ini", "good.ini")):
        status, out, err = run("diff", *argv, folder=folder)
        tap.ok(status == 2 and out == "" and len(err.splitlines()) >= 2,
               f"usage: {' '.join(argv) or 'no file'}")
    status, out, err = run("diff", "bad.ini", "missing.ini", folder=folder)
    tap.ok(status == 2 and out == "" and
           "bad.ini:2:" in err and "missing.ini:1:1: error: " in err,
           "the errors of both files are told", err)
    status, out, err = run("diff", "good.ini", "bad.ini", "--json",
                           folder=folder)
    tap.ok(status == 2 and out == "" and "bad.ini:2:" in err,
           "a faulty NEW, with --json", err)
    status, out, err = run("diff", "--help", folder=folder)
    tap.ok(status == 0 and err == "" and "--all" in out, "--help")
    if os.path.exists("/dev/full"):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([PREFLIGHTD, "diff", "good.ini", "good.ini"],
                                  cwd=folder, stdout=full, check=False,
                                  stderr=subprocess.DEVNULL)
        tap.is_equal(done.returncode, 3, "a full disk is no answer")


def main():
    for name in sorted(n[:-4] for n in os.listdir(GOLDEN)
                       if n.endswith(".out")):
        check_golden(name)
    for check in (check_keys, check_odd, check_canonical_options,
                  check_random, check_size, check_product,
                  check_pipes, check_options):
        with tempfile.TemporaryDirectory() as folder:
            check(folder)
    tap.done()


main()
