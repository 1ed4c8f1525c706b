"""What a program prints to a terminal, as an SVG: text on a grid of its own
colours, which reads on light and dark pages and needs no fonts but the
reader's.
"""

import os
import re
import subprocess
from xml.sax.saxutils import escape

COLUMN, LINE, PAD = 8.4, 20, 16  # in px; the font's size is 14
BACK, EDGE, INK = "#161b22", "#3d444d", "#e6edf3"
# By the numbers of the terminal's SGR sequences.
LOOKS = {"1": 'font-weight="bold"', "31": 'fill="#ff7b72"',
         "32": 'fill="#7ee787"'}
PROMPT = 'fill="#9198a1"'
FONTS = ("ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', "
         "'Liberation Mono', monospace")


def printed(argv, folder):
    """What a program writes to a terminal, with its sequences."""
    ours, its = os.openpty()
    with subprocess.Popen(argv, cwd=folder, stdin=subprocess.DEVNULL,
                          stdout=its, stderr=its,
                          env={**os.environ, "NO_COLOR": "", "TERM": "xterm"}):
        os.close(its)
        text = b""
        try:
            while chunk := os.read(ours, 4096):
                text += chunk
        except OSError:
            pass  # EIO: the other side is closed
    os.close(ours)
    return text.decode().replace("\r\n", "\n")


def runs(line):
    """A line's pieces as (look, text), by its SGR sequences."""
    look, pieces = "", []
    for text, number in re.findall(r"([^\033]*)(?:\033\[(\d+)m)?", line):
        if text:
            pieces.append((look, text))
        if number:
            look = LOOKS.get(number, "")
    return pieces


def kept(text):
    """Text whose runs of spaces are kept by whoever draws it."""
    return escape(re.sub("  +", lambda run: "\u00a0" * len(run[0]), text))


def drawn(number, pieces):
    """A line as an element. Its length is given, so that it is the same in
    every font."""
    text = "".join(text for _, text in pieces)
    indent = len(text) - len(text.lstrip())
    if not text.strip():
        return ""
    spans = "".join(
        f"<tspan {look}>{kept(piece)}</tspan>" if look else kept(piece)
        for look, piece in [(pieces[0][0], pieces[0][1].lstrip()), *pieces[1:]])
    return (f'<text x="{PAD + indent * COLUMN:g}" y="{PAD + 15 + number * LINE}"'
            f' textLength="{(len(text) - indent) * COLUMN:g}">{spans}</text>\n')


def svg(command, lines, title):
    """The picture of a command, its lines as they are typed, and of lines that
    it printed. title is what it says to those who do not see it."""
    typed = [[(PROMPT, "$ "), ("", command[0])],
             *([("", line)] for line in command[1:])]
    everything = typed + [runs(line) for line in lines]
    columns = max(len("".join(t for _, t in line)) for line in everything)
    width, height = 2 * PAD + columns * COLUMN, 2 * PAD + len(everything) * LINE
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" '
            f'height="{height}" viewBox="0 0 {width:g} {height}" role="img">\n'
            f"<title>{escape(title)}</title>\n"
            f'<rect x=".5" y=".5" width="{width - 1:g}" height="{height - 1}" '
            f'rx="8" fill="{BACK}" stroke="{EDGE}"/>\n'
            f'<g font-family="{FONTS}" font-size="14" fill="{INK}">\n'
            + "".join(drawn(n, line) for n, line in enumerate(everything))
            + "</g>\n</svg>\n")
