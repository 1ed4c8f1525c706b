"""verify against real servers: nothing is found on good ones, and what each
broken one has wrong is found by its name.
"""

import json
import os
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(TOP, "tests"), os.path.join(TOP, "tests", "server")]

import harness  # noqa: E402
import tap  # noqa: E402
from answering import Answering  # noqa: E402

POLICY = """
[policy api]
host = api.example.com
allow-origins = https://app.example.com, https://*.apps.example.com,
	http://localhost:*, https://b.example.com:8443
allow-methods = GET, HEAD, POST, PUT, DELETE
allow-headers = Content-Type, X-Token
expose-headers = X-Total
allow-credentials = yes
max-age = 10m

[policy public]
host = api.example.com
path = /public
allow-origins = *
allow-methods = GET, PUT
allow-headers = *

[policy named]
host = named.example.com
allow-origins = https://app.example.com, https://other.example.com
allow-methods = PUT
expose-headers = X-Total, X-Page
refuse-status = 404
"""

# The headers of actual responses as the policies say, for nginx.
MAPS = r"""
map $http_origin $cors_origin {
	default "";
	"~^https://app\.example\.com$" $http_origin;
	"~^https://b\.example\.com:8443$" $http_origin;
	"~^https://[a-z0-9-]+(\.[a-z0-9-]+)*\.apps\.example\.com$" $http_origin;
	"~^http://localhost(:[0-9]+)?$" $http_origin;
}
map $cors_origin $cors_credentials { "" ""; default true; }
map $cors_origin $cors_expose { "" ""; default X-Total; }
map $http_origin $loose_origin {
	default "";
	"~https://app.example.com" $http_origin;
	"~^https://b\.example\.com:8443$" $http_origin;
	"~apps.example.com$" $http_origin;
	"~^http://localhost" $http_origin;
}
map $loose_origin $loose_credentials { "" ""; default true; }
map $loose_origin $loose_expose { "" ""; default X-Total; }
"""

ORIGIN = "add_header Access-Control-Allow-Origin $cors_origin always;"
CREDENTIALS = ("add_header Access-Control-Allow-Credentials "
               "$cors_credentials always;")
EXPOSE = "add_header Access-Control-Expose-Headers $cors_expose always;"
VARY = "add_header Vary Origin always;"
ACTUAL = [ORIGIN, CREDENTIALS, EXPOSE, VARY]
DELEGATE = "include nginx-server.conf;"
PREFLIGHT_VARY = ("add_header Vary \"Origin, Access-Control-Request-Method, "
                  "Access-Control-Request-Headers\" always;")

# Names of servers, in the order of their loopback addresses: what stands in
# them, and the findings that verify must have, for all of its cases.
SERVERS = {
    "good": ([DELEGATE, *ACTUAL], set()),
    "duplicate": ([DELEGATE, *ACTUAL, "location / { proxy_pass "
                   "http://unix:%(echo)s:; }"], {"allow-origin-duplicate"}),
    "no Vary": ([DELEGATE, ORIGIN, CREDENTIALS, EXPOSE], {"vary-missing"}),
    "not on errors": ([DELEGATE, *[line.replace(" always", "")
                                   for line in ACTUAL]],
                      {"errors-without-headers"}),
    "login first": ([*ACTUAL, "auth_basic x; auth_basic_user_file /dev/null;"],
                    {"preflight-unauthorized"}),
    "redirect": (["if ($request_method = OPTIONS) { return 301 /other/; }",
                  *ACTUAL], {"preflight-redirect"}),
    "forbidden": (["if ($request_method = OPTIONS) { return 403; }", *ACTUAL],
                  {"preflight-forbidden", "vary-missing"}),
    "no route": (["if ($request_method = OPTIONS) { return 404; }", *ACTUAL],
                 {"preflight-not-found"}),
    "no method": (["if ($request_method = OPTIONS) { return 405; }", *ACTUAL],
                  {"preflight-method-not-allowed"}),
    "daemon down": (["include down.conf;", *ACTUAL],
                    {"preflight-server-error"}),
    "other policy": (["include named.conf;", *ACTUAL], {"wrong-policy"}),
    "other host": (["include host.conf;", *ACTUAL], {"wrong-policy"}),
    "cached": ([DELEGATE, "location / { proxy_cache c; proxy_cache_valid 1h; "
                "proxy_cache_key $host$request_uri; "
                "proxy_pass http://unix:%(novary)s:; }"],
               {"cached-origin", "vary-missing", "errors-without-headers"}),
    "star": ([DELEGATE, "add_header Access-Control-Allow-Origin * always;",
              CREDENTIALS, EXPOSE, VARY],
             {"star-with-credentials", "origin-granted"}),
    "fixed": ([DELEGATE, "add_header Access-Control-Allow-Origin "
               "https://app.example.com always;", CREDENTIALS, EXPOSE, VARY],
              {"allow-origin-wrong"}),
    "loose": ([DELEGATE, *[line.replace("$cors", "$loose")
                           for line in ACTUAL]], {"origin-granted"}),
    "none": ([DELEGATE, VARY], {"allow-origin-missing",
                                "errors-without-headers"}),
    "no credentials": ([DELEGATE, ORIGIN, EXPOSE, VARY],
                       {"credentials-missing"}),
    "no expose": ([DELEGATE, ORIGIN, CREDENTIALS, VARY], {"expose-differs"}),
    "always credentials": ([DELEGATE, ORIGIN, EXPOSE, VARY, "add_header "
                            "Access-Control-Allow-Credentials true always;"],
                           {"refused-with-headers"}),
    "own preflight": (["include own.conf;", *ACTUAL],
                      {"methods-differ", "headers-differ", "max-age-differs",
                       "preflight-status", "refused-with-headers"}),
    "bad list": (["include bad.conf;", *ACTUAL],
                 {"list-syntax", "preflight-status", "refused-with-headers"}),
}

