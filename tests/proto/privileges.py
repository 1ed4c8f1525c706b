"""`serve --user` and `--group`: who it becomes, that there is no way back, and
what it says of files that the user can't open."""

import grp
import os
import pwd
import re
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import threading

from fcgi import POLICY, Server, binary, environment, preflight, request, wait_for
import tap

USER = pwd.getpwnam("nobody")
GROUP = grp.getgrgid(USER.pw_gid).gr_name
IS_ROOT = os.geteuid() == 0


class Folder:
    """A folder that every user may read, with a policy and a file of origins."""

    def __init__(self):
        self.path = tempfile.mkdtemp(prefix="pf")
        os.chmod(self.path, 0o755)
        self.policy = self.write("policy.ini", POLICY.replace("https://app.example.com", "@origins"))
        self.origins = self.write("origins", "https://app.example.com\n")

    def join(self, name):
        return os.path.join(self.path, name)

    def write(self, name, text, mode=0o644):
        with open(self.join(name), "w", encoding="ascii") as f:
            f.write(text)
        os.chmod(self.join(name), mode)
        return self.join(name)

    def serve(self, *args, **options):
        return Server("--policy", self.policy, *args, **options)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path)


def run(*args, wrapper=(), preexec=None):
    """Exit status and stderr of a start that is to fail."""
    command = [*wrapper, binary(), "serve", *args]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=20,
                          check=False, preexec_fn=preexec, env=environment(command, {}))
    return done.returncode, done.stderr.decode("latin-1")


def runs_as(preexec):
    """Whether the program can be reached by who preexec makes of us."""
    try:
        return subprocess.run([binary(), "--version"], stdin=subprocess.DEVNULL, capture_output=True,
                              check=False, preexec_fn=preexec).returncode == 0
    except PermissionError:
        return False


def process_status(pid):
    """The lines of /proc/PID/status of every thread, each a dict."""
    found = []
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/status", encoding="ascii") as f:
            found.append({k: v.split() for k, _, v in (line.partition(":") for line in f)})
    return found


def is_dropped(process, uid, gid, what):
    threads = process_status(process.pid)
    tap.ok(len(threads) >= 2 and all(t["Uid"] == [str(uid)] * 4 for t in threads), f"{what}: user {uid}, each thread")
    tap.ok(all(t["Gid"] == [str(gid)] * 4 for t in threads), f"{what}: group {gid}")
    tap.is_equal([t["Groups"] for t in threads], [[]] * len(threads), f"{what}: no other groups")
    for name in ("CapEff", "CapPrm", "CapInh", "CapAmb"):
        tap.is_equal({int(t[name][0], 16) for t in threads}, {0}, f"{what}: {name} is empty")
    limits(process, what)


def limits(process, what):
    tap.ok(all(t["NoNewPrivs"] == ["1"] for t in process_status(process.pid)), f"{what}: no new privileges")
    with open(f"/proc/{process.pid}/limits", encoding="ascii") as f:
        core = re.search(r"^Max core file size +(\S+) +(\S+)", f.read(), re.M)
    tap.is_equal(core.groups(), ("0", "0"), f"{what}: no core file")


def becoming(folder):
    names = (("name", ("--user", "nobody"), USER.pw_uid, USER.pw_gid),
             ("name and group", ("--user", "nobody", "--group", "daemon"), USER.pw_uid, grp.getgrnam("daemon").gr_gid),
             ("number of a user", ("--user", str(USER.pw_uid)), USER.pw_uid, USER.pw_gid),
             ("numbers of nobody", ("--user", "54321", "--group", "54322"), 54321, 54322))
    for what, args, uid, gid in names:
        with folder.serve("-j", "2", "--socket-group", "daemon", *args) as s, s.client() as c:
            tap.is_equal(c.ask().status, 204, f"--user by {what}: it answers")
            is_dropped(s.process, uid, gid, what)
            tap.ok(not s.lines("level=warning"), f"{what}: nothing to warn of", s.log())
            s.signal(signal.SIGHUP)
            tap.ok(s.saw("event=reloaded"), f"{what}: it loads the policy again", s.log())
            tap.is_equal(s.stop(), 0, f"{what}: it stops with status 0")
    with folder.serve("--user", "nobody", "--sandbox") as s, s.client() as c:
        if s.process.poll() is None:
            tap.is_equal(c.ask().status, 204, "with --sandbox too")
            is_dropped(s.process, USER.pw_uid, USER.pw_gid, "--sandbox")
    with folder.serve() as s, s.client() as c:
        c.ask()
        tap.ok(s.saw("level=warning", "event=running-as-root", "--user"), "without --user root is warned", s.log())
        tap.ok(s.saw("level=warning", "event=socket-of-root", "--socket-group"),
               "and of a socket that no web server can connect to", s.log())
    with folder.serve("--socket-mode", "0666") as s, s.client() as c:
        c.ask()
        tap.ok(not s.lines("event=socket-of-root"), "but not of one for everybody", s.log())
        limits(s.process, "without --user")


