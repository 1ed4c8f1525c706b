"""`preflightd export`: its arguments, what servers can't express, --check, and
that values are written so that a server reads them back.
"""

import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import tap  # noqa: E402

PREFLIGHTD = os.environ.get("PREFLIGHTD", "./preflightd")
SERVERS = ("nginx", "lighttpd", "apache", "haproxy", "caddy")
POLICY = """\
[policy api]
host = api.example.com
allow-origins = https://app.example.com, https://*.apps.example.com
allow-credentials = yes
expose-headers = X-Total
"""


class Folder:
    """A private folder with policies in it."""

    def __init__(self, folder):
        self.folder = folder

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return name

    def read(self, name):
        with open(os.path.join(self.folder, name), encoding="utf-8") as f:
            return f.read()

    def export(self, *argv):
        """Exit status, stdout and stderr."""
        done = subprocess.run(
            [os.path.abspath(PREFLIGHTD), "export", *argv], cwd=self.folder,
            text=True, stdin=subprocess.DEVNULL, capture_output=True,
            check=False, env={**os.environ, "PREFLIGHTD_POLICY": "policy.ini"})
        return done.returncode, done.stdout, done.stderr


def usage(f):
    for what, argv in (
            ("no server", ()), ("two servers", ("nginx", "caddy")),
            ("an unknown server", ("iis",)),
            ("an unknown part", ("nginx", "--part", "site")),
            ("a socket that is no address", ("nginx", "--socket", "unix:x")),
            ("a socket with a quote", ("nginx", "--socket", 'unix:/a"b')),
            ("a socket without port", ("nginx", "--socket", "localhost")),
            ("a script that is no path", ("lighttpd", "--script", "x.lua")),
            ("an unknown way", ("nginx", "--actual", "guess")),
            ("ask with haproxy", ("haproxy", "--actual", "ask")),
            ("ask with apache", ("apache", "--actual", "ask")),
            ("ask --open with caddy", ("caddy", "--actual", "ask", "--open")),
            ("ask with caddy, open by default", ("caddy", "--actual", "ask")),
            ("ask --open with lighttpd", ("lighttpd", "--actual", "ask")),
            ("--open without ask", ("nginx", "--open")),
            ("--closed without ask", ("nginx", "--closed")),
            ("--open and --closed", ("nginx", "--actual", "ask", "--open",
                                     "--closed")),
            ("no --cache", ("nginx", "--cache")),
            ("--check and a server", ("nginx", "--check", "x")),
            ("a policy that is missing", ("nginx", "-p", "none.ini"))):
        status, out, err = f.export(*argv)
        tap.ok(status == 2 and out == "" and len(err.splitlines()) >= 2,
               f"{what} is status 2", f"{status} {out} {err}")
    status, out, err = f.export("--help")
    tap.ok(status == 0 and all(s in out for s in SERVERS) and err == "",
           "--help names every server", out + err)


def snippets(f):
    for server in SERVERS:
        status, whole, err = f.export(server)
        tap.ok(status == 0 and err == "" and "app.example.com" in
               whole.replace("\\", "") and "/run/preflightd/preflightd.sock" in whole,
               f"{server}: a snippet", err + whole)
        parts = [line.split()[4][:-1] for line in whole.splitlines()
                 if "preflightd export" in line and line.endswith(": begin")]
        together = "".join(f.export(server, "--part", p)[1] for p in parts)
        tap.is_equal(together, whole, f"{server}: the parts make the whole")
        status, out, _ = f.export(server, "-o", "out.conf")
        tap.is_equal((status, out, f.read("out.conf")), (0, "", whole),
                     f"{server}: -o writes the same to a file")
        tap.is_equal(f.export("--check", "out.conf")[::2], (0, ""),
                     f"{server}: --check finds it good")
        again = f.export(server, "--socket", "[::1]:9000")[1]
        tap.ok("9000" in again and "::1" in again
               and "preflightd.sock" not in again, f"{server}: --socket", again)
    status, _, err = f.export("nginx", "-o", "none/out.conf")
    tap.ok(status == 3 and "none/out.conf" in err,
           "-o into a folder that is missing is status 3", err)