OWN = """
if ($cors_preflight = OPTIONS) { rewrite ^ /.own last; }
location = /.own {
	internal;
	add_header Access-Control-Allow-Origin $cors_origin;
	add_header Access-Control-Allow-Credentials $cors_credentials;
	add_header Access-Control-Allow-Methods "%s";
	add_header Access-Control-Allow-Headers "%s";
	add_header Access-Control-Max-Age %s;
	%s
	return 204;
}
"""

HOSTS = "api.example.com", "named.example.com"


def verify(*argv, policy="policy.ini", folder=None):
    """Exit status, stdout and stderr."""
    done = subprocess.run(
        [harness.PREFLIGHTD, "verify", "-p", policy, "--rate", "1000", *argv],
        cwd=folder, text=True, stdin=subprocess.DEVNULL, capture_output=True,
        check=False)
    return done.returncode, done.stdout, done.stderr


def resolve(port, address="127.0.0.1"):
    return [word for host in HOSTS
            for word in ("--resolve", f"{host}:{port}:{address}")]


def report(*argv, folder):
    """Exit status and the JSON report."""
    status, out, err = verify("--json", *argv, folder=folder)
    return status, json.loads(out) if out else {"servers": [], "err": err}


def ids(result):
    return {f["id"] for server in result["servers"] for f in server["findings"]}


# ---- the servers --------------------------------------------------------------

def fragment(name):
    with open(os.path.join(TOP, "etc", name), encoding="utf-8") as f:
        return f.read().replace("/run/preflightd/", "")


def write_fragments(stage):
    backend = "unix:preflightd.sock"
    server = fragment("nginx/server.conf")
    here = f"unix:{stage.path('preflightd.sock')}"
    stage.write("nginx-http.conf",
                fragment("nginx/http.conf").replace(backend, here))
    stage.write("nginx-server.conf", server)
    passed = "fastcgi_pass preflightd;"
    assert passed in server and "HTTP_HOST      $host" in server
    stage.write("named.conf", server.replace(
        passed, passed + " fastcgi_param CORS_POLICY public;"))
    stage.write("host.conf", server.replace(
        "HTTP_HOST      $host", "HTTP_HOST      named.example.com"))
    stage.write("down.conf", server.replace(
        passed, f"fastcgi_pass unix:{stage.path('nobody.sock')};"))
    stage.write("own.conf", OWN % ("GET, HEAD, POST, PATCH", "Content-Type",
                                   "600000", PREFLIGHT_VARY))
    stage.write("bad.conf", OWN % ("GET, HEAD, POST, PUT, DELETE",
                                   "Content-Type X-Token", "600",
                                   PREFLIGHT_VARY))


