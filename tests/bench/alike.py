"""What alike and chosen names cost, as a ratio to as many ordinary ones in the
same run: loading hosts, policies, tests, origins and field names. Times are of
the CPU. Prints numbers, judges none. What answering costs is in decision.c.

    alike.py [RUNS]     in the build folder, after make
"""

import json
import os
import random
import subprocess
import sys
import tempfile

BUILD = os.environ.get("BUILD", os.getcwd())
DAEMON = os.path.join(BUILD, "preflightd")
MANY, MILLION, NAMES = 32000, 1000000, 8000
MULTIPLIER, MASK = 0x9E3779B97F4A7C15, (1 << 64) - 1


def words(count):
    """Ordinary names, none like another."""
    draw = random.Random(1)
    return ["".join(draw.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(draw.randint(8, 20)))
            for _ in range(count)]


def known_hash(text):
    """A hash without a key: eight bytes at a time, times a known number."""
    data = text.encode()
    h = ((1 ^ len(data)) * MULTIPLIER) & MASK
    h ^= h >> 32
    for i in [*range(0, len(data) - 8, 8), len(data) - 8]:
        h = ((h ^ int.from_bytes(data[i:i + 8], "little")) * MULTIPLIER) & MASK
        h ^= h >> 32
    return h


def chosen(count):
    """Origins that such a hash puts side by side in a table of twice as many
    places: one in 64 of all that were tried."""
    found, i = [], 0
    while len(found) < count:
        origin = f"https://{i:07}.example.com"
        if known_hash(origin) & 0xFFFF < 1024:
            found.append(origin)
        i += 1
    return found


def one_policy(key, entries, head=""):
    return f"[policy p]\n{head}{key} =\n" + "".join(f"  {entry}\n" for entry in entries)


def policies(names):
    return "".join(f"[policy p{i:05}-end]\nhost = {name}\nallow-origins = https://{name}\n"
                   for i, name in enumerate(names))


def tested(names):
    """Policies, each with a test that names it."""
    return "".join(f"[policy {name}]\nhost = {name}.example.com\nallow-origins = https://a.example\n[test {name}]\n"
                   f"request = GET https://{name}.example.com/\norigin = https://a.example\nexpect = allowed\n"
                   f"policy = {name}\n" for name in names)


# A process of its own, so that the memory of this one does not count.
MEASURE = """import json, resource, subprocess, sys
status = subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([status, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]))
"""


def check(folder, text, runs):
    """Seconds of CPU time and MB of a check, the least of the runs."""
    path = os.path.join(folder, "policy.ini")
    with open(path, "w", encoding="ascii") as f:
        f.write(text)
    got = []
    for _ in range(runs):
        out = subprocess.run([sys.executable, "-c", MEASURE, DAEMON, "check", "-q", "-p", path],
                             stdout=subprocess.PIPE, check=True).stdout
        status, *numbers = json.loads(out)
        if status != 0:
            sys.exit(f"check: exit {status}")
        got.append(numbers)
    return [min(n) for n in zip(*got)]


def compare(folder, title, ordinary, others, runs):
    base = check(folder, ordinary, runs)
    print(f"{title + ', ordinary':48} {base[0] * 1000:8.1f} ms, {base[1]:6.1f} MB", flush=True)
    for kind, text in others:
        got = check(folder, text, runs)
        print(f"{title + ', ' + kind:48} {got[0] * 1000:8.1f} ms, {got[1]:6.1f} MB, {got[0] / base[0]:5.2f} times that",
              flush=True)


def main():
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    plain, like = words(MANY), [f"customer-{i:06}" for i in range(MANY)]
    hosts = [[f"{name}.api.example.com" for name in names] for names in (plain, like)]
    origins = [["https://" + host for host in names] for names in hosts]
    patterns = [["https://*." + host for host in names] for names in hosts]
    ports = [f"https://*.example.com:{1024 + i}" for i in range(MANY)]
    names = [[f"X-{name}-Of-The-Example" for name in n[:NAMES]] for n in (plain, like)]
    origin = "allow-origins = https://a.example\n"
    with tempfile.TemporaryDirectory(prefix="pf") as folder:
        compare(folder, f"{MANY:,} hosts of a policy", one_policy("host", hosts[0], origin),
                [("alike", one_policy("host", hosts[1], origin))], runs)
        compare(folder, f"{MANY:,} policies", policies(hosts[0]), [("alike", policies(hosts[1]))], runs)
        compare(folder, f"{MANY:,} policies with tests", tested(plain), [("alike", tested(like))], runs)
        compare(folder, f"{MANY:,} origins", one_policy("allow-origins", origins[0]),
                [("alike", one_policy("allow-origins", origins[1])),
                 ("chosen", one_policy("allow-origins", chosen(MANY)))], runs)
        compare(folder, f"{MANY:,} patterns", one_policy("allow-origins", patterns[0]),
                [("alike", one_policy("allow-origins", patterns[1])),
                 ("the ports of a host", one_policy("allow-origins", ports))], runs)
        compare(folder, f"{NAMES:,} field names", one_policy("allow-headers", names[0], origin),
                [("alike", one_policy("allow-headers", names[1], origin))], runs)
        for name, lines in (("ordinary", [f"https://{word}.example.com\n" for word in words(MILLION)]),
                            ("alike", [f"https://customer-{i:07}.api.example.com\n" for i in range(MILLION)])):
            random.Random(3).shuffle(lines)
            with open(os.path.join(folder, name), "w", encoding="ascii") as f:
                f.writelines(lines)
        lists = [f"[policy p]\nallow-origins = @{name}\n" for name in ("ordinary", "alike")]
        compare(folder, f"{MILLION:,} origins", lists[0], [("alike", lists[1])], runs)


if __name__ == "__main__":
    main()
