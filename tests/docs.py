"""README.md and the manual say what the program does: the examples are run and
compared, the fragments are those of etc/, the options are those of --help.
"""

import os
import re
import shlex
import subprocess
import tempfile

import tap
from readme import fenced as blocks
from readme import is_shortened, section

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PREFLIGHTD = os.environ.get("PREFLIGHTD", os.path.join(TOP, "preflightd"))


def read(name):
    with open(os.path.join(TOP, name), encoding="utf-8") as f:
        return f.read()


def run(*argv, folder=None):
    """Exit status, stdout and stderr of preflightd."""
    done = subprocess.run([PREFLIGHTD, *argv], cwd=folder, text=True,
                          stdin=subprocess.DEVNULL, capture_output=True,
                          check=False)
    return done.returncode, done.stdout, done.stderr


def check_fragments(readme):
    bodies = [body for _, body in blocks(readme)]
    for name in ("etc/nginx-http.conf", "etc/nginx-server.conf",
                 "etc/lighttpd.conf"):
        tap.ok(read(name) in bodies, f"README.md shows {name} as it is")


def check_example(readme, folder):
    example = next(body for language, body in
                   blocks(section(readme, "Using it")) if language == "ini")
    test = next(body for language, body in
                blocks(section(readme, "The policy file")) if language == "ini")
    with open(os.path.join(folder, "policy.ini"), "w", encoding="utf-8") as f:
        f.write(example + "\n" + test)
    tap.is_equal(run("check", "-p", "policy.ini", folder=folder)[::2], (0, ""),
                 "README.md's policy is good and passes README.md's test")


def check_errors(readme, folder):
    (_, faulty), (_, wanted) = blocks(section(readme, "Checking a policy"))
    with open(os.path.join(folder, "policy.ini"), "w", encoding="utf-8") as f:
        f.write(faulty)
    command, _, wanted = wanted.partition("\n")
    argv = command.removeprefix("$ preflightd ").split()
    status, out, err = run(*argv, folder=folder)
    tap.is_equal(status, 2, "README.md's faulty policy is refused")
    tap.is_equal(err + out, wanted, "README.md shows what check prints")


def check_diff(readme, folder):
    (_, old), (_, new), (_, wanted) = blocks(section(readme,
                                                     "Comparing two policies"))
    for name, text in (("old.ini", old), ("new.ini", new)):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
            f.write(text)
    command, _, wanted = wanted.partition("\n")
    argv = command.removeprefix("$ preflightd ").split()
    tap.is_equal(run(*argv, folder=folder), (1, wanted, ""),
                 "README.md shows what diff prints")


def check_shown(text, folder, about):
    """A command of explain and what is shown of its output."""
    text = text.replace("\\\n", "")
    command, _, shown = text.partition("\n")
    argv = shlex.split(command.removeprefix("$ preflightd "))
    status, out, err = run(*argv, folder=folder)
    tap.ok(argv[0] == "explain" and status in (0, 1, 2) and shown.strip()
           and is_shortened(shown.rstrip("\n"), out + err),
           f"{about} shows what explain prints: {' '.join(argv[1:])[:50]}",
           f"{shown}\n--- printed:\n{out}{err}")


def manual_displays(title):
    """The literal displays of a section of the manual, as they are shown."""
    part = re.search(rf"^\.Sh {title}\n(.*?)(?=^\.Sh )",
                     read("src/preflightd.8"), re.M | re.S)[1]
    for text in re.findall(r"^\.Bd -literal.*?\n(.*?)^\.Ed$", part,
                           re.M | re.S):
        for escape, shown in (("\\-", "-"), ("\\(aq", "'"), ("\\&", ""),
                              ("\\e", "\\")):
            text = text.replace(escape, shown)
        yield text


def check_guide(readme, folder):
    """'blocked by CORS policy', in README.md and in the manual."""
    os.environ["PREFLIGHTD_POLICY"] = "policy.ini"
    shown = [body for _, body in
             blocks(section(readme, r"Blocked by CORS policy: what now\?"))]
    for about, (policy, *texts) in (
            ("README.md", shown),
            ("the manual", manual_displays("BLOCKED BY CORS POLICY"))):
        with open(os.path.join(folder, "policy.ini"), "w",
                  encoding="utf-8") as f:
            f.write(policy)
        tap.is_equal(len(texts), 10, f"{about} has ten cases")
        for text in texts:
            check_shown(text, folder, about)
    del os.environ["PREFLIGHTD_POLICY"]


def check_commands(readme):
    """README.md's table has the commands of --help."""
    status, out, _ = run("--help")
    top = readme.partition("\n## ")[0]
    tap.is_equal((status, set(re.findall(r"^\| `([a-z]+)` \|", top, re.M))),
                 (0, set(re.findall(r"^  ([a-z]+)  +\S", out, re.M))),
                 "README.md has the commands of --help")


def check_keys(readme):
    table = section(readme, "The policy file").partition("\n\nAn entry of")[0]
    keys = re.findall(r"^\| `([a-z-]+)` \|", table, re.M)
    status, out, _ = run("check", "--keys")
    policy_keys = out.partition("[test")[0]
    tap.is_equal((status, keys), (0, re.findall(r"^  ([a-z-]+) ", policy_keys,
                                                re.M)),
                 "README.md has the keys of check --keys")


def check_files(readme):
    """Each file of src/ is named once, and nothing else is."""
    table = section(readme, "Where things live").partition("| --- ")[2]
    named = re.findall(r"`([a-z_]+)`", table)
    there = {name.rpartition(".")[0]
             for name in os.listdir(os.path.join(TOP, "src"))
             if name.endswith((".c", ".h")) and not name.endswith("_impl.h")}
    tap.is_equal(sorted(named), sorted(there),
                 "README.md says where each file of src/ belongs")


def check_targets(readme):
    """What README.md has make do, in a line of text, can be made."""
    rules = read("Makefile.am") + "install: uninstall: check: dist: distcheck:"
    for target in sorted(set(re.findall(r"`make ([a-z-]+)", readme))):
        tap.ok(re.search(rf"(^|\s){target}:", rules),
               f"README.md's make {target} is there")


def options(text):
    return set(re.findall(r"(?<![\w-])--([a-z][a-z-]+)", text)) - {"help"}


def check_options(readme):
    manual = read("src/preflightd.8").replace("\\-", "-")
    for command, title in (("serve", "Running"), ("check", "Checking a policy"),
                           ("diff", "Comparing two policies"),
                           ("export", "Exporting the configuration of a "
                            "web server"),
                           ("verify", "Verifying running servers")):
        status, out, _ = run(command, "--help")
        tap.is_equal(status, 0, f"{command} --help ends with 0")
        part = re.search(rf"^\.Ss {command}\n(.*?)(?=^\.S[sh] )", manual,
                         re.M | re.S)[1]
        in_manual = set(re.findall(r"Fl -([a-z-]+)", part))
        tap.is_equal(in_manual, options(out),
                     f"the manual has the options of {command} --help")
        in_readme = options(section(readme, title)) | {"policy"}
        tap.is_equal(in_readme, options(out) | {"policy"},
                     f"README.md has the options of {command} --help")


text = read("README.md")
check_fragments(text)
with tempfile.TemporaryDirectory() as private:
    check_example(text, private)
    check_errors(text, private)
    check_diff(text, private)
    check_guide(text, private)
check_commands(text)
check_keys(text)
check_files(text)
check_targets(text)
check_options(text)
tap.done()
