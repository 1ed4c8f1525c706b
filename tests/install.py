"""make install, make uninstall and what make dist packs: nothing is missing,
nothing is left behind, and a policy that is there is nobody's to change.

Runs in the build folder.
"""

import os
import re
import shutil
import subprocess
import tempfile

import readme
import tap

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PREFIX = "/opt/preflightd"
POLICY = "etc/preflightd/policy.ini"
SERVERS = ("nginx", "lighttpd", "apache", "haproxy", "caddy", "h2o")
DOC = PREFIX[1:] + "/share/doc/preflightd"
# What only the sources' own folder needs.
NOT_PACKED = {".clang-format", ".dockerignore", ".editorconfig", ".gitignore"}


def make(*words):
    """Status and output of make, with nothing of the make that runs this."""
    environment = {name: value for name, value in os.environ.items()
                   if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL",
                                   "DESTDIR")}
    done = subprocess.run(["make", *words], env=environment, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)
    return done.returncode, done.stdout


def make_for(target, folder):
    return make("-s", target, "DESTDIR=" + folder, "prefix=" + PREFIX,
                "sysconfdir=/etc", "systemdsystemunitdir=/lib/systemd/system",
                "sysusersdir=/usr/lib/sysusers.d")


def files(folder):
    """The files below a folder."""
    return {os.path.relpath(os.path.join(path, name), folder)
            for path, _, names in os.walk(folder) for name in names}


def own_folders(folder):
    """The folders that are of preflightd alone."""
    return {path for path, _, _ in os.walk(folder)
            if os.path.basename(path) in ("preflightd", "examples", *SERVERS)
            and path != folder + PREFIX}


def read(*names):
    with open(os.path.join(*names), encoding="utf-8") as f:
        return f.read()


def variables(name):
    """The files that a variable of Makefile.am, or its continuation, names."""
    found = re.findall(rf"^{name} \+?= ((?:.*\\\n)*.*)$",
                       read(TOP, "Makefile.am"), re.M)
    return [word for words in found for word in
            words.replace("\\\n", " ").split() if not word.startswith("$")]


def wanted_files():
    """What must be installed, by Makefile.am's own lists and no more."""
    wanted = {PREFIX[1:] + "/bin/preflightd", POLICY}
    wanted |= {f"{PREFIX[1:]}/share/man/man{name[-1]}/{os.path.basename(name)}"
               for name in readme.manual()}
    wanted |= {f"{DOC}/{name}" for name in ("LICENSE", "NEWS", "README.md")}
    wanted.add(PREFIX[1:] + "/share/bash-completion/completions/preflightd")
    names = variables("dist_examples_DATA")
    for server in SERVERS:
        names += variables(f"dist_{server}_DATA")
    return wanted | {f"{DOC}/examples/{name.removeprefix('etc/')}"
                     for name in names}


def is_for_systemd(name):
    """Where configure was asked for it, as the packages do."""
    return name.startswith(("lib/systemd/", "usr/lib/sysusers.d/"))


def installs(folder):
    status, output = make_for("install", folder)
    tap.is_equal(status, 0, "make install")
    there = files(folder)
    tap.is_equal({name for name in there if not is_for_systemd(name)},
                 wanted_files(), "the program, its pages, examples and a policy")
    executable = {name for name in there
                  if os.stat(os.path.join(folder, name)).st_mode & 0o111}
    tap.is_equal(executable, {PREFIX[1:] + "/bin/preflightd"},
                 "the program alone can be run")
    tap.ok("policy.ini" in output, "it says that it writes a policy", output)
    tap.is_equal(read(folder, POLICY), read(TOP, "etc/policy.ini"),
                 "the policy is the commented example")


def works(folder):
    program = folder + PREFIX + "/bin/preflightd"
    for argv in (["--version"],
                 ["check", "-p", os.path.join(folder, POLICY)]):
        done = subprocess.run([program, *argv], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, check=False)
        tap.is_equal((done.returncode, done.stderr), (0, ""),
                     f"what is installed runs: preflightd {argv[0]}")


