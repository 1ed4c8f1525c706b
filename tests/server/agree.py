"""What explain says is what a browser does: each case of agree_cases.py is made
by a page in headless Chromium, with preflightd behind nginx, and explained.
Compared are the preflight as it arrived, whether the actual request came,
whether the page got the response and which headers it could read, and the
console's words.
"""

import json
import os
import re
import subprocess

import agree_cases
import chromium
import harness
import tap

SOCKET = "unix:/run/preflightd/preflightd.sock"
LOGGED = ("host", "accept", "access_control_request_method",
          "access_control_request_headers", "origin")

ASK = """async (url, method, headers, credentials, flag) => {
  try {
    if (flag === "upload-listener")
      return await new Promise((resolve, reject) => {
        const x = new XMLHttpRequest();
        x.open(method, url);
        headers.forEach((h) => x.setRequestHeader(...h));
        x.withCredentials = credentials;
        x.upload.addEventListener("progress", () => {});
        x.onload = () => resolve({names: x.getAllResponseHeaders().trim()
            .split("\\r\\n").map((line) => line.split(":")[0])});
        x.onerror = () => resolve({error: "XMLHttpRequest failed"});
        x.send("text");
      });
    const options = {method, headers,
                     credentials: credentials ? "include" : "omit"};
    if (flag === "stream") {
      options.body = new Blob(["text"]).stream();
      options.duplex = "half";
    }
    const response = await fetch(url, options);
    await response.text();
    return {names: [...response.headers.keys()]};
  } catch (e) {
    return {error: String(e)};
  }
}"""


class Case:
    """A case, made by the browser and explained."""

    def __init__(self, number, row, ports):
        self.about, self.page, where, more = row
        self.method = more.get("method", "GET")
        self.headers = more.get("headers", [])
        self.credentials = more.get("credentials", False)
        self.flag = more.get("flag")
        self.twice = more.get("twice", False)
        scheme, _, rest = where.rpartition("://")
        host, _, path = rest.partition("/")
        port = ports["page" if host == self.page else
                     "tls" if scheme == "https" else "api"]
        mark = "&" if "?" in path else "?"
        self.url = (f"{scheme or 'http'}://{host}:{port}/{path}"
                    f"{mark}case={number}")
        self.number = number
        self.origin = ("null" if self.page == agree_cases.SANDBOX else
                       f"http://{self.page}:{ports['page']}")

    def make(self, browser):
        """What the page came to."""
        asked = ", ".join(json.dumps(v) for v in (
            self.url, self.method, self.headers, self.credentials, self.flag))
        for _ in range(1 + self.twice):
            got = browser.evaluate(f"({ASK})({asked})")
        return got

    def explain(self, policy, *options):
        """What explain prints of it."""
        argv = ["-X", self.method, "--origin", self.origin]
        for name, value in self.headers:
            argv += ["-H", f"{name}: {value}"]
        argv += ["--credentials"] * self.credentials
        argv += [f"--{self.flag}"] * bool(self.flag)
        done = subprocess.run(
            [harness.PREFLIGHTD, "explain", "-p", policy, "--browser",
             "chromium", *argv, *options, self.url],
            stdin=subprocess.DEVNULL, capture_output=True, check=False,
            encoding="utf-8")
        if done.stderr:
            raise RuntimeError(f"explain {argv}: {done.stderr}")
        return done.stdout


# ---- the servers ------------------------------------------------------------

def configuration(stage, application, ports):
    """nginx: pages on one port, the API on another, whose actual responses
    preflightd marks from the same policies."""
    fields = ",".join(f'"{name}":"$http_{name}"' for name in LOGGED)
    marks = ("Access-Control-Allow-Origin", "Access-Control-Allow-Credentials",
             "Access-Control-Expose-Headers", "Vary")
    asked = "\n\t\t\t".join(
        f"auth_request_set ${name} $upstream_http_{name};\n\t\t\t"
        f"add_header {mark} ${name} always;"
        for mark in marks for name in [mark.lower().replace("-", "_")])
    return f"""
	log_format seen escape=json
		'{{"method":"$request_method","target":"$request_uri",{fields}}}';
	upstream application {{ server unix:{application}; }}
	include http.conf;

	server {{
		listen 127.0.0.1:{ports['page']};
		default_type text/html;
		location / {{ return 200 "<!doctype html><title>page</title>"; }}
		location /sandbox {{
			add_header Content-Security-Policy "sandbox allow-scripts";
			return 200 "<!doctype html><title>sandbox</title>";
		}}
		location /own {{
			access_log {stage.path('seen')} seen;
			proxy_pass http://application;
		}}
	}}

	server {{
		listen 127.0.0.1:{ports['api']};
		listen 127.0.0.1:{ports['tls']} ssl http2;
		ssl_certificate certificate.pem;
		ssl_certificate_key key.pem;
		access_log {stage.path('seen')} seen;
		include server.conf;
		location / {{
			auth_request /.cors-actual;
			{asked}
			add_header X-Request-ID $request_id always;
			add_header X-Total-Count 3 always;
			proxy_pass http://application;
		}}
		location = /.cors-actual {{
			internal;
			fastcgi_pass preflightd;
			fastcgi_keep_conn on;
			fastcgi_pass_request_body off;
			fastcgi_param CORS_MODE      actual;
			fastcgi_param REQUEST_METHOD $request_method;
			fastcgi_param REQUEST_URI    $request_uri;
			fastcgi_param REQUEST_SCHEME $scheme;
			fastcgi_param HTTP_HOST      $host;
		}}
	}}"""


def read(*path):
    with open(os.path.join(harness.TOP, *path), encoding="utf-8") as f:
        return f.read()


