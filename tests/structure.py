"""How src/ is built, as far as a program can judge it: no function, file or line
that is far too long, no declaration that only its own file uses, and includes
that follow the order and the folders of src/README.md.

Each rule is tried on a text that breaks it too: one that finds nothing anywhere
would pass everything.
"""

import glob
import os
import re

import tap

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

LINE, FUNCTION, FILE = 80, 120, 700  # columns, lines of a body, lines


def tree():
    """The files of src/, folder/name to text."""
    files = {}
    for path in glob.glob(os.path.join(TOP, "src", "**", "*.[ch]"), recursive=True):
        with open(path, encoding="utf-8") as f:
            files[os.path.relpath(path, os.path.join(TOP, "src"))] = f.read()
    return files


def bare(text):
    """The text without comments, as many lines."""
    return re.sub(r"/\*.*?\*/", lambda m: "\n" * m[0].count("\n"), text, flags=re.S)


def stem(name):
    return name.rsplit(".", 1)[0]


def includes(text):
    return re.findall(r'^#include "([\w/]+)\.h"', text, re.M)


# ---- sizes -----------------------------------------------------------------

def long_lines(files):
    return [f"{name}:{i}" for name, text in files.items() for i, line in enumerate(text.split("\n"), 1)
            if len(line.expandtabs(8)) > LINE]


def long_files(files):
    return [name for name, text in files.items() if text.count("\n") > FILE]


def long_functions(files):
    found = []
    for name, text in files.items():
        start = 0
        for i, line in enumerate(text.split("\n"), 1):
            if line == "{":
                start = i
            elif line == "}" and i - start - 1 > FUNCTION:
                found.append(f"{name}:{start}: {i - start - 1} lines")
    return found


def gaps(files):
    """Two empty lines in a row."""
    return [name for name, text in files.items() if "\n\n\n" in text]


# ---- includes --------------------------------------------------------------

def wrong_order(files):
    """A .c file includes config.h, its own header or that of the file it is a
    part of, the system's and the project's, both sorted; a header the latter."""
    found = []
    for name, text in files.items():
        lines = re.findall(r'^#include (["<].*[">])', text.split("\n#if ")[0], re.M)
        head = []
        if name.endswith(".c"):
            head.append('"config.h"')
            if stem(name) + ".h" in files:
                head.append(f'"{stem(name)}.h"')
            elif lines[1:2] and lines[1].startswith('"'):
                head.append(lines[1])
        rest = lines[len(head):]
        system = sorted(h for h in rest if h.startswith("<"))
        project = sorted(h for h in rest if h.startswith('"'))
        if lines[:len(head)] != head or rest != system + project:
            found.append(name)
    return found


def circles(graph):
    """Sets of names that reach each other (Tarjan)."""
    order, low, stack, found = {}, {}, [], []

    def visit(v):
        order[v] = low[v] = len(order)
        stack.append(v)
        for w in sorted(graph.get(v, ())):
            if w not in order:
                visit(w)
                low[v] = min(low[v], low[w])
            elif w in stack:
                low[v] = min(low[v], order[w])
        if low[v] == order[v]:
            at = stack.index(v)
            if len(stack) - at > 1:
                found.append(sorted(stack[at:]))
            del stack[at:]

    for v in sorted(graph):
        if v not in order:
            visit(v)
    return found


def header_circles(files):
    return circles({stem(n): set(includes(t)) for n, t in files.items() if n.endswith(".h")})


# Files that share one struct, and may include each other.
FAMILIES = [
    {"core/origin_set", "core/origin_set_impl"},
    {"core/policy", "core/policy_impl"},
    {"conf/conf", "conf/conf_impl"},
    {"diff/diff", "diff/diff_impl"},
    {"log/log", "log/sink"},
]


def foreign_circles(files):
    """Circles among files, a .c and its .h as one, that are no family."""
    graph = {}
    for name, text in files.items():
        graph.setdefault(stem(name), set()).update(h for h in includes(text) if h not in ("config", stem(name)))
    return [c for c in circles(graph) if not any(set(c) <= family for family in FAMILIES)]


