"""Starting, sockets, signals, logs and exit statuses of `preflightd serve`."""

import os
import re
import signal
import socket
import stat
import subprocess
import tempfile
import threading

from fcgi import (
    COMPLETE, POLICY, Server, binary, free_port, preflight, request, wait_for)
from tap import done, is_equal, ok


def good(answer):
    return answer.status == 204 and answer.protocol_status == COMPLETE


def run(*args, env=None, stdin=subprocess.DEVNULL):
    """Exit status, stdout and stderr of a run that is to end by itself."""
    p = subprocess.run([binary(), *args], stdin=stdin, capture_output=True, timeout=20,
                       env=dict(os.environ, **(env or {})), check=False)
    return p.returncode, p.stdout.decode("latin-1"), p.stderr.decode("latin-1")


def usage(folder):
    policy = os.path.join(folder, "good.ini")
    with open(policy, "w", encoding="ascii") as f:
        f.write(POLICY)
    is_equal(run()[0], 2, "no command is status 2")
    status, out, err = run("serv")
    ok(status == 2 and "preflightd serve" in err and out == "", "an unknown command gets a suggestion", err)
    err = run("serv\x1b")[2]
    ok("'serv\\x1b'" in err, "an unknown command is escaped", err)
    err = run("serve", "--nonsense")[2]
    ok(err.startswith("preflightd serve: "), "messages about options name the command", err)
    status, out, err = run("--help")
    ok(status == 0 and "serve" in out and err == "", "--help", out)
    status, out, err = run("--version")
    ok(status == 0 and re.fullmatch(r"preflightd \d+\.\d+\.\d+\n", out), "--version", out)
    status, out, err = run("serve", "--help")
    options = ("--policy", "--listen", "--socket-mode", "--socket-owner", "--socket-group", "--threads",
               "--max-connections", "--timeout", "--idle-timeout", "--grace", "--log", "--log-level", "--log-requests")
    ok(status == 0 and all(o in out for o in options), "serve --help has each option", out)
    for args in (("--nonsense",), ("--timeout", "x"), ("--timeout", "0"), ("--timeout", "-1"), ("--timeout", "1d"),
                 ("--timeout", ""), ("--timeout", "99999999999999999999"), ("-j", "0"), ("-j", "1x"), ("-j", " 1"),
                 ("--max-connections", "0"), ("--socket-mode", "888"), ("--socket-mode", "01777"),
                 ("--log-level", "loud"), ("--grace", "1.5"), ("--log", ""), ("stray",), ("--listen",)):
        status, out, err = run("serve", "--policy", policy, *args)
        ok(status == 2 and out == "" and err.count("\n") >= 2, "refused: serve " + " ".join(args), f"{status} {err}")
    status, out, err = run("serve", "--policy", policy, "stray\n")
    ok(status == 2 and "unexpected argument 'stray\\x0a'" in err, "a stray word is named, and is no option", err)
    for text, what in (("[policy x]\n", "without origins"), ("nonsense\n", "that is no INI"), ("", "without a policy")):
        bad = os.path.join(folder, "bad.ini")
        with open(bad, "w", encoding="ascii") as f:
            f.write(text)
        status, out, err = run("serve", "--policy", bad, "--listen", "unix:" + os.path.join(folder, "s"))
        ok(status == 2 and "error:" in err and out == "", f"a policy {what} is status 2", f"{status} {err}")
    status, _, err = run("serve", "--policy", os.path.join(folder, "none.ini"))
    ok(status == 2 and "none.ini" in err, "a policy that is not there too", f"{status} {err}")
    status, _, err = run("serve", "--policy", policy)
    ok(status == 3 and "--listen" in err, "no socket at all is status 3, and says what to do", f"{status} {err}")
    for spec in ("unix:", "unix:@abstract", "unix:" + "x" * 200, "unix:/nowhere/at/all/s", "9000", "127.0.0.1:0",
                 "127.0.0.1:99999", "127.0.0.1:", ":9000", "::1:9000", "[::1]9000", "no.such.host.invalid:9000",
                 "127.0.0.1:9000x"):
        status, out, err = run("serve", "--policy", policy, "--listen", spec)
        ok(status == 3 and out == "" and err.count("\n") >= 2, f"refused: --listen {spec[:40]}", f"{status} {err}")
    for option in ("--socket-owner", "--socket-group"):
        path = os.path.join(folder, "s")
        status, _, err = run("serve", "--policy", policy, "--listen", "unix:" + path, option, "no-such-name")
        ok(status == 3 and option in err and not os.path.exists(path), f"{option} of nobody is status 3", err)
    status, _, err = run("serve", "--policy", policy, "--log", "/nowhere/log")
    ok(status == 3 and "/nowhere/log" in err, "a log that cannot be opened is status 3", err)
    with Server(env={"PREFLIGHTD_POLICY": policy}) as s, s.client() as c:
        ok(good(c.ask()), "it serves")


