"""The documents' pictures are of this program: that of explain is what it prints
now, and the status page still has what is seen in the other.
"""

import os
import re
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[1:1] = [os.path.join(TOP, "tests", name)
                 for name in ("server", "proto", "")]

import explain  # noqa: E402
import harness  # noqa: E402
import pages  # noqa: E402
import readme  # noqa: E402
import tap  # noqa: E402

MAKE = "run scripts/pictures, look at what it made, and commit it"
LARGEST = 100_000  # bytes
SHOWN = {
    pages.status: ("Requests by policy and reason", "allowed 335", "origin 31",
                   "method 5", "header 14", "Top refused",
                   "https://app.example.com:8443",
                   "policy has https://app.example.com, got "
                   "https://app.example.com:8443: other port",
                   "https://apps.example.com"),
}


def picture(name):
    with open(os.path.join(TOP, "etc", "pictures", name), "rb") as f:
        return f.read()


def check_named():
    """The documents have those that there are."""
    named = set(re.findall(r"\bpictures/([\w.]+)", readme.read()
                           + readme.read("etc/README.md")))
    tap.is_equal(named, set(os.listdir(os.path.join(TOP, "etc", "pictures"))),
                 "README.md or etc/README.md shows every picture")


def check_explain():
    made = explain.picture()
    tap.ok(picture("explain.svg").decode() == made,
           "the picture of explain is what explain prints", f"{MAKE}\n{made}")


def check_file(page):
    data = picture(page.__name__ + ".png")
    size = tuple(int.from_bytes(data[at:at + 4], "big") for at in (16, 20))
    tap.ok(data.startswith(b"\x89PNG\r\n\x1a\n") and len(data) < LARGEST
           and size == (pages.WIDTH, pages.HEIGHT),
           f"the picture of the {page.__name__} page is small and of its size",
           f"{len(data)} bytes, {size}: {MAKE}")


def check_page(page):
    """What the picture shows is still on the page, where it is seen."""
    seen = {}

    def look(browser):
        for text in SHOWN[page]:
            seen[text] = browser.evaluate(pages.is_seen(text))
    with harness.Stage() as stage:
        page(stage, look)
    for text in SHOWN[page]:
        tap.ok(seen[text], f"the {page.__name__} page shows: {text}", MAKE)


check_named()
check_explain()
missing = harness.find("nginx", "spawn-fcgi", "chromium")
for each in SHOWN:
    check_file(each)
    if missing:
        tap.skip(f"the {each.__name__} page", f"{', '.join(missing)} missing")
    else:
        check_page(each)
tap.done()
