"""Every command of the documents, run as it is written and in its order, by root
in a copy of this machine (world.py): the sources are built and installed, nginx
gets its site, and a page in Chromium sends a PUT through it. What can't run
here is listed, with the reason, and tried in part.
"""

import glob
import http.server
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import threading

sys.path[1:1] = [os.path.join(os.path.dirname(os.path.abspath(__file__)),
                              "server")]
import chromium  # noqa: E402
import harness  # noqa: E402
import readme  # noqa: E402
import tap  # noqa: E402
import world  # noqa: E402

SITE = "/root/site"
BUILD = world.CLONE + "/build/release"
PATIENCE = 300.0  # seconds for a command
# Where the commands of a page, or of a section, are run: in a folder of the
# sources, or else in one that has README.md's policy, and one that allows less.
FOLDERS = {"README.md": world.CLONE, ("etc/README.md", "systemd"): BUILD,
           ".github/CONTRIBUTING.md": world.CLONE, "tests/README.md": BUILD}
# Pages of the manual; tests/docs.py runs the commands of the others.
MANUAL = ("src/man/preflightd.8", "src/man/preflightd-explain.1",
          "src/man/preflightd-export.1", "src/man/preflightd-verify.1")
# Where the status may be another than 0: the answer is no.
STATUSES = {"diff": (0, 1), "explain": (0, 1)}
PUT = """fetch("https://api.example.com/items/7", {method: "PUT",
    credentials: "include", headers: {"Content-Type": "application/json"},
    body: "{}"}).then(async (answer) => answer.status + await answer.text(),
    String)"""
# What the network panel of a browser copies.
COPIED = """curl 'https://api.example.com/items/7' -X 'PUT' \\
  -H 'content-type: application/json' \\
  -H 'origin: https://app.example.com' \\
  --data-raw '{}'
"""
# What every reader has: names, certificates and an application.
HOSTS = "127.0.0.1 api.example.com eu.example.com app.example.com\n"
TLS = """\
ssl_certificate /root/site.pem;
ssl_certificate_key /root/site.key;
server {
	listen 443 ssl;
	server_name api.example.com eu.example.com;
	include /etc/nginx/preflightd-server.conf;
	include /etc/nginx/preflightd-headers.conf;
	location / {
		proxy_pass http://127.0.0.1:3000;
	}
}
server {
	listen 443 ssl;
	server_name app.example.com;
	location / {
		default_type text/html;
		return 200 "a page";
	}
}
"""


# ---- what can't run here -------------------------------------------------------


def exist(*names):
    return all(os.path.exists(os.path.join(world.CLONE, name))
               for name in names)


def is_script(command):
    return os.access(os.path.join(world.CLONE, command.split()[0]), os.X_OK)


def has_modules(command):
    return all(glob.glob(f"/usr/lib/apache2/modules/mod_{name}.so")
               for name in command.split()[1:])


def has_units(command):
    return exist(*(f"etc/{name}.in" for name in
                   re.findall(r"preflightd\.\w+", command)))


def is_packaged(command):
    name = re.search(r"(\w+)_\*\.deb", command)[1]
    with open(os.path.join(world.CLONE, "etc/debian/control"),
              encoding="utf-8") as f:
        return f"\nPackage: {name}\n" in f.read()


def has_container(command):
    with open(os.path.join(world.CLONE, "configure.ac"),
              encoding="utf-8") as f:
        version = re.search(r"\[preflightd\], \[(.*?)\]", f.read())[1]
    return exist("etc/Containerfile") and f"preflightd:{version} " in command \
        + " "


def has_manifests(command):
    return exist(*re.findall(r"-f (\S+)", command))


def has_group(command):
    with open(os.path.join(world.CLONE, "scripts/deps"),
              encoding="utf-8") as f:
        return re.search(rf"^{command.split()[1]}\)", f.read(), re.M)


def has_options(command):
    done = subprocess.run([world.CLONE + "/configure", "--help"], text=True,
                          capture_output=True, check=True)
    return all(option in done.stdout for option in
               re.findall(r"--[a-z-]+", command))


def has_target(command):
    return subprocess.run(["make", "-n", *shlex.split(command)[1:]], cwd=BUILD,
                          capture_output=True, check=False).returncode == 0


def has_files(command):
    return exist(*re.findall(r"\.\./\.\./(\S+)", command))


def has_tests(command):
    names = shlex.split(command)[2].removeprefix("TESTS=").split()
    return exist(*(name for name in names if name.endswith(".py")))


