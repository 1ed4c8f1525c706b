"""The commonest mistakes in a policy and in a web server's configuration, made
one after the other with real servers and the real commands: each is told with
its place, or the server's symptom, and with what to write.
"""

import os
import re
import signal
import socket
import subprocess

import harness
import tap

ORIGIN = "https://app.example.com"
POLICY = """\
[policy api]
host = api.example.com
path = /v1
allow-origins = https://app.example.com
allow-methods = GET, PUT, PATCH
allow-headers = Content-Type
allow-credentials = yes

[policy public]
host = api.example.com
path = /public
allow-origins = *
"""

# A line in place of POLICY's of that key, what check must say of it, and what
# to write.
IN_POLICY = (
    ("allow-origins = https://app.example.com/",
     "4:40: error: .* has a trailing slash", "write https://app.example.com"),
    ("allow-origins = https://app.example.com/login",
     "4:40: error: .* has a path", "write https://app.example.com"),
    ("allow-origins = *", "4:17: error: .* '\\*' would give every site",
     "list the origins that may send credentials, or write "
     "allow-credentials = no"),
    ("allow-origins = app.example.com", "4:17: error: .* has no scheme",
     "write https://app.example.com"),
    ("allow-origins = https://app.example.com:443",
     "4:41: error: .* default port", "write https://app.example.com"),
    ("allow-origins = https://App.example.com",
     "4:25: error: .* has upper case in its host",
     "write https://app.example.com"),
    ("allow-origins = https://.*\\.example\\.com",
     "4:26: error: .* has a '\\*' where none may stand",
     "expressions mean nothing here: write https://*.example.com"),
    ('allow-origins = "https://app.example.com"',
     "4:17: error: .* has no valid scheme",
     "there are no quotes and brackets here: write https://app.example.com"),
    ("allow-origins = http://app.example.com",
     "4:17: error: .* is not https", "write https, or insecure-origins = allow"),
    ("allow-origins = null", "4:17: error: .* 'null' would give",
     "remove it, or write allow-credentials = no"),
    ("allow-origins = https://*.github.io",
     "4:17: error: .* names that anybody can register",
     "name the domain that is yours, or write public-suffixes = allow"),
    ("allow-methods = GET, patch", "5:22: warning: method 'patch'",
     "write PATCH"),
    ("allow-headers = Content-Type: application/json",
     "6:17: error: invalid header name 'Content-Type:'",
     "write only the name, without ':' and value"),
    ("allow-headers = Cookie", "6:17: error: header 'Cookie' is forbidden",
     "remove it: cookies are allowed by allow-credentials = yes"),
    ("allow-credentials = true", "7:21: error: invalid value 'true'",
     "write yes"),
    ("path = /v1/*", "3:12: error: '/v1/\\*' has a '\\*'", "write /v1"),
    ("host = https://api.example.com", "2:8: error: .* has a scheme",
     "write api.example.com"),
    ("[policy API]", "1:1: error: invalid section name 'API'",
     "write [policy api]: a name is 1 to 40 characters of a-z 0-9 - _"),
)

# What a page does that the policy does not allow: arguments of explain and the
# header lines of its preflight; explain's advice; and what the log says.
AT_RUN_TIME = (
    ("a header that is missing", ["-X", "PUT", "-H", "X-Api-Key: k"],
     {"Access-Control-Request-Headers": "x-api-key"},
     "policy.ini:6: write allow-headers = Content-Type, X-Api-Key",
     'reason=header .*text="allow-headers does not list x-api-key" at="[^"]*:6"'),
    ("patch for PATCH", ["-X", "patch"],
     {"Access-Control-Request-Method": "patch"},
     "better write method: 'PATCH' in the page",
     'reason=method .*text="[^"]*patch[^"]*" at="[^"]*:5"'),
    ("http for https", ["-X", "PUT", "--origin", "http://app.example.com"],
     {"Origin": "http://app.example.com"}, "policy.ini:4: write allow-origins",
     'reason=origin .*: other scheme" at="[^"]*:4"'),
    ("another port", ["-X", "PUT", "--origin", ORIGIN + ":8443"],
     {"Origin": ORIGIN + ":8443"},
     "policy.ini:4: write allow-origins = https://app.example.com, "
     "https://app.example.com:8443", ': other port" at="[^"]*:4"'),
    ("the origin null", ["-X", "PUT", "--origin", "null"], {"Origin": "null"},
     "give the page a real origin", 'reason=origin .* at="[^"]*:4"'),
    ("another site", ["-X", "PUT", "--origin", "https://x.example.net"],
     {"Origin": "https://x.example.net"}, "policy.ini:4: write allow-origins",
     'reason=origin .*origin="https://x.example.net" .* at="[^"]*:4"'),
    ("another path", ["-X", "PUT", "https://api.example.com/v2"],
     {"": "/v2"}, "policy.ini:3: write path = /v1, /v2",
     'reason=no-policy .*uri="/v2" .*hint="see host and path of the policies"'),
    ("another host", ["-X", "PUT", "https://www.example.com/v1"],
     {"Host": "www.example.com"}, "policy.ini:2: write host",
     'reason=no-policy .*host="www.example.com" .*hint="see host and path'),
)