def server(stage, port, number, lines):
    names = {"echo": stage.path("echo.sock"), "novary": stage.path("novary.sock")}
    body = "\n\t\t".join(line % names if "%(" in line else line
                         for line in lines)
    root = "" if any("location /" in line for line in lines) else (
        "location / { root %s; try_files /page.txt =404; }" % stage.folder)
    return f"""
	server {{
		listen 127.0.0.{number}:{port};
		server_name _;
		error_page 404 = @gone;
		{body}
		{root}
		location ~ /cors-check- {{ return 404; }}
		location = /fails {{ return 500; }}
		location @gone {{ return 404; }}
	}}"""


def application(address, lines):
    return f"""
	server {{
		listen unix:{address};
		{lines}
		location / {{ return 200 x; }}
		location ~ /cors-check- {{ return 404; }}
	}}"""


def tls_server(stage, port):
    number = len(SERVERS) + 1
    return f"""
	server {{
		listen 127.0.0.{number}:{port} ssl;
		ssl_certificate certificate.pem;
		ssl_certificate_key key.pem;
		{DELEGATE}
		{" ".join(ACTUAL)}
		location / {{ return 200 x; }}
		location ~ /cors-check- {{ return 404; }}
	}}"""


def nginx_configuration(stage, port, tls):
    servers = "".join(server(stage, port, i, lines)
                      for i, (lines, _) in enumerate(SERVERS.values(), 1))
    return f"""
	default_type text/plain;
	proxy_cache_path {stage.path('cache')} keys_zone=c:1m;
	include nginx-http.conf;
	{MAPS}
	{servers}
	{application(stage.path('echo.sock'), ORIGIN)}
	{application(stage.path('novary.sock'),
                 ' '.join((ORIGIN, CREDENTIALS, EXPOSE)))}
	{tls_server(stage, port) if tls else ""}"""


def make_certificate(stage):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
         "/CN=api.example.com", "-addext", "subjectAltName=DNS:api.example.com",
         "-keyout", stage.path("key.pem"), "-out",
         stage.path("certificate.pem")], check=True, capture_output=True)


def start_nginx(stage, tls):
    port = harness.free_port()
    write_fragments(stage)
    stage.write("page.txt", "page\n")
    stage.start_nginx(nginx_configuration(stage, port, tls),
                      ("127.0.0.1", port))
    return port


# ---- nginx --------------------------------------------------------------------

def good_nginx(stage, port):
    url = f"http://api.example.com:{port}"
    status, out, err = verify(*resolve(port), url + "/v1", "--error-url",
                              url + "/fails", folder=stage.folder)
    lines = out.splitlines()
    tap.ok((status, err, len(lines)) == (0, "", 2)
           and all(line.endswith(", ok") for line in lines)
           and lines[0].startswith(f"{url}/v1: policy api (policy.ini:2), "),
           "a good server: exit 0 and a line for each URL", out + err)
    status, result = report(*resolve(port), url + "/v1?x=1", folder=stage.folder)
    one = result["servers"][0]
    tap.ok(status == 0 and result["ok"] and one["ok"]
           and one["url"] == url + "/v1?x=1" and one["policy"] == "api"
           and one["requests"] > 20 and one["findings"] == [],
           "a good server: --json says so", json.dumps(result))


def broken_nginx(stage, port):
    for number, (name, (_, wanted)) in enumerate(SERVERS.items(), 1):
        status, result = report(*resolve(port, f"127.0.0.{number}"),
                                f"http://api.example.com:{port}/v1",
                                folder=stage.folder)
        tap.ok(ids(result) == wanted and status == (1 if wanted else 0)
               and result["ok"] is (not wanted),
               f"nginx, {name}: {', '.join(sorted(wanted)) or 'nothing'}",
               f"exit {status}, found {sorted(ids(result))}\n"
               + json.dumps(result, indent=1))