def sockets(folder):
    with Server("--socket-mode", "0600") as s:
        is_equal(stat.S_IMODE(os.stat(s.path).st_mode), 0o600, "--socket-mode")
        status, _, err = run("serve", "--policy", s.policy_path, "--listen", "unix:" + s.path)
        ok(status == 3 and "in use" in err, "a live socket is not replaced", f"{status} {err}")
        with s.client() as c:
            ok(good(c.ask()), "and its owner still serves")
        s.process.kill()
        s.process.wait()
        ok(os.path.exists(s.path), "a killed one leaves its socket file")
        with Server("--listen", "unix:" + s.path) as t:
            t.path, own = s.path, t.path
            wait_for(t.is_up)  # it listens on its sockets one after the other
            with t.client() as c:
                ok(good(c.ask()), "which is replaced")
            is_equal(stat.S_IMODE(os.stat(s.path).st_mode), 0o660, "with mode 0660 unless told otherwise")
            t.path = own
            with t.client() as c:
                ok(good(c.ask()), "--listen is repeatable")
            t.stop()
            ok(not os.path.exists(s.path) and not os.path.exists(own), "both files are removed at the end")
    with Server() as s:
        other = s.path + ".other"
        os.rename(s.path, other)
        with socket.socket(socket.AF_UNIX) as mine:
            mine.bind(s.path)
            is_equal(s.stop(), 0, "a socket file that was replaced meanwhile")
            ok(os.path.exists(s.path), "is not removed")
    plain = os.path.join(folder, "file")
    with open(plain, "w", encoding="ascii") as f:
        f.write("precious")
    policy = os.path.join(folder, "good.ini")
    for path in (plain, folder):
        status, _, err = run("serve", "--policy", policy, "--listen", "unix:" + path)
        ok(status == 3 and os.path.exists(path), "what is no socket is never removed", f"{status} {err}")
    status, _, err = run("serve", "--policy", policy, "--listen", "unix:" + os.path.join(folder, "none", "one.sock"))
    ok(status == 3 and err.endswith(f"\n  make its folder first: mkdir -p {folder}/none\n"),
       "where the socket's folder is missing, it says how to make it", f"{status} {err}")
    with Server(tcp=True) as s, s.client() as c:
        ok(good(c.ask()), "TCP")
        status, _, err = run("serve", "--policy", policy, "--listen", "%s:%d" % s.tcp)
        ok(status == 3, "a port in use is status 3", f"{status} {err}")
    for value, fine in (("127.0.0.1", True), ("192.0.2.1, 127.0.0.1", True), ("192.0.2.1", False), ("::1", False)):
        with Server(tcp=True, env={"FCGI_WEB_SERVER_ADDRS": value}) as s, s.client() as c:
            if fine:
                ok(good(c.ask()), f"FCGI_WEB_SERVER_ADDRS={value} lets 127.0.0.1 in")
            else:
                ok(c.is_closed(), f"FCGI_WEB_SERVER_ADDRS={value} does not")
    with Server(env={"FCGI_WEB_SERVER_ADDRS": "192.0.2.1"}) as s, s.client() as c:
        ok(good(c.ask()), "a Unix socket is not concerned")
    status, _, err = run("serve", "--policy", policy, "--listen", "unix:" + os.path.join(folder, "s"),
                         env={"FCGI_WEB_SERVER_ADDRS": "localhost"})
    ok(status == 3 and "FCGI_WEB_SERVER_ADDRS" in err, "a name in it is status 3", err)
    if socket.has_ipv6:
        port = free_port()
        try:
            with Server("--listen", f"[::1]:{port}") as s:
                s.tcp = ("::1", port)
                with s.client() as c:
                    ok(good(c.ask()), "[::1]:PORT")
        except (OSError, AssertionError):
            ok(True, "[::1]:PORT # SKIP no IPv6 here")