def keeps_a_policy(folder):
    """One that was changed, and one that is a link to nowhere yet."""
    policy = os.path.join(folder, POLICY)
    with open(policy, "a", encoding="utf-8") as f:
        f.write("# ours\n")
    changed = read(policy)
    status, output = make_for("install", folder)
    tap.ok(status == 0 and read(policy) == changed,
           "installed again, a policy that is there stays", output)
    status, output = make_for("uninstall", folder)
    tap.ok(status == 0 and files(folder) == {POLICY}
           and read(policy) == changed,
           "uninstalled, a policy that was changed stays", output)
    os.remove(policy)
    os.symlink("shared.ini", policy)
    make_for("install", folder)
    tap.ok(os.path.islink(policy) and not os.path.exists(policy),
           "a link is no place to write through")
    os.remove(policy)


def leaves_nothing(folder):
    make_for("install", folder)
    status, output = make_for("uninstall", folder)
    tap.is_equal((status, files(folder), own_folders(folder)),
                 (0, set(), set()), "uninstalled, nothing is left")
    status, output = make_for("uninstall", folder)
    tap.ok(status == 0, "and uninstalled again nothing is missed", output)


def packs(folder):
    """Every file that git knows is in the archive of a release."""
    if not os.path.exists(os.path.join(TOP, ".git")):
        return  # this is such an archive
    if not shutil.which("git"):
        tap.skip("what make dist packs", "git is missing")
        return
    known = subprocess.run(["git", "-c", "safe.directory=" + TOP, "-C", TOP,
                            "ls-files"], check=True, text=True,
                           capture_output=True).stdout.split("\n")
    packed = os.path.join(folder, "packed")
    status, output = make("-s", "distdir", "distdir=" + packed)
    tap.is_equal(status, 0, "make distdir")
    missing = {name for name in known if name and name not in NOT_PACKED
               and os.path.exists(os.path.join(TOP, name))} - files(packed)
    tap.is_equal(missing, set(), "make dist leaves out no file")
    tap.ok(os.access(os.path.join(packed, "configure"), os.X_OK),
           "and has configure", output)


def packages(name):
    """A list of scripts/deps."""
    found = re.search(rf"^{name}='\n(.*?)^'", read(TOP, "scripts/deps"),
                      re.M | re.S)[1]
    return {line.partition(":")[0] for line in found.split()}


def debian_agrees():
    """The Debian package is built with what scripts/deps installs, of this
    version."""
    control = read(TOP, "etc/debian/control")
    wanted = {re.split(r"[ :]", item.strip())[0] for item in re.search(
        r"^Build-Depends: (.*?)\n(?! )", control, re.M | re.S)[1].split(",")}
    # Those that every Debian build has, or that debhelper brings.
    given = {"gcc", "libc6-dev", "make", "autoconf", "automake"}
    tap.is_equal(packages("BUILD") - given - wanted, set(),
                 "etc/debian/control needs what scripts/deps builds with")
    tap.is_equal(wanted - packages("BUILD") - packages("DEB")
                 - {"debhelper-compat"}, set(), "and nothing else")
    version = re.search(r"^AC_INIT\(\[preflightd\], \[(.*?)\]\)",
                        read(TOP, "configure.ac"), re.M)[1]
    tap.ok(read(TOP, "etc/debian/changelog").startswith(
        f"preflightd ({version}-"), "its changelog is of this version")


if not shutil.which("make"):
    tap.skip_all("make is missing")
if not os.path.exists("Makefile"):
    tap.skip_all("this is no build folder")
with tempfile.TemporaryDirectory(prefix="preflightd-") as private:
    root = os.path.join(private, "root")
    installs(root)
    works(root)
    keeps_a_policy(root)
    leaves_nothing(root)
    packs(private)
debian_agrees()
tap.done()
