"""etc/kubernetes and etc/Containerfile: every field is one of the published
schema (by the classes that are generated from it), what is named is there, the
policy passes check, preflightd takes the options and nginx its configuration.
"""

import datetime
import glob
import os
import re
import signal
import subprocess
import sys

import tap

sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "server"))
import harness  # noqa: E402

# Debian's modules, also where another Python runs the tests.
sys.path.append("/usr/lib/python3/dist-packages")
try:
    import yaml
    from kubernetes.client import models
except ImportError as missing:
    tap.skip_all(f"{missing.name} for Python is missing")

KINDS = {"v1": "V1", "apps/v1": "V1", "networking.k8s.io/v1": "V1",
         "policy/v1": "V1"}
SCALARS = {"str": str, "int": int, "float": (int, float), "bool": bool,
           "datetime": (str, datetime.datetime), "object": object}


def read(*names):
    with open(os.path.join(harness.TOP, *names), encoding="utf-8") as f:
        return f.read()


# --- the schema ---


def scalar_faults(value, kind, where):
    right = (isinstance(value, SCALARS[kind])
             and (kind in ("bool", "object") or not isinstance(value, bool)))
    return [] if right else [f"{where}: {value!r} is no {kind}"]


def model_faults(value, kind, where):
    """What is wrong with a mapping that a model describes."""
    if not isinstance(value, dict):
        return [f"{where}: no mapping of {kind}"]
    model = getattr(models, kind)
    by_key = {key: name for name, key in model.attribute_map.items()}
    faults = [f"{where}.{key}: {kind} has no such field"
              for key in value if key not in by_key]
    known = {by_key[key]: item for key, item in value.items() if key in by_key}
    try:
        model(**known)  # required fields, bounds and enumerations
    except ValueError as error:
        faults.append(f"{where}: {error}")
    for name, item in known.items():
        faults += schema_faults(item, model.openapi_types[name],
                                f"{where}.{model.attribute_map[name]}")
    return faults


def schema_faults(value, kind, where):
    """What is wrong with a value of a type of the schema, as lines."""
    if kind.startswith("list["):
        if not isinstance(value, list):
            return [f"{where}: no list"]
        return [fault for number, item in enumerate(value) for fault in
                schema_faults(item, kind[5:-1], f"{where}[{number}]")]
    if kind.startswith("dict("):
        if not isinstance(value, dict):
            return [f"{where}: no mapping"]
        inner = kind[5:-1].split(", ")[1]
        return [fault for key, item in value.items() for fault in
                scalar_faults(key, "str", where)
                + schema_faults(item, inner, f"{where}.{key}")]
    if kind in SCALARS:
        return scalar_faults(value, kind, where)
    return model_faults(value, kind, where)


def object_faults(thing):
    """What is wrong with a whole object."""
    version = KINDS.get(thing.get("apiVersion"))
    if version is None or not hasattr(models, version + str(thing["kind"])):
        return [f"{thing.get('apiVersion')} {thing.get('kind')}: not known"]
    return model_faults(thing, version + thing["kind"], thing["kind"])


def check_schema(objects):
    for thing in objects:
        faults = object_faults(thing)
        tap.ok(not faults, f"{thing['kind']} {thing['metadata']['name']} is of "
               "the published schema", "\n".join(faults))


def check_the_check(objects):
    """Faults that must be found in what is right."""
    def spoilt(change):
        (thing,) = (yaml.safe_load(yaml.safe_dump(one)) for one in objects
                    if one["kind"] == "Deployment"
                    and one["metadata"]["name"] == "preflightd")
        change(thing, thing["spec"]["template"]["spec"]["containers"][0])
        return object_faults(thing)
    for what, change in (
            ("an unknown field", lambda d, c: c.update(arg=["x"])),
            ("a number for a text", lambda d, c: c.update(image=1)),
            ("a text for a number", lambda d, c: d["spec"].update(replicas="3")),
            ("a required field left out", lambda d, c: d["spec"].pop("selector")),
            ("a list that is none", lambda d, c: c.update(args="serve"))):
        tap.ok(spoilt(change), f"{what} would be found")


# --- what belongs together ---


def of_kind(objects, kind):
    return [thing for thing in objects if thing["kind"] == kind]


def named(objects, kind):
    return {thing["metadata"]["name"]: thing for thing in of_kind(objects, kind)}


def pods(objects):
    """The pods' templates as (name, metadata, spec)."""
    return [(thing["metadata"]["name"], thing["spec"]["template"]["metadata"],
             thing["spec"]["template"]["spec"])
            for thing in of_kind(objects, "Deployment")]