def folders():
    """What each folder may use: the table of src/README.md, which goes up."""
    with open(os.path.join(TOP, "src", "README.md"), encoding="utf-8") as f:
        rows = re.findall(r"^\| `(\w+)/` \|.*\| ([\w ]+|-) \|$", f.read(), re.M)
    names = [name for name, _ in rows]
    return {name: set(names) if may == "all" else set(may.split()) & set(names) for name, may in rows}, \
        [f"{name}: {other}" for i, (name, may) in enumerate(rows) for other in may.split()
         if other not in ("all", "-") and other not in names[:i]]


MAY_USE, NOT_BELOW = folders()


def upward(files):
    """Files that include one of a folder that theirs may not use."""
    found = []
    for name, text in files.items():
        folder = name.rpartition("/")[0]
        found += [f"{name}: {h}.h" for h in includes(text)
                  if h != "config" and h.rpartition("/")[0] not in MAY_USE.get(folder, set()) | {folder}]
    return found


def wrong_guard(files):
    """Headers without the guard PREFLIGHTD_FOLDER_FILE_H."""
    return [name for name, text in files.items() if name.endswith(".h")
            and f"\n#ifndef PREFLIGHTD_{re.sub('[/.]', '_', name).upper()}\n" not in text]


# ---- declarations --------------------------------------------

def own_use_only(files):
    """Functions that a header declares and no other file calls."""
    code = {name: bare(text) for name, text in files.items()}
    found = []
    for name, text in code.items():
        if not name.endswith(".h"):
            continue
        names = re.findall(r"^(?:[a-z][\w ]*[ *])?\**([a-z]\w+)\((?!\()", text, re.M)
        for function in sorted(set(names) - {"sizeof", "defined"}):
            word = re.compile(rf"\b{function}\b")
            users = [n for n, t in code.items() if n != name and word.search(t)]
            # Inline functions of the header call it for others.
            if len(users) < 2 and len(word.findall(text)) < 2 and not any(stem(n) != stem(name) for n in users):
                found.append(f"{name}: {function}")
    return found


# ---- the cases -------------------------------------------------------------

BODY = "int\nf(void)\n{\n" + "\tg();\n" * (FUNCTION + 1) + "}\n"
RULES = [
    (long_lines, "no line has more than 80 columns", {"a.c": "\t" * 10 + "x\n"}),
    (gaps, "no two empty lines follow each other", {"a.c": "x\n\n\ny\n"}),
    (long_files, "no file has more than 700 lines", {"a.c": "x\n" * (FILE + 1)}),
    (long_functions, "no function has more than 120 lines", {"a.c": BODY}),
    (wrong_order, "each file includes in order: config.h, its own header, the system's, the project's",
     {"a.c": '#include "config.h"\n\n#include "b.h"\n', "a.h": "", "b.h": ""}),
    (header_circles, "headers do not include each other in a circle",
     {"a.h": '#include "b.h"\n', "b.h": '#include "a.h"\n'}),
    (foreign_circles, "only files of one family include each other",
     {"a.c": '#include "b.h"\n', "a.h": "", "b.c": '#include "a.h"\n', "b.h": ""}),
    (upward, "a file includes those of folders that its own may use", {"core/a.c": '#include "serve/server.h"\n'}),
    (wrong_guard, "a header is guarded by its folder and name", {"base/a.h": "\n#ifndef PREFLIGHTD_A_H\n"}),
    (own_use_only, "what a header declares another file calls",
     {"a.h": "int a_f(void);\n", "a.c": "int\na_f(void)\n{\n}\n"}),
]


def main():
    files = tree()
    for rule, what, broken in RULES:
        found = rule(files)
        tap.ok(not found, what, "\n".join(map(str, found)))
        tap.ok(rule(broken), what + ": one that does is found")
    tap.ok(len(MAY_USE) > 10 and not NOT_BELOW, "the folders of src/README.md use those above them in its table",
           "\n".join(NOT_BELOW))
    tap.done()


main()
