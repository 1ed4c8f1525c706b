"""What the program can say, as a list: tests/cli/messages.txt has the texts, and
the names with hyphens (findings, reasons, log events), that stand in string
literals of src/, by folder. A change of one shows there. After reading it:

    python3 tests/cli/messages.py --write

or `make messages` renews the list.
"""

import difflib
import glob
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path[1:1] = [os.path.join(TOP, "tests")]
import tap  # noqa: E402

LIST = os.path.join(HERE, "messages.txt")
TOKEN = re.compile(r'(?P<skip>/\*.*?\*/|//[^\n]*|^#include[^\n]*|\'(?:\\.|[^\'\\])+\''
                   r'|\\\n|\s+)|"(?P<text>(?:\\.|[^"\\])*)"|(?P<name>\w+)|.',
                   re.M | re.S)
NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)+")
WORDS = re.compile(r"[A-Za-z']{2,}[,:;]? [A-Za-z'%(-]")
# Configurations and pages that the program writes are no messages.
CODE = re.compile(r"[{}<>$=]|\\t")


def literals(source):
    """The string literals of C, those side by side as one; a macro of capitals
    between two of them as its name."""
    parts, macro = [], ""
    for token in TOKEN.finditer(source):
        if token["skip"]:
            continue
        if token["text"] is not None:
            parts += [macro, token["text"]]
            macro = ""
        elif parts and not macro and token["name"] and token["name"].isupper():
            macro = token["name"]
        else:
            if parts:
                yield "".join(parts)
            parts, macro = [], ""
    if parts:
        yield "".join(parts)


def is_message(folder, text):
    if folder in ("export", "status") and CODE.search(text):
        return False
    return bool(NAME.fullmatch(text) or WORDS.search(text))


def messages():
    lines = []
    for folder in sorted(os.listdir(os.path.join(TOP, "src"))):
        found = set()
        for path in glob.glob(os.path.join(TOP, "src", folder, "*.[ch]")):
            with open(path, encoding="utf-8") as f:
                found |= {text.strip() for text in literals(f.read())
                          if is_message(folder, text)}
        if found:
            names = {text for text in found if NAME.fullmatch(text)}
            lines += [f"## {folder}", *sorted(names), *sorted(found - names), ""]
    return "\n".join(lines)


def main():
    now = messages()
    if sys.argv[1:] == ["--write"]:
        with open(LIST, "w", encoding="utf-8") as f:
            f.write(now)
        return
    tap.is_equal(list(literals('f("a b" /* "c" */\n "d", X, "e" FMT "f", \'"\')')),
                 ["a bd", "eFMTf"], "literals side by side are one")
    with open(LIST, encoding="utf-8") as f:
        before = f.read()
    changes = "\n".join(difflib.unified_diff(
        before.split("\n"), now.split("\n"), "messages.txt", "src", "", "", 0, ""))
    tap.ok(before == now, "tests/cli/messages.txt has what the program says",
           f"{changes}\nread the changes; `make messages` renews the list")
    tap.done()


main()
