"""The servers of the export tests: each loads the exported parts as they are
into a configuration of its own, with three addresses: plain, with basic
authentication in front, and with an application that is down.
"""

import os
import pwd
import re
import socketserver
import subprocess
import threading
import urllib.parse

import export_cases as cases
import harness

IS_ROOT = os.geteuid() == 0
# As Debian runs it.
H2O_USER = "debian-h2o" if IS_ROOT else pwd.getpwuid(os.geteuid()).pw_name


class Application(harness._Application):
    """Answers with the status of the query; with `own` in it also with CORS
    headers of its own."""
    disable_nagle_algorithm = True

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

    def handle_error(self, *_):
        """A server may reset a connection that it has kept."""


def start_application(stage, handler):
    """Starts the application; returns its (host, port)."""
    application = _TcpServer(("127.0.0.1", 0), handler)
    stage._applications.append(application)
    threading.Thread(target=application.serve_forever,
                     kwargs={"poll_interval": 0.05}, daemon=True).start()
    return application.server_address


def export(stage, kind, backend, policy, *options):
    """Writes the parts that are exported for a server into the stage; returns
    their paths by name."""
    address = place(backend) if isinstance(backend, tuple) else f"unix:{backend}"
    paths = {part: stage.path(f"export-{part}") for part in kind.parts}
    for part, path in paths.items():
        done = subprocess.run(
            [harness.PREFLIGHTD, "export", kind.name, "-p", policy, "--socket",
             address, "--part", part, "-o", path, *options,
             *kind.more_options(stage)],
            text=True, capture_output=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"export {kind.name}: {done.stderr}")
    return paths


class Server:
    """A running server. plain, auth and gone are addresses."""
    name = program = ""
    parts = ()
    variants = ()
    down = 502  # the server's status where the application is down
    asks = ()   # options of the export that asks preflightd
    # Of repeated Origin lines it sees the first alone, as if it were the only
    # one.
    first_origin_only = False

    title = ""  # its name in etc/README.md's table
    example = ""  # the file of its example, in etc/
    handler = Application

    def __init__(self, stage, parts, backend, options=(), example=None):
        self.backend = backend  # preflightd's address
        self.ask = "ask" in options
        self.closed = "--closed" in options
        # What is asked may come behind what the server says by itself.
        self.marks_own = not self.ask
        self.plain, self.auth, self.gone = (
            ("127.0.0.1", harness.free_port()) for _ in range(3))
        self.application = start_application(stage, self.handler)
        self.nothing = ("127.0.0.1", harness.free_port())
        if example is None:
            self.start(stage, parts)
        else:
            self.start_example(stage, parts, example.replace(
                "127.0.0.1:3000", place(self.application)))

    def start(self, stage, parts):
        """Starts it with the exported parts, files by name."""
        raise NotImplementedError

    def start_example(self, stage, parts, text):
        """Starts it with its example, which needs port and paths."""
        raise NotImplementedError

    @staticmethod
    def more_options(stage):
        """Options of export that it needs."""
        del stage
        return ()

    def may_refuse(self, host, path, origin):
        """Whether the server may answer 400 by itself."""
        del origin
        return len(host) > 200 or "%0a" in path or "%7f" in path or \
            "%1f" in path

    def is_stricter(self, host, path):
        """Whether it may leave out what the policy allows."""
        del host
        return cases.has_readings(path)

    def may_vary(self, fields):
        """Whether a response with these CORS fields may vary by Origin though
        the policy needs no such thing."""
        del fields
        return False

    def status(self, path):
        """The status of the application's answers."""
        del path
        return 200

    def host_seen(self, host):
        """What it takes for the Host."""
        return host

    def target_seen(self, target):
        """What it takes for the target; None where that is its own affair."""
        return target


def place(address):
    return f"{address[0]}:{address[1]}"


