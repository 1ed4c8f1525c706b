"""preflightd check: golden files, files that are no text or no files, JSON,
options, and the manual against the key table.

NAME.ini is checked in this folder. NAME.err is what goes to stderr, NAME.out to
stdout, with DIGEST for the policy's; where there is no NAME.out the policy is
refused.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                os.pardir))
import tap  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
PREFLIGHTD = os.environ.get("PREFLIGHTD", os.path.join(TOP, "preflightd"))
POLICY = b"[policy a]\nallow-origins = https://a.example.com\n"


def run(*argv, folder=HERE, env=None):
    """Exit status, stdout and stderr of preflightd check."""
    done = subprocess.run([PREFLIGHTD, "check", *argv], cwd=folder,
                          stdin=subprocess.DEVNULL, capture_output=True,
                          env={**os.environ, **(env or {})}, check=False,
                          timeout=60)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def read(path):
    """The text of a file, or '' where there is none."""
    try:
        with open(path, encoding="utf-8") as f:
            return f.read()
    except FileNotFoundError:
        return ""


def as_text(item, level):
    """A finding of --json as the text form prints it."""
    where = item["file"]
    if item["line"]:
        where += f":{item['line']}:{item['col']}"
    hint = f"  {item['hint']}\n" if item["hint"] else ""
    return f"{where}: {level}: {item['text']} [{item['id']}]\n{hint}"


def check_golden(name):
    base = os.path.join(HERE, name)
    good = os.path.exists(base + ".out")
    status, out, err = run(name + ".ini")
    tap.is_equal(status, 0 if good else 2, f"{name}: status")
    tap.is_equal(re.sub("^digest [0-9a-f]{64}$", "digest DIGEST", out,
                        flags=re.M),
                 read(base + ".out"), f"{name}: stdout")
    tap.is_equal(err, read(base + ".err"), f"{name}: stderr")

    status, out, json_err = run("--json", name + ".ini")
    got = json.loads(out)
    tap.is_equal((status, got["ok"]), (0 if good else 2, good),
                 f"{name}: --json: status")
    findings = {as_text(i, level) for level in ("error", "warning")
                for i in got[level + "s"]}
    tap.is_equal(len(got["errors"]) + len(got["warnings"]),
                 len(re.findall(r"^\S.* (?:error|warning): ", json_err, re.M)),
                 f"{name}: --json has every finding")
    tap.is_equal([f for f in findings if f not in err], [],
                 f"{name}: --json says the same as the text")
    if not good:
        tap.is_equal((got["policies"], got["digest"]), ([], None),
                     f"{name}: --json has no policies of a refused file")


def check_json_shape():
    _, out, _ = run("--json", "good.ini")
    got = json.loads(out)
    tap.is_equal(sorted(got), ["digest", "errors", "file", "ok", "origins",
                               "policies", "tests", "warnings"],
                 "--json: members")
    tap.is_equal(got["policies"][0], {
        "name": "all", "line": 5,
        "hosts": ["api.example.com", "*.api.example.com"],
        "paths": ["/v1", "/v2"], "origins": 6, "patterns": 3, "any": False},
        "--json: a policy")
    tap.is_equal((got["tests"], got["origins"]),
                 ({"run": 3, "failed": 0}, 10), "--json: counts")
    tap.ok(re.fullmatch("[0-9a-f]{64}", got["digest"]), "--json: digest")
    _, out, _ = run("--json", "tests.ini")
    tap.is_equal(json.loads(out)["tests"], {"run": 4, "failed": 4},
                 "--json: failed tests are counted")


def check_strict():
    plain = run("warnings.ini")
    strict = run("--strict", "warnings.ini")
    tap.is_equal((plain[0], strict[0]), (0, 2), "--strict: status")
    tap.ok(" warning: " not in strict[2], "--strict: warnings are errors")
    tap.is_equal(run("--strict", "good.ini")[0], 0, "--strict: a good file")
    got = json.loads(run("--strict", "--json", "warnings.ini")[1])
    tap.is_equal((got["ok"], got["warnings"], len(got["errors"])),
                 (False, [], 11), "--strict --json")


def check_options(folder):
    path = os.path.join(HERE, "good.ini")
    for argv in (["-p", path], ["--policy", path], [path]):
        tap.is_equal(run(*argv)[0], 0, " ".join(argv[:-1] + ["FILE"]))
    tap.is_equal(run(env={"PREFLIGHTD_POLICY": path})[0], 0,
                 "$PREFLIGHTD_POLICY")
    tap.is_equal(run(path, env={"PREFLIGHTD_POLICY": "nope.ini"})[0], 0,
                 "FILE goes before $PREFLIGHTD_POLICY")
    for argv in (["--nope"], ["-p", path, path], [path, path], ["-p"]):
        status, out, err = run(*argv, folder=folder)
        tap.ok(status == 2 and out == "" and len(err.splitlines()) >= 2,
               f"usage: {len(argv)} arguments, {argv[0][-8:]}")
    status, out, err = run("--help")
    tap.ok(status == 0 and err == "" and "--strict" in out, "--help")


# About, bytes of the policy file, ids of the findings, exact origins.
BYTES = (
    ("NUL in a value", POLICY + b"debug = no\0\n", ["line-nul"], None),
    ("NUL in a comment", POLICY + b"# \0\n", ["line-nul"], None),
    ("NUL in place of a line's end", POLICY + b"debug = no\0[policy b]\n",
     ["line-nul"], None),
    ("UTF-16", POLICY.decode().encode("utf-16"), None, None),
    ("lines that end with CR", POLICY.replace(b"\n", b"\r"),
     ["line-control-byte", "policy-none"], None),
    ("NUL in an origin", POLICY + b"  https://b\0.example.com\n",
     ["line-nul"], None),
    ("CR LF and byte order mark", b"\xef\xbb\xbf" +
     POLICY.replace(b"\n", b"\r\n"), [], 1),
    ("a mark in the middle", POLICY + b"\xef\xbb\xbfdebug = no\n",
     ["line-no-key"], None),
    ("a line of 65536 bytes", POLICY + b"#" * 65536 + b"\n", [], 1),
    ("a line of 65537 bytes", POLICY + b"#" * 65537 + b"\nfoo = 1\n",
     ["line-too-long", "key-unknown"], None),
    ("a line of many blocks", POLICY + b"debug = " + b"x" * 3000000 +
     b"\ndebug = no\n[policy b", ["line-too-long", "section-bracket",
                                  "policy-no-origins", "policy-conflict"],
     None),
    ("a last line of 65536 bytes", b"[policy a]\nallow-origins = *" +
     b" " * 65519, [], 0),
    ("an origin where inih would cut", b"[policy a]\nallow-origins = " +
     b"https://a.example.com " * 8 + b"https://o7.example.com\n",
     ["origin-duplicate"] * 7, 2),
    ("a name where inih would cut", b"[policy " + b"a" * 60 + b"]\n" +
     b"allow-origins = *\n", ["section-name"], None),
    ("a key where inih would cut", POLICY + b"x" * 60 + b" = 1\n",
     ["key-unknown"], None),
    ("many lines", b"[policy a]\nallow-origins =\n" +
     b"".join(b"  https://o%d.example.com ; c\n" % i for i in range(20000)),
     [], 20000),
    ("answers over 4 KiB", POLICY + b"allow-headers =" +
     b"".join(b" X-A-Rather-Long-Name-%03d" % i for i in range(180)),
     ["policy-answer-size"], 1),
    ("answers under 4 KiB", POLICY + b"allow-headers =" +
     b"".join(b" X-A-Rather-Long-Name-%03d" % i for i in range(120)), [], 1),
    ("8-bit bytes", POLICY + b"\xff\xfe = 1\n", ["line-no-key"], None),
)


def check_bytes(folder):
    path = os.path.join(folder, "policy.ini")
    for about, data, ids, origins in BYTES:
        with open(path, "wb") as f:
            f.write(data)
        status, out, _ = run("--json", "policy.ini", folder=folder)
        got = json.loads(out)
        found = [i["id"] for i in got["errors"] + got["warnings"]]
        if ids is None:
            tap.ok(status == 2 and found, about)
        elif origins is None:
            tap.is_equal((status, found), (2, ids), about)
        else:
            tap.is_equal((status, found, got["policies"][0]["origins"]),
                         (0, ids, origins), about)


def check_controls(folder):
    """Control characters, U+009B (CSI) among them, never reach a terminal."""
    policy = ("[policy a]\nhost = api.example.com\npath = /\x9b31m\n"
              "allow-origins = https://a.example\n")
    for control, shown in (("\x9b", "\\xc2\\x9b"), ("\x7f", "\\x7f"), ("\x1b", "\\x1b")):
        name = f"a{control}.ini"
        for text in (policy, policy + "max-age = x\n"):
            with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
                f.write(text)
            for option in ("-p", "--json"):
                _, out, err = run(option, name, folder=folder)
                tap.ok(not set("\x9b\x7f\x1b") & set(out + err) and (shown in out + err or option == "--json"),
                       f"check {option}: {control!r} is escaped", out + err)
    os.unlink(os.path.join(folder, name))


SECRET = ("root:$6$hunter2:19000:0:99999:7:::\nhttps://hunter2@db/hunter2\n"
          "HUNTER2 = hunter2\n\"hunter2\", hunter2\n@hunter2\n[hunter2 hunter2]\n")


def check_secrets(folder):
    """What stands in a file that has no line of its kind is not told."""
    def told(*argv):
        status, out, err = run(*argv, folder=folder)
        return status, "hunter2" in (out + err).lower(), err

    def write(name, text):
        with open(os.path.join(folder, name), "w", encoding="ascii") as f:
            f.write(text)

    write("secret", SECRET)
    write("policy.ini", "[policy a]\nallow-origins = @secret\n")
    for name, lines in (("policy.ini", (1, 2, 3, 4)), ("secret", (1, 2, 3, 4, 6))):
        for options in ((), ("--json",)):
            status, leaked, err = told(*options, name)
            tap.is_equal((status, leaked), (2, False), f"{name} {options} tells no secret")
        for line in lines:
            tap.ok(f"secret:{line}:1: error: " in told(name)[2], f"{name} tells line {line}", told(name)[2])
    write("secret", SECRET + "https://a.example.com\n")
    tap.is_equal(told("policy.ini")[:2], (2, True), "a file with an entry is told with its text")
    write("secret", SECRET + "[policy a]\n")
    tap.is_equal(told("secret")[:2], (2, True), "a policy file is told with its text")


LABELS = ".".join(["a" * 63] * 3)
CREDENTIALS = "[policy a]\nallow-credentials = yes\n"

# What is meant counts, not how it is written: entries, other lines, ids.
MEANT = (
    ("https://*.co.uk.", CREDENTIALS, ["origin-trailing-dot", "credentials-public-suffix"]),
    ("https://*.localhost.", CREDENTIALS, ["origin-trailing-dot"]),
    ("http://localhost.", CREDENTIALS, ["origin-trailing-dot"]),
    (f"https://*.{LABELS}.{'a' * 59}", "[policy a]\n", []),
    (f"https://*.{LABELS}.{'a' * 59}.", "[policy a]\n", ["origin-trailing-dot"]),
    (f"https://*.{LABELS}.{'a' * 60}", "[policy a]\n", ["origin-host-long"]),
    (f"https://*.{LABELS}.{'a' * 60}.", "[policy a]\n", ["origin-host-long"]),
    (f"HTTPS://*.{LABELS}.{'a' * 60}", "[policy a]\n", ["origin-upper-case", "origin-host-long"]),
    ("https://a.example", f"[policy a]\nhost = *.{LABELS}.{'a' * 60}\n", ["host-invalid"]),
    ("http://a.example. https://a.example", "[policy a]\n", ["origin-http-twin", "origin-trailing-dot"]),
    ("http://*.a.example:81 https://*.a.example.:81", "[policy a]\n", ["origin-http-twin", "origin-trailing-dot"]),
    ("http://localhost https://localhost", "[policy a]\n", []),
)


def check_meaning(folder):
    for entries, head, ids in MEANT:
        with open(os.path.join(folder, "policy.ini"), "w", encoding="ascii") as f:
            f.write(f"{head}allow-origins = {entries}\n")
        _, out, _ = run("--json", "policy.ini", folder=folder)
        got = json.loads(out)
        found = got["errors"] + got["warnings"]
        tap.is_equal(sorted(i["id"] for i in found), sorted(ids), f"{entries[:60]}: {ids}")
        for item in found:
            tap.ok("a" * 60 not in item["hint"], "no hint writes a host that is too long", item)


def check_odd_files(folder):
    os.mkfifo(os.path.join(folder, "fifo"))
    os.mkdir(os.path.join(folder, "dir"))
    for name in ("fifo", "dir", "missing", "/dev/null"):
        if name != "fifo":
            status, _, err = run(name, folder=folder)
            tap.ok(status == 2 and err.startswith(f"{name}:1:1: error: ") and
                   "[file-unusable]" in err, f"policy file: {name}", err)
        with open(os.path.join(folder, "policy.ini"), "w",
                  encoding="utf-8") as f:
            f.write(f"[policy a]\nallow-origins = https://a.example.com\n"
                    f"  @{name}\n")
        status, _, err = run("policy.ini", folder=folder)
        tap.ok(status == 2 and err.startswith("policy.ini:3:3: error: ") and
               err.count(" error: ") == 1, f"@FILE: {name}", err)


def check_pipes(folder):
    """Pipes and standard input; lists are then relative to the current
    folder."""
    if not shutil.which("bash"):
        tap.skip("pipes", "bash is missing")
        return
    with open(os.path.join(folder, "list"), "w", encoding="ascii") as f:
        f.write("https://a.example\n")
    good = "[policy p]\nallow-origins = @list\n"
    with open(os.path.join(folder, "p.ini"), "w", encoding="ascii") as f:
        f.write(good)

    def shell(command):
        done = subprocess.run(["bash", "-c", command, "bash", PREFLIGHTD], cwd=folder, stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=60, check=False)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    plain = shell('"$1" check p.ini')[1]
    for command, name in (('cat p.ini | "$1" check -', "<stdin>"), ('"$1" check - <p.ini', "<stdin>"),
                          ('cat p.ini | "$1" check -p -', "<stdin>"), ('cat p.ini | "$1" check /dev/stdin', "/dev/stdin")):
        tap.is_equal(shell(command), (0, plain.replace("p.ini", name), ""), command)
    status, out, err = shell('"$1" check <(cat p.ini)')
    tap.ok(status == 0 and "1 policy, 1 origin" in out and err == "", "process substitution", (status, out, err))
    status, out, err = shell('(cat p.ini; echo nonsense) | "$1" check -')
    tap.ok(status == 2 and err.startswith("<stdin>:3:1: error: ") and "<stdin>: 1 error" in err and out == "",
           "errors are those of <stdin>", err)
    found = json.loads(shell('cat p.ini | "$1" check --json -')[1])
    tap.is_equal((found["file"], found["ok"], found["origins"]), ("<stdin>", True, 1), "--json too")
    big = "(cat p.ini; yes '; ' | head -c 3000000; echo 'allow-methods = GET, GET')"
    status, _, err = shell(big + ' | "$1" check -')
    tap.ok(status == 0 and "duplicate" in err, "more than a pipe holds, in several pieces", err[:300])
    for what, command in (("a folder", '"$1" check - </'), ("a device", '"$1" check - </dev/zero')):
        status, _, err = shell(command)
        tap.ok(status == 2 and "can't use the file" in err, f"{what} as standard input", err)
    for command in ('"$1" serve -p <(cat p.ini) -l unix:s', '"$1" export nginx -p <(cat p.ini)'):
        status, _, err = shell(command)
        tap.ok(status == 2 and "it is a pipe" in err, "no pipe: " + command[5:], err)
    # What a policy names stays a regular file.
    status, _, err = shell('mkfifo fifo; printf "[policy p]\\nallow-origins = @fifo\\n" | "$1" check -')
    tap.ok(status == 2 and "it is a pipe" in err, "nor one as a list", err)


def check_permission(folder):
    """What the user may not read says what to do about it."""
    what = "a policy file and a list that may not be read say how to let the user"
    for name in ("secret", "policy.ini"):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
            f.write("[policy a]\nallow-origins = @secret\n")
    os.chmod(os.path.join(folder, "secret"), 0)
    os.chmod(folder, 0o755)
    nobody = {"user": 65534} if os.geteuid() == 0 else {}
    told = ": Permission denied [file-unusable]\n  let the user that"
    for name in ("secret", "policy.ini"):
        try:
            done = subprocess.run([PREFLIGHTD, "check", name], cwd=folder,
                                  capture_output=True, text=True, check=False,
                                  stdin=subprocess.DEVNULL, **nobody)
        except PermissionError:
            tap.omit(what, "another user cannot run this program")
            return
        tap.ok(done.returncode == 2 and told in done.stderr and
               "chgrp preflightd FILE, chmod 640 FILE" in done.stderr,
               f"{what}: {name}", done.stderr)


def check_lists(folder):
    """Files are relative to the one that names them; the last line needs no
    newline; a list that is shared counts once."""
    os.mkdir(os.path.join(folder, "sub"))
    with open(os.path.join(folder, "sub", "list"), "wb") as f:
        f.write(b"\xef\xbb\xbfhttps://x.example.com\r\n\r\n" +
                b"".join(b"https://o%d.example.com\n" % i
                         for i in range(100000)) + b"https://y.example.com")
    with open(os.path.join(folder, "sub", "p.ini"), "wb") as f:
        f.write(b"[policy a]\nallow-origins = @list\n[policy b]\n"
                b"path = /b\nallow-origins = @list\n[policy c]\npath = /c\n"
                b"allow-origins = @list https://z.example.com\n")
    status, out, err = run("--json", "sub/p.ini", folder=folder)
    got = json.loads(out)
    tap.is_equal((status, err, [p["origins"] for p in got["policies"]]),
                 (0, "", [100002, 100002, 100003]), "@FILE of 100002 origins")
    tap.is_equal(got["origins"], 200005, "a shared list counts once")
    with open(os.path.join(folder, "sub", "list"), "wb") as f:
        f.write(b"# nobody\n")
    status, _, err = run("sub/p.ini", folder=folder)
    tap.ok(status == 2 and err.count("[policy-no-origins]") == 2,
           "an empty @FILE allows no origin", err)
    with open(os.path.join(folder, "sub", "list"), "wb") as f:
        f.write(b"https://a.example\0.com\nhttps://b.example.com\x01\n" +
                b"x" * 70000 + b"\nhttps://c.example.com/\n")
    status, _, err = run("sub/p.ini", folder=folder)
    tap.is_equal(re.findall(r"^sub/list:(\d+):\d+: error: .*\[(.*)\]$", err,
                            re.M),
                 [("1", "line-nul"), ("2", "line-control-byte"),
                  ("3", "line-too-long"), ("4", "origin-trailing-slash")],
                 "@FILE: errors, each once")


def check_manual():
    """The manual describes each key with its default; its example is good."""
    page = read(os.path.join(TOP, "src", "man", "preflightd.ini.5"))
    _, out, _ = run("--keys")
    rows = re.findall(r"^  (\S+) +(.*)\n +(.*); default: (.*)$", out, re.M)
    tap.is_equal(len(rows), 19, "--keys prints all keys")
    for name, _, _, default in rows:
        about = re.search(rf"^\.It Ic {name}\n(.*?)(?=^\.It |^\.El)", page,
                          re.M | re.S)
        tap.ok(about and default in re.sub(r"^\.Ql ", "", about[1], flags=re.M),
               f"manual: {name}, default {default}")
    tap.is_equal(sorted(re.findall(r"^\.It Ic (\S+)$", page, re.M)),
                 sorted(row[0] for row in rows), "manual: no other keys")
    examples = re.findall(r"^\.Bd -literal.*?\n(.*?)^\.Ed", page, re.M | re.S)
    tap.ok(examples, "manual: has examples")
    with tempfile.NamedTemporaryFile("w", suffix=".ini") as f:
        for i, example in enumerate(examples, 1):
            f.seek(0)
            f.truncate()
            f.write(example)
            f.flush()
            status, _, err = run("--strict", f.name)
            tap.is_equal((status, err), (0, ""), f"manual: example {i}")


def main():
    for name in sorted(n[:-4] for n in os.listdir(HERE) if n.endswith(".ini")):
        check_golden(name)
    check_json_shape()
    check_strict()
    check_manual()
    status, _, err = run("--strict",
                         os.path.join(TOP, "etc", "policy.ini"))
    tap.is_equal((status, err), (0, ""), "etc/policy.ini")
    for check in (check_options, check_bytes, check_controls, check_odd_files,
                  check_lists, check_meaning, check_secrets, check_pipes,
                  check_permission):
        with tempfile.TemporaryDirectory() as folder:
            check(folder)
    tap.done()


main()