def other_policies(stage, port):
    """Paths and hosts of other policies on a server that is right for one."""
    base = f"api.example.com:{port}"
    status, result = report(*resolve(port), f"http://{base}/public/x",
                            folder=stage.folder)
    one = result["servers"][0]
    tap.ok(status == 1 and one["policy"] == "public"
           and ids(result) == {"allow-origin-missing",
                               "errors-without-headers"},
           "a policy of '*': its preflights are right, its responses lack '*'",
           json.dumps(result, indent=1))
    status, result = report(*resolve(port), f"http://named.example.com:{port}/",
                            folder=stage.folder)
    tap.ok(status == 1 and ids(result) == {
        "credentials-granted", "expose-differs", "allow-origin-missing"},
           "a policy without credentials: what the maps grant beyond it",
           json.dumps(result, indent=1))
    status, result = report("--cors-policy", "public", *resolve(port,
                            f"127.0.0.{list(SERVERS).index('other policy') + 1}"),
                            f"http://{base}/v1", folder=stage.folder)
    tap.ok(result["servers"][0]["policy"] == "public"
           and "wrong-policy" not in ids(result),
           "--cors-policy: the policy that the server asks for by name",
           json.dumps(result, indent=1))


def text_report(stage, port):
    number = list(SERVERS).index("redirect") + 1
    url = f"http://api.example.com:{port}/v1"
    status, out, err = verify(*resolve(port, f"127.0.0.{number}"), url,
                              folder=stage.folder)
    lines = out.splitlines()
    tap.ok(status == 1 and err == "" and len(lines) == 3
           and lines[0].endswith(", 1 finding")
           and lines[1].startswith("  preflight-allowed: the answer to the "
                                   "preflight for origin "
                                   "'https://app.example.com' (status 301)")
           and "/other/'" in lines[1] and "more like it" in lines[1]
           and lines[1].endswith(" [preflight-redirect]")
           and lines[2].startswith("    browsers follow no redirect"),
           "the text names case, status, target, id and remedy", out)


def error_page(stage, port):
    number = list(SERVERS).index("not on errors") + 1
    status, result = report("--error-url",
                            f"http://api.example.com:{port}/fails",
                            *resolve(port, f"127.0.0.{number}"),
                            folder=stage.folder)
    findings = result["servers"][0]["findings"]
    tap.ok(status == 1 and {(f["id"], f["case"], f["status"])
                            for f in findings} >=
           {("errors-without-headers", "actual-error", 500)},
           "--error-url: headers lost on a 500", json.dumps(result, indent=1))


def tls(stage, port):
    number = len(SERVERS) + 1
    argv = [*resolve(port, f"127.0.0.{number}"),
            f"https://api.example.com:{port}/v1"]
    status, result = report(*argv, folder=stage.folder)
    tap.ok(status == 1 and ids(result) == {"tls"}
           and result["servers"][0]["requests"] == 1,
           "TLS: a certificate that nobody vouches for", json.dumps(result))
    status, result = report("--cacert", "certificate.pem", *argv,
                            folder=stage.folder)
    tap.ok(status == 0 and ids(result) == set(), "TLS: with --cacert all is "
           "well", json.dumps(result, indent=1))
    status, result = report("--cacert", "certificate.pem", "--resolve",
                            f"other.example.com:{port}:127.0.0.{number}",
                            f"https://other.example.com:{port}/",
                            folder=stage.folder)
    tap.ok(status == 1 and ids(result) == {"tls"},
           "TLS: the certificate of another host", json.dumps(result))
    status, result = report(f"https://127.0.0.1:{port}/", folder=stage.folder)
    tap.ok(status == 1 and ids(result) == {"tls"},
           "TLS: a port that speaks http", json.dumps(result))


# ---- lighttpd -----------------------------------------------------------------

def lighttpd_origin(origin):
    return f"""
$REQUEST_HEADER["Origin"] == "{origin}" {{
  setenv.add-response-header = ( "Vary" => "Origin",
    "Access-Control-Allow-Origin" => "{origin}",
    "Access-Control-Expose-Headers" => "X-Total, X-Page" )
}}"""


def lighttpd_configuration(stage, port, delegate):
    text = fragment("lighttpd/preflights.conf").replace(
        "preflightd.sock", stage.path("preflightd.sock"))
    return f"""
server.document-root = "{stage.folder}"
server.bind = "127.0.0.1"
server.port = {port}
server.errorlog = "{stage.path('lighttpd-error.log')}"
server.modules = ( "mod_setenv", "mod_fastcgi" )
index-file.names = ( "page.txt" )
setenv.add-response-header = ( "Vary" => "Origin" )
{"".join(lighttpd_origin(f"https://{name}.example.com")
         for name in ("app", "other"))}
{text if delegate else ""}
"""


