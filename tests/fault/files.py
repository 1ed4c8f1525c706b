"""What the system hands the program instead of files: policies that are no
files, that are huge, or that change while they are read; full disks, closed
and broken standard streams."""

import os
import resource
import signal
import socket
import subprocess
import tempfile
import threading

from faults import Faults, fcgi, tap

EXAMPLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../etc/policy.ini")
NOTHING = subprocess.DEVNULL
SERVERS = ("nginx", "lighttpd", "apache", "haproxy", "caddy")


def run(*args, **options):
    """Exit status, standard output and standard error of one command."""
    options.setdefault("stdin", NOTHING)
    options.setdefault("stdout", subprocess.PIPE)
    options.setdefault("stderr", subprocess.PIPE)
    done = subprocess.run([fcgi.binary(), *args], timeout=60, check=False, **options)
    return done.returncode, done.stdout, done.stderr


def refused(status, err, *words):
    return status == 2 and b"error:" in err and all(w in err for w in words)


# --- policy files that are none ---


def odd_files(folder):
    fifo, sock = os.path.join(folder, "fifo"), os.path.join(folder, "sock")
    os.mkfifo(fifo)
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(sock)
    loop = os.path.join(folder, "loop")
    os.symlink(loop, loop)
    odd = [(folder, b"it is a directory"), (fifo, b"it is a pipe"), (sock, b"can't use"),
           ("/dev/zero", b"it is a device"), ("/dev/null", b"it is a device"),
           (loop, b"symbolic links"), (os.path.join(folder, "none"), b"No such file"),
           ("", b"No such file"), ("x" * 5000, b"too long"),
           (EXAMPLE + "/x", b"Not a directory"), ("/proc/self/mem", b"error:"),
           ("/proc/self/environ", b"error:"), ("/proc/self/maps", b"error:"),
           (os.path.join(folder, "empty"), b"error:")]
    with open(os.path.join(folder, "empty"), "w", encoding="ascii"):
        pass
    for path, words in odd:
        # Of pipes check waits for the writer.
        command = ("serve", "-p") if path == fifo else ("check",)
        status, out, err = run(*command, path)
        tap.ok(refused(status, err, words) and out == b"", f"{command[0]} '{path[:40]}': {words.decode()}",
               (status, out[:100], err[:300]))
        # The same as a list of origins, but where that is no mistake.
        if os.path.basename(path) in ("empty", "") or len(path) > 200:
            continue
        policy = os.path.join(folder, "list.ini")
        with open(policy, "w", encoding="ascii") as f:
            f.write(f"[policy p]\nallow-origins = @{path}\n")
        status, out, err = run("check", policy)
        tap.ok(refused(status, err) and out == b"", f"and as a list of origins: @{path[:40]}",
               (status, out[:100], err[:300]))
    unreadable(folder)


def unreadable(folder):
    path = os.path.join(folder, "unreadable.ini")
    with open(EXAMPLE, "rb") as f, open(path, "wb") as to:
        to.write(f.read())
    os.chmod(path, 0)
    os.chmod(folder, 0o755)
    def give_up():
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)

    try:
        status, _, err = run("check", path, preexec_fn=give_up)
    except PermissionError:
        tap.skip("a policy that can't be read", "the program is in a private folder")
        return
    tap.ok(refused(status, err, b"Permission denied"), "a policy that can't be read", (status, err))


def large(folder):
    """Two gigabytes of holes, and a file of zeros behind a good policy."""
    def bounded():
        resource.setrlimit(resource.RLIMIT_CPU, (50, 50))

    path = os.path.join(folder, "sparse.ini")
    with open(path, "wb") as f:
        f.truncate(2 << 30)
    status, out, err = run("check", path, preexec_fn=bounded)
    tap.ok(refused(status, err) and out == b"" and len(err) < 4096,
           "a policy of 2 GB of zeros is refused", (status, len(err), err[:300]))
    path = os.path.join(folder, "hole.ini")
    with open(path, "wb") as f:
        f.write(b"[policy p]\nallow-origins = https://a.example\n")
        f.truncate(1 << 20)
    status, _, err = run("check", path)
    tap.ok(refused(status, err), "and so is one with a hole at its end", (status, err[:300]))
    os.unlink(os.path.join(folder, "sparse.ini"))