LISTED = (
    (r"scripts/test", "this is part of it", is_script),
    (r"scripts/deb", "it takes minutes; make check-package runs it", is_script),
    (r"(sudo )?apt(-get)? install .*_\*\.deb.*", "it wants what scripts/deb makes",
     is_packaged),
    (r"a2enmod .*", "it is of apache2, the tests have apache2-bin",
     has_modules),
    (r"systemctl .*|journalctl .*", "systemd is not the first process",
     has_units),
    (r"(podman|docker) .*", "it wants images from a registry", has_container),
    (r"kubectl .*", "it wants a cluster; tests/manifests.py judges the files",
     has_manifests),
    (r"scripts/deps (fuzz|coverage|package)", "it may install something",
     has_group),
    (r"\S*configure --enable-.*", "it is for another build than this",
     has_options),
    (r"scripts/build build/dev .*", "it is another build than this", is_script),
    (r"cd build/dev", "it is another build than this", lambda command: True),
    (r"PREFLIGHTD=\$PWD/preflightd sh .*", "it is part of another test",
     has_files),
    (r"make check TESTS=.*", "it is part of other tests", has_tests),
    (r"make (fuzz|coverage|bench|soak|torture|faults|differential|static"
     r"|check-package).*", "it takes minutes", has_target),
)


def listed(command):
    """Whether a command is listed; it is tried in part then."""
    for pattern, why, is_good in LISTED:
        if re.fullmatch(pattern, command):
            tap.ok(is_good(command), f"not run, {why}: {command[:60]}")
            return True
    return False


# ---- what a reader has ---------------------------------------------------------


class Application(http.server.BaseHTTPRequestHandler):
    """Answers everything, and knows nothing of CORS."""

    def do_GET(self):
        length = int(self.headers.get("Content-Length") or 0)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f" {self.command} ".encode() + self.rfile.read(length))

    do_PUT = do_GET

    def log_message(self, *_):
        pass


def write(path, text, mode="w"):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, mode, encoding="utf-8") as f:
        f.write(text)


def prepare():
    """The reader's machine: its network, its names, web servers' folders, an
    application, and a build that takes no time for optimizing."""
    for name, address in (("lo", "127.0.0.1"), ("lo:1", "10.0.0.11")):
        world.set_address(name, address)
    for name in ("nginx/conf.d", "lighttpd", "apache2", "haproxy", "caddy"):
        os.makedirs("/etc/" + name, exist_ok=True)
    write("/etc/hosts", HOSTS, "a")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days",
         "2", "-subj", "/CN=example.com", "-addext",
         "subjectAltName=DNS:*.example.com", "-keyout", "/root/site.key",
         "-out", "/root/site.pem"], check=True, capture_output=True)
    with open("/root/site.pem", encoding="utf-8") as f:
        write("/etc/ssl/certs/ca-certificates.crt", f.read(), "a")
    write("/etc/nginx/conf.d/tls.conf", TLS)
    write("/root/config.site", "cache_file=/root/config.cache\n")
    with open("/root/site.pem", encoding="utf-8") as f:
        write(SITE + "/ca.pem", f.read())
    write(SITE + "/command.txt", COPIED)
    application = http.server.ThreadingHTTPServer(("127.0.0.1", 3000),
                                                  Application)
    threading.Thread(target=application.serve_forever, daemon=True).start()


def environment():
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith(("MAKE", "MFLAGS", "PREFLIGHTD", "CI",
                                    "ASAN", "UBSAN", "DESTDIR", "VPATH"))}
    return {**kept, "HOME": "/root", "CFLAGS": "-O0",
            "CONFIG_SITE": "/root/config.site", "LC_ALL": "C.UTF-8",
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:"
            "/bin:" + world.CLONE}  # the last for "configure"


# ---- running -------------------------------------------------------------------


def address_of(command):
    """Where a command that stays in the foreground listens, or None."""
    if not re.match(r"preflightd serve|spawn-fcgi -n", command):
        return None
    place = re.search(r"(?:-l|--listen|-s) (\S+)", command)[1]
    if ":" in place.removeprefix("unix:"):
        host, _, port = place.rpartition(":")
        return host, int(port)
    return place.removeprefix("unix:")


