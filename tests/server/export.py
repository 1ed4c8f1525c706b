"""Exported configurations on the real servers: each is loaded as it is, and the
servers must say of every actual request what preflightd says, also on errors,
behind authentication, over what applications say, and while preflightd is down.
"""

import dataclasses
import os
import re
import subprocess
import sys

import cases as shared_cases
import export_cases as cases
import export_servers
import harness
import readme
import readme_table
import tap
from oracle import Oracle, varies

POLICY = os.path.join(harness.TOP, "tests", "server", "export.ini")
SHARED_POLICY = os.path.join(harness.TOP, "tests", "server", "policy.ini")
# Of preflightd or of the server; HAProxy has 500 for an invalid escape.
REFUSALS = (400, 403, 404, 414, 421, 431, 500)


def name(value):
    """A value for a description."""
    return ascii(value if value is None or len(value) < 50
                 else value[:50] + "...")


def send(address, host, path, origin, method="GET", more=()):
    headers = [("Host", host), *more]
    if origin is not None:
        headers.append(("Origin", origin))
    return harness.request(address, f"{method} {path}", headers)


def is_right(server, answer, wanted, what, status=200):
    fields, vary = wanted
    got = bool(varies(answer))
    tap.ok(answer.status == status and answer.cors() == fields
           and (got == vary or (got and server.may_vary(fields))), what,
           f"wanted {status} {fields} {'Vary: Origin' * vary}\n{answer}")


def compared(server, oracle, variant):
    """Every request of the table; those that the server refuses as malformed
    must have no CORS header."""
    for host, path, origin in dict.fromkeys(cases.requests()):
        what = f"{variant}: {host[:40]} {path} {name(origin)}"
        answer = send(server.plain, host, path, origin)
        fields, vary = oracle.ask(host, path, origin)
        if answer.status in (400, 421) and server.may_refuse(host, path, origin):
            tap.ok(not answer.cors(), what + ": refused by the server",
                   str(answer))
            continue
        if not answer.cors() and fields and server.is_stricter(host, path):
            tap.ok(varies(answer), what + ": stricter", str(answer))
            continue
        if server.is_stricter(host, path):
            vary = vary or bool(varies(answer))
        is_right(server, answer, (fields, vary), what, server.status(path))


def written_out(server, variant):
    """The cases of the table, also on errors of the application and of the
    server."""
    for what, path, origin, fields, vary in cases.WRITTEN_OUT:
        kinds = [("", server.plain, "", 200),
                 (", 404 of the application", server.plain, "?status=404", 404),
                 (", 500 of the application", server.plain, "?status=500", 500),
                 (", the application sends CORS headers too", server.plain,
                  "?own", 200)]
        if server.marks_own:
            kinds += [(", the application is down", server.gone, "",
                       server.down),
                      (", 401 of the server", server.auth, "", 401)]
        for more, address, query, status in kinds:
            answer = send(address, "api.example.com", path + query, origin)
            is_right(server, answer, (fields, vary),
                     f"{variant}: {what}{more}", status)


def application_vary(server, variant):
    answer = send(server.plain, "api.example.com", "/x?own", cases.APP)
    tap.ok("Accept-Encoding" in ",".join(answer.values("vary")),
           f"{variant}: the application's Vary is kept", str(answer))


def two_origins(server, variant):
    """Two requests on one connection."""
    with harness.connect(server.plain) as s:
        for origin in (cases.APP, cases.APPS, "https://evil.com"):
            s.sendall(f"HEAD /x HTTP/1.1\r\nHost: api.example.com\r\n"
                      f"Origin: {origin}\r\n\r\n".encode())
            raw = b""
            while b"\r\n\r\n" not in raw:
                chunk = s.recv(65536)
                if not chunk:
                    break
                raw += chunk
            fields = {} if "evil" in origin else cases.api(origin)
            is_right(server, harness.Response(raw), (fields, True),
                     f"{variant}: on one connection, {origin}")


def preflight(address, origin=cases.APP, path="/x", more=()):
    return harness.request(address, f"OPTIONS {path}", [
        ("Host", "api.example.com"), ("Origin", origin),
        ("Access-Control-Request-Method", "PUT"), *more])


def is_granted(answer, what):
    wanted = {"access-control-allow-origin": cases.APP,
              "access-control-allow-credentials": "true",
              "access-control-allow-methods": "GET, HEAD, POST, PUT",
              "access-control-allow-headers": "Content-Type, Authorization",
              "access-control-max-age": "600"}
    vary = ",".join(answer.values("vary")).replace(" ", "").lower()
    tap.ok(answer.status == 204 and answer.cors() == wanted and vary ==
           "origin,access-control-request-method,"
           "access-control-request-headers", what, str(answer))


