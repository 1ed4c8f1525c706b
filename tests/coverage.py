"""Says what of src/ the tests ran, and names what they did not.

coverage.py SOURCES BUILD CORE... after the tests: CORE are the files of the
core, of which LINES and BRANCHES percent are wanted.  Where a branch was not
taken for want of memory alone, tests/fault is where it is tried."""

import json
import os
import subprocess
import sys

LINES, BRANCHES = 95, 90


def measured(sources, build):
    """gcovr's files with their names below sources."""
    out = os.path.join(build, "coverage.json")
    subprocess.run(["gcovr", "--root", sources, "--object-directory", build, "--filter", ".*/src/.*",
                    "--exclude-unreachable-branches", "--json", out, build], check=True)
    with open(out, encoding="utf-8") as f:
        for file in json.load(f)["files"]:
            yield file["file"][file["file"].rindex("src/"):], file["lines"]


def ranges(numbers):
    """1 2 3 7 as "1-3 7"."""
    out = []
    for n in numbers:
        if out and out[-1][1] == n - 1:
            out[-1][1] = n
        else:
            out.append([n, n])
    return " ".join(str(a) if a == b else f"{a}-{b}" for a, b in out)


def counts(lines):
    """Lines, those that ran, branches, those that were taken."""
    code = [line for line in lines if not line.get("gcovr/noncode")]
    branches = [b for line in code for b in line["branches"]]
    return [len(code), sum(line["count"] > 0 for line in code), len(branches), sum(b["count"] > 0 for b in branches)]


def share(part, whole):
    return 100 * part / whole if whole else 100.0


def show(name, lines):
    n = counts(lines)
    print(f"{name:28} lines {share(n[1], n[0]):5.1f} %  branches {share(n[3], n[2]):5.1f} %")
    never = [line["line_number"] for line in lines if line["count"] == 0 and not line.get("gcovr/noncode")]
    partly = [line["line_number"] for line in lines
              if line["count"] > 0 and any(b["count"] == 0 for b in line["branches"])]
    if never:
        print(f"    never run: {ranges(never)}")
    if partly:
        print(f"    a branch never taken: {ranges(partly)}")
    return n


def main():
    sources, build, *core = sys.argv[1:]
    total = {True: [0, 0, 0, 0], False: [0, 0, 0, 0]}
    for name, lines in sorted(measured(sources, build)):
        total[name in core] = [a + b for a, b in zip(total[name in core], show(name, lines))]
    for in_core, what in ((False, "the shell"), (True, "the core")):
        n = total[in_core]
        print(f"{what}: {share(n[1], n[0]):.1f} % of {n[0]} lines, {share(n[3], n[2]):.1f} % of {n[2]} branches")
    n = total[True]
    if share(n[1], n[0]) < LINES or share(n[3], n[2]) < BRANCHES:
        print(f"wanted for the core: {LINES} % and {BRANCHES} %")
        sys.exit(1)


main()