HEADERS = ("add_header Access-Control-Allow-Origin $cors_origin always; "
           "add_header Access-Control-Allow-Credentials $cors_credentials "
           "always; add_header Vary Origin always; ")
PASS = "fastcgi_pass preflightd;"
PARAMS = ("fastcgi_param REQUEST_METHOD $request_method;",
          "fastcgi_param REQUEST_URI    $request_uri;",
          "fastcgi_param HTTP_HOST      $host;")

# Mistakes in nginx: what stands in server { }, where FRAGMENT is that of etc/
# and FRAGMENT(A|B) has B for A; what verify finds, and its hint; what nginx's
# error log and preflightd's say.
IN_NGINX = (
    ("nothing wrong", "FRAGMENT " + HEADERS, None, "", "", ""),
    ("not delegated", HEADERS, "preflight-method-not-allowed",
     "delegate OPTIONS with Origin and Access-Control-Request-Method to", "", ""),
    ("authentication comes first", HEADERS +
     "auth_basic x; auth_basic_user_file /dev/null;", "preflight-unauthorized",
     r"in server { }, not in a location", "", ""),
    ("a return before the rewrite",
     "return 301 https://$host$request_uri; FRAGMENT " + HEADERS,
     "preflight-redirect", "include before any return or rewrite", "", ""),
    ("its own answer to OPTIONS",
     "if ($request_method = OPTIONS) { return 204; } FRAGMENT " + HEADERS,
     "preflight-status", "delegate ahead of it .nginx: include before any "
     "return", "", ""),
    ("an add_header in a location", "FRAGMENT " + HEADERS +
     "location /v1 { add_header X-A b; PAGE }", "allow-origin-missing",
     "add_header of its own has none of its server's: include the headers "
     "there too", "", ""),
    ("add_header inherited by the preflight",
     'FRAGMENT(add_header Vary "";|) ' + HEADERS, "allow-origin-duplicate",
     'let it add nothing there .nginx: add_header Vary "" in the location',
     "", ""),
    ("errors without CORS headers", "FRAGMENT " + HEADERS.replace(" always", ""),
     "errors-without-headers", "nginx: add_header ... always", "", ""),
    ("the application adds the headers too", "FRAGMENT " + HEADERS +
     "location /v1 { proxy_pass http://unix:DIR/app.sock:; }",
     "allow-origin-duplicate", "nginx: proxy_hide_header", "", ""),
    ("another socket", f"FRAGMENT({PASS}|fastcgi_pass unix:DIR/other.sock;) "
     + HEADERS, "preflight-server-error", "no such file is another path",
     r"other.sock failed \(2: No such file", ""),
    ("a socket that it may not use",
     f"FRAGMENT({PASS}|fastcgi_pass unix:DIR/closed.sock;) " + HEADERS,
     "preflight-server-error",
     "permission denied is the socket's group or mode",
     r"closed.sock failed \(13: Permission denied", ""),
    ("a socket that nobody serves",
     f"FRAGMENT({PASS}|fastcgi_pass unix:DIR/dead.sock;) " + HEADERS,
     "preflight-server-error", "connection refused is nobody there",
     r"dead.sock failed \(111: Connection refused", ""),
    ("proxy_pass to the FastCGI socket", HEADERS +
     "location /v1 { proxy_pass http://unix:DIR/preflightd.sock:; }",
     "preflight-server-error", "see that preflightd runs", "upstream",
     'reason=bad-version hint="the peer does not speak FastCGI .nginx: '
     'fastcgi_pass, not proxy_pass'),
    ("no REQUEST_METHOD", f"FRAGMENT({PARAMS[0]}|) " + HEADERS, "not-options",
     r"fastcgi_param REQUEST_METHOD \$request_method", "",
     r'reason=not-options .*hint="let the web server pass the method .nginx: '
     r'fastcgi_param REQUEST_METHOD \$request_method'),
    ("no REQUEST_URI", f"FRAGMENT({PARAMS[1]}|) " + HEADERS, "wrong-policy",
     "passes HTTP_HOST and REQUEST_URI as they came", "",
     r'reason=no-policy .*hint="let the web server pass the target .nginx: '
     r'fastcgi_param REQUEST_URI \$request_uri'),
    ("no HTTP_HOST", f"FRAGMENT({PARAMS[2]}|fastcgi_param HTTP_HOST '';) "
     + HEADERS, "wrong-policy", "passes HTTP_HOST and REQUEST_URI as they came",
     "", r'reason=no-policy .*hint="let the web server pass the host .nginx: '
     r'fastcgi_param HTTP_HOST \$host'),
    ("no request headers", "FRAGMENT(REQUEST_METHOD $request_method;|"
     "REQUEST_METHOD $request_method; fastcgi_pass_request_headers off;) "
     + HEADERS, "allow-origin-missing", "and pass the request's headers", "",
     ""),
    ("everything delegated", "location /v1 { fastcgi_pass "
     "unix:DIR/second.sock; include DIR/all.conf; }", "not-options", "delegate OPTIONS alone", "",
     'reason=not-options .*hint="let the web server delegate OPTIONS '
     'requests alone"'),
)