def changing(folder):
    """A file that is cut and written anew while it is read, as an editor without
    rename does: what is read is refused, or one of the texts as a whole."""
    path = os.path.join(folder, "changing.ini")
    texts = [b"[policy p]\nallow-origins =\n"
             + b"".join(b"  https://o%06d.example.com\n" % i for i in range(1, n))
             for n in (10000, 20000, 30000, 40000)]
    stop = threading.Event()

    def rewrite():
        n = 0
        while not stop.is_set():
            n += 1
            with open(path, "wb") as f:
                f.write(texts[n % len(texts)])
            stop.wait(0.005)

    right = set()
    for text in texts:
        with open(path, "wb") as f:
            f.write(text)
        right.add(run("check", path))
    thread = threading.Thread(target=rewrite)
    thread.start()
    try:
        found = [run("check", path) for _ in range(25)]
    finally:
        stop.set()
        thread.join()
    odd = [r for r in found if r not in right and not refused(r[0], r[2])]
    tap.ok(not odd, "a policy that changes while it is read", odd[:3])
    tap.note(f"{sum(r[0] != 0 for r in found)} of {len(found)} were refused, "
             f"{sum(b'changed while' in r[2] for r in found)} for having changed")


def held(control, path, changed, at):
    """Checks a policy, of which a file is changed before its read number `at`;
    the run, or None where there are fewer."""
    with open(changed, "rb") as f:
        text = f.read()
    control.arm(("read",), at)
    control.set(hold=1)
    with subprocess.Popen([fcgi.binary(), "check", path], stdin=NOTHING, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, env=dict(os.environ, **control.environment())) as p:
        fcgi.wait_for(lambda: control.get("hits") or p.poll() is not None)
        with open(changed, "wb") as f:
            f.write(text[:len(text) // 2])
        control.set(hold=0)
        out, err = p.communicate(timeout=60)
        control.disarm()
    with open(changed, "wb") as f:
        f.write(text)
    return (p.returncode, out, err) if control.get("hits") else None


def cut_while_read(folder):
    """A file that is cut just before any of the reads of a load."""
    control = Faults(folder)
    lists, path = os.path.join(folder, "long.txt"), os.path.join(folder, "long.ini")
    with open(lists, "w", encoding="ascii") as f:
        f.writelines(f"https://o{i:06d}.example.com\n" for i in range(20000))
    with open(path, "w", encoding="ascii") as f:
        f.write("[policy p]\nallow-origins = @long.txt\n")
        f.writelines(f"  https://p{i:06d}.example.com\n" for i in range(20000))
    for changed in (path, lists):
        found = []
        while (run_ := held(control, path, changed, len(found) + 1)) is not None:
            found.append(run_)
        torn = [b"changed while" in err for status, out, err in found if status == 2 and not out]
        odd = [(i + 1, r) for i, r in enumerate(found) if r[0] != 0 and not refused(r[0], r[2])]
        tap.ok(sum(torn) >= 3 and not odd, f"{os.path.basename(changed)} cut before each of {len(found)} "
               f"reads: {sum(torn)} times refused for that", odd[:3])
        right = [run("check", path)]
        # A list may have been cut before it was opened.
        with open(changed, "r+b") as f:
            f.truncate(os.path.getsize(changed) // 2)
        right.append(run("check", path))
        tap.is_equal([r for r in found if r[0] == 0 and r not in right], [], "and else it is read whole")


# --- where the output goes ---


def outputs(folder):
    """Commands whose output is taken by nobody."""
    commands = [["--help"], ["--version"], ["check", EXAMPLE], ["check", "--json", EXAMPLE],
                ["check", "--canonical", EXAMPLE], ["check", "--keys"], ["check", "--help"],
                ["serve", "--help"],
                ["explain", "-p", EXAMPLE, "--origin", "https://a.example", "http://b.example/"],
                ["explain", "--json", "-p", EXAMPLE, "--origin", "https://a.example",
                 "http://b.example/"],
                ["diff", EXAMPLE, other_policy(folder)], ["diff", "--json", EXAMPLE, other_policy(folder)],
                *(["export", server, "-p", EXAMPLE] for server in SERVERS)]
    for args in commands:
        name = " ".join(args[:2])
        with open("/dev/full", "wb") as full:
            status, _, err = run(*args, stdout=full)
        tap.ok(status == 3 and err.strip(), f"{name} > /dev/full", (status, err))
        status, _, err = run(*args, stdout=None, preexec_fn=lambda: os.close(1))
        tap.ok(status == 3 and err.strip(), f"{name} >&-", (status, err))
        with open("/dev/full", "wb") as full:
            status, out, _ = run(*args, stderr=full)
        plain = run(*args)
        tap.is_equal((status, out), plain[:2], f"{name} 2> /dev/full changes nothing else")
        tap.is_equal(run(*args, stderr=None, preexec_fn=lambda: os.close(2))[:2], plain[:2],
                     f"{name} 2>&-")
        tap.is_equal(run(*args, stdin=None, preexec_fn=lambda: os.close(0)), plain, f"{name} <&-")
        tap.is_equal(broken_pipe(args, signal.SIG_DFL)[0] in (-signal.SIGPIPE, plain[0]), True,
                     f"{name} into a pipe that is closed")
        status, err = broken_pipe(args, signal.SIG_IGN)
        tap.ok(status == 3 and err.strip(), f"{name} the same with SIGPIPE ignored", (status, err))


def other_policy(folder):
    path = os.path.join(folder, "other.ini")
    with open(path, "w", encoding="ascii") as f:
        f.write(fcgi.POLICY)
    return path


def broken_pipe(args, action):
    """Runs with a pipe whose reader has gone as standard output."""
    readable, writable = os.pipe()
    os.close(readable)
    try:
        status, _, err = run(*args, stdout=writable, restore_signals=False,
                             preexec_fn=lambda: signal.signal(signal.SIGPIPE, action))
    finally:
        os.close(writable)
    return status, err


def content(path):
    """What is in the file, None where there is none."""
    try:
        with open(path, "rb") as f:
            return f.read()
    except FileNotFoundError:
        return None


def full_disk(folder):
    """A disk that is full after N bytes, for N from none to all."""
    for name, args in (("check", ["check", EXAMPLE]), ("export nginx", ["export", "nginx", "-p", EXAMPLE])):
        whole = run(*args)[1]
        wrong = []
        path = os.path.join(folder, "out")
        for limit in sorted({0, 1, len(whole) // 2, len(whole) - 1}):
            def bounded(limit=limit):
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

            with open(path, "wb") as to:
                status, _, err = run(*args, stdout=to, preexec_fn=bounded)
            if status != 3 or not err.strip():
                wrong.append((limit, status, err))
            if args[0] != "export":
                continue
            for before in (b"before\n", None):
                new = os.path.join(folder, "new")
                if before is not None:
                    with open(new, "wb") as to:
                        to.write(before)
                status, _, err = run(*args, "-o", new, preexec_fn=bounded)
                if status != 3 or new.encode() not in err:
                    wrong.append((limit, status, err))
                if content(new) != before or [n for n in os.listdir(folder) if n.startswith(".")]:
                    wrong.append((limit, content(new), os.listdir(folder)))
                if before is not None:
                    os.unlink(new)
        tap.ok(not wrong, f"{name}: the disk is full before the end", wrong)
    status, _, err = run("export", "nginx", "-p", EXAMPLE, "-o", "/dev/full")
    tap.ok(status == 3 and b"/dev/full" in err, "export -o /dev/full", (status, err))
    status, _, err = run("export", "nginx", "-p", EXAMPLE, "-o", folder)
    tap.ok(status == 3 and folder.encode() in err, "export -o to a folder", (status, err))


def mixed_streams(folder):
    """With 0 to 2 closed, nothing that is printed ends up in a file."""
    path = os.path.join(folder, "snippet")
    whole = run("export", "nginx", "-p", EXAMPLE)[1]

    def close_all():
        for fd in range(3):
            os.close(fd)

    run("export", "nginx", "-p", EXAMPLE, "-o", path, stdin=None, stdout=None, stderr=None,
        preexec_fn=close_all)
    with open(path, "rb") as f:
        tap.is_equal(f.read(), whole, "export -o with 0 to 2 closed")
    for closed in ((0,), (1,), (2,), (0, 1, 2)):
        def close_some(closed=closed):
            for fd in closed:
                os.close(fd)

        with fcgi.Server("--log-requests", stdin=None, preexec=close_some) as s:
            with s.client() as c:
                good = c.ask().status == 204 and c.ask().status == 204
            with s.client() as c:
                good = good and c.ask().status == 204
            tap.ok(good and s.out() == b"", f"serve with {closed} closed")
            tap.is_equal(s.stop(), 0, "ends with status 0")


def broken_log():
    """A log whose reader goes, and one that nobody reads."""
    for what in ("gone", "asleep"):
        readable, writable = os.pipe()
        # Server gives its own file as stderr: the pipe takes its place.
        with fcgi.Server("--log-requests", pass_fds=(writable,),
                         preexec=lambda fd=writable: os.dup2(fd, 2)) as s:
            os.close(writable)
            if what == "gone":
                os.close(readable)
            good = 0
            for _ in range(60):
                with s.client() as c:
                    c.send(fcgi.request() * 20)
                    good += sum(c.answer().status == 204 for _ in range(20))
            tap.is_equal(good, 1200, f"the reader of the log is {what}: all is answered")
            tap.is_equal(s.stop(), 0, "and it ends with status 0")
            if what == "asleep":
                os.close(readable)


def main():
    with tempfile.TemporaryDirectory(prefix="pf") as folder:
        odd_files(folder)
        large(folder)
        changing(folder)
        cut_while_read(folder)
        outputs(folder)
        full_disk(folder)
        mixed_streams(folder)
        broken_log()
    tap.done()


if __name__ == "__main__":
    main()