def preflights(server, variant):
    """Exactly the preflights are delegated, before authentication."""
    for place, address in (("", server.plain), (" before authentication",
                                                server.auth)):
        is_granted(preflight(address), f"{variant}: a preflight{place}")
        answer = preflight(address, "https://evil.com")
        tap.ok(answer.status == 403 and not answer.cors()
               and not answer.values("x-application"),
               f"{variant}: a refused preflight{place}", str(answer))
    is_granted(preflight(server.gone),
               f"{variant}: a preflight, the application is down")
    origin = ("Origin", cases.APP)
    asked = ("Access-Control-Request-Method", "PUT")
    for what, line, headers in (
            ("OPTIONS without Origin", "OPTIONS /x", [asked]),
            ("OPTIONS with an empty Origin", "OPTIONS /x",
             [("Origin", ""), asked]),
            ("OPTIONS without a method asked", "OPTIONS /x", [origin]),
            ("OPTIONS with an empty method asked", "OPTIONS /x",
             [origin, ("Access-Control-Request-Method", "")]),
            ("a GET that asks like a preflight", "GET /x", [origin, asked])):
        answer = harness.request(server.plain, line,
                                 [("Host", "api.example.com"), *headers])
        tap.ok(answer.values("x-application"),
               f"{variant}: {what} is left to the application", str(answer))
        answer = harness.request(server.auth, line,
                                 [("Host", "api.example.com"), *headers])
        tap.is_equal(answer.status, 401, f"{variant}: {what} is authenticated")
    answer = harness.request(server.auth, "GET /x", [
        ("Host", "api.example.com"), ("Origin", cases.APP),
        ("Authorization", "Basic dTpw")])
    is_right(server, answer, (cases.api(cases.APP), True),
             f"{variant}: an actual request that is authenticated")


def preflights_add_nothing(stage, variant):
    """nginx from 1.29.3 on may have the location of preflights inherit the
    headers of actual responses (add_header_inherit): they must be empty."""
    lines = [line for line in stage.read("fields.log").splitlines()
             if line.startswith("OPTIONS ")]
    # Where preflightd was not asked a variable is not set, as "-" says.
    tap.ok(lines and {line.replace("-", "") for line in lines} ==
           {"OPTIONS []"},
           f"{variant}: nothing to add to a preflight",
           "\n".join(sorted(set(lines))))


# Names in the largest answer that is tried: HAProxy has 16 KB by default.
LARGEST = {"nginx": 1750, "lighttpd": 1750, "caddy": 1750, "haproxy": 320,
           "apache": 220}


def large(kind):
    """A large answer: that of 1750 names has 60 KB."""
    names = [f"X-A-Header-Of-The-Application-{n}"
             for n in range(LARGEST.get(kind.name, 220))]
    with harness.Stage() as stage:
        policy = stage.write("large.ini", "[policy p]\nallow-origins = "
                             + cases.APP + "\nallow-headers = "
                             + ",\n\t".join(names) + "\n")
        server = start(stage, kind, False, policy, ())[0]
        answer = preflight(server.plain)
        tap.ok(answer.status == 204 and answer.cors().get(
            "access-control-allow-headers") == ", ".join(names),
            f"{kind.name}: an answer with {len(names)} names", str(answer)[:300])


def bodies(server, variant):
    """An actual request keeps its method and body."""
    answer = harness.request(server.plain, "PUT /x", [
        ("Host", "api.example.com"), ("Origin", cases.APP),
        ("Content-Length", "4")], b"body")
    tap.ok(answer.body == b"PUT body", f"{variant}: a PUT and its body reach "
           "the application", f"{answer}\n{answer.body!r}")


def down(stage, server, variant, daemon):
    """Without preflightd: no preflight is granted, actual requests go on as
    they should."""
    stage.stop(daemon)
    # By the first one a server may find out that a kept connection is gone;
    # HAProxy then closes the client's too, for the client to try again.
    answer = preflight(server.plain)
    tap.ok(answer.status in (0, 502, 503, 504) and not answer.cors(),
           f"{variant}: preflightd down, the first preflight", str(answer))
    answer = preflight(server.plain)
    readme_table.says(server, "a preflight while preflightd is down",
                      str(answer.status))
    tap.ok(answer.status in (502, 503, 504) and not answer.cors(),
           f"{variant}: preflightd down, a preflight is {answer.status}",
           str(answer))
    answer = send(server.plain, "api.example.com", "/x", cases.APP)
    if server.ask and server.closed:
        tap.ok(answer.status >= 500 and not answer.values("x-application"),
               f"{variant}: preflightd down, closed", str(answer))
    elif server.ask:
        tap.ok(answer.values("x-application") and not answer.cors()
               and varies(answer), f"{variant}: preflightd down, open",
               str(answer))
    else:
        is_right(server, answer, (cases.api(cases.APP), True),
                 f"{variant}: preflightd down, actual requests go on")