# The same for lighttpd.
IN_LIGHTTPD = (
    ("nothing wrong", "FRAGMENT", None, "", "", ""),
    ("not delegated", "", "preflight-not-found",
     "delegate OPTIONS with Origin and Access-Control-Request-Method to", "",
     ""),
    ("without check-local", 'FRAGMENT("check-local" => "disable"|)',
     "preflight-not-found", 'lighttpd: with "check-local" => "disable"', "", ""),
    ("authentication comes first", 'auth.require = ( "" => ( "method" => '
     '"basic", "realm" => "x", "require" => "valid-user" ) ) '
     "FRAGMENT(auth.require = ()|)", "preflight-unauthorized",
     r"lighttpd: with auth.require = \(\)", "", ""),
    ("setenv adds the headers to preflights too", "FRAGMENT("
     'setenv.add-response-header = ()|setenv.add-response-header = ( '
     f'"Access-Control-Allow-Origin" => "{ORIGIN}" ))',
     "allow-origin-duplicate", r"lighttpd: setenv.add-response-header = \(\)",
     "", ""),
    ("another socket", "FRAGMENT(preflightd.sock|other.sock)",
     "preflight-server-error", "no such file is another path",
     "other.sock: No such file", ""),
    ("a socket that nobody serves", "FRAGMENT(preflightd.sock|dead.sock)",
     "preflight-server-error", "connection refused is nobody there",
     "dead.sock: Connection refused", ""),
)


def run(stage, *argv):
    """Exit status, stdout and stderr of a command in the stage's folder."""
    done = subprocess.run([harness.PREFLIGHTD, *argv], cwd=stage.folder,
                          text=True, stdin=subprocess.DEVNULL,
                          capture_output=True, check=False)
    return done.returncode, done.stdout, done.stderr


# ---- the policy ---------------------------------------------------------------

def with_line(line):
    """POLICY with a line in place of the first one of its key."""
    key = line.split(" ")[0]
    return "\n".join([line if old.split(" ")[0] == key else old
                      for old in POLICY.split("\n")[:8]])


