"""README.md's picture of explain: its policy, and a header too many."""

import os
import re
import tempfile

import harness
import readme
import terminal

COMMAND = [
    "preflightd explain -p policy.ini --origin https://app.example.com -X PUT \\",
    "    -H 'X-API-Key: k' https://api.example.com/items"]
ARGUMENTS = ["explain", "-p", "policy.ini", "--origin",
             "https://app.example.com", "-X", "PUT", "-H", "X-API-Key: k",
             "https://api.example.com/items"]
TITLE = ("preflightd explain: the browser blocks the request, and what to write "
         "on which line of the policy")
# The sections that are shown, and the line that ends what is shown of each.
SHOWN = (("POLICY", ""), ("BROWSER", "blocked"), ("FIX", ""))


def shortened(text):
    """The lines of the sections that are shown; '...' for what is not."""
    lines = []
    for section in re.split(r"\n\n(?=\033\[1m)", text.rstrip("\n")):
        title = re.match(r"\033\[1m(.*?)\033", section)[1]
        end = dict(SHOWN).get(title)
        if end is None:
            lines += ["..."] if lines[-1:] != ["..."] else []
            continue
        for line in section.split("\n"):
            lines.append(line)
            if end and end in line:
                lines.append("...")
                break
    return lines


def picture():
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "policy.ini"), "w",
                  encoding="utf-8") as f:
            f.write(readme.policy())
        text = terminal.printed([harness.PREFLIGHTD, *ARGUMENTS], folder)
    return terminal.svg(COMMAND, shortened(text), TITLE)
