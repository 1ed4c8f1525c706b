"""The cases through lighttpd, with the fragment of etc/ as it is installed;
the socket's address is all that is changed in it.
"""

import os

import cases
import harness
import tap

SOCKET = '"socket" => "/run/preflightd/preflightd.sock",'


def fragment(backend):
    """The fragment of etc/, the lines of its socket being those of backend."""
    with open(os.path.join(harness.TOP, "etc", "lighttpd",
                           "preflights.conf"),
              encoding="utf-8") as f:
        return f.read().replace(SOCKET, backend)


def everything(backend):
    return f"""
$HTTP["host"] == "everything.example.com" {{
  proxy.server = ()
  fastcgi.server = ( "" => ( ( {backend} "check-local" => "disable" ) ) )
}}
"""


def configuration(stage, application, backend):
    stage.write("passwords", "u:p\n")
    return f"""
server.document-root = "{stage.folder}"
server.bind = "{stage.path('http.sock')}"
server.errorlog = "{stage.path('error.log')}"
server.modules = ( "mod_auth", "mod_authn_file", "mod_setenv", "mod_fastcgi",
                   "mod_proxy" )
setenv.add-response-header = ( "X-Inherited" => "must not be on a preflight" )
proxy.server = ( "" => ( ( "socket" => "{application}" ) ) )
auth.backend = "plain"
auth.backend.plain.userfile = "{stage.path('passwords')}"
$HTTP["host"] == "auth.example.com" {{
  auth.require = ( "" => ( "method" => "basic", "realm" => "test",
                           "require" => "valid-user" ) )
}}
$HTTP["host"] == "named.example.com" {{
  setenv.add-environment = ( "CORS_POLICY" => "admin" )
}}
{everything(backend)}
{fragment(backend)}
"""


def start(stage, backend):
    application = stage.start_application()
    conf = stage.write("lighttpd.conf",
                       configuration(stage, application, backend))
    address = stage.path("http.sock")
    stage.start("lighttpd", ["lighttpd", "-D", "-f", conf], address)
    return address


def unix():
    with harness.Stage() as stage:
        backend = stage.path("preflightd.sock")
        stage.start_preflightd(backend, cases.POLICY)
        address = start(stage, f'"socket" => "{backend}",')
        cases.run("lighttpd", "lighttpd, unix socket", address)
        cases.inherited(address)


def tcp():
    with harness.Stage() as stage:
        host, port = backend = ("127.0.0.1", harness.free_port())
        stage.start_preflightd(backend, cases.POLICY, "multiwatch")
        address = start(stage, f'"host" => "{host}", "port" => {port},')
        cases.run("lighttpd", "lighttpd, TCP", address)


def bin_path():
    """lighttpd starts preflightd itself."""
    with harness.Stage() as stage:
        command = f"{harness.PREFLIGHTD} serve -p {cases.POLICY}"
        address = start(stage, f'"socket" => "{stage.path("spawned.sock")}", '
                               f'"bin-path" => "{command}", "max-procs" => 1,')
        cases.run("lighttpd", "lighttpd, bin-path", address)
        cases.inherited(address)


def outage():
    """preflightd gone, and back."""
    with harness.Stage() as stage:
        backend = stage.path("preflightd.sock")
        daemon = stage.start_preflightd(backend, cases.POLICY)
        address = start(stage, f'"socket" => "{backend}",')
        cases.is_answered(cases.ask(address), "preflightd up")
        tap.is_equal(stage.stop(daemon), 0, "preflightd ends with 0")
        answer = cases.ask(address)
        tap.ok(answer.status == 503 and not answer.cors(),
               "preflightd down: 503 without CORS headers", str(answer))
        answer = harness.request(address, "GET /x", [
            ("Host", "api.example.com"), ("Origin", cases.APP)])
        tap.ok(answer.values("x-application"),
               "preflightd down: actual requests go on", str(answer))
        stage.start_preflightd(backend, cases.POLICY)
        # lighttpd leaves a back end that was down alone for a second.
        harness.wait_until(lambda: cases.ask(address).status != 503,
                           "lighttpd asking again")
        cases.is_answered(cases.ask(address), "preflightd back: answers again")


missing = harness.find("lighttpd", "spawn-fcgi", "multiwatch")
if missing:
    tap.skip_all(f"{', '.join(missing)} missing")
unix()
tcp()
bin_path()
outage()
tap.done()