def files(f):
    """-o replaces a file as a whole and keeps what it was."""
    whole = f.export("nginx")[1]
    path = os.path.join(f.folder, "kept.conf")
    f.write("kept.conf", "before")
    os.chmod(path, 0o604)
    os.link(path, path + ".old")
    os.symlink("kept.conf", os.path.join(f.folder, "one"))
    os.symlink(os.path.join(f.folder, "one"), os.path.join(f.folder, "two"))
    tap.is_equal(f.export("nginx", "-o", "two"), (0, "", ""), "-o to a link to a link")
    tap.ok(os.path.islink(os.path.join(f.folder, "two")) and os.path.islink(os.path.join(f.folder, "one"))
           and f.read("kept.conf") == whole, "links stay, the file has the text")
    tap.is_equal(oct(os.stat(path).st_mode & 0o7777), "0o604", "its mode stays")
    tap.is_equal(f.read("kept.conf.old"), "before", "who has the old one open reads it to its end")
    os.symlink("new.conf", os.path.join(f.folder, "dangling"))
    f.export("nginx", "-o", "dangling")
    tap.is_equal(f.read("new.conf"), whole, "a link to a file that is not there yet")
    mask = os.umask(0o027)
    f.export("nginx", "-o", "fresh.conf")
    os.umask(mask)
    tap.is_equal(oct(os.stat(os.path.join(f.folder, "fresh.conf")).st_mode & 0o7777), "0o640",
                 "a new file has the mode that umask gives")
    os.symlink("loop", os.path.join(f.folder, "loop"))
    status, _, err = f.export("nginx", "-o", "loop")
    tap.ok(status == 3 and "loop" in err, "-o to a link to itself is status 3", err)
    if os.geteuid() == 0:
        os.chown(path, 1, 2)
        f.export("nginx", "-o", "kept.conf")
        st = os.stat(path)
        tap.is_equal((st.st_uid, st.st_gid), (1, 2), "root keeps the owner and group of a file")
    else:
        tap.omit("root keeps the owner and group of a file", "this is not root")
    for name in ("/dev/stdout", "/proc/self/fd/1", "/dev/fd/1"):
        tap.is_equal(f.export("nginx", "-o", name), (0, whole, ""), f"-o {name} is a pipe")
    done = subprocess.run(
        ["sh", "-c", 'echo before; "$0" export nginx -o /dev/stdout; echo after', os.path.abspath(PREFLIGHTD)],
        cwd=f.folder, stdout=os.open(os.path.join(f.folder, "all"), os.O_WRONLY | os.O_CREAT), check=False,
        env={**os.environ, "PREFLIGHTD_POLICY": "policy.ini"})
    tap.is_equal((done.returncode, f.read("all")), (0, "before\n" + whole + "after\n"),
                 "-o /dev/stdout where that is a file")
    os.mkfifo(os.path.join(f.folder, "fifo"))
    with subprocess.Popen(["cat", "fifo"], cwd=f.folder, stdout=subprocess.PIPE, text=True) as reader:
        tap.is_equal(f.export("nginx", "-o", "fifo"), (0, "", ""), "-o to a FIFO")
        tap.is_equal(reader.communicate()[0], whole, "is read at its other end")
    tap.is_equal([n for n in os.listdir(f.folder) if n.startswith(".")], [], "nothing else is left")


def refused_files(f):
    """Folders and files that may not be written, for who is no root."""
    sub = os.path.join(f.folder, "sub")
    os.mkdir(sub)
    f.write("sub/out.conf", "before")

    def other():
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)

    os.chmod(f.folder, 0o755)
    for folder_mode, mode in ((0o555, 0o666), (0o777, 0o444)):
        os.chmod(sub, folder_mode)
        os.chmod(os.path.join(sub, "out.conf"), mode)
        try:
            done = subprocess.run([os.path.abspath(PREFLIGHTD), "export", "nginx", "-p", "policy.ini", "-o",
                                   "sub/out.conf"], cwd=f.folder, text=True, stdin=subprocess.DEVNULL,
                                  capture_output=True, check=False, preexec_fn=other)
        except PermissionError:
            tap.omit("files that may not be written", "no other user can reach the program in its folder")
            break
        tap.ok(done.returncode == 3 and "sub/out.conf: Permission denied" in done.stderr
               and "folder must be writable" in done.stderr and f.read("sub/out.conf") == "before",
               f"a folder of mode {folder_mode:o}, a file of mode {mode:o}: status 3", done.stderr)
    os.chmod(sub, 0o755)