def start(stage, kind, tcp, policy, options, text=None):
    """Starts preflightd and a server with what is exported, or its example; returns server, preflightd, its address and the exported
    files."""
    os.chmod(stage.folder, 0o755)
    backend = (("127.0.0.1", harness.free_port()) if tcp
               else stage.path("preflightd.sock"))
    daemon = stage.start_preflightd(backend, policy)
    if not tcp:
        os.chmod(backend, 0o777)
    parts = export_servers.export(stage, kind, backend, policy, *options)
    return kind(stage, parts, backend, options, text), daemon, backend, parts


def run(kind, tcp, options):
    """One server with one way to export."""
    variant = " ".join([kind.name, "TCP" if tcp else "unix", *options])
    with harness.Stage() as stage:
        server, daemon, backend, parts = start(stage, kind, tcp, POLICY,
                                               options)
        sockets = readme_table.connections(daemon)
        preflight(server.plain)
        readme_table.kept(kind, daemon, sockets)
        written_out(server, variant)
        application_vary(server, variant)
        preflights(server, variant)
        if kind.name == "nginx":
            preflights_add_nothing(stage, variant)
        two_origins(server, variant)
        bodies(server, variant)
        compared(server, Oracle(backend), variant)
        verified(server, variant)
        for path in parts.values():
            done = subprocess.run(
                [harness.PREFLIGHTD, "export", "-p", POLICY, "--check", path],
                text=True, capture_output=True, check=False)
            tap.is_equal((done.returncode, done.stderr), (0, ""),
                         f"{variant}: --check {os.path.basename(path)}")
        down(stage, server, variant, daemon)


def verified(server, variant):
    """`preflightd verify` finds nothing, over all policies."""
    host, port = server.plain
    urls = [f"http://{name}:{port}{path}" for name, path in (
        ("api.example.com", "/x"), ("api.example.com", "/public"),
        ("api.example.com", "/public/admin"), ("other.example.com", "/public"),
        ("a.tenants.example.com", "/t"))]
    resolved = [option for name in ("api", "other", "a.tenants")
                for option in ("--resolve", f"{name}.example.com:{port}:{host}")]
    done = subprocess.run(
        [harness.PREFLIGHTD, "verify", "-p", POLICY, "--rate", "1000",
         *resolved, *urls], text=True, capture_output=True, check=False)
    tap.is_equal((done.returncode, done.stderr), (0, ""),
                 f"{variant}: verify finds nothing")
    if done.returncode:
        tap.note(done.stdout)


def example(kind):
    """The example in etc/, or README.md's of nginx, its addresses and paths
    being those of the test."""
    if kind.example:
        with open(os.path.join(harness.TOP, "etc", kind.example),
                  encoding="utf-8") as f:
            text = f.read()
    else:
        text = next(block.body for block in readme.blocks(readme.read())
                    if block.language == kind.name)
    with harness.Stage() as stage:
        server = start(stage, kind, False, POLICY, (), text)[0]
        is_right(server, send(server.plain, "api.example.com", "/x",
                              cases.APP), (cases.api(cases.APP), True),
                 f"{kind.name}: the example marks actual responses")
        is_granted(preflight(server.plain),
                   f"{kind.name}: the example answers preflights")


def shared(kind):
    """The preflights of the table that all servers share, with its policy."""
    with harness.Stage() as stage:
        server = start(stage, kind, False, SHARED_POLICY, ())[0]
        for case in shared_cases.all_cases():
            host = dict(case.headers).get("Host")
            if case.by != "preflightd" or \
                    not dict(case.headers).get("Access-Control-Request-Method") \
                    or host in ("named.example.com", "everything.example.com"):
                continue
            if isinstance(case.status, dict):
                own = case.status.get(kind.name, REFUSALS)
                case = dataclasses.replace(case, status={kind.name: own})
            answer = harness.request(server.plain, case.line, case.headers,
                                     case.body)
            found = list(shared_cases.faults(case, answer, kind.name))
            tap.ok(not found, f"{kind.name}, shared: {case.what}",
                   "\n".join([*found, case.line, *map(str, case.headers),
                              f"answer: {answer}"]))


wanted = sys.argv[1:]
for kind in export_servers.ALL:
    if wanted and kind.name not in wanted:
        continue
    missing = harness.find(kind.program, "spawn-fcgi")
    if missing:
        tap.skip(f"export {kind.name}", f"{', '.join(missing)} missing")
        continue
    for tcp, options in kind.variants:
        run(kind, tcp, options)
    readme_table.exported(kind, POLICY)
    shared(kind)
    large(kind)
    example(kind)
tap.done()
