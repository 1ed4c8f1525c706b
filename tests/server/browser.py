"""The demo in a real browser: headless Chromium runs the page's cases and must
come to what the policy says.  Also the demo on the terminal, and that it
leaves nothing behind.
"""

import os
import re
import signal
import subprocess
import sys

import chromium
import harness
import tap

DEMO = os.path.join(harness.TOP, "etc", "demo", "demo.py")
WANTED = {"simple": "read", "allowed": "read", "method": "blocked",
          "header": "blocked", "origin": "blocked"}
CONSOLE = ("Method PURGE is not allowed by Access-Control-Allow-Methods",
           "field x-not-allowed is not allowed by Access-Control-Allow-Headers")
RESULTS = """Object.fromEntries([...document.querySelectorAll("[data-case]")]
    .map((e) => [e.dataset.case, [e.dataset.result, e.dataset.status]]))"""


def demo(stage, *options):
    """Starts the demo with its temporary folder in the stage."""
    os.makedirs(stage.path("tmp"), exist_ok=True)
    return subprocess.Popen(
        [sys.executable, "-B", DEMO, *options], text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, start_new_session=True,
        env={**os.environ, "PREFLIGHTD": harness.PREFLIGHTD,
             "TMPDIR": stage.path("tmp")})


def address(process):
    """Reads the demo's output up to the page's address."""
    for line in process.stdout:
        found = re.match(r"Demo page: (http://\S+)", line)
        if found:
            return found[1]
    raise RuntimeError(f"the demo ended with {process.wait()}")


def end(process, stage, number):
    process.send_signal(number)
    output, _ = process.communicate(timeout=harness.DEADLINE)
    left = os.listdir(stage.path("tmp"))
    tap.ok(process.returncode == 0 and not left,
           f"the demo ends by {number.name} and leaves nothing behind",
           f"{process.returncode} {left} {output}")


def on_terminal():
    with harness.Stage() as stage:
        process = demo(stage, "--once")
        output, _ = process.communicate(timeout=60)
        tap.ok(process.returncode == 0
               and "Every answer was as expected." in output,
               "the demo on the terminal shows what it should", output)
        for shown in ("blocked: the origin", "blocked: the method",
                      "blocked: the header", "the browser sends the actual",
                      "the page may read the answer"):
            tap.ok(shown in output, f"... it shows: {shown}", output)
        tap.is_equal(os.listdir(stage.path("tmp")), [],
                     "... and leaves nothing behind")


def interrupted():
    """A Ctrl-C while the preflights are being shown."""
    with harness.Stage() as stage:
        process = demo(stage)
        address(process)
        end(process, stage, signal.SIGINT)


def run_page(stage, browser, page):
    browser.open(page)
    browser.evaluate("runAll()")
    tap.is_equal(browser.evaluate("document.documentElement.dataset.state"),
                 "done", "the page ran all its cases")
    got = browser.evaluate(RESULTS)
    tap.is_equal({case: result for case, (result, _) in got.items()}, WANTED,
                 "Chromium sends and blocks what the policy says")
    tap.is_equal(got.get("allowed"), ["read", "200"],
                 "the page could read the application's answer")
    shown = browser.evaluate(
        "document.querySelector('[data-case=allowed] output').textContent")
    tap.ok("X-Request-ID: " in shown, "... and the header that is exposed",
           shown)
    for text in CONSOLE:
        tap.ok(any(text in line for line in browser.console),
               f"the console says: {text}", "\n".join(browser.console))
    picture = os.environ.get("DEMO_SCREENSHOT", stage.path("demo.png"))
    browser.screenshot(picture)
    with open(picture, "rb") as f:
        start = f.read(24)
    tap.ok(start[:8] == b"\x89PNG\r\n\x1a\n" and
           int.from_bytes(start[16:20], "big") >= 400,
           "a screenshot of the page", start)
    tap.ok(browser.evaluate("document.documentElement.scrollWidth"
                            " <= window.innerWidth"),
           "the page fits on a narrow screen")


def in_browser():
    with harness.Stage() as stage:
        process = demo(stage, "--serve")
        try:
            page = address(process)
            with chromium.Chromium(stage) as browser:
                run_page(stage, browser, page)
        finally:
            end(process, stage, signal.SIGTERM)


missing = harness.find("nginx", "spawn-fcgi", "curl", "chromium")
if missing:
    tap.skip_all(f"{', '.join(missing)} missing")
on_terminal()
interrupted()
in_browser()
tap.done()