def started_together(folder):
    """Of starts at once on one path, where a stale socket file is, one serves;
    the others end with 3 and say why."""
    policy, path = os.path.join(folder, "good.ini"), os.path.join(folder, "together")
    for n, rounds in ((2, 10), (8, 4)):
        wrong = []
        for _ in range(rounds):
            if not os.path.exists(path):
                with socket.socket(socket.AF_UNIX) as stale:
                    stale.bind(path)
            started = [subprocess.Popen([binary(), "serve", "--policy", policy, "--listen", "unix:" + path],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE) for _ in range(n)]
            wait_for(lambda: sum(p.poll() is None for p in started) <= 1)  # pylint: disable=cell-var-from-loop
            running = [p for p in started if p.poll() is None]
            if len(running) != 1:
                wrong.append(f"{len(running)} are running")
            else:
                with socket.socket(socket.AF_UNIX) as c:
                    c.settimeout(10)
                    c.connect(path)
                    c.sendall(request())
                    if b"Status: 204" not in c.recv(65536):
                        wrong.append("the one that runs does not answer")
            for p in running:
                p.terminate()
            for p in started:
                err = p.communicate(timeout=20)[1]
                if p not in running and (p.returncode != 3 or b"in use" not in err):
                    wrong.append((p.returncode, err))
            if os.path.exists(path + ".lock"):
                wrong.append("a lock file is left")
        ok(not wrong, f"{n} starts at once: one serves", wrong)
    lock = path + ".lock"
    for what, make in (("a lock file that a killed one left", lambda: open(lock, "w", encoding="ascii").close()),
                       ("a symbolic link", lambda: os.symlink(policy, lock)),
                       ("a folder", lambda: os.mkdir(lock))):
        make()
        with Server("--listen", "unix:" + path, listen=False, wait=False) as s:
            if what.startswith("a lock"):
                s.path = path
                ok(wait_for(s.is_up) and not os.path.exists(lock), what + " is taken over", s.log())
            else:
                ok(s.wait() == 3 and f"cannot lock '{lock}'" in s.log(), what + " in its place is status 3", s.log())
                os.rmdir(lock) if os.path.isdir(lock) else os.unlink(lock)  # pylint: disable=expression-not-assigned


def handed_on():
    """One that starts while the one before it ends takes over its path."""
    with Server("--grace", "60") as s, s.client() as busy:
        busy.send(request()[:50])
        ok(wait_for(lambda: s.process.poll() is None and s.is_up()), "one serves")
        s.signal(signal.SIGTERM)
        ok(wait_for(lambda: not os.path.exists(s.path)), "told to end, it removes its socket file at once")
        with Server("--listen", "unix:" + s.path, listen=False, wait=False) as t:
            t.path = s.path
            ok(wait_for(t.is_up), "the next one has the path meanwhile", t.log())
            busy.send(request()[50:])
            ok(good(busy.answer()), "the first finishes what it was asked")
            is_equal(s.wait(), 0, "and ends")
            with t.client() as c:
                ok(good(c.ask()), "the next one's socket file is not removed")