class Reader:
    """Somebody who goes through the documents and types what they say."""

    def __init__(self, policy):
        self.policy = policy
        self.place = None
        self.folder = world.CLONE
        self.environment = environment()
        self.serving = {}  # by address

    def turn_to(self, page, block):
        """Goes on to a block's part of a page."""
        if (page, block.section) != self.place:
            self.environment = environment()
            write(SITE + "/policy.ini", self.policy)
            candidate = self.policy.replace(", X-Requested-With", "")
            write(SITE + "/candidate.ini", candidate)
            write("/etc/preflightd/candidate.ini", candidate)
            self.folder = FOLDERS.get((page, block.section),
                                      FOLDERS.get(page, SITE))
        self.place = (page, block.section)

    def take(self, block):
        """Writes a block to the file that it is."""
        for name, value in re.findall(r"`([A-Z_]+)=(\S+)`", block.before):
            self.environment[name] = value
        named = re.findall(r"`(/\S+)`", block.before)
        if block.language in ("ini", "nginx") and named:
            write(named[-1], block.body)

    def start(self, command, **options):
        return subprocess.Popen(["bash", "-c", command], cwd=self.folder,
                                env=self.environment, text=True,
                                stdin=subprocess.DEVNULL,
                                start_new_session=True, **options)

    def type(self, command, shown):
        if listed(command):
            return
        if command == "scripts/quickstart":
            self.interrupt(command, "Ctrl-C ends it.")
        elif address := address_of(command):
            self.serve(command, address)
        else:
            self.run(command, shown)

    def run(self, command, shown):
        """A command that ends, and may change the folder for the next."""
        process = self.start(f"{command}\nstatus=$?; pwd >/root/folder; exit "
                             "$status", stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT)
        output, _ = process.communicate(timeout=PATIENCE)
        word = (command.split() + [""])[1]
        good = STATUSES.get(word, (0,))
        tap.ok(process.returncode in good, f"run: {command[:100]}",
               f"status {process.returncode}\n{output[-4000:]}")
        if shown:
            tap.ok(readme.is_shortened(shown.rstrip("\n"), output),
                   f"... prints what is shown: {command[:80]}",
                   f"{shown}--- printed:\n{output}")
        with open("/root/folder", encoding="utf-8") as f:
            self.folder = f.read().strip()

    def interrupt(self, command, line):
        """A command that goes on until Ctrl-C, given when it prints a line."""
        process = self.start(command, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT)
        printed = []
        hangs = threading.Timer(PATIENCE, os.killpg, (process.pid,
                                                      signal.SIGKILL))
        hangs.start()
        for text in process.stdout:
            printed.append(text)
            if line in text:
                os.killpg(process.pid, signal.SIGINT)
        hangs.cancel()
        tap.is_equal(process.wait(PATIENCE), 0, f"run, until Ctrl-C: {command}")
        tap.ok(any(line in text for text in printed), f"... it says: {line}",
               "".join(printed[-60:]))

    def serve(self, command, address):
        """A command that serves from now on, in the place of another there."""
        self.end(address)
        log = f"/root/serving-{len(self.serving)}.log"
        with open(log, "w", encoding="utf-8") as f:
            process = self.start(command, stdout=f, stderr=f)
        self.serving[address] = process

        def is_up():
            try:
                harness.connect(address).close()
            except OSError:
                return process.poll() is not None
            return True
        harness.wait_until(is_up, command)
        with open(log, encoding="utf-8") as f:
            tap.ok(process.poll() is None, f"serves: {command[:100]}", f.read())

    def end(self, address):
        process = self.serving.pop(address, None)
        if process is not None:
            process.terminate()
            tap.is_equal(process.wait(PATIENCE), 0,
                         f"what served at {address} ends with 0")


def put():
    """What README.md is for: a page's PUT, with credentials."""
    if harness.find("chromium"):
        tap.skip("a page's PUT", "chromium is missing")
        return
    with harness.Stage() as stage, chromium.Chromium(
            stage, "--ignore-certificate-errors") as browser:
        browser.open("https://app.example.com/")
        tap.is_equal(browser.evaluate(PUT), "200 PUT {}",
                     "a page's PUT goes through nginx, and it reads the answer")


def read_on():
    """All of the documents."""
    reader = Reader(readme.policy())
    for page in (*readme.PAGES, *MANUAL):
        text = readme.read(page)
        for block in readme.blocks(text) if page.endswith(".md") else [
                readme.Block("", "", "", "", body)
                for body in readme.displays(text)]:
            reader.turn_to(page, block)
            reader.take(block)
            for command, shown in block.commands():
                reader.type(command, shown)
        if page == readme.PAGES[0]:
            put()
    for address in list(reader.serving):
        reader.end(address)


def main():
    if len(sys.argv) == 2:
        world.enter(sys.argv[1])
        prepare()
        read_on()
        tap.done()
    missing = harness.find("nginx", "spawn-fcgi", "multiwatch", "cgi-fcgi",
                           "openssl", "curl", "gcc", "autoreconf")
    if missing:
        tap.skip_all(f"{', '.join(missing)} missing")
    with tempfile.TemporaryDirectory(prefix="preflightd-") as folder:
        if not world.is_possible(folder):
            tap.omit("everything here", "this process may not make namespaces")
            tap.done()
        sys.exit(subprocess.run(
            [*world.UNSHARE, sys.executable, "-B", os.path.abspath(__file__),
             folder], stdin=subprocess.DEVNULL, check=False).returncode)


if __name__ == "__main__":
    main()
