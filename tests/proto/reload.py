"""A policy is loaded again while requests go on: each is answered from one
policy or the other, none fails, and what can't be used changes nothing."""

import os
import re
import signal
import subprocess
import tempfile
import threading

from fcgi import COMPLETE, Server, binary, is_sanitized, preflight, wait_for
from tap import done, is_equal, note, ok

RELOADS = 200

OLD = """\
[policy api]
host = api.example.com
allow-origins = https://app.example.com, @list.txt
allow-methods = GET, PUT
allow-headers = Content-Type
max-age = 10
"""
NEW = """\
[policy renamed]
host = api.example.com
allow-origins = @list.txt, https://app.example.com
allow-methods = GET, PUT, DELETE
allow-headers = X-One, X-Two
allow-credentials = yes
max-age = 20
"""


def write(path, text):
    """Replaces a file in one step."""
    with open(path + ".new", "w", encoding="ascii") as f:
        f.write(text)
    os.rename(path + ".new", path)


def write_list(server, count, name="list.txt"):
    write(os.path.join(server.folder, name), "".join(f"https://o{i}.example.org\n" for i in range(count)))


def resident(server):
    with open(f"/proc/{server.process.pid}/status", encoding="ascii") as f:
        return int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1))


def digest(path):
    out = subprocess.run([binary(), "check", "-p", path, "--json"], capture_output=True, text=True, check=False).stdout
    return re.search(r'"digest": ?"([0-9a-f]{64})"', out).group(1)


class Load:
    """Clients that ask all the time, in a with statement."""

    def __init__(self, server, clients=3, params=None):
        self.server, self.params = server, params
        self.stop = threading.Event()
        self.answers, self.problems, self.asked = set(), [], 0
        self.threads = [threading.Thread(target=self.run) for _ in range(clients)]

    def run(self):
        try:
            with self.server.client() as c:
                while not self.stop.is_set():
                    answer = c.ask(self.params)
                    self.answers.add((answer.out, answer.protocol_status))
                    self.asked += 1
        except Exception as problem:  # pylint: disable=broad-except
            self.problems.append(repr(problem))

    def __enter__(self):
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, *unused):
        self.stop.set()
        for t in self.threads:
            t.join()


def reload_to(server, text):
    """Replaces the policy and waits until it is in use."""
    before = len(server.lines("event=reloaded"))
    server.write_policy(text)
    server.signal(signal.SIGHUP)
    return wait_for(lambda: len(server.lines("event=reloaded")) > before)


def swaps():
    with Server("-j", "2", policy=NEW.replace("@list.txt,", "")) as s:
        write_list(s, 5000)
        wanted = set()
        for text in (OLD, NEW):
            reload_to(s, text)
            with s.client() as c:
                answer = c.ask()
                wanted.add((answer.out, answer.protocol_status))
        is_equal(len(wanted), 2, "the two policies answer differently")
        with Load(s) as load:
            loaded = 0
            for i in range(RELOADS):
                loaded += bool(reload_to(s, NEW if i % 2 else OLD))
                if i == RELOADS // 10:
                    before = resident(s)
        is_equal((loaded, load.problems), (RELOADS, []),
                 f"{RELOADS} reloads under load: none of {load.asked} requests fails")
        ok(load.answers <= wanted, "and each answer is wholly that of one of the two policies",
           load.answers - wanted)
        grown = resident(s) - before
        note(f"{grown} KiB more after {RELOADS} reloads of 5,000 origins")
        ok(is_sanitized() or grown < 4096, "the old policies are freed", grown)


def storm():
    with Server(policy=OLD.replace(", @list.txt", "")) as s:
        write_list(s, 2000)
        with Load(s, 1) as load:
            for i in range(300):
                s.write_policy(OLD.replace("max-age = 10", f"max-age = {i}"))
                s.signal(signal.SIGHUP)
        last = digest(s.policy_path)
        ok(wait_for(lambda: s.lines("event=reloaded")[-1:] and last in s.lines("event=reloaded")[-1]),
           "of a storm of SIGHUP the newest file wins", s.log()[-500:])
        ok(0 < len(s.lines("event=reloaded")) <= 300 and not s.lines("level=error"),
           "those that come during a load are one")
        is_equal((load.problems, {status for _, status in load.answers}), ([], {COMPLETE}), "no request fails")
        # While one load goes on, the next signal comes.
        write_list(s, 30000)
        stop = threading.Event()

        def hang_up():
            while not stop.is_set() and s.process.poll() is None:
                s.signal(signal.SIGHUP)

        thread = threading.Thread(target=hang_up)
        thread.start()
        is_equal(s.stop(), 0, "SIGTERM is heard amid a storm of SIGHUP")
        stop.set()
        thread.join()


