"""`serve --watch`: a policy is loaded again when its files change, in whatever
way they are replaced."""

import contextlib
import os
import random
import shutil
import signal
import tempfile
import threading
import time

from fcgi import Server, preflight, wait_for
from tap import done, note, ok

POLICY = """\
[policy api]
host = api.example.com
allow-origins = https://o{}.example.com
allow-methods = GET, PUT
"""
LISTED = POLICY.replace("https://o{}.example.com", "@lists/origins.txt")


def write(path, text):
    """In place."""
    with open(path, "w", encoding="ascii") as f:
        f.write(text)


def rename_over(path, text):
    write(path + ".new", text)
    os.rename(path + ".new", path)


class Watched:
    """A server that watches a policy, and the number of the origin that it is
    to allow; in a with statement. path is that of the policy."""

    def __init__(self, path, *args, **options):
        self.path = path
        self.server = Server("--watch", "--policy", path, *args, **options)
        self.number = 0

    def __enter__(self):
        self.server.__enter__()
        return self

    def __exit__(self, *problem):
        self.server.__exit__(*problem)

    def allows(self, number):
        with self.server.client() as c:
            return c.ask(preflight(HTTP_ORIGIN=f"https://o{number}.example.com")).status == 204

    def loads(self):
        return len(self.server.lines("event=reloaded"))

    def text(self, text=POLICY):
        """The policy of the next number."""
        self.number += 1
        return text.format(self.number)

    def origin(self):
        return self.text("https://o{}.example.com\n")

    def is_new(self, how):
        """One case: the newest number has come to be allowed."""
        ok(wait_for(lambda: self.allows(self.number)) and not self.allows(self.number - 1), how,
           self.server.log()[-1500:])


@contextlib.contextmanager
def watched(*args, **options):
    """With a private folder that the policy has for itself."""
    with tempfile.TemporaryDirectory(prefix="pf") as folder:
        path = os.path.join(folder, "etc", "policy.ini")
        os.mkdir(os.path.dirname(path))
        write(path, POLICY.format(0))
        with Watched(path, *args, **options) as w:
            yield w


def replaced():
    with watched() as w:
        rename_over(w.path, w.text())
        w.is_new("renamed over")
        write(w.path, w.text())
        w.is_new("rewritten in place")
        os.unlink(w.path)
        write(w.path, w.text())
        w.is_new("removed and made anew")
        os.unlink(w.path)
        ok(w.server.saw("event=policy-error", "No such file") and w.allows(w.number), "removed: the old policy stays")
        write(w.path, w.text())
        w.is_new("and back")
        other = os.path.join(os.path.dirname(os.path.dirname(w.path)), "other.ini")
        os.link(w.path, other)
        write(other, w.text())
        w.is_new("rewritten in place under another name")
        os.unlink(w.path)
        write(other, w.text())
        os.link(other, w.path)
        w.is_new("a hard link put in its place")
        text = w.text()
        with open(w.path, "w", encoding="ascii") as f:
            f.write(text[:40])
            f.flush()
            f.write(text[40:])
        w.is_new("written in pieces")


def half_written():
    with watched() as w:
        text = w.text()
        write(w.path, text[:30])
        ok(w.server.saw("event=reload-refused") and w.server.lines("level=error", "event=policy-error", "policy.ini"),
           "half a file is an error in the log")
        ok(w.allows(0), "and the old policy stays")
        with open(w.path, "a", encoding="ascii") as f:
            f.write(text[30:])
        w.is_new("the rest mends it")


def folders():
    with watched() as w:
        folder = os.path.dirname(w.path)
        os.rename(folder, folder + ".away")
        ok(w.server.saw("event=reload-refused") and w.allows(0), "its folder renamed away: the old policy stays")
        write(os.path.join(folder + ".away", "policy.ini"), w.text())
        os.rename(folder + ".away", folder)
        w.is_new("and back, with another file")
        shutil.rmtree(folder)
        ok(wait_for(lambda: len(w.server.lines("event=reload-refused")) > 1) and w.allows(w.number),
           "its folder removed: the old policy stays")
        os.mkdir(folder)
        write(w.path, w.text())
        w.is_new("and made anew")
        os.mkdir(folder + ".next")
        write(os.path.join(folder + ".next", "policy.ini"), w.text())
        os.rename(folder, folder + ".last")
        os.rename(folder + ".next", folder)
        w.is_new("another folder put in its place")


