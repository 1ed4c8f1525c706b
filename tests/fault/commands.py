"""Every command with every call of the system failing in turn: no crash, no
leak (where the sanitizers are built in), and either the right answer or none,
with a message and the exit status that says so.  Calls by the C library and by
others on our behalf fail too."""

import errno
import os
import signal
import subprocess
import sys
import tempfile

import faults
from faults import ALLOCATIONS, REPORTED, Faults, chosen, fcgi, tap

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
EXAMPLE = os.path.join(TOP, "etc/policy.ini")
SERVERS = ("nginx", "lighttpd", "apache", "haproxy", "caddy")

# Groups of calls; one of a group fails at a time.
CALLS = {
    "allocations": ALLOCATIONS,
    "open": ("open", "fopen"),
    "read": ("read", "fread", "fstat"),
    "output": ("fflush", "fclose", "write", "mkostemp", "fchmod", "fsync", "rename"),
    "others": ("access", "dup2", "lstat", "getrandom", "socket", "connect", "send",
               "recv", "poll", "getaddrinfo", "setsockopt", "getsockopt",
               "getsockname", "fcntl", "pthread_create"),
}

# Of these there are few, and each has something else behind it.
AT_LEAST = {"open": 30, "read": 30}


def big_policy(folder):
    """A policy with lists, patterns, tests and a file of origins."""
    with open(os.path.join(folder, "origins.txt"), "w", encoding="ascii") as f:
        # More than one read() takes.
        f.writelines(f"https://o{i}.example.com\n" for i in range(10000))
    path = os.path.join(folder, "big.ini")
    with open(path, "w", encoding="ascii") as f:
        f.write("[defaults]\nmax-age = 10m\nallow-methods = GET, PUT, patch\n")
        for i in range(60):
            f.write(f"[policy p{i}]\nhost = h{i}.example.com *.h{i}.example.com\n"
                    f"path = /a{i} /b{i}\nallow-credentials = yes\n"
                    f"allow-headers = X-{i}, Content-Type\nexpose-headers = X-Y{i}\n"
                    f"allow-origins = https://*.o{i}.example.com\n"
                    f" https://p{i}.example.com\n"
                    + (" @origins.txt\n" if i % 20 == 0 else "")
                    + f"[test t{i}]\nrequest = PUT https://h{i}.example.com/a{i}\n"
                    f"origin = https://p{i}.example.com\nexpect = allowed\n")
    return path


def commands(folder):
    """What is run: a name and its arguments."""
    big = big_policy(folder)
    closed = f"http://127.0.0.1:{fcgi.free_port()}/v1"
    url = "https://api.example.com/v1/items"
    origin = "https://app.example.com"
    yield "check", ["check", EXAMPLE]
    yield "check --json", ["check", "--json", EXAMPLE]
    yield "check --canonical", ["check", "--canonical", EXAMPLE]
    yield "check of a big policy", ["check", big]
    yield "check of a wrong one", ["check", os.path.join(TOP, "tests/cli/values.ini")]
    yield "explain", ["explain", "-p", EXAMPLE, "--origin", origin, "-X", "PATCH",
                      "-H", "X-A: b", "--credentials", url]
    yield "explain --json", ["explain", "--json", "-p", EXAMPLE, "--origin",
                             origin + ":8443", "-X", "PUT", url]
    yield "diff", ["diff", EXAMPLE, os.path.join(TOP, "tests/cli/good.ini")]
    yield "diff --json", ["diff", "--json", EXAMPLE, os.path.join(TOP, "tests/cli/good.ini")]
    for server in SERVERS:
        yield f"export {server}", ["export", server, "-p", EXAMPLE]
    yield "export -o", ["export", "nginx", "-p", EXAMPLE, "-o", os.path.join(folder, "out")]
    yield "verify", ["verify", "-p", EXAMPLE, "--rate", "1000", closed]
    yield "verify --json", ["verify", "--json", "-p", EXAMPLE, "--rate", "1000", closed]
    yield "explain --live", ["explain", "--live", "--origin", origin, "-X", "PUT", closed]


class Trial:
    """One command, its right answer, and runs of it with faults."""

    def __init__(self, control, argv):
        self.control, self.argv = control, [fcgi.binary(), *argv]
        self.env = dict(os.environ, **control.environment())
        control.disarm()
        self.right = self.run()

    def run(self):
        """Exit status, standard output and standard error."""
        try:
            run = subprocess.run(self.argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, env=self.env, timeout=120,
                                 check=False)
        except subprocess.TimeoutExpired as late:
            return -signal.SIGALRM, late.stdout or b"", late.stderr or b""
        return run.returncode, run.stdout, run.stderr

    def total(self, calls):
        """How many of the calls one run makes."""
        self.control.arm(calls, 0, every=True)
        self.run()
        return self.control.get("count")

    def wrong_with(self, calls, at, times):
        """What is wrong where the call fails, or None."""
        self.control.arm(calls, at, times, every=True)
        status, out, err = self.run()
        if self.control.get("hits") == 0:
            return None  # fewer calls than last time
        if (status, out) == self.right[:2]:
            return None
        if b"no answer" in out and status == self.right[0]:
            return None  # whatever kept libcurl from asking
        if status in (2, 3) and err.strip():
            return None
        if status == 127 and NO_TLS in err:
            return None
        what = ("a sanitizer's report" if status == REPORTED else
                f"signal {-status}" if status < 0 else f"status {status}")
        return f"call {at}: {what}, {len(out)} bytes of output; {err[-300:]!r}"


# How the C library ends a program that has no memory for the variables of a
# library that was loaded late, as libcurl is.
NO_TLS = b"cannot allocate memory for thread-local data: ABORT"


def try_calls(trial, name, group, most):
    """One case: each of the calls fails, alone and with all behind it."""
    total = trial.total(CALLS[group])
    wrong = []
    runs = 0
    if group == "allocations" and total == 0:
        tap.omit(f"{name}: {group} failing", "malloc is the sanitizer's own; gcc leaves it to be preloaded")
        return runs
    for at in chosen(total, most):
        for times in (1, 1 << 40):
            runs += 1
            found = trial.wrong_with(CALLS[group], at, times)
            if found:
                wrong.append(found)
    tap.ok(not wrong, f"{name}: {group} failing, {total} calls",
           "\n".join(wrong[:20]) + f"\n{len(wrong)} of {runs} runs")
    return runs


def try_interrupts(trial, name, most):
    """One case: what only was interrupted is read again, and nobody notices."""
    total = trial.total(("read",))
    wrong = []
    for at in chosen(total, most):
        trial.control.arm(("read",), at, 3, errno.EINTR, every=True)
        found = trial.run()
        if found[:2] != trial.right[:2]:
            wrong.append((at, found[0], found[2][-300:]))
    tap.ok(not wrong, f"{name}: reads interrupted", wrong[:20])


def main():
    most = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    only = sys.argv[2] if len(sys.argv) > 2 else ""
    runs = 0
    with tempfile.TemporaryDirectory(prefix="pf") as folder:
        control = Faults(folder)
        for name, argv in commands(folder):
            if only not in name:
                continue
            trial = Trial(control, argv)
            if not tap.ok(trial.right[0] in (0, 1, 2), f"{name}: without a fault", trial.right):
                continue
            for group in CALLS:
                runs += try_calls(trial, name, group, AT_LEAST.get(group, most))
            if name.startswith("check"):
                try_interrupts(trial, name, most)
    tap.note(f"{runs} runs with a fault")
    tap.done()


if __name__ == "__main__":
    main()
