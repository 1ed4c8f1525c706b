"""Says what of src/ the tests ran, and names what they did not.

coverage.py SOURCES BUILD CORE... after the tests: CORE are the files of the
core, of which LINES and BRANCHES percent are wanted.  Of an assert() only the
one way can be taken, so its branches do not count.  All others do, those for
want of memory too: tests/fault takes them."""

import bisect
import json
import os
import subprocess
import sys

LINES, BRANCHES = 95, 90


def measured(sources, build):
    """gcovr's files with their names below sources."""
    out = os.path.join(build, "coverage.json")
    # Parse errors: where a process was killed gcov may make a count negative.
    subprocess.run(["gcovr", "--root", sources, "--object-directory", build, "--filter", ".*/src/.*",
                    "--gcov-ignore-parse-errors", "--exclude-unreachable-branches",
                    "--exclude-branches-by-pattern", r"^\s*assert\(", "--json", out, build], check=True)
    with open(out, encoding="utf-8") as f:
        return sorted((file["file"][file["file"].rindex("src/"):], file) for file in json.load(f)["files"])


def ranges(numbers):
    """1 2 3 7 as "1-3 7"."""
    out = []
    for n in numbers:
        if out and out[-1][1] == n - 1:
            out[-1][1] = n
        else:
            out.append([n, n])
    return " ".join(str(a) if a == b else f"{a}-{b}" for a, b in out)


def code(file):
    return [line for line in file["lines"] if not line.get("gcovr/noncode")]


def counts(file):
    """Lines, those that ran, branches, those that were taken."""
    lines = code(file)
    branches = [b for line in lines for b in line["branches"]]
    return [len(lines), sum(line["count"] > 0 for line in lines), len(branches), sum(b["count"] > 0 for b in branches)]


def share(part, whole):
    return 100 * part / whole if whole else 100.0


def by_function(file, numbers):
    """Line numbers with the functions that they are in."""
    functions = sorted((f["lineno"], f["name"]) for f in file["functions"])
    found = {}
    for n in numbers:
        at = bisect.bisect(functions, (n, "~")) - 1
        found.setdefault(functions[at][1] if at >= 0 else "-", []).append(n)
    return found


def show(name, file):
    n = counts(file)
    print(f"{name:28} lines {share(n[1], n[0]):5.1f} %  branches {share(n[3], n[2]):5.1f} %")
    never = [line["line_number"] for line in code(file) if line["count"] == 0]
    partly = [line["line_number"] for line in code(file)
              if line["count"] > 0 and any(b["count"] == 0 for b in line["branches"])]
    for what, numbers in (("never run", never), ("a branch never taken", partly)):
        for function, lines in by_function(file, numbers).items():
            print(f"    {function}: {what}: {ranges(lines)}")
    return n


def main():
    sources, build, *core = sys.argv[1:]
    total = {True: [0, 0, 0, 0], False: [0, 0, 0, 0]}
    for name, file in measured(sources, build):
        total[name in core] = [a + b for a, b in zip(total[name in core], show(name, file))]
    for in_core, what in ((False, "the shell"), (True, "the core")):
        n = total[in_core]
        print(f"{what}: {share(n[1], n[0]):.1f} % of {n[0]} lines, {share(n[3], n[2]):.1f} % of {n[2]} branches")
    n = total[True]
    if share(n[1], n[0]) < LINES or share(n[3], n[2]) < BRANCHES:
        print(f"wanted for the core: {LINES} % and {BRANCHES} %")
        sys.exit(1)


main()