def lighttpd(stage, delegate):
    port = harness.free_port()
    conf = stage.write(f"lighttpd-{port}.conf",
                       lighttpd_configuration(stage, port, delegate))
    stage.start("lighttpd", ["lighttpd", "-D", "-f", conf], ("127.0.0.1", port))
    return report(*resolve(port), f"http://named.example.com:{port}/",
                  folder=stage.folder)


def good_and_broken_lighttpd(stage):
    if harness.find("lighttpd"):
        tap.skip("lighttpd", "lighttpd missing")
        return
    stage.write("page.txt", "page\n")
    status, result = lighttpd(stage, True)
    tap.ok(status == 0 and result["ok"], "lighttpd, good: nothing",
           json.dumps(result, indent=1))
    status, result = lighttpd(stage, False)
    found = {f["id"] for s in result["servers"] for f in s["findings"]
             if f["case"].startswith("preflight-")}
    tap.ok(status == 1 and found & {"preflight-status",
                                    "preflight-method-not-allowed"},
           "lighttpd, nothing delegated: it answers OPTIONS itself",
           json.dumps(result, indent=1))


# ---- no answer ----------------------------------------------------------------

def no_answer(folder):
    def found(port, *argv):
        status, result = report(*argv, f"http://127.0.0.1:{port}/",
                                folder=folder)
        return status, ids(result), result["servers"][0]["requests"]
    tap.is_equal(found(harness.free_port()), (1, {"unreachable"}, 1),
                 "nobody there: exit 1, and not asked again")
    silent = Answering(None)
    tap.is_equal(found(silent.port, "--timeout", "1"), (1, {"timeout"}, 1),
                 "a server that never answers")
    silent.stop()
    for what, answer in (("no HTTP", b"SSH-2.0-x\r\n"), ("nothing", b""),
                         ("endless headers", b"HTTP/1.1 200 OK\r\n"
                          + b"X: 0123456789\r\n" * 20000)):
        odd = Answering(answer)
        tap.is_equal(found(odd.port), (1, {"not-http"}, 1),
                     f"a server that says {what}")
        odd.stop()


def odd_answers(folder):
    """What counts is the final answer up to the end of its headers."""
    answer = (b"HTTP/1.1 103 Early Hints\r\n"
              b"Access-Control-Allow-Origin: early\r\n\r\n"
              b"HTTP/1.1 403 No\r\nContent-Length: 9999\r\n"
              b"Vary: Origin, Access-Control-Request-Method,"
              b"Access-Control-Request-Headers\r\n\r\nshort")
    odd = Answering(answer)
    status, result = report(f"http://127.0.0.1:{odd.port}/a/../b",
                            folder=folder)
    odd.stop()
    tap.ok(status == 0 and result["ok"]
           and result["servers"][0]["policy"] is None,
           "a URL that no policy serves: all is refused, as it should be; 103 "
           "before the answer and a body cut short change nothing",
           json.dumps(result, indent=1))
    methods = {request.split(b" ")[0] for request in odd.requests}
    tap.is_equal(methods, {b"OPTIONS", b"GET"},
                 "only OPTIONS and GET are sent")
    odd = Answering(answer)
    report("-X", "put", f"http://127.0.0.1:{odd.port}/", folder=folder)
    odd.stop()
    methods = {request.split(b" ")[0] for request in odd.requests}
    tap.is_equal(methods, {b"OPTIONS", b"PUT"}, "-X put: as browsers send it")
    heads = b"\n".join(odd.requests).lower()
    tap.ok(b"cookie:" not in heads and b"authorization:" not in heads,
           "neither cookies nor logins are sent", heads.decode())


def proxies(folder):
    proxy = Answering(b"HTTP/1.1 502 Bad\r\nContent-Length: 0\r\n\r\n")
    environment = {"http_proxy": f"http://127.0.0.1:{proxy.port}"}
    os.environ.update(environment)
    port = harness.free_port()
    tap.is_equal(ids(report(f"http://127.0.0.1:{port}/", folder=folder)[1]),
                 {"unreachable"}, "proxies of the environment are left alone")
    found = ids(report("--proxy", f"http://127.0.0.1:{port}/",
                       folder=folder)[1])
    tap.ok("preflight-server-error" in found and proxy.requests,
           "--proxy: they are used", str(found))
    for name in environment:
        del os.environ[name]
    proxy.stop()