def selects(selector, labels):
    return selector and selector.items() <= labels.items()


def check_selectors(objects):
    labels = {name: meta["labels"] for name, meta, _ in pods(objects)}
    for thing in of_kind(objects, "Deployment"):
        name = thing["metadata"]["name"]
        tap.ok(selects(thing["spec"]["selector"]["matchLabels"], labels[name]),
               f"Deployment {name} selects its own pods")
    others = [("Service", "selector"), ("NetworkPolicy", "podSelector"),
              ("PodDisruptionBudget", "selector")]
    for kind, key in others:
        for thing in of_kind(objects, kind):
            selector = thing["spec"][key]
            selector = selector.get("matchLabels", selector)
            chosen = [name for name in labels
                      if selects(selector, labels[name])]
            tap.is_equal(chosen, [thing["metadata"]["name"]],
                         f"{kind} {thing['metadata']['name']} selects one "
                         "Deployment's pods")
    replicas = named(objects, "Deployment")["preflightd"]["spec"]["replicas"]
    budget = named(objects, "PodDisruptionBudget")["preflightd"]["spec"]
    tap.ok(budget["minAvailable"] < replicas, "a node can be drained")


def check_ports(objects):
    """Ports have the names of container ports."""
    ports = {name: {port["name"] for container in spec["containers"]
                    for port in container.get("ports", [])}
             for name, _, spec in pods(objects)}
    service = named(objects, "Service")["preflightd"]["spec"]
    tap.ok({port["targetPort"] for port in service["ports"]}
           <= ports["preflightd"], "the Service's port is the container's")
    policy = named(objects, "NetworkPolicy")["preflightd"]["spec"]
    tap.ok({port["port"] for rule in policy["ingress"]
            for port in rule["ports"]} <= ports["preflightd"],
           "and the NetworkPolicy's is")


def check_volumes(objects):
    maps = named(objects, "ConfigMap")
    for name, _, spec in pods(objects):
        volumes = {volume["name"]: volume for volume in spec["volumes"]}
        mounted = {mount["name"] for container in spec["containers"]
                   for mount in container["volumeMounts"]}
        tap.is_equal(set(volumes), mounted, f"{name}: every volume is mounted")
        tap.ok(all("subPath" not in mount for container in spec["containers"]
                   for mount in container["volumeMounts"]),
               f"{name}: none by a subPath, which is never brought up to date")
        wanted = {volume["configMap"]["name"] for volume in volumes.values()
                  if "configMap" in volume}
        tap.ok(wanted <= set(maps), f"{name}: its ConfigMaps are there")


def check_confinement(objects, user):
    for name, _, spec in pods(objects):
        pod = spec["securityContext"]
        tap.ok(pod["runAsNonRoot"] is True and pod["runAsUser"] == user
               and pod["seccompProfile"]["type"] == "RuntimeDefault"
               and spec["automountServiceAccountToken"] is False,
               f"{name}: no root, a filter of system calls, no token")
        for container in spec["containers"]:
            tap.is_equal(container["securityContext"],
                         {"allowPrivilegeEscalation": False,
                          "readOnlyRootFilesystem": True,
                          "capabilities": {"drop": ["ALL"]}},
                         f"{name}: {container['name']} gains and writes nothing")
            tap.ok("memory" in container["resources"]["limits"],
                   f"{name}: {container['name']} is bounded in memory")


# --- preflightd and nginx themselves ---


def check_policy(objects, stage):
    """Returns where the policy was written."""
    path = stage.write("policy.ini", named(objects, "ConfigMap")
                       ["preflightd-policy"]["data"]["policy.ini"])
    done = subprocess.run([harness.PREFLIGHTD, "check", "--strict", "-p", path],
                          stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, check=False)
    tap.is_equal((done.returncode, done.stderr), (0, ""),
                 "the ConfigMap's policy passes check --strict")
    return path


def probed(argv, timeout=harness.DEADLINE):
    """Whether a probe's command is answered."""
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, text=True,
                              capture_output=True, timeout=timeout, check=False)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0 and done.stdout.startswith("Status: 204")


def is_stopped(pid):
    """Whether every thread of a process has seen SIGSTOP."""
    folder = f"/proc/{pid}/task"
    states = []
    for task in os.listdir(folder):
        with open(os.path.join(folder, task, "stat"), encoding="ascii") as f:
            states.append(f.read().rpartition(")")[2].split()[0])
    return all(state == "T" for state in states)


