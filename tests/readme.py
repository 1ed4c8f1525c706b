"""The documents as the tests read them: sections, blocks and commands, in their
order, of the pages in Markdown and of the manual.
"""

import dataclasses
import glob
import os
import re

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# In the order in which a reader comes to them.
PAGES = ("README.md", "etc/README.md", ".github/CONTRIBUTING.md",
         "tests/README.md", "src/README.md", ".github/SECURITY.md")
ESCAPES = (("\\-", "-"), ("\\(aq", "'"), ("\\(oq", "\u2018"),
           ("\\(cq", "\u2019"), ("\\(lq", "\u201c"), ("\\(rq", "\u201d"),
           ("\\(dq", '"'), ("\\&", ""), ("\\e", "\\"))


@dataclasses.dataclass
class Block:
    """A fenced block, or an indented one, whose language is "indented"."""
    section: str  # the headings above it, of the second and third level
    part: str
    before: str  # the paragraph above it
    language: str
    body: str

    def commands(self):
        """What is typed, as (command, what is shown below it)."""
        if self.language == "indented":
            return [(line, "") for line in self.body.splitlines()]
        return [] if self.language else typed(self.body)


def typed(body):
    """The commands behind '$ ' or '# ', as (command, what is shown below)."""
    if not re.match(r"[$#] ", body):
        return []
    found = re.findall(r"^[$#] ((?:.*\\\n)*.*)\n((?:(?![$#] ).*\n)*)", body,
                       re.M)
    return [(re.sub(r"\s*\\\n\s*", " ", command), shown)
            for command, shown in found]


def read(name="README.md"):
    with open(os.path.join(TOP, name), encoding="utf-8") as f:
        return f.read()


def fenced(text):
    """The fenced blocks of a text as (language, content)."""
    found = re.findall(r"^( *)```(\w*)\n(.*?)^\1```$", text, re.M | re.S)
    return [(language, re.sub("^" + indent, "", body, flags=re.M))
            for indent, language, body in found]


def blocks(text):
    """Every Block, in order."""
    section = part = ""
    for piece in re.finditer(
            r"^## (?P<section>[^\n]*)$|^### (?P<part>[^\n]*)$|"
            r"(?P<fence>^(?P<indent> *)```\w*\n.*?^(?P=indent)```$)|"
            r"(?<=\n\n)(?P<indented>(?:    \S[^\n]*\n)+)", text, re.M | re.S):
        if piece["section"]:
            section, part = piece["section"], ""
        elif piece["part"]:
            part = piece["part"]
        else:
            before = text[:piece.start()].rstrip().rpartition("\n\n")[2]
            language, body = ("indented", re.sub("^    ", "", piece["indented"],
                                                 flags=re.M)) \
                if piece["indented"] else fenced(piece["fence"])[0]
            yield Block(section, part, before, language, body)


def policy():
    """The policy of README.md, the only one."""
    return next(block.body for block in blocks(read())
                if block.language == "ini")


def section(text, title):
    """What is below a heading, up to the next of its kind."""
    return re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", text, re.M | re.S)[1]


def manual():
    """The names of the manual's pages."""
    return sorted(os.path.relpath(name, TOP) for name in
                  glob.glob(os.path.join(TOP, "src/man/*.[1-8]")))


def unescaped(text):
    for escape, shown in ESCAPES:
        text = text.replace(escape, shown)
    return text


def displays(text):
    """The literal displays of a manual page, or of a part, as they are shown."""
    return [unescaped(display or line + "\n") for display, line in re.findall(
        r"^\.Bd -literal.*?\n(.*?)^\.Ed$|^\.Dl ([^\n]*)$", text, re.M | re.S)]


def is_shortened(shown, real):
    """Whether shown is real with lines left out where it has '...'."""
    parts = ("\n" + shown).split("\n...")
    parts = [part.removeprefix("\n").splitlines() for part in parts]
    lines, at = real.splitlines(), 0
    for number, part in enumerate(parts):
        free = range(at, len(lines) + 1) if number > 0 else [0]
        if number > 0 and number == len(parts) - 1 and part:
            free = [len(lines) - len(part)]
        at = next((i + len(part) for i in free
                   if i >= at and lines[i:i + len(part)] == part), None)
        if at is None:
            return False
    return at == len(lines) or parts[-1] == []