def refused(folder):
    base = ("--policy", folder.policy, "--listen", "unix:" + folder.join("s"))
    for args, status, words in (
            (("--user", "no-such-user"), 3, ("--user", "'no-such-user'", "exists")),
            (("--user", "x\x1b"), 3, ("'x\\x1b'",)),
            (("--user", ""), 3, ("--user", "''")),
            (("--user", "4294967295", "--group", "1"), 3, ("'4294967295'",)),
            (("--user", "nobody", "--group", "no-such-group"), 3, ("--group", "'no-such-group'")),
            (("--user", "root"), 3, ("'root' is root", "without privileges")),
            (("--user", "0"), 3, ("'0' is root",)),
            (("--user", "54321"), 3, ("'54321'", "give --group")),
            (("--group", "daemon"), 2, ("--group", "give --user too"))):
        got, err = run(*base, *args)
        tap.ok(got == status and all(w in err for w in words) and err.count("\n") == 2,
               f"refused with {status}: {' '.join(args)}", f"{got} {err}")
        tap.ok(not os.path.exists(folder.join("s")), "and leaves no socket")


def without_means(folder):
    """A root that lacks what it takes, and one that would keep it."""
    base = ("--policy", folder.policy, "--listen", "unix:" + folder.join("s"), "--user", "nobody")
    if not shutil.which("setpriv"):
        tap.skip("root without capabilities", "setpriv is missing")
        return
    for wrapper, words in (
            (("--bounding-set=-setuid",), ("cannot become 'nobody'", "CAP_SETUID")),
            (("--bounding-set=-setgid",), ("cannot become 'nobody'", "CAP_SETGID")),
            (("--securebits=+no_setuid_fixup",), ("could become root again", "securebits"))):
        status, err = run(*base, wrapper=("setpriv", *wrapper))
        tap.ok(status == 3 and all(w in err for w in words), f"setpriv {wrapper[0]}: status 3", f"{status} {err}")
        tap.ok(not os.path.exists(folder.join("s")), "and leaves no socket")


def as_nobody():
    os.setgroups([])
    os.setresgid(*[USER.pw_gid] * 3)
    os.setresuid(*[USER.pw_uid] * 3)


def unprivileged(folder, user, other, preexec):
    """Who is no root may name himself, and nobody else."""
    os.makedirs(folder.join("own"))
    if IS_ROOT:
        os.chown(folder.join("own"), USER.pw_uid, USER.pw_gid)
    base = ("--policy", folder.policy, "--listen", "unix:" + folder.join("own/s"))
    for args in (("--user", other), ("--user", user, "--group", "54321")):
        status, err = run(*base, *args, preexec=preexec)
        tap.ok(status == 3 and "only root can become" in err and "start it as root" in err,
               f"not as root: {' '.join(args)} is status 3", f"{status} {err}")
    with folder.serve("--listen", "unix:" + folder.join("own/s"), "--user", user, listen=False, preexec=preexec,
                      wait=False) as s:
        s.path = folder.join("own/s")
        tap.ok(wait_for(s.is_up), "but the user that it is already", s.log())
        with s.client() as c:
            tap.is_equal(c.ask().status, 204, "is served as")
        tap.ok(not s.lines("level=warning"), "without a warning", s.log())


