"""etc/README.md's table of what each server can do, and what export says of it."""

import os
import re
import subprocess

import harness
import tap

# Whether export can do --open, and --closed.
ASKED = {(True, True): "open or closed", (False, True): "closed",
         (True, False): "open", (False, False): "no"}


def cells(kind):
    """The column of a server, by what stands before the row."""
    with open(os.path.join(harness.TOP, "etc", "README.md"), encoding="utf-8") as f:
        part = re.search(r"^### What each server can do\n(.*?)^##", f.read(),
                         re.M | re.S)[1]
    rows = [[cell.strip() for cell in line.strip("|\n").split(" |")]
            for line in re.findall(r"^\|.*\|$", part, re.M)]
    column = rows[0].index(kind.title)
    return {row[0].strip("`"): row[column] for row in rows[2:]}


def says(kind, row, wanted):
    tap.is_equal(cells(kind)[row], wanted,
                 f"etc/README.md's table, {kind.name}: {row}")


def export_status(kind, policy, *options):
    with harness.Stage() as stage:
        return subprocess.run(
            [harness.PREFLIGHTD, "export", kind.name, "-p", policy, *options,
             "-o", stage.path("all")],
            stdin=subprocess.DEVNULL, capture_output=True,
            check=False).returncode


def exported(kind, policy):
    """What can be exported at all."""
    if not kind.parts:
        tap.is_equal(export_status(kind, policy), 2,
                     f"etc/README.md's table, {kind.name}: nothing is exported")
        return
    static = export_status(kind, policy, "--actual", "static")
    asked = tuple(export_status(kind, policy, "--actual", "ask", how) == 0
                  for how in ("--open", "--closed"))
    tap.ok(static == 0 and cells(kind)["--actual static"] in (
        "yes", "with Lua"), f"etc/README.md's table, {kind.name}: --actual static")
    says(kind, "--actual ask", ASKED[asked])


def connections(process):
    """How many sockets a process has open."""
    folder, count = f"/proc/{process.pid}/fd", 0
    for fd in os.listdir(folder):
        try:
            count += os.readlink(f"{folder}/{fd}").startswith("socket:")
        except FileNotFoundError:
            pass
    return count


def kept(kind, process, before):
    """Whether the server keeps its connections, after some preflights: more
    sockets than before are open, and stay so, or come to be closed."""
    wanted = cells(kind)["kept connections to preflightd"]
    if wanted == "no":
        try:
            harness.wait_until(lambda: connections(process) <= before, "none")
        except TimeoutError:
            pass
    got = "yes" if connections(process) > before else "no"
    says(kind, "kept connections to preflightd", got)
