"""preflightd itself, asked over FastCGI what an actual response must carry."""

import os
import sys
import types

import harness

sys.path.insert(0, os.path.join(harness.TOP, "tests", "proto"))
import fcgi  # noqa: E402


class Oracle:
    """preflightd at a unix socket's path or a (host, port)."""

    def __init__(self, address):
        tcp = address if isinstance(address, tuple) else None
        self._client = fcgi.Client(types.SimpleNamespace(
            tcp=tcp, path=None if tcp else address))

    def ask(self, host, path, *origins):
        """The CORS fields that a response must have, and whether it varies by
        Origin; host None and origins None are not there."""
        params = [("REQUEST_METHOD", "GET"), ("REQUEST_URI", path),
                  ("REQUEST_SCHEME", "http"), ("CORS_MODE", "actual")]
        if host is not None:
            params.append(("HTTP_HOST", host))
        params += [("HTTP_ORIGIN", o) for o in origins if o is not None]
        fields = self._client.ask(params).fields
        return ({n.lower(): v for n, v in fields
                 if n.startswith("Access-Control-")},
                ("Vary", "Origin") in fields)


def varies(answer):
    """How often a response says that it varies by Origin."""
    words = [w.strip().lower() for v in answer.values("vary")
             for w in v.split(",")]
    return words.count("origin")
