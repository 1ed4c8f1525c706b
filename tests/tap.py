"""TAP for the test scripts: one line per case, numbered, and an exit status.

A script calls ok() or is_equal() for each case and ends with done(). A missing
tool skips the rest, or fails it where CI is set.
"""

import os
import sys

_count = 0
_failed = 0


def _line(passed, description, tail=""):
    global _count, _failed
    _count += 1
    if not passed:
        _failed += 1
    text = description.replace("#", "\\#").replace("\n", " ")
    print(f"{'ok' if passed else 'not ok'} {_count} - {text}{tail}", flush=True)


def note(text):
    """Prints a comment into the log."""
    for line in str(text).splitlines() or [""]:
        print("# " + line.encode("ascii", "backslashreplace").decode(), flush=True)


def ok(passed, description, detail=""):
    """One case. detail is printed where it failed. Returns passed."""
    _line(bool(passed), description)
    if not passed and detail != "":
        note(detail)
    return bool(passed)


def is_equal(got, wanted, description):
    """One case: got equals wanted, both shown where they differ."""
    return ok(got == wanted, description, f"got    {got!r}\nwanted {wanted!r}")


def skip(description, why):
    """One case that cannot be tried here; a failure where CI is set."""
    if os.environ.get("CI"):
        return ok(False, description, f"{why}, and CI is set")
    _line(True, description, f" # SKIP {why}")
    return True


def omit(description, why):
    """One case that is about another place than this: not for root, say. No
    failure anywhere."""
    _line(True, description, f" # SKIP {why}")


def done():
    """Prints the plan and ends the program."""
    print(f"1..{_count}", flush=True)
    sys.exit(1 if _failed else 0)


def skip_all(why):
    """Ends the program because a tool is missing."""
    skip("everything here", why)
    done()