class Nginx(Server):
    name = program = title = "nginx"
    parts = ("http", "server", "headers")
    variants = ((False, ()), (True, ()), (False, ("--actual", "ask")),
                (True, ("--actual", "ask", "--closed")))
    asks = ("--actual", "ask")
    first_origin_only = True  # before 1.23

    def server(self, address, application, extra=""):
        return f"""
	server {{
		listen {place(address)};
		server_name _;
		access_log fields.log fields;
		include export-server;
		include export-headers;
		{extra}
		location / {{ proxy_pass http://{place(application)}; }}
	}}"""

    @staticmethod
    def variables(stage):
        """Those whose values are added to responses."""
        text = stage.read("export-http") + stage.read("export-headers")
        return "".join(sorted(set(re.findall(
            r"\$preflightd_(?:origin|credentials|exposed|vary)\b", text))))

    def run(self, stage, servers):
        stage.start_nginx(f"""
	add_header X-Inherited "must not be on a preflight" always;
	include export-http;
	log_format fields "$preflightd_preflight [{self.variables(stage)}]";
	{servers}""", self.plain)

    def start(self, stage, parts):
        stage.write("passwords", "u:{PLAIN}p\n")
        auth = 'auth_basic "test"; auth_basic_user_file passwords;'
        # An error page below the path of another policy.
        redirected = """error_page 502 /public/down;
		location = /public/down { internal; return 502; }"""
        self.run(stage, self.server(self.plain, self.application)
                 + self.server(self.auth, self.application, auth)
                 + self.server(self.gone, self.nothing, redirected))

    def host_seen(self, host):
        # Whatever follows a ':' is a port; preflightd is told a number.
        name = re.match(r"\[[^]]*\]|[^:]*", host)[0]
        port = re.search(r":[0-9]+\Z", host[len(name):])
        return name + (port[0] if self.ask and port else "")

    def start_example(self, stage, parts, text):
        self.run(stage, text.replace("listen 80", f"listen {place(self.plain)}")
                 .replace("/etc/nginx/preflightd-server.conf", parts["server"])
                 .replace("/etc/nginx/preflightd-headers.conf",
                          parts["headers"]))


class Haproxy(Server):
    name = program = "haproxy"
    title = "HAProxy"
    example = "haproxy/site.cfg"
    parts = ("sections", "frontend")
    variants = ((False, ()), (True, ()))
    down = 503

    def run(self, stage, text):
        conf = stage.write("haproxy.cfg", f"""
defaults
    mode http
    timeout connect 5s
    timeout client 10s
    timeout server 10s
{stage.read("export-sections")}
{text}
""")
        stage.start("haproxy", ["haproxy", "-db", "-f", conf], self.plain)

    def start(self, stage, parts):
        def frontend(name, address, application, extra=""):
            return f"""
frontend {name}
    bind {place(address)}
{stage.read("export-frontend")}
    {extra}
    default_backend {application}
"""
        self.run(stage, f"""
userlist users
    user u insecure-password p
backend application
    server application {place(self.application)}
backend nothing
    server nothing {place(self.nothing)}
""" + frontend("plain", self.plain, "application")
    + frontend("auth", self.auth, "application",
               "http-request auth unless { http_auth(users) }")
    + frontend("gone", self.gone, "nothing"))

    def start_example(self, stage, parts, text):
        self.run(stage, text.replace("bind :80", f"bind {place(self.plain)}")
                 .replace("    # here comes what --part frontend prints",
                          stage.read("export-frontend")))


class Caddy(Server):
    name = program = "caddy"
    title = "Caddy"
    example = "caddy/Caddyfile"
    parts = ("site",)

    def target_seen(self, target):
        # With one of these it passes on, when it asks and to applications, the
        # path encoded anew, and an escaped '/' as a plain one.
        return None if self.ask and re.search(r'[|^`{}<>"\\#[\]]', target) \
            else target

    variants = ((False, ()), (True, ()),
                (False, ("--actual", "ask", "--closed")))
    asks = ("--actual", "ask", "--closed")

    def run(self, stage, sites):
        conf = stage.write("Caddyfile", f"""{{
	admin off
	auto_https off
}}
{sites}
""")
        stage.start("caddy", ["env", f"XDG_CONFIG_HOME={stage.folder}",
                              f"XDG_DATA_HOME={stage.folder}", "caddy", "run",
                              "--config", conf, "--adapter", "caddyfile"],
                    self.plain)

    def start(self, stage, parts):
        def site(address, application, *lines):
            lines = "\n\t\t".join((f"import {parts['site']}", *lines,
                                   f"reverse_proxy {place(application)}"))
            return f"""
http://:{address[1]} {{
	bind {address[0]}
	route {{
		{lines}
	}}
}}
"""
        crypt = subprocess.run(
            ["caddy", "hash-password", "--plaintext", "p"], text=True,
            stdout=subprocess.PIPE, check=True).stdout.strip()
        self.run(stage, site(self.plain, self.application)
                 + site(self.auth, self.application, "basicauth {",
                        f"u {crypt}", "}")
                 + site(self.gone, self.nothing))

    def start_example(self, stage, parts, text):
        self.run(stage, text.replace("http://api.example.com {",
                                     f"http://api.example.com:{self.plain[1]} {{\n"
                                     f"\tbind {self.plain[0]}")
                 .replace("/etc/caddy/preflightd.caddy", parts["site"]))


