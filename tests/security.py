"""The limits that SECURITY.md states are those of the sources and of --help, and the
tests that it names for them are there."""

import glob
import os
import re
import subprocess

import tap

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def constants():
    """The expressions of the enumerations and macros in src/, by name."""
    found = {}
    for path in glob.glob(os.path.join(TOP, "src/*/*.[ch]")):
        for name, text in re.findall(r"\b([A-Z][A-Z_]+) = ([^,}/;]+)[,} /]", read(path)):
            found[name] = text.strip()
        for name, text in re.findall(r"#define ([A-Z_]+) +(\d+)$", read(path), re.M):
            found[name] = text
    return found


def value(text, known):
    """The value of an expression of numbers and other constants."""
    text = re.sub(r"[A-Z][A-Z_]+", lambda m: str(value(known[m[0]], known)), text)
    if not re.fullmatch(r"[0-9 ()*+-]+", text):
        raise ValueError(text)
    return eval(text)  # only digits and operators


def option_default(name, text):
    """The number in what --help says of an option, up to the next one."""
    part = re.search(rf"{name}\b(.*?)(?=\n +-|\Z)", text, re.S)
    return [int(n) for n in re.findall(r"\d+", part[1])] if part else []


def main():
    section = read(os.path.join(TOP, ".github/SECURITY.md"))
    rows = re.findall(r"^\| ([^|]+) \| (\d+) \| `([^`]+)` \| `([^`]+)` \|$", section, re.M)
    tap.ok(len(rows) >= 10, f"SECURITY.md states {len(rows)} limits")
    known = constants()
    program = os.environ.get("PREFLIGHTD", "./preflightd")
    text = subprocess.run([program, "serve", "--help"], stdout=subprocess.PIPE, text=True,
                          check=False).stdout
    for what, number, name, test in rows:
        tap.ok(os.path.isfile(os.path.join(TOP, test)), f"{name}: {test} is there")
        if name.startswith("--"):
            got = option_default(name, text)
            tap.ok(int(number) in got, f"{name}: {what}", (number, got))
        else:
            tap.is_equal(value(known.get(name, "(none)"), known), int(number), f"{name}: {what}")
    for test in sorted(set(re.findall(r"`(tests/[a-z/]+(?:\.(?:py|sh|c))?)`", section))):
        tap.ok(os.path.exists(os.path.join(TOP, test)), f"{test} is there")
    for target in sorted(set(re.findall(r"`make ([a-z-]+)", section))):
        tap.ok(target == "check" or re.search(rf"^{target}:", read(os.path.join(TOP, "Makefile.am")), re.M),
               f"make {target} is there")
    tap.done()


main()