def addresses(folder):
    """What is no address is told, with the one to write; what it says to write
    is one."""
    policy = os.path.join(folder, "good.ini")
    for spec, words in (
            ("/run/x.sock", ("without unix:", "write --listen unix:/run/x.sock\n")),
            ("x.sock", ("without unix:", "write --listen unix:x.sock\n")),
            (":9000", ("no host", "write --listen 127.0.0.1:9000, or 0.0.0.0:9000")),
            ("9000", ("no host", "write --listen 127.0.0.1:9000, or 0.0.0.0:9000")),
            ("::1:9000", ("brackets", "write --listen [::1]:9000\n")),
            ("::1", ("brackets", "write --listen [::1]:9000\n")),
            ("localhost", ("no port", "write --listen localhost:9000 or")),
            ("127.0.0.1:99999", ("no port from 1 to 65535",)),
            ("x\x1b:9", ("'x\\x1b:9'", )),
            ("unix:/run/", ("does not name a file",)),
            ("192.0.2.1:9000", ("no network interface has this address",))):
        status, _, err = run("serve", "--policy", policy, "--listen", spec)
        ok(status == 3 and all(w in err for w in words), f"--listen {spec!r}: what to write", f"{status} {err}")
    with Server(tcp=True) as s:
        status, _, err = run("serve", "--policy", policy, "--listen", "%s:%d" % s.tcp)
        ok("stop the other program" in err, "of a port in use it says so", err)


def inherited():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "s")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen(64)
            with Server(listen=False, stdin=listener, wait=False) as s:
                s.path = path
                with s.client() as c:
                    ok(good(c.ask()), "a listening socket as fd 0, as spawn-fcgi gives it")
                is_equal(s.stop(), 0, "it stops with status 0")
                ok(os.path.exists(path), "and leaves the socket file alone")
            with socket.socket(socket.AF_UNIX) as early:
                early.connect(path)
                early.sendall(request())
                with Server(listen=False, stdin=listener, wait=False) as s:
                    s.path = path
                    ok(early.recv(65536).count(b"Status: 204") == 1,
                       "the socket was not shut down: the next process serves who connected between")

            def as_stdout():
                os.dup2(listener.fileno(), 0)
                os.dup2(listener.fileno(), 1)
                os.dup2(listener.fileno(), 2)

            with Server(listen=False, preexec=as_stdout, wait=False) as s:
                s.path = path
                with s.client() as c:
                    ok(good(c.ask(preflight(HTTP_ORIGIN="https://x.example"))) is False and good(c.ask()),
                       "the socket as stdin, stdout and stderr, as systemd may give it")

            wrapper = ["/bin/sh", "-c", 'LISTEN_PID=${WANTED_PID:-$$} exec "$@" 3<&0 </dev/null', "sh"]
            for name, env, fine in (("LISTEN_FDS=1 with our LISTEN_PID", {"LISTEN_FDS": "1"}, True),
                                    ("LISTEN_PID of another", {"LISTEN_FDS": "1", "WANTED_PID": "1"}, False),
                                    ("LISTEN_FDS=x", {"LISTEN_FDS": "x"}, False)):
                policy = os.path.join(folder, "p.ini")
                with open(policy, "w", encoding="ascii") as f:
                    f.write(POLICY)
                process = subprocess.Popen(
                    wrapper + [binary(), "serve", "--policy", policy], stdin=listener,
                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=dict(os.environ, **env))
                try:
                    if fine:
                        with socket.socket(socket.AF_UNIX) as c:
                            c.settimeout(10)
                            c.connect(path)
                            c.sendall(request())
                            ok(b"Status: 204" in c.recv(65536), name)
                        process.send_signal(signal.SIGTERM)
                        is_equal(process.wait(10), 0, "it stops with status 0")
                    else:
                        is_equal(process.wait(10), 3, name + " is not used")
                finally:
                    if process.poll() is None:
                        process.kill()
                        process.wait()
        with socket.socket(socket.AF_UNIX) as a, tempfile.TemporaryFile() as f:
            policy = os.path.join(folder, "p.ini")
            is_equal(run("serve", "--policy", policy, stdin=a)[0], 3, "fd 0 is a socket that does not listen: status 3")
            is_equal(run("serve", "--policy", policy, stdin=f)[0], 3, "fd 0 is a file: status 3")