def refused():
    """What can't be used changes nothing, and never blocks."""
    with Server(policy=OLD.replace(", @list.txt", "")) as s, s.client() as c:
        path, aside = s.policy_path, s.policy_path + ".aside"
        good = c.ask().out

        def make_list(text):
            write(os.path.join(s.folder, "list.txt"), text)
            write(path, OLD)

        cases = (
            ("no INI", lambda: write(path, "nonsense\n"), ["line=1", "level=error"]),
            ("an empty file", lambda: write(path, ""), ['id="policy-none"', "line=1"]),
            ("a wrong origin", lambda: write(path, OLD.replace("app.example.com,", "app.example.com/,")),
             ['id="origin-trailing-slash"', "line=3", "col=40", "policy.ini", "hint="]),
            ("a test that fails", lambda: write(path, OLD.replace(", @list.txt", "") + "[test t]\n"
             "request = DELETE https://api.example.com/\norigin = https://app.example.com\nexpect = allowed\n"),
             ['id="test-', "line=10"]),
            ("a list that is not there", lambda: write(path, OLD), ["list.txt", "line=3"]),
            ("a list that names a list", lambda: make_list("@other.txt\n"), ['id="file-nested"', "list.txt", "line=1"]),
            ("a list with a wrong line", lambda: make_list("https://a.example\nhttps://b.example:x\n"),
             ["list.txt", "line=2"]),
            ("a list that is a FIFO", lambda: (os.unlink(s.folder + "/list.txt"), os.mkfifo(s.folder + "/list.txt")),
             ["it is a pipe", "line=3"]),
            ("a FIFO", lambda: (os.unlink(path), os.mkfifo(path)), ["it is a pipe"]),
            ("a folder", lambda: (os.rename(path, aside), os.mkdir(path)), ["it is a directory"]),
            ("a device", lambda: (os.rmdir(path), os.symlink("/dev/null", path)), ["it is a device"]),
            ("a symbolic link to itself", lambda: (os.unlink(path), os.symlink(path, path)), ["symbolic links"]),
            ("no file", lambda: os.unlink(path), ["No such file"]),
        )
        for i, (name, make, parts) in enumerate(cases):
            make()
            s.signal(signal.SIGHUP)
            ok(wait_for(lambda n=i: len(s.lines("event=reload-refused")) > n) and s.lines("event=policy-error", *parts),
               f"{name}: refused with its place", s.log()[-800:])
            is_equal(c.ask().out, good, "and the old policy stays")
        write(path, NEW.replace("@list.txt,", ""))
        s.signal(signal.SIGHUP)
        ok(s.saw("event=reloaded"), "a good one is taken after all of it")
        ok(c.ask().field("Access-Control-Max-Age") == "20", "and answers")


def torn():
    """A file that is written to while it is read is not used."""
    with tempfile.TemporaryDirectory() as folder:
        policy, origins = os.path.join(folder, "p.ini"), os.path.join(folder, "list.txt")
        write(policy, OLD)
        write(origins, "".join(f"https://o{i}.example.org\n" for i in range(50000)))
        stop = threading.Event()

        def append():
            with open(origins, "a", encoding="ascii") as f:
                while not stop.is_set():
                    f.write("# more\n")
                    f.flush()

        thread = threading.Thread(target=append)
        thread.start()
        try:
            run = subprocess.run([binary(), "check", "-p", policy], capture_output=True, text=True, check=False)
        finally:
            stop.set()
            thread.join()
        ok(run.returncode == 2 and "list.txt:1:1: error: the file changed while it was read [file-changed]" in run.stderr,
           "a list that grows while it is read is an error", run.stderr)
        run = subprocess.run([binary(), "check", "-p", policy], capture_output=True, text=True, check=False)
        is_equal(run.returncode, 0, "when it is whole it is used")


def large():
    """A long list is loaded beside the one in use."""
    count = 50000 if is_sanitized() else 1000000
    with Server("-j", "2", policy=OLD.replace(", @list.txt", "")) as s:
        with s.client() as c:
            c.ask()
        small = resident(s)
        write_list(s, count)
        last = preflight(HTTP_ORIGIN=f"https://o{count - 1}.example.org")
        with Load(s, 2) as load:
            for i in range(2):
                before = load.asked
                ok(reload_to(s, OLD.replace("10", str(11 + i))), f"{count} origins are loaded")
                ok(load.asked > before, f"{load.asked - before} requests are answered meanwhile")
        is_equal(load.problems, [], "none of them fails")
        with s.client() as c:
            is_equal(c.ask(last).status, 204, "the last of the origins is allowed")
        write_list(s, 0)
        reload_to(s, OLD)
        grown = resident(s) - small
        note(f"{grown} KiB more after {count} origins came and went")
        ok(is_sanitized() or grown < 16384, "what they took goes back to the system", grown)


def is_loading(server):
    """Whether the list is open: a load of it goes on."""
    folder = f"/proc/{server.process.pid}/fd"
    for fd in os.listdir(folder):
        try:
            if os.readlink(os.path.join(folder, fd)).endswith("/list.txt"):
                return True
        except FileNotFoundError:
            pass
    return False


def stops():
    """SIGTERM waits for no load: what is half loaded is dropped without a word."""
    for at_start in (True, False):
        for _ in range(5):  # on a busy machine the load may be done before
            with Server(policy=OLD.replace(", @list.txt", ""), wait=True) as s:
                write_list(s, 100000 if is_sanitized() else 1000000)
                s.write_policy(OLD)
                if at_start:
                    s.signal(signal.SIGTERM)
                    s.wait()
                    os.truncate(s.log_path, 0)
                    with open(s.log_path, "ab") as log:
                        s.process = subprocess.Popen(s.process.args, stdin=subprocess.DEVNULL, stderr=log)
                else:
                    s.signal(signal.SIGHUP)
                wait_for(lambda server=s: is_loading(server))
                s.signal(signal.SIGTERM)
                status, log = s.wait(), s.log()
            if "event=reloaded" not in log and not (at_start and log):
                break
        what = "first load" if at_start else "reload"
        ok(status == 0 and "reload-refused" not in log and "level=error" not in log and "event=reloaded" not in log
           and not (at_start and log), f"SIGTERM in a {what}: it ends at once, with 0", (status, log))


def main():
    stops()
    swaps()
    storm()
    refused()
    torn()
    large()
    done()


main()