class Apache(Server):
    name, program, title = "apache", "apache2", "Apache"
    example = "apache/site.conf"
    parts = ("vhost",)
    variants = ((False, ()), (True, ()))
    down = 503
    modules = ("mpm_event", "authn_core", "authn_file", "authz_core",
               "authz_host", "authz_user", "auth_basic", "rewrite", "proxy",
               "proxy_fcgi", "proxy_http", "setenvif", "headers", "allowmethods")

    def run(self, stage, vhosts):
        load = "\n".join(
            f"LoadModule {m}_module /usr/lib/apache2/modules/mod_{m}.so"
            for m in self.modules)
        conf = stage.write("apache.conf", f"""
ServerRoot {stage.folder}
ServerName localhost
PidFile {stage.path("apache.pid")}
ErrorLog {stage.path("error.log")}
DefaultRuntimeDir {stage.folder}
{load}
{"User www-data" if IS_ROOT else ""}
{"Group www-data" if IS_ROOT else ""}
{vhosts}
""")
        stage.start("apache", ["apache2", "-X", "-f", conf], self.plain)

    def start(self, stage, parts):
        def vhost(address, application, extra=""):
            return f"""
Listen {place(address)}
<VirtualHost {place(address)}>
	Include {parts['vhost']}
	{extra}
	ProxyPass "/" "http://{place(application)}/" disablereuse=on
</VirtualHost>
"""
        stage.write("passwords", "u:{SHA}UWuXg/ylF+7L0dBk2i0WUxCxl1k=\n")
        auth = f"""<Location "/">
		AuthType Basic
		AuthName test
		AuthUserFile {stage.path("passwords")}
		Require valid-user
	</Location>"""
        # An error page below the path of another policy.
        redirected = """ErrorDocument 503 /public/down
	RewriteRule ^/public/down$ - [R=503,L]
	<Location "/">
		AllowMethods GET
	</Location>"""
        self.run(stage, vhost(self.plain, self.application)
                 + vhost(self.auth, self.application, auth)
                 + vhost(self.gone, self.nothing, redirected))

    def start_example(self, stage, parts, text):
        self.run(stage, f"Listen {place(self.plain)}\n"
                 + text.replace("*:80", place(self.plain))
                 .replace("/etc/apache2/preflightd.conf", parts["vhost"]))

    def status(self, path):
        # AllowEncodedSlashes is off unless one sets it.
        return 404 if "%2f" in path.partition("?")[0].lower() else 200


class Lighttpd(Server):
    name = program = title = "lighttpd"
    example = "lighttpd/site.conf"
    parts = ("conf", "script")
    variants = ((False, ()), (True, ()),
                (False, ("--actual", "ask", "--closed")))
    asks = ("--actual", "ask", "--closed")
    down = 503

    @staticmethod
    def more_options(stage):
        return ("--script", stage.path("export-script"))

    def run(self, stage, text):
        conf = stage.write("lighttpd.conf", f"""
server.document-root = "{stage.folder}"
server.port = {self.plain[1]}
server.bind = "{self.plain[0]}"
server.errorlog = "{stage.path('error.log')}"
{text}
""")
        stage.start("lighttpd", ["lighttpd", "-D", "-f", conf], self.plain)

    def start(self, stage, parts):
        stage.write("passwords", "u:p\n")
        self.run(stage, f"""
server.modules = ( "mod_auth", "mod_authn_file", "mod_setenv", "mod_fastcgi",
                   "mod_magnet", "mod_proxy" )
setenv.add-response-header = ( "X-Inherited" => "must not be on a preflight" )
proxy.server = ( "" => ( ( "host" => "{self.application[0]}",
                           "port" => {self.application[1]} ) ) )
auth.backend = "plain"
auth.backend.plain.userfile = "{stage.path('passwords')}"
$SERVER["socket"] == "{place(self.auth)}" {{
  auth.require = ( "" => ( "method" => "basic", "realm" => "test",
                           "require" => "valid-user" ) )
}}
$SERVER["socket"] == "{place(self.gone)}" {{
  proxy.server = ( "" => ( ( "host" => "{self.nothing[0]}",
                             "port" => {self.nothing[1]} ) ) )
}}
include "{parts['conf']}"
""")

    def start_example(self, stage, parts, text):
        self.run(stage, text.replace("3000", str(self.application[1]))
                 .replace("/etc/lighttpd/preflightd.conf", parts["conf"]))

    def may_refuse(self, host, path, origin):
        return "_" in host or "%c0" in path or \
            super().may_refuse(host, path, origin)


