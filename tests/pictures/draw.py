"""Makes the documents' pictures anew: scripts/pictures runs this. $PREFLIGHTD names
the program.
"""

import os
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[1:1] = [os.path.join(TOP, "tests", name)
                 for name in ("server", "proto", "")]

import explain  # noqa: E402
import harness  # noqa: E402
import pages  # noqa: E402

FOLDER = os.path.join(TOP, "etc", "pictures")


def main():
    with open(os.path.join(FOLDER, "explain.svg"), "w", encoding="utf-8") as f:
        f.write(explain.picture())
    for page in (pages.status,):
        with harness.Stage() as stage:
            page(stage, lambda browser, name=page.__name__: browser.screenshot(
                os.path.join(FOLDER, name + ".png"), whole=False))
    for name in sorted(os.listdir(FOLDER)):
        size = os.path.getsize(os.path.join(FOLDER, name))
        print(f"etc/pictures/{name}: {size} bytes")


main()