def links():
    with watched() as w:
        top = os.path.dirname(os.path.dirname(w.path))
        for name in ("a", "b"):
            os.mkdir(os.path.join(top, name))
            write(os.path.join(top, name, "real.ini"), w.text())
        os.unlink(w.path)
        os.symlink("../chain", w.path)
        os.symlink("current/real.ini", os.path.join(top, "chain"))
        os.symlink(os.path.join(top, "b"), os.path.join(top, "current"))
        w.is_new("a symbolic link put in its place, the first of a chain")
        write(os.path.join(top, "b", "real.ini"), w.text())
        w.is_new("the file at the end of the chain rewritten")
        write(os.path.join(top, "a", "real.ini"), w.text())
        os.symlink("a", os.path.join(top, "next"))
        os.rename(os.path.join(top, "next"), os.path.join(top, "current"))
        w.is_new("a link in the middle swapped")
        write(os.path.join(top, "other.ini"), w.text())
        os.unlink(os.path.join(top, "chain"))
        os.symlink("other.ini", os.path.join(top, "chain"))
        w.is_new("the chain made anew")


def config_map(folder, number, files):
    """What the kubelet does with a ConfigMap: new files in a folder of their
    own, the link ..data swapped to it, the old folder removed."""
    name, data = f"..2026_{number}", os.path.join(folder, "..data")
    old = os.readlink(data) if os.path.islink(data) else None
    os.mkdir(os.path.join(folder, name))
    for file, text in files.items():
        write(os.path.join(folder, name, file), text)
    os.symlink(name, data + "_tmp")
    os.rename(data + "_tmp", data)
    if old is not None:
        shutil.rmtree(os.path.join(folder, old))
        return
    for file in files:
        os.symlink(os.path.join("..data", file), os.path.join(folder, file))


def kubernetes():
    policy = LISTED.replace("lists/", "")
    with tempfile.TemporaryDirectory(prefix="pf") as folder:
        config_map(folder, 0, {"policy.ini": policy, "origins.txt": "https://o0.example.com\n"})
        with Watched(os.path.join(folder, "policy.ini")) as w:
            for i in range(1, 4):
                config_map(folder, i, {"policy.ini": policy, "origins.txt": w.origin()})
                w.is_new(f"a ConfigMap changed, time {i}")
            config_map(folder, 4, {"policy.ini": w.text(), "origins.txt": "x"})
            w.is_new("its policy no longer names the list")
            config_map(folder, 5, {"policy.ini": w.text(), "origins.txt": "y"})
            w.is_new("and changes again")
            ok(wait_for(lambda: w.loads() == 5) and not w.server.lines("level=error"), "one load a change, and no error",
               w.server.log())


def pairs():
    """A policy and its lists change together, often during a load: no request
    sees the one of now with the other of before."""
    def files(number):
        return {"policy.ini": LISTED.replace("@lists/", "@long.txt, @") + f"max-age = {number}\n",
                "long.txt": "".join(f"https://o{number}.{i}.example.com\n" for i in range(30000)),
                "origins.txt": f"https://o{number}.example.com\n"}

    rng = random.Random(1)
    with tempfile.TemporaryDirectory(prefix="pf") as folder:
        config_map(folder, 0, files(0))
        with Watched(os.path.join(folder, "policy.ini")) as w, w.server.client() as c:
            seen, mixed = set(), []
            for number in range(1, 25):
                config_map(folder, number, files(number))
                until = time.monotonic() + rng.uniform(0.05, 0.2)
                while time.monotonic() < until:
                    for i in range(number - 3, number + 1):
                        answer = c.ask(preflight(HTTP_ORIGIN=f"https://o{i}.example.com"))
                        if answer.status == 204:
                            seen.add(i)
                            mixed += [(i, answer.out)] if answer.field("Access-Control-Max-Age") != str(i) else []
            ok(wait_for(lambda: w.allows(24)), f"of 24 changes of three files {len(seen)} were seen, and the last")
            ok(not mixed, "a policy never with the list of another", mixed[:3])


