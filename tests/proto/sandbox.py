"""`serve --sandbox`: what serving needs goes on, whole suites of it, and what it
does not need ends the process."""

import os
import signal
import subprocess
import sys
import tempfile

from fcgi import POLICY, Server, binary, wait_for
import tap

HERE = os.path.dirname(os.path.abspath(__file__))
CONFINED = os.path.join(os.path.dirname(binary()), "tests", "proto", "confined")

LET_THROUGH = {"-": ("read", "file_status", "memory", "thread", "wait", "getrlimit"),
               "a": ("append",), "u": ("unix",), "r": ("unlink",)}
REFUSED = ("execve", "fork", "inet", "netlink", "unix", "write", "create", "append", "unlink",
           "rename", "chmod", "ptrace", "kill", "setuid", "setrlimit", "listen",
           "program_memory", "memfd", "prctl")
ALWAYS_REFUSED = [call for call in REFUSED if call not in ("append", "unix", "unlink")]


def confined(needs, call):
    return subprocess.run([CONFINED, needs, call], stdin=subprocess.DEVNULL,
                          capture_output=True, check=False, timeout=20)


def calls():
    for needs, allowed in LET_THROUGH.items():
        for call in allowed:
            run = confined(needs, call)
            tap.is_equal((run.returncode, run.stderr), (0, b""), f"let through with needs '{needs}': {call}")
    for call in REFUSED:
        tap.is_equal(confined("-", call).returncode, -signal.SIGSYS, f"ends the process: {call}")
    for call in ALWAYS_REFUSED:
        tap.is_equal(confined("aur", call).returncode, -signal.SIGSYS,
                     f"ends it whatever the configuration needs: {call}")


def status_lines(pid, name):
    """A line of /proc/PID/status for each thread."""
    found = []
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/status", encoding="ascii") as f:
            found += [line.split()[1] for line in f if line.startswith(name + ":")]
    return found


def serving():
    with Server("--sandbox", "-j", "2") as s, s.client() as c:
        tap.is_equal(c.ask().status, 204, "it answers")
        wait_for(lambda: len(status_lines(s.process.pid, "Seccomp")) == 4)
        tap.is_equal(status_lines(s.process.pid, "Seccomp"), ["2"] * 4, "each thread has the filter")
        tap.is_equal(set(status_lines(s.process.pid, "NoNewPrivs")), {"1"}, "and can gain no privileges")
        origins = os.path.join(s.folder, "origins")
        with open(origins, "w", encoding="ascii") as f:
            f.write("https://app.example.com\n")
        s.write_policy(POLICY.replace("https://app.example.com", "@origins"))
        s.signal(signal.SIGHUP)
        tap.ok(s.saw("event=reloaded"), "it loads a policy with a file of origins", s.log())
        tap.is_equal(c.ask().status, 204, "and answers from it")
        s.signal(signal.SIGUSR1)
        tap.is_equal(s.stop(), 0, "it stops with status 0")
        tap.ok(not os.path.exists(s.path), "and removes its socket file")
    with tempfile.TemporaryDirectory() as folder:
        log = os.path.join(folder, "log")
        with Server("--sandbox", "--log", log) as s:
            os.rename(log, log + ".1")
            s.signal(signal.SIGUSR1)
            tap.ok(wait_for(lambda: os.path.exists(log)), "a log file is opened again")
            tap.is_equal(s.stop(), 0, "and it stops with status 0")
    with Server() as s:
        tap.is_equal(set(status_lines(s.process.pid, "Seccomp")) - {"0"},
                     set(status_lines(os.getpid(), "Seccomp")) - {"0"}, "without --sandbox there is no filter")


def suites():
    env = dict(os.environ, PREFLIGHTD_SERVE_ARGS="--sandbox")
    runs = [(name, subprocess.Popen([sys.executable, os.path.join(HERE, name)], env=env, stdin=subprocess.DEVNULL,
                                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True))
            for name in ("protocol.py", "operation.py", "actual.py")]
    for name, run in runs:
        lines = run.communicate()[0].splitlines()
        tap.ok(run.returncode == 0 and lines and lines[-1].startswith("1.."), f"{name} passes with --sandbox",
               "\n".join(line for line in lines if not line.startswith("ok")))


def main():
    run = confined("-", "read")
    if run.returncode == 3 and b"without libseccomp" in run.stderr:
        with tempfile.TemporaryDirectory() as folder:
            policy = os.path.join(folder, "p.ini")
            with open(policy, "w", encoding="ascii") as f:
                f.write(POLICY)
            run = subprocess.run([binary(), "serve", "--sandbox", "-p", policy, "-l", f"unix:{folder}/s"],
                                 capture_output=True, check=False, timeout=20)
            tap.ok(run.returncode == 3 and b"without libseccomp" in run.stderr,
                   "a build without libseccomp refuses --sandbox", run.stderr)
        tap.omit("--sandbox", "built without libseccomp")
        tap.done()
    calls()
    serving()
    suites()
    tap.done()


main()
