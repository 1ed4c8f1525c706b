"""Each way to start preflightd answers preflights through a real web server,
and none leaves a process behind.
"""

import contextlib
import os
import re
import shlex
import shutil
import signal
import subprocess

import export_servers
import fcgid
import harness
import readme
import tap

POLICY = os.path.join(harness.TOP, "tests", "server", "everywhere.ini")
ORIGIN = "http://app.example.com:3000"


def serve(stage, *options):
    """The command, whose processes show the stage's folder."""
    return [harness.PREFLIGHTD, "serve", "-p", stage.path("policy.ini"),
            *options]


def where(backend):
    """Options of spawn-fcgi for an address."""
    return (["-s", backend] if isinstance(backend, str)
            else ["-a", backend[0], "-p", str(backend[1])])


# Each way starts preflightd on an address; it returns what it leaves running.

def spawn_fcgi(stage, backend):
    stage.start("preflightd", ["spawn-fcgi", "-n", *where(backend), "--",
                               *serve(stage)], backend)


def documented(stage, backend, program):
    """The documents' command of that program, with the test's program and paths."""
    shown = [block.body for block in readme.blocks(readme.read())] + \
        readme.displays(readme.read("src/man/preflightd.8"))
    command = next(command for text in shown
                   for command, _ in readme.typed(text)
                   if re.match(rf"{program} .*(unix:|-s )/run/preflightd/",
                               command))
    if os.geteuid() != 0:
        command = re.sub(r"(--(user|socket-group)|-[ugG]) \S+", "", command)
    real = {"preflightd": harness.PREFLIGHTD,
            "/usr/bin/preflightd": harness.PREFLIGHTD,
            "policy.ini": stage.path("policy.ini")}
    argv = [real.get(word, word) for word in shlex.split(command)]
    socket = "/run/preflightd/preflightd.sock"
    if argv[0] == harness.PREFLIGHTD:
        argv[2:2] = ["-p", stage.path("policy.ini")]
    assert any(socket in word for word in argv)
    stage.start("preflightd", [word.replace(socket, backend) for word in argv],
                backend)


def documented_spawn_fcgi(stage, backend):
    documented(stage, backend, "spawn-fcgi")


def documented_listening(stage, backend):
    documented(stage, backend, "preflightd serve")