def certify(stage):
    """Makes nginx a key and a certificate, which nobody need trust."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days",
         "2", "-subj", "/CN=localhost", "-keyout", stage.path("key.pem"),
         "-out", stage.path("certificate.pem")],
        stdin=subprocess.DEVNULL, capture_output=True, check=True)


def start(stage, ports):
    """Starts all of it and returns the policy's path."""
    certify(stage)
    backend = stage.path("preflightd.sock")
    policy = stage.write("policy.ini", read("tests", "server", "agree.ini")
                         .replace("@PAGE@", str(ports["page"])))
    stage.start_preflightd(backend, policy)
    for name in ("http.conf", "server.conf"):
        stage.write(name, read("etc", "nginx", name).replace(
            SOCKET, "unix:" + backend))
    stage.start_nginx(
        configuration(stage, stage.start_application(), ports),
        ("127.0.0.1", ports["api"]))
    return policy


def seen(stage, ports):
    """What arrived, by case: a list of requests in their order.  The one worker
    writes a line before it takes the next request."""
    harness.request(("127.0.0.1", ports["api"]), "GET /last",
                    [("Host", "bare.localhost")])
    harness.wait_until(lambda: '"/last"' in stage.read("seen"), "the log")
    arrived = {}
    for line in stage.read("seen").splitlines():
        request = json.loads(line)
        number = re.search(r"case=(\d+)$", request["target"])
        if number:
            arrived.setdefault(int(number[1]), []).append(request)
    return arrived


# ---- comparing --------------------------------------------------------------

def preflight_of(explained):
    """The preflight that explain shows, as the log has it."""
    headers = {n.lower().replace("-", "_"): v for n, v in
               explained["preflight_request"]["headers"]}
    return {"method": "OPTIONS",
            "target": explained["preflight_request"]["target"],
            **{name: headers.get(name, "") for name in LOGGED}}


def kept(explained):
    """Whether Chromium keeps the answer, as the notes say."""
    return any("Chromium " in note and "Chromium 0" not in note
               for note in explained["notes"])


def compare_requests(case, explained, arrived):
    """The preflights and the actual requests that arrived."""
    preflights = [r for r in arrived if r["access_control_request_method"]]
    wanted = [preflight_of(explained)] if explained["preflight"] else []
    if case.twice and not kept(explained):
        wanted *= 2
    tap.is_equal(preflights, wanted, f"{case.about}: the preflight")
    refused = any(f["step"] == "3.1" for f in explained["failures"])
    sent = not refused and (explained["browser"] == "goes-on" or
                            not explained["preflight"])
    tap.is_equal(len(arrived) - len(preflights), sent * (1 + case.twice),
                 f"{case.about}: the actual request")


def compare_response(case, explained, got):
    tap.is_equal("error" not in got, explained["browser"] == "goes-on",
                 f"{case.about}: {explained['browser']}")
    if "names" in got and explained["cors"]:
        readable = {n.lower() for n in explained["actual"]["readable"]}
        own = {"x-request-id", "x-total-count"}
        tap.is_equal(own & set(got["names"]),
                     own if "*" in readable else own & readable,
                     f"{case.about}: what the page can read")


def chrome_words(text):
    lines = [*text.splitlines(), "", ""]
    shown = "  Chrome's console:"
    return lines[lines.index(shown) + 1].strip() if shown in lines else ""


def any_header(line):
    """Of several headers Chromium names any: its table of them has no order."""
    return re.sub("Request header field [^ ]+ is", "Request header field is",
                  line)


def compare_words(case, policy, explained, got, browser):
    """The console's words, or those of the error that the call threw."""
    words = chrome_words(case.explain(policy))

    def spoken():
        browser.evaluate("1")  # what comes meanwhile is kept
        return [line for line in browser.console
                if f"case={case.number}'" in line]
    if case.method.upper() in ("TRACE", "CONNECT"):
        lines = [got["error"]]
    else:
        harness.wait_until(spoken, f"the console about {case.url}")
        lines = spoken()
    if sum(f["code"] == "header" for f in explained["failures"]) > 1:
        words = any_header(words)
        lines = [any_header(line) for line in lines]
    tap.ok(words in lines, f"{case.about}: the console's words",
           "\n".join([words, *lines]))


def run(stage, browser, ports, policy):
    cases = [Case(number, row, ports)
             for number, row in enumerate(agree_cases.CASES)]
    results = {}
    for page in dict.fromkeys(c.page for c in cases):
        host, _, path = ((agree_cases.APP, "", "sandbox")
                         if page == agree_cases.SANDBOX else (page, "", ""))
        browser.open(f"http://{host}:{ports['page']}/{path}")
        for case in (c for c in cases if c.page == page):
            results[case] = case.make(browser)
            explained = json.loads(case.explain(policy, "--json"))
            compare_response(case, explained, results[case])
            if "error" in results[case]:
                compare_words(case, policy, explained, results[case],
                              browser)
    arrived = seen(stage, ports)
    for case in cases:
        compare_requests(case, json.loads(case.explain(policy, "--json")),
                         arrived.get(case.number, []))
    tap.ok(len(cases) >= 60, f"{len(cases)} requests were compared")


missing = harness.find("nginx", "spawn-fcgi", "chromium", "openssl")
if missing:
    tap.skip_all(f"{', '.join(missing)} missing")
with harness.Stage() as stage_:
    ports_ = {name: harness.free_port() for name in ("page", "api", "tls")}
    policy_ = start(stage_, ports_)
    with chromium.Chromium(stage_, "--ignore-certificate-errors") as browser_:
        run(stage_, browser_, ports_, policy_)
tap.done()
