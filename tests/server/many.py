"""Many servers: three preflightds over TCP behind nginx and behind HAProxy, as
etc/ has it, under a load of preflights. A new policy is rolled out, one
is killed, one is stopped, one hangs: no preflight fails, and every answer is
wholly of one policy.
"""

import json
import os
import re
import signal
import subprocess

import export_servers
import harness
import many_load
import tap

NAMES = ("one", "two", "three")
IN_HANDS = 0.1  # seconds that only a preflight waits whose instance is halted
OLD = """\
[policy api]
host = api.example.com
allow-origins = https://app.example.com, https://*.apps.example.com
allow-methods = GET, PUT
allow-headers = Content-Type
allow-credentials = yes
max-age = 100
"""
NEW = (OLD.replace("GET, PUT", "GET, PUT, PATCH, DELETE")
       .replace("Content-Type", "Content-Type, X-Request-ID")
       .replace("100", "200"))


def granted(methods, headers, age):
    return 204, (("access-control-allow-credentials", "true"),
                 ("access-control-allow-headers", headers),
                 ("access-control-allow-methods", methods),
                 ("access-control-allow-origin", "https://app.example.com"),
                 ("access-control-max-age", age))


OF_OLD = granted("GET, PUT", "Content-Type", "100")
OF_NEW = granted("GET, PUT, PATCH, DELETE", "Content-Type, X-Request-ID", "200")


def run(*argv):
    return subprocess.run([harness.PREFLIGHTD, *argv], text=True, check=False,
                          stdin=subprocess.DEVNULL, capture_output=True)


class Instance:
    """One preflightd, with a policy of its own in a folder that is swapped as
    Kubernetes swaps a ConfigMap's."""

    def __init__(self, stage, name, options):
        self.name = name
        self.address = ("127.0.0.1", harness.free_port())
        self._stage, self._options = stage, options
        self._volume = stage.path(name)
        self._versions = 0
        os.mkdir(self._volume)
        self.put(OLD)
        os.symlink("..data/policy.ini", self.policy)
        self.start()

    @property
    def policy(self):
        return os.path.join(self._volume, "policy.ini")

    def put(self, text):
        """Puts a policy in place of the one that is there."""
        self._versions += 1
        version = f"..version-{self._versions}"
        os.mkdir(os.path.join(self._volume, version))
        self._stage.write(f"{self.name}/{version}/policy.ini", text)
        link = os.path.join(self._volume, "..data")
        os.symlink(version, link + "_tmp")
        os.rename(link + "_tmp", link)

    def start(self):
        self._process = self._stage.start(
            self.name, [harness.PREFLIGHTD, "serve", "-p", self.policy, "-l",
                        export_servers.place(self.address), *self._options],
            self.address)

    def signal(self, number):
        self._process.send_signal(number)

    def end(self, number):
        """Ends it by a signal; the exit status."""
        self._process.send_signal(number)
        return self._process.wait(harness.DEADLINE)

    def digest(self):
        """That of the policy in use, by its log."""
        return re.findall(r'event=(?:started|reloaded) .*digest="(\w+)"',
                          self._stage.read(self.name + ".log"))[-1]


def etc(*names):
    with open(os.path.join(harness.TOP, "etc", *names), encoding="utf-8") as f:
        return f.read()


def with_addresses(text, fleet):
    """A text of etc/, with the addresses of a fleet."""
    for number, instance in enumerate(fleet):
        text = text.replace(f"10.0.0.1{number + 1}:9000",
                            export_servers.place(instance.address))
    return text


def exported(stage, server, part):
    policy = stage.write("policy.ini", OLD)
    done = run("export", server, "-p", policy, "--part", part)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return done.stdout


class Nginx(export_servers.Nginx):
    """With what is exported; etc/nginx/upstream.conf in place of its own
    upstream, and etc/README.md's timeout."""

    def __init__(self, stage, fleet):
        upstream = etc("nginx", "upstream.conf")
        setting, time = re.search(r"`(fastcgi_read_timeout)` may be (\d+s)",
                                  etc("README.md")).groups()
        http = re.sub(r"^upstream preflightd \{.*?^\}\n",
                      with_addresses(upstream, fleet),
                      exported(stage, "nginx", "http"), flags=re.M | re.S)
        stage.write("export-http", http)
        stage.write("export-headers", exported(stage, "nginx", "headers"))
        stage.write("export-server", re.sub(
            rf"{setting} .*", f"{setting} {time};",
            exported(stage, "nginx", "server")))
        super().__init__(stage, {}, ())

    def start(self, stage, parts):
        self.run(stage, self.server(self.plain, self.application))


class Haproxy(export_servers.Haproxy):
    """With etc/haproxy/sections.cfg in place of the exported one."""

    def __init__(self, stage, fleet):
        self._socket = stage.path("haproxy.sock")
        backend = etc("haproxy", "sections.cfg")
        stage.write("export-sections", with_addresses(backend, fleet))
        stage.write("export-frontend", exported(stage, "haproxy", "frontend"))
        super().__init__(stage, {}, ())

    def start(self, stage, parts):
        self.run(stage, f"""
global
    stats socket {self._socket} mode 600

frontend web
    bind {export_servers.place(self.plain)}
{stage.read("export-frontend")}
    default_backend application

backend application
    server application {export_servers.place(self.application)}
""")

    def status(self, name):
        """What its health check says of an instance."""
        with harness.connect(self._socket) as s:
            s.sendall(b"show stat\n")
            raw = b""
            while chunk := s.recv(65536):
                raw += chunk
        header, *rows = raw.decode().splitlines()
        column = header.removeprefix("# ").split(",").index("status")
        return next(row.split(",")[column] for row in rows
                    if row.startswith(f"preflightd,{name},"))

    def wait(self, name, status):
        harness.wait_until(lambda: self.status(name).startswith(status),
                           f"{name} {status} for HAProxy")