def spawn_fcgi_daemon(stage, backend):
    """It goes into the background and leaves a process number."""
    pid = stage.path("preflightd.pid")
    subprocess.run(["spawn-fcgi", "-P", pid, *where(backend), "--",
                    *serve(stage)], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    return [int(stage.read("preflightd.pid"))]


def multiwatch(stage, backend):
    stage.start("preflightd", [
        "spawn-fcgi", "-n", *where(backend), "--", shutil.which("multiwatch"),
        "-f", "3", "-s", "TERM", "--", *serve(stage)], backend)


def socket_activation(stage, backend):
    """As systemd does it: the first connection starts preflightd."""
    address = (backend if isinstance(backend, str)
               else f"{backend[0]}:{backend[1]}")
    stage.start("preflightd", ["systemd-socket-activate", "-l", address,
                               *serve(stage)], backend)


def listening(stage, backend):
    address = (f"unix:{backend}" if isinstance(backend, str)
               else f"{backend[0]}:{backend[1]}")
    stage.start("preflightd", serve(stage, "--listen", address), backend)


# How, with what programs, by what, whether over TCP too.
SPAWNERS = (
    ("spawn-fcgi", ["spawn-fcgi"], spawn_fcgi, True),
    ("spawn-fcgi in the background", ["spawn-fcgi"], spawn_fcgi_daemon, True),
    ("spawn-fcgi as in the manual", ["spawn-fcgi"], documented_spawn_fcgi, False),
    ("spawn-fcgi and multiwatch", ["spawn-fcgi", "multiwatch"], multiwatch,
     True),
    ("socket activation", ["systemd-socket-activate"], socket_activation,
     True),
    ("--listen", [], listening, True),
    ("--listen as in README.md", [], documented_listening, False),
)


# ---- what is asked ------------------------------------------------------------

def preflight(address, origin):
    return harness.request(address, "OPTIONS /x", [
        ("Host", "api.example.com"), ("Origin", origin),
        ("Access-Control-Request-Method", "PUT"),
        ("Access-Control-Request-Headers", "authorization,content-type")])


def exported(stage, kind, backend):
    """Starts a web server with what is exported for it."""
    return kind(stage, export_servers.export(stage, kind, backend, POLICY),
                backend)


def is_served(address, way):
    answer = preflight(address, ORIGIN)
    tap.ok(answer.status == 204 and answer.cors() == {
        "access-control-allow-origin": ORIGIN,
        "access-control-allow-credentials": "true",
        "access-control-allow-methods": "GET, HEAD, POST, PUT",
        "access-control-allow-headers": "Content-Type, Authorization",
        "access-control-max-age": "600"},
           f"{way}: a preflight is answered", str(answer))
    answers = [preflight(address, "http://evil.example.com")
               for _ in range(20)]
    tap.ok(all(a.status == 403 and not a.cors() for a in answers),
           f"{way}: twenty are refused", "\n".join(map(str, answers)))


def running(folder):
    """The commands of processes that name the folder."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                command = f.read().replace(b"\0", b" ").decode()
            if folder in command and "serve -p" in command:
                yield command


@contextlib.contextmanager
def private(way):
    """A stage with the policy, and a list for the numbers of processes that
    nobody else ends; behind it nothing may run."""
    pids = []
    with harness.Stage() as stage:
        os.chmod(stage.folder, 0o755)
        os.chmod(shutil.copyfile(POLICY, stage.path("policy.ini")), 0o644)
        yield stage, pids
        tap.ok(list(running(stage.folder)), f"{way}: preflightd runs")
        for pid in pids:
            os.kill(pid, signal.SIGTERM)
    try:
        harness.wait_until(lambda: not list(running(stage.folder)), way)
    except TimeoutError:
        pass
    tap.is_equal(list(running(stage.folder)), [],
                 f"{way}: nothing is left behind")


# ---- before nginx -------------------------------------------------------------

def spawned(way, spawner, tcp):
    what = f"{way}, {'TCP' if tcp else 'unix'}"
    with private(what) as (stage, pids):
        backend = (("127.0.0.1", harness.free_port()) if tcp
                   else stage.path("preflightd.sock"))
        pids += spawner(stage, backend) or []
        is_served(exported(stage, export_servers.Nginx, backend).plain, what)


# ---- by a web server ----------------------------------------------------------

class Lighttpd(export_servers.Lighttpd):
    """etc/README.md's bin-path beside the exported socket."""

    def start(self, stage, parts):
        with open(os.path.join(harness.TOP, "etc", "README.md"),
                  encoding="utf-8") as f:
            line = re.search(r'`("bin-path" => .*)`', f.read())[1]
        command, before = "/usr/bin/preflightd serve", '"check-local"'
        text = stage.read("export-conf")
        assert text.count(before) == 1 and command in line
        line = line.replace(command, " ".join(serve(stage)))
        stage.write("export-conf", text.replace(before, line + before))
        super().start(stage, parts)


class H2o(export_servers.H2o):
    """fastcgi.spawn in place of fastcgi.connect."""

    def files(self, stage):
        path = super().files(stage)
        text, count = re.subn(r"&preflightd\n +type: unix\n +port: .*",
                              f'&preflightd "exec {fcgid.own_command(stage)}"',
                              stage.read("etc-h2o.conf"))
        assert count == 1
        stage.write("etc-h2o.conf", text.replace("fastcgi.connect",
                                                 "fastcgi.spawn"))
        return path


def by_server(way, kind):
    with private(way) as (stage, _):
        address = stage.path("spawned.sock")
        is_served(exported(stage, kind, address).plain, way)


BY_SERVERS = (
    ("lighttpd, bin-path", lambda: harness.find("lighttpd"), Lighttpd),
    ("Apache, mod_fcgid", fcgid.missing, fcgid.Fcgid),
    ("h2o, fastcgi.spawn", lambda: harness.find("h2o", "perl"), H2o),
)

for way, programs, spawner, also_tcp in SPAWNERS:
    missing = harness.find("nginx", *programs)
    if missing:
        tap.skip(way, f"{', '.join(missing)} missing")
        continue
    for tcp in (False, True)[:1 + also_tcp]:
        spawned(way, spawner, tcp)
for way, is_missing, kind in BY_SERVERS:
    missing = is_missing()
    if missing:
        tap.skip(way, f"{', '.join(missing)} missing")
        continue
    by_server(way, kind)
tap.done()
