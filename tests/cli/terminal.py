"""The program on a terminal: colours and when there are none, help, version,
what is said of a wrong command line, and completion in bash.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path[1:1] = [os.path.join(TOP, "tests")]
import tap  # noqa: E402

PREFLIGHTD = os.path.abspath(os.environ.get("PREFLIGHTD",
                                            os.path.join(TOP, "preflightd")))
COMPLETION = os.path.join(TOP, "etc", "completion", "preflightd")
COMMANDS = ("serve", "check", "explain", "export", "diff", "verify", "help",
            "version")
GOOD = "[policy api]\nallow-origins = https://app.example.com\n"
BAD = "[policy api]\nallow-origins = https://app.example.com/\n"
APP, API = "https://app.example.com", "https://api.example.com/"
# Each prints something that is coloured.
COLOURED = (
    ["check", "bad.ini"], ["diff", "good.ini", "other.ini"],
    ["explain", "-p", "good.ini", "--origin", APP, API],
    ["export", "ngnix"], ["export", "nginx", "-p", "bad.ini"],
    ["export", "--check", "good.ini", "-p", "good.ini"],
    ["serve", "x"], ["serve", "-p", "bad.ini"],
    ["verify", "-p", "good.ini", "http://127.0.0.1:1/"], ["frobnicate"],
)
PLAIN = {"NO_COLOR": "", "TERM": "xterm"}
# What is wrong, and what is said to write.
MISTAKES = (
    (["explain", "--origin", APP], "missing URL", "https://api.example.com/"),
    (["explain", "--origin", APP, API, "b"], "unexpected 'b'", "quotes"),
    (["check", "a", "b"], "unexpected 'b'", "preflightd diff"),
    (["check", "-p", "a", "b"], "unexpected 'b'", "preflightd diff"),
    (["check", "--json", "--canonical"], "--json excludes", "leave one out"),
    (["export"], "missing server", "nginx, lighttpd, apache"),
    (["export", "ngnix"], "unknown server 'ngnix'", "nginx, lighttpd, apache"),
    (["export", "nginx", "p.ini"], "unexpected argument 'p.ini'", "-p"),
    (["export", "--check", "x", "nginx"], "unexpected argument 'nginx'",
     "--check"),
    (["export", "--check", "x", "--part", "http"], "excludes '--part'",
     "leave it out"),
    (["serve", "p.ini"], "unexpected argument 'p.ini'", "-p"),
    (["diff", "a"], "two policy files", "diff OLD NEW"),
    (["diff", "a", "b", "c"], "unexpected 'c'", "diff OLD NEW"),
    (["verify"], "missing URL", "https://api.example.com/"),
    (["check", "api.ini"], "unknown section 'api'", "write [policy api]"),
    (["check", "none.ini"], "No such file", "-p FILE or $PREFLIGHTD_POLICY"),
    (["help", "frobnicate"], "unknown command 'frobnicate'", "--help"),
    (["cheque"], "unknown command 'cheque'", "write preflightd check"),
)


def run(*argv, folder=None):
    done = subprocess.run([PREFLIGHTD, *argv], cwd=folder, text=True,
                          stdin=subprocess.DEVNULL, capture_output=True,
                          check=False)
    return done.returncode, done.stdout, done.stderr


def on_terminal(argv, folder, **variables):
    """What is printed where standard output and error are a terminal."""
    ours, its = os.openpty()
    with subprocess.Popen([PREFLIGHTD, *argv], cwd=folder, stdout=its,
                          stdin=subprocess.DEVNULL, stderr=its,
                          env={**os.environ, **variables}):
        os.close(its)
        text = b""
        try:
            while chunk := os.read(ours, 4096):
                text += chunk
        except OSError:
            pass  # EIO: the other side is closed
    os.close(ours)
    return text.decode()


def check_colours(folder):
    for argv in COLOURED:
        what = " ".join(argv)[:50]
        got = on_terminal(argv, folder, **PLAIN)
        tap.ok("\033[" in got, f"coloured on a terminal: {what}", got)
        for variable, value in (("NO_COLOR", "1"), ("TERM", "dumb")):
            text = on_terminal(argv, folder, **{**PLAIN, variable: value})
            tap.ok(text and "\033" not in text,
                   f"not with {variable}={value}: {what}", text)
        _, out, err = run(*argv, folder=folder)
        tap.ok("\033" not in out + err, f"not in a pipe: {what}", out + err)


def check_help():
    version = run("--version")
    tap.ok(version[0] == 0 and re.fullmatch(r"preflightd [\d.]+\n", version[1]),
           "--version", version)
    for word in ("-V", "version"):
        tap.is_equal(run(word), version, word)
    tap.is_equal(run("help"), run("--help"), "help")
    for command in COMMANDS[:-2]:
        tap.is_equal(run("help", command), run(command, "--help"),
                     f"help {command}")


def check_mistakes(folder):
    for argv, what, hint in MISTAKES:
        status, out, err = run(*argv, folder=folder)
        lines = err.splitlines()
        tap.ok(status == 2 and out == "" and len(lines) >= 2
               and what in lines[0] and hint in lines[1],
               f"says what is wrong: {' '.join(argv)}", err)


# ---- completion ----------------------------------------------------------------


def completed(*words):
    """What bash offers for the last word."""
    done = subprocess.run(
        ["bash", "--norc", "-c", '. "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - '
         '1)); _preflightd; printf "%s\\n" "${COMPREPLY[@]}"', COMPLETION,
         PREFLIGHTD, *words], text=True, capture_output=True, check=False)
    tap.is_equal((done.returncode, done.stderr), (0, ""),
                 f"completes: {' '.join(words)}")
    return set(done.stdout.split())


def check_completion():
    if not shutil.which("bash"):
        tap.skip("completion", "bash is missing")
        return
    tap.is_equal(completed(""), set(COMMANDS), "all commands")
    tap.is_equal(completed("help", "ex"), {"explain", "export"}, "help ex")
    for command in COMMANDS[:-2]:
        options = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+",
                                 run(command, "--help")[1]))
        tap.is_equal(completed(command, "--"), options,
                     f"all options of {command}")
    tap.is_equal(completed("export", ""), {"nginx", "lighttpd", "apache",
                                           "haproxy", "caddy"}, "servers")
    tap.is_equal(completed("export", "haproxy", "--part", ""),
                 {"sections", "frontend"}, "parts of one server")
    tap.is_equal(completed("export", "nginx", "--actual", ""),
                 {"static", "ask"}, "values of --actual")
    text = run("explain", "--help")[1]
    tap.ok(all(name in text for name in completed("explain", "--browser", "")),
           "values of --browser")
    text = run("serve", "--help")[1]
    tap.ok(all(name in text for name in completed("serve", "--log-level", "")),
           "values of --log-level")
    name = os.path.basename(HERE)
    for words in (["serve", "-p"], ["check", "--policy"], ["check"], ["diff"],
                  ["export", "nginx", "-o"], ["export", "--check"]):
        tap.is_equal(completed(*words, os.path.dirname(HERE) + "/" + name[:2]),
                     {HERE}, f"files behind {' '.join(words)}")
    tap.is_equal(completed("serve", "-l", ""), set(), "no guess at an address")


with tempfile.TemporaryDirectory() as private:
    for file, text in (("good.ini", GOOD), ("bad.ini", BAD),
                       ("other.ini", GOOD + "allow-methods = GET, PUT\n"),
                       ("api.ini", "[api]\nallow-origins = *\n")):
        with open(os.path.join(private, file), "w", encoding="utf-8") as f:
            f.write(text)
    check_colours(private)
    check_help()
    check_mistakes(private)
check_completion()
tap.done()
