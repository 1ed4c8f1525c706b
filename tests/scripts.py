"""scripts/: what they say where they can't work, and that apt-get's own words are
in a log. The packages are not real.
"""

import os
import shutil
import socket
import subprocess
import tempfile

import tap

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PREFLIGHTD = os.path.abspath(os.environ.get("PREFLIGHTD",
                                            os.path.join(TOP, "preflightd")))
APT = """#!/bin/sh
echo "apt-get's own words: $*"
case $* in
*--print-uris*)	echo "'http://x/a.deb' a.deb 1400000 SHA256:x"
		echo "'http://x/b.deb' b.deb 700000 SHA256:x" ;;
*install*)	{install} ;;
esac
"""


def run(*argv, **options):
    done = subprocess.run(argv, text=True, stdin=subprocess.DEVNULL,
                          capture_output=True, check=False, **options)
    return done.returncode, done.stdout, done.stderr


def program(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    os.chmod(path, 0o755)


def check_space(folder):
    path = os.path.join(folder, "my sources")
    shutil.copytree(os.path.join(TOP, "scripts"), os.path.join(path, "scripts"))
    status, out, err = run(os.path.join(path, "scripts/build"), "build/release")
    tap.ok(status == 1 and out == "" and "space in the path" in err
           and os.listdir(path) == ["scripts"],
           "a path with a space: said before anything is made", err)


def check_deps(folder, install, what, wanted):
    """scripts/deps with a package that is missing, and an apt-get of ours."""
    os.makedirs(os.path.join(folder, "scripts"))
    there = os.path.join(folder, "there")
    with open(os.path.join(TOP, "scripts/deps"), encoding="utf-8") as f:
        text = f.read().replace("\ngcc:gcc\n", f"\nfrob:{there}\n")
    program(folder, "scripts/deps", text)
    program(folder, "apt-get", APT.replace("{install}",
                                           install.replace("THERE", there)))
    program(folder, "sudo", '#!/bin/sh\nexec "$@"\n')
    status, out, err = run(
        os.path.join(folder, "scripts/deps"), "build",
        env={**os.environ, "PATH": folder + ":" + os.environ["PATH"]})
    with open(os.path.join(folder, "build/deps.log"), encoding="utf-8") as f:
        log = f.read()
    tap.ok(wanted(status, out, err) and "apt-get's own words: -q update" in log,
           what, f"{status}\n{out}{err}{log}")


def check_quickstart():
    script = os.path.join(TOP, "scripts/quickstart")
    for argv in (["--nope"], ["--port"], ["8080"], ["--port", "x"]):
        status, out, err = run(script, *argv)
        tap.ok(status == 2 and out == "" and "usage" in err,
               f"quickstart {' '.join(argv)}: usage")
    demo = [shutil.which("python3"), "-B", os.path.join(TOP, "etc/demo/demo.py"),
            "--once", "--port"]
    path = os.environ["PATH"] + ":/usr/sbin"
    if not shutil.which("nginx", path=path) or not shutil.which("spawn-fcgi"):
        tap.skip("the demo on a port", "nginx or spawn-fcgi is missing")
        return
    with socket.socket() as first, socket.socket() as second:
        first.bind(("127.0.0.1", 0))
        port = first.getsockname()[1]
        try:
            second.bind(("127.0.0.1", port + 1))
        except OSError:
            port = None
    if port is None:
        tap.omit("the demo on a port", "the next one is taken")
        return
    status, out, err = run(*demo, str(port),
                           env={**os.environ, "PREFLIGHTD": PREFLIGHTD})
    tap.ok(status == 0 and f"http://127.0.0.1:{port}/" in out
           and f"http://127.0.0.1:{port + 1}/" in out,
           "the demo is on the port that was asked for, and the next",
           f"{status}\n{out}{err}")


with tempfile.TemporaryDirectory(prefix="preflightd-") as private:
    check_space(private)
for command, about, right in (
        ('touch "THERE"', "deps: one line, the rest in a log",
         lambda status, out, err: (status, err) == (0, "") and out ==
         "deps: installing 2 packages (2 MB)\n"),
        ("exit 100", "deps: where apt-get fails, its words are shown",
         lambda status, out, err: status != 0 and "deps.log" in err
         and "apt-get's own words" in err)):
    with tempfile.TemporaryDirectory(prefix="preflightd-") as private:
        check_deps(private, command, about, right)
check_quickstart()
tap.done()