def signals():
    with Server("-j", "2") as s:
        with s.client() as c:
            ok(good(c.ask()), "before the reload")
            s.write_policy(POLICY.replace("app.example", "new.example"))
            s.signal(signal.SIGHUP)
            ok(s.saw("event=reloaded", "digest="), "SIGHUP loads the policy again", s.log())
            is_equal(c.ask().status, 403, "the old origin is refused on the kept connection")
            is_equal(c.ask(preflight(HTTP_ORIGIN="https://new.example.com")).status, 204, "the new one is allowed")
            s.write_policy("[policy api]\nallow-origins = https://x.example/\n")
            s.signal(signal.SIGHUP)
            ok(s.saw("event=reload-refused"), "an invalid policy is refused")
            ok(s.lines("level=error", "event=policy-error", 'id="origin-trailing-slash"', "line=2"),
               "its errors are in the log", s.log())
            is_equal(c.ask(preflight(HTTP_ORIGIN="https://new.example.com")).status, 204, "the old one stays")
            s.write_policy(POLICY)
            s.signal(signal.SIGHUP)
            wait_for(lambda: len(s.lines("event=reloaded")) == 2)
            stop = threading.Event()
            answers = []

            def ask():
                with s.client() as busy:
                    while not stop.is_set():
                        answers.append(busy.ask().status)

            threads = [threading.Thread(target=ask) for _ in range(4)]
            for t in threads:
                t.start()
            for i in range(20):
                s.write_policy(POLICY if i % 2 else POLICY.replace("[policy api]", "[policy other]"))
                n = len(s.lines("event=reloaded"))
                s.signal(signal.SIGHUP)
                if not wait_for(lambda n=n: len(s.lines("event=reloaded")) > n):
                    break
            stop.set()
            for t in threads:
                t.join()
            is_equal(set(answers), {204}, f"20 reloads under load harm none of {len(answers)} requests")
        is_equal(s.stop(), 0, "then it stops")
    with tempfile.TemporaryDirectory() as folder:
        log = os.path.join(folder, "log")
        with Server("--log", log) as s, s.client() as c:
            def written(path, text):
                with open(path, encoding="latin-1") as f:
                    return text in f.read()

            c.ask(preflight(HTTP_ORIGIN="https://first.example"))
            ok(wait_for(lambda: written(log, "first.example")), "--log FILE")
            os.rename(log, log + ".1")
            s.signal(signal.SIGUSR1)
            ok(wait_for(lambda: os.path.exists(log)), "SIGUSR1 opens the log file again")
            c.ask(preflight(HTTP_ORIGIN="https://second.example"))
            ok(wait_for(lambda: written(log, "second.example")), "and goes on in it")
            s.signal(signal.SIGPIPE)
            ok(good(c.ask()), "SIGPIPE is ignored")
    with Server(preexec=lambda: [signal.signal(n, signal.SIG_IGN) for n in (signal.SIGHUP, signal.SIGTERM)]) as s:
        is_equal(s.stop(), 0, "SIGTERM ends it though it was ignored before")


