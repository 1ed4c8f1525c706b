"""The documents say what the program does: the examples are run and compared,
the options are those of --help, links lead somewhere, and nothing of the
manual's headings is lost on the way to the reader.
"""

import os
import re
import shlex
import shutil
import subprocess
import tempfile

import readme
import tap

TOP = readme.TOP
PREFLIGHTD = os.environ.get("PREFLIGHTD", os.path.join(TOP, "preflightd"))
FRONT_PAGE_LINES = 200
SERVERS = ("nginx", "lighttpd", "apache", "haproxy", "caddy", "h2o")
read = readme.read


def run(*argv, folder=None):
    """Exit status, stdout and stderr of preflightd."""
    done = subprocess.run([PREFLIGHTD, *argv], cwd=folder, text=True,
                          stdin=subprocess.DEVNULL, capture_output=True,
                          check=False)
    return done.returncode, done.stdout, done.stderr


def write(folder, name, text):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
        f.write(text)


def check_front_page(folder):
    lines = read().count("\n")
    tap.ok(lines <= FRONT_PAGE_LINES, "README.md is a front page",
           f"{lines} lines")
    write(folder, "policy.ini", readme.policy())
    tap.is_equal(run("check", "-p", "policy.ini", folder=folder)[::2], (0, ""),
                 "README.md's policy is good")
    for page in readme.manual():
        name = re.fullmatch(r"src/man/(.*)\.(.)", page)
        short = re.sub(r"^preflightd(?=-(?!blocked))", "", name[1])
        tap.ok(f"{short}({name[2]})" in read(), f"README.md names {page}")


def check_shown(command, shown, folder, about):
    """A command and what is shown of its output."""
    argv = shlex.split(command.removeprefix("preflightd "))
    status, out, err = run(*argv, folder=folder)
    tap.ok(status in (0, 1, 2) and shown.strip()
           and readme.is_shortened(shown.rstrip("\n"), err + out),
           f"{about} shows what it prints: {' '.join(argv)[:50]}",
           f"{shown}\n--- printed:\n{err}{out}")


def check_transcript(page, folder):
    """A page whose display shows files, by cat, and what a command prints."""
    for display in readme.displays(read(page)):
        for command, shown in readme.typed(display):
            if command.startswith("cat "):
                write(folder, command.split()[1], shown)
            else:
                check_shown(command, shown, folder, page)


def check_guide(folder):
    """'blocked by CORS policy': its policy, and what explain says of each."""
    page = "src/man/preflightd-blocked.7"
    text = read(page)
    policy, *shown = readme.displays(text[text.index("\n.Sh CAUSES"):])
    write(folder, "policy.ini", policy)
    os.environ["PREFLIGHTD_POLICY"] = "policy.ini"
    tap.is_equal(len(shown), 10, f"{page} has ten cases")
    for display in shown:
        for command, output in readme.typed(display):
            check_shown(command, output, folder, page)
    del os.environ["PREFLIGHTD_POLICY"]


def check_commands():
    """README.md's table and the manual's list have the commands of --help."""
    status, out, _ = run("--help")
    wanted = set(re.findall(r"^  ([a-z]+)  +\S", out, re.M))
    table = readme.section(read(), "Commands")
    tap.is_equal((status, set(re.findall(r"^\| `([a-z]+)` \|", table, re.M))),
                 (0, wanted - {"help", "version"}),
                 "README.md has the commands of --help")
    part = read("src/man/preflightd.8").partition("The commands:")[2]
    part = part.partition("\n.El")[0]
    tap.is_equal(set(re.findall(r"^\.It Cm (\w+)", part, re.M)), wanted,
                 "preflightd(8) has the commands of --help")


def check_files():
    """The map of src/ has its folders, and names files that are there."""
    text = read("src/README.md")
    source = os.path.join(TOP, "src")
    named = re.findall(r"^\| `(\w+)/` \|", text, re.M)
    there = [name for name in os.listdir(source)
             if os.path.isdir(os.path.join(source, name)) and name != "man"]
    tap.is_equal(sorted(named), sorted(there), "src/README.md has each folder")
    for name in sorted(set(re.findall(r"\b(?:" + "|".join(named) + r")/\w+",
                                      text))):
        tap.ok(any(os.path.exists(os.path.join(source, name + end))
                   for end in ("", ".c", ".h")),
               f"src/README.md: {name} is there")