def in_policy(stage):
    for line, finding, write in IN_POLICY:
        stage.write("wrong.ini", with_line(line))
        status, _, err = run(stage, "check", "--strict", "wrong.ini")
        tap.ok(status == 2 and re.search(
            rf"^wrong\.ini:{finding}.*\n  {re.escape(write)}$",
            err.replace("warning", "error") if "warning" not in finding else
            err.replace(": error:", ": warning:"), re.M),
            f"policy: {line}: {write}", err)


def ask(address, changes):
    """A preflight through nginx, with some lines changed."""
    lines = {"Host": "api.example.com", "Origin": ORIGIN,
             "Access-Control-Request-Method": "PUT", "": "/v1", **changes}
    target = lines.pop("")
    return harness.request(address, "OPTIONS " + target, lines.items())


def at_run_time(stage, address):
    for what, argv, changes, advice, logged in AT_RUN_TIME:
        argv = list(argv)
        if "--origin" not in argv:
            argv += ["--origin", ORIGIN]
        if not argv[-1].startswith("https://api") and not any(
                "example.com/v" in word for word in argv):
            argv.append("https://api.example.com/v1")
        before = len(stage.read("preflightd.log"))
        _, out, err = run(stage, "explain", "-p", "policy.ini", *argv)
        told = " ".join(out.split())
        tap.ok(advice in told, f"explain, {what}: {advice}", out + err)
        ask(address, changes)
        harness.wait_until(lambda b=before: "event=refused" in
                           stage.read("preflightd.log")[b:], what)
        tap.ok(re.search(logged, stage.read("preflightd.log")[before:]),
               f"the log, {what}: where to look",
               stage.read("preflightd.log")[before:])


# ---- the servers --------------------------------------------------------------

def fragment(stage, name):
    with open(os.path.join(harness.TOP, "etc", name), encoding="utf-8") as f:
        return f.read().replace("/run/preflightd", stage.folder)


def fill(stage, lines, text):
    """Replaces FRAGMENT, FRAGMENT(A|B), PAGE and DIR in lines."""
    def changed(match):
        if not match[1]:
            return text
        old, _, new = match[1][1:-1].partition("|")
        assert old in text, old
        return text.replace(old, new.replace("DIR", stage.folder))
    lines = re.sub(r"FRAGMENT(\((?:[^|]*)\|.*?\)(?= |$))?", changed, lines)
    return lines.replace("PAGE", f"root {stage.folder}; "
                         "try_files /page.txt =404;").replace(
                             "DIR", stage.folder)


def nginx_server(stage, port, number, lines, text):
    page = ("" if "location /v1" in lines else
            fill(stage, "location /v1 { PAGE }", text))
    return f"""
	server {{
		listen 127.0.0.{number}:{port};
		server_name _;
		error_log {stage.path(f'nginx-{number}.log')};
		{fill(stage, lines, text)}
		{page}
		location ~ cors-check- {{ return 404; }}
	}}"""


def start_nginx(stage):
    """nginx with a server for each mistake, on 127.0.0.1 and up."""
    port = harness.free_port()
    stage.write("all.conf", " ".join(PARAMS))
    text = fragment(stage, "nginx/server.conf")
    servers = "".join(nginx_server(stage, port, number, lines, text)
                      for number, (_, lines, *_) in enumerate(IN_NGINX, 1))
    # A root worker could pass every mode of a socket.
    stage.start_nginx(f"""
	{fragment(stage, "nginx/http.conf")}
	map $http_origin $cors_origin {{ default ""; "{ORIGIN}" $http_origin; }}
	map $cors_origin $cors_credentials {{ "" ""; default true; }}
	server {{
		listen unix:{stage.path('app.sock')};
		{HEADERS}
		location / {{ return 200 x; }}
	}}
	{servers}""", ("127.0.0.1", port), user="nobody nogroup")
    return port