def socket_of_root(folder):
    """A socket that only root can connect to is told of, whoever made it."""
    path = folder.join("root")
    third = ["/bin/sh", "-c", 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$@" 3<&0 </dev/null', "sh"]
    for what, wrapper in (("file descriptor 0", []), ("LISTEN_FDS", third)):
        for gid, mode, warned in ((0, 0o660, True), (1, 0o600, True), (1, 0o640, True), (1, 0o660, False),
                                  (0, 0o666, False)):
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind(path)
                os.chown(path, 0, gid)
                os.chmod(path, mode)
                listener.listen(8)
                command = [*wrapper, binary(), "serve", "-p", folder.policy]
                with subprocess.Popen(command, stdin=listener, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                      env=environment(command, {})) as p:
                    with socket.socket(socket.AF_UNIX) as c:
                        c.settimeout(10)
                        c.connect(path)
                        c.sendall(request())
                        answered = b"Status: 204" in c.recv(65536)
                    p.terminate()
                    err = p.communicate(timeout=20)[1].decode("latin-1")
                found = [line for line in err.splitlines() if "event=socket-of-root" in line]
                tap.ok(answered and (len(found) == 1 and f'socket="{path}"' in found[0] and "spawn-fcgi -G" in found[0]
                                     if warned else not found),
                       f"{what}: a socket of group {gid} with mode {mode:o} is {'' if warned else 'not '}warned of", err)
            os.unlink(path)


def swapped(folder):
    """Who owns the socket's folder puts a link in the socket's place as soon as
    it is there: what it points to keeps its owner and mode."""
    victim = folder.write("victim", "", 0o600)
    os.makedirs(folder.join("theirs"))
    path, link = folder.join("theirs/s"), folder.join("theirs/link")
    stop = threading.Event()

    def swap():
        while not stop.is_set():
            try:
                if stat.S_ISSOCK(os.lstat(path).st_mode):
                    os.rename(link, path)
            except OSError:
                pass

    changed = []
    thread = threading.Thread(target=swap)
    thread.start()
    try:
        for _ in range(20):
            os.symlink(victim, link)
            with folder.serve("--listen", "unix:" + path, "--socket-group", "daemon", "--socket-mode", "0666",
                              "--socket-owner", "nobody", listen=False, wait=False) as s:
                wait_for(lambda: s.process.poll() is not None or s.lines("event=started"))  # pylint: disable=W0640
            st = os.stat(victim)
            if (st.st_uid, st.st_gid, st.st_mode & 0o7777) != (0, 0, 0o600):
                changed.append(st)
            for name in os.listdir(folder.join("theirs")):
                os.unlink(folder.join("theirs/" + name))
    finally:
        stop.set()
        thread.join()
    tap.ok(not changed, "a link in the socket's place is not followed", changed)


def policy_files(folder):
    os.chmod(folder.origins, 0o600)
    with folder.serve("--user", "nobody") as s, s.client() as c:
        tap.ok(s.saw("level=warning", "event=policy-unreadable", f'file="{folder.origins}"', 'user="nobody"'),
               "a file that the user can't read is told at the start", s.log())
        tap.is_equal(len(s.lines("policy-unreadable")), 1, "and no other one")
        tap.is_equal(c.ask().status, 204, "it serves what root has read")
        s.signal(signal.SIGHUP)
        tap.ok(s.saw("event=policy-error", "origins", "Permission denied"), "a reload fails, and says so", s.log())
        tap.is_equal(c.ask().status, 204, "and the old policy stays")
        os.chmod(folder.origins, 0o644)
        s.signal(signal.SIGHUP)
        tap.ok(s.saw("event=reloaded"), "until the file can be read", s.log())
    os.chmod(folder.policy, 0o600)
    with folder.serve("--user", "nobody") as s:
        tap.ok(s.saw("event=policy-unreadable", f'file="{folder.policy}"'), "the policy file itself, too", s.log())
    os.chmod(folder.policy, 0o644)


def text_of(path):
    with open(path, encoding="latin-1") as f:
        return f.read()


def log_file(folder):
    log = folder.join("log")
    with folder.serve("--user", "nobody", "--log", log) as s, s.client() as c:
        st = os.stat(log)
        tap.is_equal((st.st_uid, st.st_gid, st.st_mode & 0o7777), (USER.pw_uid, USER.pw_gid, 0o640 & ~UMASK),
                     "a log file that is made is given to the user")
        os.rename(log, log + ".1")
        s.signal(signal.SIGUSR1)
        tap.ok(wait_for(lambda: "log-not-reopened" in text_of(log + ".1")),
               "a new one in a folder of root's can't be made", text_of(log + ".1"))
        c.ask(preflight(HTTP_ORIGIN="https://kept.example"))
        tap.ok(wait_for(lambda: "kept.example" in text_of(log + ".1")), "the old one is kept")
        folder.write("log", "")
        os.chown(log, USER.pw_uid, USER.pw_gid)
        s.signal(signal.SIGUSR1)
        c.ask(preflight(HTTP_ORIGIN="https://rotated.example"))

        def rotated():
            c.ask(preflight(HTTP_ORIGIN="https://rotated.example"))
            return "rotated.example" in text_of(log)
        tap.ok(wait_for(rotated), "one that logrotate made for the user is written to")
    os.remove(log)
    folder.write("log", "before\n", 0o600)
    with folder.serve("--user", "nobody", "--log", log) as s:
        tap.ok(wait_for(lambda: "event=log-not-writable" in text_of(log)), "a log of root's is written to", text_of(log))
        tap.ok(f'file="{log}" user="nobody"' in text_of(log), "with a warning that names file and user")
        tap.ok(text_of(log).startswith("before\n"), "behind what was in it")
        tap.is_equal(os.stat(log).st_uid, 0, "it stays root's")
    os.remove(log)
    folder.write("precious", "precious\n", 0o600)
    os.symlink(folder.join("precious"), log)
    status, err = run("--policy", folder.policy, "--listen", "unix:" + folder.join("s"), "--user", "nobody",
                      "--log", log)
    tap.ok(status == 3 and log in err and "link" in err, "root follows no symbolic link for the user", err)
    tap.is_equal(text_of(folder.join("precious")), "precious\n", "what it points to is left alone")
    os.remove(log)


UMASK = os.umask(0)
os.umask(UMASK)


def main():
    with Folder() as folder:
        if IS_ROOT:
            becoming(folder)
            refused(folder)
            without_means(folder)
            policy_files(folder)
            log_file(folder)
            socket_of_root(folder)
            swapped(folder)
            if runs_as(as_nobody):
                unprivileged(folder, "nobody", "daemon", as_nobody)
            else:
                tap.omit("another user than root", "no other user can reach the program in its folder")
        else:
            tap.omit("--user, by root", "this is not root")
            unprivileged(folder, str(os.getuid()), "daemon", None)
    tap.done()


main()
