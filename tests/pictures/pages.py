"""etc/README.md's picture of the status page, in a real browser, after a morning of
preflights.
"""

import json
import os
import types

import chromium
import fcgi
import harness
import readme

WIDTH, HEIGHT = 600, 505
TO_TOP = """document.querySelector("%s").scrollIntoView(),
    scrollBy(0, -12)"""
PATH = "/preflightd/status"
APP = "https://app.example.com"
# How many preflights the status page has seen, from where and for what.
SEEN = ((240, APP, "PUT", "content-type"), (31, APP, "DELETE", ""),
        (64, "https://berlin.apps.example.com", "PUT", "content-type"),
        (22, "https://app.example.com:8443", "PUT", "content-type"),
        (9, "https://apps.example.com", "PUT", "content-type"),
        (14, APP, "PUT", "content-type,x-api-key"), (5, APP, "PATCH", ""))


def is_seen(text):
    """A script: whether the screen shows an element of this text, from where
    the page was scrolled to."""
    return """[...document.querySelectorAll("body *")].some((e) => {
        const box = e.getBoundingClientRect();
        return e.innerText && e.innerText.includes(%s) && box.top >= -1 &&
            box.top < innerHeight && box.height > 0;
    })""" % json.dumps(text)


def nginx(stage, backend):
    """Starts an nginx that delegates the status page; returns its URL."""
    address = ("127.0.0.1", harness.free_port())
    stage.start_nginx(f"""
	server {{
		listen 127.0.0.1:{address[1]};
		location = {PATH} {{
			fastcgi_pass unix:{backend};
			fastcgi_param REQUEST_METHOD $request_method;
			fastcgi_param REQUEST_URI $request_uri;
			fastcgi_param QUERY_STRING $query_string;
		}}
	}}""", address)
    return "http://%s:%d%s?html" % (*address, PATH)


def preflights(backend):
    """Asks for all that SEEN says."""
    place = types.SimpleNamespace(tcp=None, path=backend)
    with fcgi.Client(place) as client:
        for times, origin, method, headers in SEEN:
            for _ in range(times):
                client.ask(fcgi.preflight(
                    HTTP_ORIGIN=origin,
                    HTTP_ACCESS_CONTROL_REQUEST_METHOD=method,
                    HTTP_ACCESS_CONTROL_REQUEST_HEADERS=headers))


def status(stage, look):
    """Opens the status page of a preflightd that has answered what SEEN says
    and calls look(browser)."""
    backend = stage.path("preflightd.sock")
    stage.write("policy.ini", readme.policy())
    stage.start("preflightd", [
        "env", "--chdir=" + stage.folder, os.path.abspath(harness.PREFLIGHTD),
        "serve", "-p", "policy.ini", "-l", "unix:" + backend, "--status-path",
        PATH], backend)
    preflights(backend)
    with chromium.Chromium(stage, "--hide-scrollbars") as browser:
        browser.open(nginx(stage, backend), WIDTH, HEIGHT)
        browser.evaluate(TO_TOP % "section:has(.chips)")
        look(browser)
