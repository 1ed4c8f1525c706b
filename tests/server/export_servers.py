"""The servers of the export tests: each loads the exported parts as they are
into a configuration of its own, with three addresses: plain, with basic
authentication in front, and with an application that is down.
"""

import os
import socketserver
import threading
import urllib.parse

import harness

USER = os.geteuid() == 0


class Application(harness._Application):
    """Answers with the status of the query; with `own` in it also with CORS
    headers of its own."""

    def _answer(self):
        query = urllib.parse.parse_qs(
            urllib.parse.urlsplit(self.path).query, keep_blank_values=True)
        length = int(self.headers.get("Content-Length") or 0)
        body = self.command.encode() + b" " + self.rfile.read(length)
        self.send_response(int(query.get("status", ["200"])[0]))
        self.send_header("X-Application", "reached")
        if "own" in query:
            self.send_header("Access-Control-Allow-Origin", "*")
            self.send_header("Access-Control-Allow-Origin", "https://x.example")
            self.send_header("Access-Control-Allow-Credentials", "false")
            self.send_header("Access-Control-Expose-Headers", "X-Other")
            self.send_header("Vary", "Accept-Encoding")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = _answer


class _TcpServer(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True
    request_queue_size = 64


def start_application(stage):
    """Starts the application; returns its (host, port)."""
    application = _TcpServer(("127.0.0.1", 0), Application)
    stage._applications.append(application)
    threading.Thread(target=application.serve_forever,
                     kwargs={"poll_interval": 0.05}, daemon=True).start()
    return application.server_address


class Server:
    """A running server. plain, auth and gone are addresses."""
    name = program = ""
    parts = ()
    variants = ()
    down = 502  # the server's status where the application is down

    def __init__(self, stage, parts, options):
        self.ask = "ask" in options
        self.closed = "--closed" in options
        # 401 and 502 may come before the question
        self.asks_late = self.ask
        self.plain, self.auth, self.gone = (
            ("127.0.0.1", harness.free_port()) for _ in range(3))
        self.application = start_application(stage)
        self.nothing = ("127.0.0.1", harness.free_port())
        self.start(stage, parts)

    def start(self, stage, parts):
        raise NotImplementedError

    def may_refuse(self, host, path, origin):
        """Whether the server may answer 400 by itself."""
        del origin
        return len(host) > 200 or "%0a" in path or "%7f" in path or \
            "%1f" in path

    def is_stricter(self, host, path):
        """Whether it may leave out what the policy allows."""
        del host, path
        return False

    def status(self, path):
        """The status of the application's answers."""
        del path
        return 200


def place(address):
    return f"{address[0]}:{address[1]}"


class Nginx(Server):
    name = program = "nginx"
    parts = ("http", "server", "headers")
    variants = ((False, ()), (True, ()), (False, ("--actual", "ask")),
                (True, ("--actual", "ask", "--closed")))

    def server(self, address, application, extra=""):
        return f"""
	server {{
		listen {place(address)};
		server_name _;
		include export-server;
		include export-headers;
		{extra}
		location / {{ proxy_pass http://{place(application)}; }}
	}}"""

    def start(self, stage, parts):
        stage.write("passwords", "u:{PLAIN}p\n")
        temporary = "\n\t".join(
            f"{kind}_temp_path {stage.path(kind)};"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        auth = 'auth_basic "test"; auth_basic_user_file passwords;'
        conf = stage.write("nginx.conf", f"""{"user root;" if USER else ""}
worker_processes 1;
daemon off;
pid {stage.path('nginx.pid')};
events {{ worker_connections 64; }}
http {{
	access_log off;
	add_header X-Inherited "must not be on a preflight" always;
	{temporary}
	include export-http;
	{self.server(self.plain, self.application)}
	{self.server(self.auth, self.application, auth)}
	{self.server(self.gone, self.nothing)}
}}
""")
        log = stage.path("nginx-error.log")
        stage.start("nginx", ["nginx", "-e", log, "-p", stage.folder, "-c",
                              conf], self.plain)


ALL = (Nginx,)