def lists():
    with watched() as w:
        folder = os.path.join(os.path.dirname(w.path), "lists")
        path = os.path.join(folder, "origins.txt")
        rename_over(w.path, LISTED)
        ok(w.server.saw("event=policy-error", "origins.txt", "No such file"), "an @FILE that is not there yet")
        os.mkdir(folder)
        write(path, w.origin())
        w.is_new("comes with its folder")
        write(path, w.origin())
        w.is_new("is rewritten")
        rename_over(path, w.origin())
        w.is_new("is renamed over")
        write(w.path, "nonsense\n")
        ok(w.server.saw("event=policy-error", "line=1", "policy.ini"), "the policy breaks")
        write(path, w.origin())
        write(w.path, LISTED)
        w.is_new("and is mended, with another list")
        rename_over(path, "@more.txt\n")
        ok(w.server.saw("event=policy-error", 'id="file-nested"', "origins.txt", "line=1"),
           "an @FILE inside an @FILE is an error")
        rename_over(path, w.origin())
        w.is_new("and is mended")


def settling():
    with watched() as w:
        for _ in range(100):
            rename_over(w.path, w.text())
        w.is_new("of a burst of 100 changes the last counts")
        ok(wait_for(lambda: 0 < w.loads() < 20), "and is not loaded 100 times", w.loads())
        loads = w.loads()
        note(f"{loads} loads")
        for name in ("swap", "notes.txt", "policy.ini~"):
            write(os.path.join(os.path.dirname(w.path), name), "x")
        rename_over(w.path, w.text())
        w.is_new("files beside it")
        ok(wait_for(lambda: w.loads() == loads + 1), "are not looked at", f"{loads} {w.loads()}")
        with open(w.path, "a", encoding="ascii") as f:
            f.write("; written, not yet closed\n")
            f.flush()
            rename_over(w.path, w.text())
            w.is_new("replaced while somebody writes to the old file")
        wait_for(lambda: w.loads() == loads + 2)
        w.server.signal(signal.SIGHUP)
        ok(wait_for(lambda: w.loads() == loads + 3), "SIGHUP loads as well")


@contextlib.contextmanager
def restless(change):
    """Changes something again and again, in a thread."""
    end = threading.Event()

    def run():
        while not end.wait(0.03):
            change()
    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()


def never_resting():
    """A file that changes all the time is taken as it is now and then, and holds
    up no other."""
    with tempfile.TemporaryDirectory(prefix="pf") as folder:
        shadow = os.path.join(folder, "shadow.ini")
        write(shadow, LISTED.replace("lists/origins.txt", "long.txt"))
        write(os.path.join(folder, "long.txt"), "".join(f"https://o{i}.example.com\n" for i in range(30000)))
        with watched("--shadow", shadow) as w, restless(lambda: os.utime(shadow)):
            w.server.saw("event=reload-again")
            for how in ("one file never rests, and is long: the other is loaded", "and loaded again"):
                rename_over(w.path, w.text())
                w.is_new(how)
            rename_over(w.path, w.text())
            w.server.signal(signal.SIGHUP)
            w.is_new("SIGHUP too")
    with watched() as w:
        with restless(lambda: rename_over(w.path, w.text())):
            ok(wait_for(lambda: w.loads() > 2), "the policy itself never rests: it is loaded now and then")
        w.is_new("and the last of it in the end")


def relative():
    with tempfile.TemporaryDirectory(prefix="pf") as folder:
        write(os.path.join(folder, "p.ini"), POLICY.format(0))
        with Watched("p.ini", preexec=lambda: os.chdir(folder)) as w:
            rename_over(os.path.join(folder, "p.ini"), w.text())
            w.is_new("a path that is relative to the working folder")


def descriptors():
    """Loads leave no descriptors behind."""
    with watched() as w:
        def count():
            return len(os.listdir(f"/proc/{w.server.process.pid}/fd"))
        w.allows(w.number)  # it listens before all of it has started
        before = count()
        for _ in range(5):
            rename_over(w.path, w.text())
            wait_for(lambda: w.allows(w.number))
        # The connection of a question may be closed a little later.
        ok(wait_for(lambda: w.loads() == 5 and count() <= before), "descriptors are no more than before",
           f"{before} {count()}")


def main():
    replaced()
    half_written()
    folders()
    links()
    kubernetes()
    pairs()
    lists()
    settling()
    never_resting()
    relative()
    descriptors()
    done()


main()