def is_whole(load, mark, what):
    """One case: since a mark, no preflight failed or was of two policies."""
    answers = load.since(mark)
    wrong = [one for one in answers if one.answer not in (OF_OLD, OF_NEW)]
    tap.ok(answers and not wrong, f"{what}: every preflight is answered, "
           "wholly of one policy",
           f"{len(wrong)} of {len(answers)} wrong\n"
           + "\n".join(map(str, wrong[:10])))
    tap.note(f"{len(answers)} preflights, the longest of "
             f"{max(one.seconds for one in answers):.3f} s")


def are_of(load, mark, wanted, what):
    """One case: what was asked since a mark is of one policy."""
    other = [one for one in load.asked_since(mark) if one.answer != wanted]
    tap.ok(not other, what, "\n".join(map(str, other[:10])))


def is_verified(policy, fronts):
    """One case: preflightd verify finds nothing over all fronts."""
    urls, places = [], []
    for address in fronts.values():
        urls.append(f"http://api.example.com:{address[1]}/v1")
        places += ["--resolve", f"api.example.com:{address[1]}:127.0.0.1"]
    done = run("verify", "-p", policy, "--rate", "1000", *places, *urls)
    tap.ok(done.returncode == 0, f"verify over {' and '.join(fronts)}",
           done.stdout + done.stderr)


def digest(policy):
    return json.loads(run("check", "-p", policy, "--json").stdout)["digest"]


def rolled(load, fleet, text, how):
    """Rolls a policy out, one instance at a time."""
    mark = load.now()
    before = load.since((0, 0))[-1].answer
    after = OF_NEW if before == OF_OLD else OF_OLD
    for instance in fleet:
        load.wait(20)
        instance.put(text)
        if how == "SIGHUP":
            instance.signal(signal.SIGHUP)
        wanted = digest(instance.policy)
        harness.wait_until(lambda i=instance, d=wanted: i.digest() == d,
                           f"{instance.name} with the new policy")
    done = load.now()
    load.wait(50)
    is_whole(load, mark, f"rolled out by {how}")
    both = {one.answer for one in load.since(mark)}
    tap.ok({OF_OLD, OF_NEW} <= both, "while it is rolled out both are seen")
    are_of(load, done, after, "and then the one that was rolled out alone")


def killed(load, instance):
    """kill -9 with requests in its hands: it is halted until it has some."""
    mark = load.now()
    instance.signal(signal.SIGSTOP)
    harness.wait_until(lambda: load.waiting(IN_HANDS), "requests in its hands")
    tap.is_equal(instance.end(signal.SIGKILL), -signal.SIGKILL,
                 "one is killed with requests in its hands")
    load.wait(50)
    instance.start()
    load.wait(50)
    is_whole(load, mark, "killed and started again")
    tap.ok(any(one.seconds > IN_HANDS for one in load.since(mark)),
           "what was in its hands was asked again of another")


def hangs(load, haproxy, instance):
    """Takes connections, as its kernel does for it, and answers nothing."""
    mark = load.now()
    instance.signal(signal.SIGSTOP)
    haproxy.wait(instance.name, "DOWN")
    tap.ok(True, "one hangs: the health check sees that it does not answer")
    load.wait(50)
    instance.signal(signal.SIGCONT)
    haproxy.wait(instance.name, "UP")
    load.wait(50)
    is_whole(load, mark, "one hangs and goes on again")


def stopped(load, instance):
    mark = load.now()
    tap.is_equal(instance.end(signal.SIGTERM), 0, "one is stopped: exit 0")
    load.wait(50)
    instance.start()
    load.wait(50)
    is_whole(load, mark, "stopped and started again")


def everything(stage):
    os.chmod(stage.folder, 0o755)
    fleet = [Instance(stage, name, ["--watch"]) for name in NAMES]
    nginx, haproxy = Nginx(stage, fleet), Haproxy(stage, fleet)
    fronts = {"nginx": nginx.plain, "HAProxy": haproxy.plain}
    is_verified(fleet[0].policy, fronts)
    with many_load.Load(fronts) as load:
        harness.wait_until(lambda: len(load.since((0, 0))) > 100, "the load")
        start = (0, 0)
        are_of(load, start, OF_OLD, "at first all are of the old policy")
        rolled(load, fleet, NEW, "--watch")
        for instance in fleet:
            haproxy.wait(instance.name, "UP")
        killed(load, fleet[0])
        haproxy.wait(fleet[0].name, "UP")
        stopped(load, fleet[1])
        hangs(load, haproxy, fleet[2])
        is_verified(fleet[0].policy, fronts)
        rolled(load, fleet, OLD, "SIGHUP")
        is_whole(load, start, "all in all")
    is_verified(fleet[0].policy, fronts)


missing = harness.find("nginx", "haproxy")
if missing:
    tap.skip_all(f"{', '.join(missing)} missing")
with harness.Stage() as private:
    everything(private)
tap.done()