def expect_error(f, server, policy, wanted, what):
    f.write("policy.ini", policy)
    f.write("out.conf", "untouched")
    status, out, err = f.export(server, "-o", "out.conf")
    lines = err.splitlines()
    tap.ok(status == 1 and out == "" and f.read("out.conf") == "untouched"
           and any(wanted in line for line in lines)
           and lines[-1].startswith("  "), f"{server}: {what}",
           f"{status} {out} {err}")


def inexpressible(f):
    """An error that names the rule, and never a looser snippet."""
    expect_error(f, "nginx", POLICY.replace("X-Total", "X-Good, X-$bad"),
                 "policy.ini:5:26: error: nginx can't write a '$', which header "
                 "'X-$bad' has [export-field-name]", "a '$' in a field name")
    many = ", ".join(f"https://o{n}.example.com" for n in range(2001))
    for server in ("apache", "lighttpd", "caddy"):
        expect_error(f, server, POLICY.replace("https://app.example.com", many),
                     "policy.ini:3:1: error: policy 'api' lists 2002 origins",
                     "too many origins")
    expect_error(f, "haproxy", POLICY + "path = " + "/a" * 400 + "\n",
                 "policy.ini:6:8: error: path '/a/a",
                 "a path that is longer than a line")
    expect_error(f, "haproxy", POLICY.replace(
        "X-Total", ", ".join(f"X-{n:050}" for n in range(50))),
        "policy.ini:5:1: error: expose-headers is too long",
        "a list that is longer than a line")
    f.write("policy.ini", POLICY.replace("https://app.example.com", many))
    status, out, _ = f.export("lighttpd", "--actual", "ask", "--closed")
    tap.ok(status == 0 and "o7.example.com" not in out,
           "--actual ask has no such limit", out)
    f.write("policy.ini", POLICY.replace("app.example.com", "app.example.com/"))
    status, out, err = f.export("nginx")
    tap.ok(status == 2 and out == "" and "origin-trailing-slash" in err,
           "a faulty policy is status 2", err)


def written(f):
    """Field names that mean something to a server."""
    name = "X-!#%&'+.^_`|~"
    f.write("policy.ini", POLICY.replace("X-Total", f"{name}, X-$a"))
    for server, text in (
            ("lighttpd", f'exposed = "{name}, X-$a"'),
            ("apache", f'"{name.replace("%", "%%")}, X-$a"'),
            ("haproxy", f'"{name.replace("%", "%%")}, X-\\$a"'),
            ("caddy", f'"{name}, X-$$a"')):
        tap.ok(text in f.export(server)[1], f"{server}: a field name of all "
               "characters", f.export(server)[1])
    f.write("policy.ini", POLICY.replace("X-Total", name))
    tap.ok(f'"{name}"' in f.export("nginx")[1],
           "nginx: a field name of all characters but '$'")


def names(f):
    """No name of a policy stands in a configuration, but in a comment."""
    odd = ("01", "t", "true", "-i", "-x", "inf", "1e3", "default", "volatile")
    f.write("policy.ini", "".join(
        f"[policy {n}]\npath = /{i}\nallow-origins = https://a{i}.example\n"
        "allow-credentials = yes\nexpose-headers = X-A\n"
        for i, n in enumerate(odd)))
    for server in ("nginx", "apache", "haproxy", "caddy", "lighttpd"):
        status, out, err = f.export(server)
        bare = [line for line in out.splitlines()
                if not re.match(r"\s*(#|--)", line)
                and set(odd) & set(re.split(r"[\s\"'`;(){}=,\[\]]+", line))
                - {"t", "true", "default", "-i", "01"}]
        tap.ok(status == 0 and not bare, f"{server}: names are in comments "
               "alone", "\n".join([err, *bare[:5]]))


