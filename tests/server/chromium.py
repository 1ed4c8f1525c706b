"""Headless Chromium, driven over its debugging pipe: one page at a time."""

import base64
import json
import os
import select
import signal
import subprocess
import sys
import time

import harness

OPTIONS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
           "--no-first-run", "--disable-component-update",
           "--disable-background-networking", "--disable-sync",
           "--disable-dev-shm-usage", "--no-proxy-server",
           "--remote-debugging-pipe"]
# Runs a program with its pipes as file descriptors 3 and 4, where it wants them.
AS_3_AND_4 = """import fcntl, os, sys
pipes = [fcntl.fcntl(int(fd), fcntl.F_DUPFD, 10) for fd in sys.argv[1:3]]
os.dup2(pipes[0], 3)
os.dup2(pipes[1], 4)
os.execvp(sys.argv[3], sys.argv[3:])"""
PATIENCE = 60.0  # seconds for an answer; a loaded machine starts it slowly


class Chromium:
    """A context manager; everything that it keeps is in the stage's folder.
    options are more of Chromium's own."""

    def __init__(self, stage, *options):
        commands, self._commands = os.pipe()
        self._answers, answers = os.pipe()
        self._log = open(stage.path("chromium.log"), "wb")
        self._process = subprocess.Popen(
            [sys.executable, "-c", AS_3_AND_4, str(commands), str(answers),
             "chromium", *OPTIONS, *options,
             "--user-data-dir=" + stage.path("profile"), "about:blank"],
            pass_fds=(commands, answers), stdin=subprocess.DEVNULL,
            stdout=self._log, stderr=self._log, start_new_session=True,
            env={**os.environ, "HOME": stage.folder})
        os.close(commands)
        os.close(answers)
        self._buffer = b""
        self._number = 0
        self._session = None
        self.console = []  # the texts of the page's console

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self._session = None
            self._call("Browser.close")
            self._process.wait(harness.DEADLINE)
        except (OSError, RuntimeError, subprocess.TimeoutExpired):
            self._kill()
        os.close(self._commands)
        os.close(self._answers)
        self._log.close()

    def _kill(self):
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._process.wait()

    def _message(self, end):
        """The next message from the browser."""
        while b"\0" not in self._buffer:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self._answers], [], [], left)[0]:
                raise TimeoutError("Chromium says nothing")
            got = os.read(self._answers, 65536)
            if not got:
                raise RuntimeError("Chromium ended")
            self._buffer += got
        message, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(message)

    def _call(self, method, **params):
        """Sends a command and returns its result."""
        self._number += 1
        command = {"id": self._number, "method": method, "params": params}
        if self._session:
            command["sessionId"] = self._session
        os.write(self._commands, json.dumps(command).encode() + b"\0")
        end = time.monotonic() + PATIENCE
        while True:
            message = self._message(end)
            if message.get("method") == "Log.entryAdded":
                self.console.append(message["params"]["entry"]["text"])
            if message.get("id") == self._number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                return message["result"]

    def open(self, url, width=400, height=900):
        """Opens a page on a screen of that size and waits until it is there."""
        target = self._call("Target.createTarget",
                            url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target,
                                   flatten=True)["sessionId"]
        self._call("Emulation.setDeviceMetricsOverride", width=width,
                   height=height, deviceScaleFactor=1, mobile=width < 600)
        self._call("Log.enable")
        self._call("Page.enable")
        self._call("Page.navigate", url=url)
        harness.wait_until(
            lambda: self.evaluate(f"location.href === {json.dumps(url)} && "
                                  "document.readyState === 'complete'"), url)

    def evaluate(self, script):
        """The value of an expression in the page; of a promise, what it comes
        to."""
        got = self._call("Runtime.evaluate", expression=script,
                         awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in got:
            raise RuntimeError(got["exceptionDetails"])
        return got["result"].get("value")

    def cookie(self, name, value, url):
        """Sets a cookie of a URL's host, for all ports and paths."""
        self._call("Network.setCookie", name=name, value=value, url=url)

    def dark(self, on):
        scheme = {"name": "prefers-color-scheme",
                  "value": "dark" if on else "light"}
        self._call("Emulation.setEmulatedMedia", features=[scheme])

    def screenshot(self, path, whole=True):
        """Writes a PNG of the whole page, or of what the screen shows."""
        got = self._call("Page.captureScreenshot", captureBeyondViewport=whole)
        with open(path, "wb") as f:
            f.write(base64.b64decode(got["data"]))