# ---- usage --------------------------------------------------------------------

def usage(folder):
    cases = (
        ([], "missing URL"),
        (["nonsense"], "nonsense"),
        (["ftp://x/", "http://y:0/"], "ftp"),
        (["--rate", "0", "http://x/"], "invalid --rate '0'"),
        (["--timeout", "1h", "http://x/"], "invalid --timeout '1h'"),
        (["--resolve", "x:80", "http://x/"], "invalid --resolve 'x:80'"),
        (["--cacert", "none.pem", "http://x/"], "certificates 'none.pem'"),
        (["-X", "TRACE", "http://x/"], "browsers do not send method 'TRACE'"),
        (["--cors-policy", "nobody", "http://x/"], "unknown policy 'nobody'"),
        (["--allow-insecure", "http://x/"], "verify --help"),
    )
    for argv, wanted in cases:
        status, out, err = verify(*argv, folder=folder)
        tap.ok(status == 2 and out == "" and wanted in err,
               f"exit 2: verify {' '.join(argv)}", f"{status}\n{out}{err}")
    status, out, err = verify("http://x/", policy="none.ini", folder=folder)
    tap.ok(status == 2 and out == "" and "none.ini" in err,
           "exit 2: no policy file", err)
    with open(os.path.join(folder, "bad.ini"), "w", encoding="utf-8") as f:
        f.write("[policy x]\nallow-origins = https://a.example.com/\n")
    status, out, err = verify("http://x/", policy="bad.ini", folder=folder)
    tap.ok(status == 2 and "[origin-trailing-slash]" in err,
           "exit 2: a policy file with errors", err)


def without_libcurl(folder):
    """It is loaded when it is needed: without it the other commands work."""
    libraries = os.path.join(folder, "libraries")
    os.mkdir(libraries)
    for name in ("libcurl.so.4", "libcurl-gnutls.so.4"):
        with open(os.path.join(libraries, name), "wb"):
            pass
    env = {**os.environ, "LD_LIBRARY_PATH": libraries}
    run = lambda *argv: subprocess.run(
        [harness.PREFLIGHTD, *argv], cwd=folder, env=env, text=True,
        stdin=subprocess.DEVNULL, capture_output=True, check=False)
    done = run("verify", "-p", "policy.ini", "http://x/")
    tap.ok(done.returncode == 3 and "cannot load libcurl: " in done.stderr
           and "\n  install it" in done.stderr,
           "exit 3: libcurl cannot be loaded", done.stderr)
    tap.is_equal(run("check", "policy.ini").returncode, 0,
                 "what needs no libcurl works without it")


def rate(folder):
    """Half a second for each request but the first."""
    odd = Answering(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")
    done = subprocess.run(
        [harness.PREFLIGHTD, "verify", "-p", "policy.ini", "--rate", "2",
         "--json", f"http://127.0.0.1:{odd.port}/"], cwd=folder, text=True,
        capture_output=True, check=False, stdin=subprocess.DEVNULL)
    odd.stop()
    return json.loads(done.stdout)["servers"][0]["requests"]


def rate_is_kept(folder):
    start = time.monotonic()
    requests = rate(folder)
    took = time.monotonic() - start
    tap.ok(requests > 1 and took >= (requests - 1) * 0.45,
           "--rate 2: no more than two requests a second",
           f"{requests} requests in {took:.2f} s")


with harness.Stage() as private:
    private.write("policy.ini", POLICY)
    usage(private.folder)
    no_answer(private.folder)
    odd_answers(private.folder)
    proxies(private.folder)
    rate_is_kept(private.folder)
    without_libcurl(private.folder)
    missing = harness.find("nginx", "spawn-fcgi", "openssl")
    if missing:
        tap.skip_all(f"{', '.join(missing)} missing")
    make_certificate(private)
    private.start_preflightd(private.path("preflightd.sock"),
                             private.path("policy.ini"))
    http = start_nginx(private, True)
    good_nginx(private, http)
    broken_nginx(private, http)
    other_policies(private, http)
    text_report(private, http)
    error_page(private, http)
    tls(private, http)
    good_and_broken_lighttpd(private)
tap.done()