def check_targets():
    """What the documents have make do, in a line of text, can be made."""
    rules = read("Makefile.am") + "install: uninstall: check: dist: distcheck:"
    for page in readme.PAGES:
        for target in sorted(set(re.findall(r"`make ([a-z-]+)", read(page)))):
            tap.ok(re.search(rf"(^|\s){target}:", rules),
                   f"{page}: make {target} is there")


def options(text):
    return set(re.findall(r"(?<![\w-])--([a-z][a-z-]+)", text)) - {"help"}


def check_options():
    serve = re.search(r"^\.Ss serve\n(.*?)(?=^\.Sh )", read("src/man/preflightd.8"),
                      re.M | re.S)[1]
    pages = {"serve": serve}
    for command in ("check", "diff", "explain", "export", "verify"):
        text = read(f"src/man/preflightd-{command}.1")
        pages[command] = text[:text.index("\n.Sh ENVIRONMENT")]
    for command, text in pages.items():
        status, out, _ = run(command, "--help")
        tap.is_equal(status, 0, f"{command} --help ends with 0")
        tap.is_equal(set(re.findall(r"Fl -([a-z-]+)",
                                    text.replace("\\-", "-"))), options(out),
                     f"the manual has the options of {command} --help")


def check_findings():
    """preflightd-verify(1) has every finding that the sources can name."""
    known = set(re.findall(r'\[VERIFY_\w+\] = \{"([a-z-]+)"',
                           read("src/verify/advice.c")))
    part = read("src/man/preflightd-verify.1").partition("\n.Sh FINDINGS")[2]
    named = re.findall(r"[a-z-]+[a-z]", " ".join(
        re.findall(r"^\.It Li (.*)$", part.partition("\n.El")[0], re.M)))
    tap.is_equal(set(named), known, "preflightd-verify(1) has all findings")


# ---- links ---------------------------------------------------------------------


def anchors(text):
    """Those of the headings, as repository hosts make them."""
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")
            for title in re.findall(r"^#+ (.*)$", text, re.M)}


def check_links():
    for page in readme.PAGES:
        text = read(page)
        links = re.findall(r"\]\(\s*([^)\s]+)\s*\)", text) + \
            re.findall(r'<img src="([^"]+)"', text)
        for link in sorted(set(links)):
            path, _, anchor = link.partition("#")
            path = os.path.normpath(os.path.join(os.path.dirname(page), path)) \
                if path else page
            good = os.path.exists(os.path.join(TOP, path))
            if good and anchor:
                good = anchor in anchors(read(path))
            tap.ok(good, f"{page}: {link} leads somewhere")
    text = read("etc/README.md")
    for server in SERVERS:
        for name in os.listdir(os.path.join(TOP, "etc", server)):
            tap.ok(f"]({server}/{name})" in text,
                   f"etc/README.md has {server}/{name}")


# ---- the manual's headings -----------------------------------------------------


def rendered(page):
    return subprocess.run(["mandoc", "-Tutf8", "-Owidth=300", page], text=True,
                          capture_output=True, check=True).stdout


def check_headings():
    """A heading that begins with a macro's name loses that word."""
    dates = {re.match(r"\.Dd (.*)\n", read(page))[1]
             for page in readme.manual()}
    tap.is_equal(len(dates), 1, "all pages of the manual have one date")
    if not shutil.which("mandoc"):
        tap.skip("the manual's headings", "mandoc is missing")
        return
    for page in readme.manual():
        text = re.sub(".\x08", "", rendered(os.path.join(TOP, page)))
        for title in re.findall(r"^\.S[sh] (.*)$", read(page), re.M):
            wanted = readme.unescaped(title)
            tap.ok(re.search(rf"^ *{re.escape(wanted)}$", text, re.M),
                   f"{page}: the heading '{wanted}' is whole")


with tempfile.TemporaryDirectory() as private:
    check_front_page(private)
    check_transcript("src/man/preflightd-check.1", private)
    check_transcript("src/man/preflightd-diff.1", private)
    check_guide(private)
check_commands()
check_files()
check_targets()
check_options()
check_findings()
check_links()
check_headings()
tap.done()