class H2o(Server):
    """With the files of etc/h2o in place of exported ones."""
    name = program = title = "h2o"
    example = "h2o/site.yaml"
    variants = ((False, ("--actual", "ask")), (True, ("--actual", "ask")))
    down = 500
    hosts = "/etc/h2o/preflightd.conf"

    def files(self, stage):
        """The files of etc/, their places being those of the test; returns
        the one of hosts."""
        text, backend = self.etc("preflightd.conf"), self.backend
        if isinstance(backend, tuple):
            text = text.replace("""          type: unix
          port: /run/preflightd/preflightd.sock""", f"""          host: {backend[0]}
          port: {backend[1]}""")
        else:
            text = text.replace("/run/preflightd/preflightd.sock", backend)
        for name, content in (("h2o.conf", text), ("h2o.rb",
                                                   self.etc("preflightd.rb"))):
            stage.write("etc-" + name, self.placed(stage, content))
        return stage.path("etc-h2o.conf")

    @staticmethod
    def etc(name):
        with open(os.path.join(harness.TOP, "etc", "h2o", name),
                  encoding="utf-8") as f:
            return f.read()

    @staticmethod
    def placed(stage, text):
        return (text.replace("/etc/h2o/preflightd.rb", stage.path("etc-h2o.rb"))
                .replace("/run/h2o-preflightd.sock", stage.path("asked.sock"))
                .replace("owner: debian-h2o", f"owner: {H2O_USER}"))

    def run(self, stage, hosts):
        conf = stage.write("h2o.yaml", f"""
user: {H2O_USER}
num-threads: 1
{hosts}
""")
        stage.start("h2o", ["h2o", "-m", "worker", "-c", conf], self.plain)

    def start(self, stage, parts):
        def host(name, address, application):
            return f"""
  "{name}":
    listen: {{ host: {address[0]}, port: {address[1]} }}
    paths:
      "/":
        mruby.handler: |
          require "{stage.path('etc-h2o.rb')}"
          Preflightd.new("http://{application}")"""
        stage.write("passwords", "u:{SHA}UWuXg/ylF+7L0dBk2i0WUxCxl1k=\n")
        self.run(stage, f"""
reproxy: ON
hosts:{host("plain", self.plain, place(self.application))
       + host("auth", self.auth, f"[unix:{stage.path('site.sock')}]")
       + host("gone", self.gone, place(self.nothing))}
  "site":
    listen: {{ type: unix, port: {stage.path("site.sock")},
              owner: {H2O_USER} }}
    paths:
      "/":
        - mruby.handler: |
            require "htpasswd.rb"
            Htpasswd.new("{stage.path("passwords")}", "test")
        - proxy.reverse.url: "http://{place(self.application)}/"
  <<: !file {self.files(stage)}
""")
        self.marks_own = True

    def start_example(self, stage, parts, text):
        self.files(stage)
        self.run(stage, self.placed(stage, text)
                 .replace("port: 80\n", f"host: {self.plain[0]}\n"
                          f"      port: {self.plain[1]}\n")
                 .replace(self.hosts, stage.path("etc-h2o.conf")))


ALL = (Nginx, Lighttpd, Apache, Haproxy, Caddy, H2o)
