"""The units of systemd: right by systemd's own checks, and as closed as they are
meant to be."""

import os
import re
import shutil
import subprocess
import tempfile

from fcgi import binary
import tap

BUILD = os.path.dirname(binary())
EXPOSURE = 15  # tenths
NAMES = ("preflightd.service", "preflightd.socket")


def analyze(*args):
    """Exit status and output of systemd-analyze."""
    done = subprocess.run(["systemd-analyze", "--no-pager", *args], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.returncode, done.stdout


def calls(name):
    """The system calls of a set, and of the sets in it."""
    found = set()
    for word in re.findall(r"^    ([@\w-]+)$", analyze("syscall-filter", name)[1], re.M):
        found |= calls(word) if word.startswith("@") else {word}
    return found


def filtered(unit):
    """The system calls that the unit lets through."""
    allowed = set()
    for value in re.findall(r"^SystemCallFilter=(.*)$", unit, re.M):
        for word in value.removeprefix("~").split():
            names = calls(word) if word.startswith("@") else {word}
            allowed = allowed - names if value.startswith("~") else allowed | names
    return allowed


def check(folder):
    text = {}
    for name in NAMES:
        with open(os.path.join(BUILD, "etc", name), encoding="utf-8") as f:
            text[name] = f.read()
        tap.ok("@" not in re.sub(r"[~=]@[a-z-]+|(?<= )@[a-z-]+", "", text[name]), f"{name} is made from its template",
               text[name])
        with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
            # The one that is built, whether or not one is installed.
            f.write(re.sub(r"^(Exec\w+=)\S+/preflightd", rf"\1{binary()}", text[name], flags=re.M))
    reloads = re.findall(r"^ExecReload=(.*)$", text[NAMES[0]], re.M)
    tap.ok(len(reloads) == 2 and re.search(r"/preflightd check --quiet$", reloads[1]),
           "a reload ends with a check, which fails where the policy is refused", reloads)
    paths = [os.path.join(folder, name) for name in NAMES]
    tap.is_equal(analyze("verify", "--man=no", *paths), (0, ""), "systemd-analyze verify")
    status, out = analyze("security", "--offline=yes", f"--threshold={EXPOSURE}", paths[0])
    tap.ok(status == 0 and "Overall exposure" in out, f"systemd-analyze security: at or under {EXPOSURE / 10}", out)
    status, out = analyze("security", "--offline=yes", "--threshold=1", paths[0])
    tap.ok(status != 0, "which can fail", out)
    allowed = filtered(text[NAMES[0]])
    # What --sandbox needs to put its filter on is in no set of systemd's.
    wanted = {"accept4", "epoll_wait", "openat", "execve", "seccomp", "prctl", "sendmsg", "clone", "prlimit64"}
    tap.is_equal(wanted - allowed, set(), "its filter of system calls lets through what serving needs")
    tap.is_equal({"mount", "setuid", "ptrace", "reboot"} & allowed, set(), "and not what it does not")


def main():
    if not shutil.which("systemd-analyze"):
        tap.skip_all("systemd-analyze is missing")
    with tempfile.TemporaryDirectory() as folder:
        check(folder)
    tap.done()


main()