def logs():
    with Server() as s, s.client() as c:
        c.ask(preflight(HTTP_ORIGIN="https://evil.example", REQUEST_URI="/a b\"c"))
        ok(s.saw("level=info", "event=refused", "reason=origin", 'policy="api"', 'origin="https://evil.example"',
                 'method="PUT"'), "a refusal is one line with policy, reason, origin and method", s.log())
        c.ask(preflight(HTTP_ORIGIN="https://app.example.com:8443"))
        ok(s.saw("reason=origin", ":8443", "policy has", "https://app.example.com,"),
           "with the nearest miss", s.log())
        forged = 'x"\nlevel=error event=forged\r\n\x1b[31m\\ \xff'
        c.ask(preflight(HTTP_ORIGIN=forged, HTTP_HOST="api.example.com"))
        line = s.saw("reason=malformed")
        ok(line and 'origin="x\\x22\\x0alevel=error event=forged\\x0d\\x0a\\x1b[31m\\x5c \\xff"' in line[0],
           "no line can be forged", s.log())
        ok(all(x.startswith("time=") for x in s.log().splitlines()), "every line is one of ours")
        ok(all(0x20 <= ord(x) < 0x7f or x == "\n" for x in s.log()), "and plain ASCII")
        c.ask(preflight(HTTP_ORIGIN="https://" + "x" * 60000))
        line = s.saw("xxxx")
        ok(line and len(line[0]) < 2100, "a long value is cut")
        c.ask(preflight(CORS_POLICY="nosuch"))
        ok(s.saw("level=error", "reason=no-policy", "nosuch"), "an unknown CORS_POLICY is an error", s.log())
        for _ in range(5):
            c.ask(preflight(REQUEST_METHOD="GET"))
        c.ask(preflight(HTTP_ORIGIN="https://last.example"))
        s.saw("last.example")
        is_equal(len(s.lines("reason=not-options")), 1, "requests that are no OPTIONS: once a minute")
        ok(s.lines("reason=not-options", 'method="GET"'), "with their own method, not the one that they ask for", s.log())
        ok(not s.lines("reason=allowed"), "allowed ones are not logged")
    with Server() as s, s.client() as c:
        for i in range(500):
            c.ask(preflight(HTTP_ORIGIN=f"https://x{i}.example"))
        c.ask(preflight(HTTP_ACCESS_CONTROL_REQUEST_METHOD="DELETE"))
        ok(s.saw("reason=method"), "a reason that is not flooded is still logged")
        lines = len(s.lines("event=refused", "reason=origin"))
        ok(20 <= lines <= 100, "500 refusals at once: 20 lines a second", lines)
        ok(s.saw("event=left-out", "reason=origin"), "then a count of the others")
        def total():
            counts = re.findall(r"lines=(\d+)", "\n".join(s.lines("event=left-out", "reason=origin")))
            return len(s.lines("event=refused", "reason=origin")) + sum(map(int, counts))

        wait_for(lambda: total() >= 500)  # a slow machine needs several seconds, and counts
        is_equal(total(), 500, "which adds up")
    with Server("--log-requests") as s, s.client() as c:
        for _ in range(100):
            c.ask()
        ok(wait_for(lambda: len(s.lines("event=request", "reason=allowed")) == 100), "--log-requests logs every one")
    with Server("--log-level", "error") as s, s.client() as c:
        c.ask(preflight(HTTP_ORIGIN="https://x.example"))
        s.stop()
        is_equal(s.log(), "", "--log-level error")


def full_pipe():
    """Nobody reads stderr: answers go on."""
    read_end, write_end = os.pipe()
    with Server("--log-requests", preexec=lambda: os.dup2(write_end, 2), pass_fds=(write_end,)) as s:
        os.close(write_end)
        ok(os.get_blocking(read_end), "the pipe is blocking")
        with s.client() as c:
            ok(all(good(c.ask(preflight(HTTP_USER_AGENT="x"))) for _ in range(3000)),
               "3,000 requests are answered while stderr is a full pipe")
        s.signal(signal.SIGTERM)
        is_equal(s.wait(8), 0, "and it ends")
    os.close(read_end)


def main():
    with tempfile.TemporaryDirectory() as folder:
        usage(folder)
        sockets(folder)
        started_together(folder)
        addresses(folder)
    handed_on()
    inherited()
    signals()
    logs()
    full_pipe()
    done()


main()