def paths(f):
    """Nothing is said about paths where the policies of a host do not differ
    by path; what is too long for a line is told."""
    f.write("policy.ini", "[policy a]\nhost = a.example\n"
            "allow-origins = https://a.example\n"
            "[policy b]\nhost = *.example\npath = /, /b\n"
            "allow-origins = https://b.example\n")
    for server, target in (("nginx", "$host $request_uri"),
                           ("apache", "preflightd_path"),
                           ("haproxy", " path "), ("caddy", "orig_uri"),
                           ("lighttpd", "{{")):
        out = f.export(server)[1]
        tap.ok(target not in out, f"{server}: nothing about paths", out)
    long = "/abcdefgh" * 90
    f.write("policy.ini", f"[policy a]\npath = {long}\n"
            "allow-origins = https://a.example\n")
    for server, number in (("nginx", 1), ("apache", 1), ("haproxy", 1),
                           ("caddy", 0), ("lighttpd", 0)):
        status, _, err = f.export(server)
        tap.ok(status == number and (":2:8: error: " in err and
                                     "[export-line]" in err) == bool(number),
               f"{server}: a path of 810 bytes", err)


def answers(f):
    """What is too large for an answer to a preflight."""
    f.write("policy.ini", "[policy a]\nallow-origins = https://a.example\n"
            "allow-headers = " + ",\n\t".join(
                f"X-Name-Of-A-Header-Field-{i}" for i in range(500)) + "\n")
    status, out, err = f.export("nginx")
    tap.ok(status == 0 and "fastcgi_buffer_size 32k;" in out,
           "nginx: buffers by the largest answer", out + err)
    status, _, err = f.export("apache")
    tap.ok(status == 1 and ":3:" in err and "[export-field]" in err,
           "apache: a field that is too long", err)
    status, out, err = f.export("haproxy")
    tap.ok(status == 0 and "tune.bufsize" in out,
           "haproxy: what has to be set for a large answer", out + err)
    for names, number in ((2000, 0), (2400, 1)):
        f.write("policy.ini", "[policy a]\nallow-origins = https://a.example\n"
                "allow-headers = " + ",\n\t".join(
                    f"X-Name-Of-A-Header-Field-{i}" for i in range(names)) + "\n")
        status, _, err = f.export("lighttpd")
        tap.ok(status == number and (":1:1: error: " in err and
                                     "[export-answer]" in err) == bool(number),
               f"lighttpd: an answer with {names} names", err)


def check(f):
    f.write("policy.ini", POLICY)
    f.export("nginx", "-o", "nginx.conf")
    text = f.read("nginx.conf")

    def is_checked(content, status, found, what):
        f.write("x.conf", content)
        got, out, err = f.export("--check", "x.conf")
        tap.ok(got == status and found in out + err, f"--check: {what}",
               f"{got} {out} {err}")

    is_checked(text, 0, "3 of 3 parts as the policy says", "as exported")
    is_checked("http {\n" + text.replace("\n", "\r\n    ") + "\n}\n", 0,
               "3 of 3", "indented, with other line ends and text around it")
    is_checked(text.replace("\n\n", "\n"), 0, "3 of 3",
               "without its empty lines")
    is_checked(text.replace("https://app.example.com", "https://evil.com"), 1,
               "x.conf:1: error: the part 'nginx http' was changed since",
               "an origin was changed")
    is_checked(text.replace("add_header Vary", "# add_header Vary", 2), 1,
               "was changed", "a line was commented out")
    is_checked(text.rsplit("\n", 2)[0], 1, "has no end", "the end was cut")
    is_checked("server { }\n", 1, "has nothing that preflightd exported",
               "another file")
    is_checked(text.replace("policy digest", "digest"), 1, "has no digest",
               "the digest is gone")
    f.write("x.conf", text)
    f.write("policy.ini", "; the same\n" + POLICY.replace(
        "https://app.example.com, https://*.apps.example.com",
        "https://*.apps.example.com https://app.example.com"))
    tap.is_equal(f.export("--check", "x.conf")[0], 0,
                 "--check: a policy that means the same")
    f.write("policy.ini", POLICY.replace("X-Total", "X-Other"))
    status, out, err = f.export("--check", "x.conf")
    tap.ok(status == 1 and "0 of 3 parts" in out
           and err.count("is of another policy") == 3,
           "--check: the policy was changed", out + err)
    status, _, err = f.export("--check", "missing.conf")
    tap.ok(status == 3 and "missing.conf" in err,
           "--check: a file that is missing", err)


with tempfile.TemporaryDirectory() as private:
    folder = Folder(private)
    folder.write("policy.ini", POLICY)
    usage(folder)
    snippets(folder)
    files(folder)
    refused_files(folder)
    inexpressible(folder)
    written(folder)
    names(folder)
    paths(folder)
    answers(folder)
    check(folder)
tap.done()