def start_lighttpd(stage):
    port = harness.free_port()
    text = fragment(stage, "lighttpd/preflights.conf")
    servers = "".join(
        f'$SERVER["socket"] == "127.0.0.{number}:{port}" {{\n'
        f"{fill(stage, lines, text)}\n}}\n"
        for number, (_, lines, *_) in enumerate(IN_LIGHTTPD, 1))
    conf = stage.write("lighttpd.conf", f"""
server.document-root = "{stage.folder}/none"
server.bind = "127.0.0.100"
server.port = {port}
server.errorlog = "{stage.path('lighttpd.log')}"
server.modules = ( "mod_auth", "mod_authn_file", "mod_setenv", "mod_fastcgi",
                   "mod_proxy" )
auth.backend = "plain"
auth.backend.plain.userfile = "/dev/null"
{servers}
""")
    stage.start("lighttpd", ["lighttpd", "-D", "-f", conf],
                ("127.0.0.1", port))
    return port


def verified(stage, port, number):
    """What verify says of the preflights of a server, in one text; those of
    lighttpd have no handler for anything else."""
    _, out, err = run(
        stage, "verify", "-p", "policy.ini", "--rate", "1000", "--resolve",
        f"api.example.com:{port}:127.0.0.{number}",
        f"http://api.example.com:{port}/v1")
    return out + err


def in_server(stage, server, mistakes, port, log_of):
    for number, (what, _, found, hint, error, logged) in enumerate(mistakes, 1):
        before = len(stage.read("preflightd.log"))
        out = verified(stage, port, number)
        if found is None:
            tap.ok("requests, ok" in out if server == "nginx" else
                   " preflight-" not in out, f"{server}, {what}", out)
            continue
        tap.ok(re.search(rf"\[{found}\]\n    .*{hint}", out),
               f"{server}, {what}: verify says {found} and what to write", out)
        if error:
            tap.ok(re.search(error, stage.read(log_of(number))),
                   f"{server}, {what}: its error log says which",
                   stage.read(log_of(number)))
        if logged:
            tap.ok(re.search(logged, stage.read("preflightd.log")[before:]),
                   f"{server}, {what}: preflightd's log says so",
                   stage.read("preflightd.log")[before:])


# ---- the socket ---------------------------------------------------------------

def serve(stage, name):
    address = stage.path(name)
    return stage.start("preflightd", [
        harness.PREFLIGHTD, "serve", "-p", stage.path("policy.ini"), "-l",
        "unix:" + address, "--socket-mode", "0666"], address)


def dead_socket(stage, address):
    """Killed, its socket file stays; the next one takes its place."""
    daemon = serve(stage, "preflightd.sock")
    tap.is_equal(ask(address, {}).status, 204, "preflightd is up")
    _, _, err = run(stage, "serve", "-p", "policy.ini", "-l",
                    f"unix:{stage.path('preflightd.sock')}")
    tap.ok("is in use by another program\n  stop the other program, or name "
           "another path" in err, "a second one on its socket is refused", err)
    daemon.send_signal(signal.SIGKILL)
    stage.stop(daemon)
    tap.ok(os.path.exists(stage.path("preflightd.sock")),
           "killed, it leaves its socket file")
    tap.is_equal(ask(address, {}).status, 502, "nginx: 502")
    tap.ok("preflightd.sock failed (111: Connection refused)" in
           stage.read("nginx-1.log"), "and its error log says why")
    serve(stage, "preflightd.sock")
    tap.is_equal(ask(address, {}).status, 204, "started again, it answers")


def dead(stage):
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(stage.path("dead.sock"))
    os.chmod(stage.path("dead.sock"), 0o666)


def main():
    missing = harness.find("nginx", "lighttpd")
    if missing:
        tap.skip_all(f"{', '.join(missing)} missing")
    with harness.Stage() as stage:
        os.chmod(stage.folder, 0o755)
        stage.write("policy.ini", POLICY)
        stage.write("page.txt", "page\n")
        in_policy(stage)
        dead(stage)
        serve(stage, "closed.sock")
        # This is told once a minute by each process.
        serve(stage, "second.sock")
        os.chmod(stage.path("closed.sock"), 0)
        port = start_nginx(stage)
        dead_socket(stage, ("127.0.0.1", port))
        at_run_time(stage, ("127.0.0.1", port))
        in_server(stage, "nginx", IN_NGINX, port,
                  lambda number: f"nginx-{number}.log")
        in_server(stage, "lighttpd", IN_LIGHTTPD, start_lighttpd(stage),
                  lambda _: "lighttpd.log")
    tap.done()


main()