def check_container(stage, name, container, policy):
    """Runs a container's command and its probes at another address."""
    words = container["args"]
    told = words[words.index("--listen") + 1]
    if told.startswith("unix:"):
        address = stage.path(name)
        listen, asked, ask = f"unix:{address}", told[5:], address
    else:
        address = ("127.0.0.1", harness.free_port())
        listen = ask = f"127.0.0.1:{address[1]}"
        asked = "127.0.0.1:" + told.rpartition(":")[2]
    process = stage.start(name + "-preflightd", [
        harness.PREFLIGHTD, *(listen if word == told else word
                              for word in words), "-p", policy], address)
    probes = {probe: [ask if word == asked else word for word in
                      container[probe]["exec"]["command"]]
              for probe in ("startupProbe", "readinessProbe", "livenessProbe")
              if probe in container}
    for probe, argv in probes.items():
        tap.ok(ask in argv and probed(argv), f"{name}: the {probe} is answered",
               str(argv))
    process.send_signal(signal.SIGSTOP)
    harness.wait_until(lambda: is_stopped(process.pid), "the process stops")
    tap.ok(not any(probed(argv, 0.2) for argv in probes.values()),
           f"{name}: no probe is, where preflightd hangs")
    process.send_signal(signal.SIGCONT)
    tap.is_equal(stage.stop(process), 0, f"{name}: SIGTERM ends it with 0")
    tap.ok(not any(map(probed, probes.values())), f"{name}: and then no more")


def check_commands(objects, stage, policy):
    if harness.find("cgi-fcgi"):
        tap.skip("the containers' commands", "cgi-fcgi is missing")
        return
    for name, _, spec in pods(objects):
        for container in spec["containers"]:
            if container["name"] == "preflightd":
                check_container(stage, name, container, policy)


def check_image(objects, image):
    version = re.search(r"^AC_INIT\(\[preflightd\], \[(.*?)\]\)",
                        read("configure.ac"), re.M)[1]
    images = {container["image"] for _, _, spec in pods(objects)
              for container in spec["containers"]
              if container["name"] == "preflightd"}
    tap.is_equal(images, {"preflightd:" + version},
                 "the image is of this version")
    for what, pattern in (
            ("has two stages", r"\AARG DEBIAN=\S+\n+FROM \S+ AS build\n.*^FROM "),
            ("starts preflightd itself", r'^ENTRYPOINT \["/usr/bin/preflightd"\]'),
            ("is stopped by SIGTERM", r"^STOPSIGNAL SIGTERM$"),
            ("has the probes' program", r"libfcgi-bin.*^HEALTHCHECK .*cgi-fcgi"),
            ("exposes the Service's port", r"^EXPOSE 9000/tcp$")):
        tap.ok(re.search(pattern, re.sub(r"\A(#.*\n)+\n*", "", image),
                         re.M | re.S), f"the Containerfile {what}")
    tap.ok(not re.search(r"^FROM \S*[./]\S*/", image, re.M),
           "the Containerfile names no registry")


def check_fragments(objects, stage):
    """The sidecar's nginx has the fragments of etc/ and takes them all."""
    data = named(objects, "ConfigMap")["web-nginx"]["data"]
    for name in ("http.conf", "server.conf"):
        tap.is_equal(data["nginx-" + name], read("etc", "nginx", name),
                     f"the sidecar's {name} is that of etc/nginx")
    if harness.find("nginx"):
        tap.skip("nginx takes the sidecar's configuration", "nginx is missing")
        return
    for name, text in data.items():
        stage.write(name, text.replace("/tmp/", stage.folder + "/"))
    done = subprocess.run(
        ["nginx", "-t", "-e", stage.path("error.log"), "-c",
         stage.path("nginx.conf")], text=True, stdin=subprocess.DEVNULL,
        capture_output=True, check=False)
    tap.ok(done.returncode == 0, "nginx takes the sidecar's configuration",
           done.stderr)


everything = [thing for path in sorted(glob.glob(
    os.path.join(harness.TOP, "etc", "kubernetes", "*.yaml")))
    for thing in yaml.safe_load_all(read(path))]
containerfile = read("etc", "Containerfile")
check_schema(everything)
check_the_check(everything)
check_selectors(everything)
check_ports(everything)
check_volumes(everything)
check_confinement(everything, int(re.search(r"^USER (\d+):", containerfile,
                                            re.M)[1]))
check_image(everything, containerfile)
with harness.Stage() as private:
    check_commands(everything, private, check_policy(everything, private))
    check_fragments(everything, private)
tap.done()
