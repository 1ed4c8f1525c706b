"""The cases through nginx, with the fragments of etc/ as they are installed;
the socket's path is all that is changed in them.
"""

import os
import re

import cases
import harness
import tap

SOCKET = "unix:/run/preflightd/preflightd.sock"


def fragments(stage, backend, kept):
    """Writes the two fragments into the stage."""
    for name in ("http.conf", "server.conf"):
        with open(os.path.join(harness.TOP, "etc", "nginx", name),
                  encoding="utf-8") as f:
            text = f.read()
        text = text.replace(SOCKET, backend)
        if not kept:
            text = text.replace("\tkeepalive 64;", "\t#")
            text = text.replace("fastcgi_keep_conn on", "fastcgi_keep_conn off")
        stage.write(name, text)


def server(stage, names, extra="", location="proxy_pass http://application;"):
    return f"""
	server {{
		listen unix:{stage.path('http.sock')};
		server_name {names};
		{extra}
		location / {{
			{location}
		}}
	}}"""


def configuration(stage, application):
    include = "include server.conf;"
    auth = 'auth_basic "test"; auth_basic_user_file passwords;'
    named = "fastcgi_param CORS_POLICY admin;"
    everything = """fastcgi_pass preflightd; fastcgi_keep_conn on;
			fastcgi_param REQUEST_METHOD $request_method;
			fastcgi_param REQUEST_URI $request_uri;"""
    with open(stage.path("server.conf"), encoding="utf-8") as f:
        stage.write("named.conf", f.read().replace(
            "fastcgi_pass preflightd;", "fastcgi_pass preflightd; " + named))
    stage.write("passwords", "u:{PLAIN}p\n")
    return f"""
	add_header X-Inherited "must not be on a preflight" always;
	upstream application {{ server unix:{application}; }}
	include http.conf;
	{server(stage, "_", include)}
	{server(stage, "auth.example.com", include + auth)}
	{server(stage, "named.example.com", "include named.conf;")}
	{server(stage, "everything.example.com", "", everything)}"""


def start(stage, backend, kept):
    application = stage.start_application()
    fragments(stage, backend, kept)
    address = stage.path("http.sock")
    stage.start_nginx(configuration(stage, application), address)
    return address


def unix(stage):
    return stage.path("preflightd.sock")


def tcp(_):
    return ("127.0.0.1", harness.free_port())


def variant(name, address_of, spawner, kept):
    """All cases with one way to reach preflightd."""
    with harness.Stage() as stage:
        backend = address_of(stage)
        stage.start_preflightd(backend, cases.POLICY, spawner)
        text = (f"unix:{backend}" if isinstance(backend, str)
                else f"{backend[0]}:{backend[1]}")
        address = start(stage, text, kept)
        cases.run("nginx", name, address)
        cases.inherited(address)


def outage():
    """preflightd restarted, gone, and back."""
    with harness.Stage() as stage:
        backend = unix(stage)
        daemon = stage.start_preflightd(backend, cases.POLICY)
        address = start(stage, f"unix:{backend}", True)
        cases.is_answered(cases.ask(address), "preflightd up")
        tap.is_equal(stage.stop(daemon), 0, "preflightd ends with 0")
        daemon = stage.start_preflightd(backend, cases.POLICY)
        cases.is_answered(cases.ask(address), "preflightd restarted: the "
                          "connection that nginx kept is made anew")
        stage.stop(daemon)
        answer = cases.ask(address)
        tap.ok(answer.status == 502 and not answer.cors(),
               "preflightd down: 502 without CORS headers", str(answer))
        answer = harness.request(address, "GET /x", [
            ("Host", "api.example.com"), ("Origin", cases.APP)])
        tap.ok(answer.values("x-application"),
               "preflightd down: actual requests go on", str(answer))
        stage.start_preflightd(backend, cases.POLICY)
        # With a single server nginx asks again at once.
        cases.is_answered(cases.ask(address), "preflightd back: answers at once")


missing = harness.find("nginx", "spawn-fcgi", "multiwatch")
if missing:
    tap.skip_all(f"{', '.join(missing)} missing")
variant("nginx, unix socket, kept", unix, "spawn-fcgi", True)
variant("nginx, unix socket, not kept", unix, "multiwatch", False)
variant("nginx, TCP, kept", tcp, "multiwatch", True)
variant("nginx, TCP, not kept", tcp, "spawn-fcgi", False)
outage()
tap.done()
