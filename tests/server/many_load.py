"""A load of preflights for many.py: threads that ask as browsers do, on kept
connections, and note of every answer when it was asked for and what it was.
"""

import collections
import http.client
import threading
import time

import harness

THREADS = 3  # for each front
PAUSE = 0.002  # seconds between a thread's requests, to leave others a CPU
HEADERS = {"Host": "api.example.com", "Origin": "https://app.example.com",
           "Access-Control-Request-Method": "PUT",
           "Access-Control-Request-Headers": "content-type"}

Asked = collections.namedtuple("Asked", "front start seconds answer")


def ask(connection):
    """One preflight on a kept connection: status and CORS fields as a key."""
    connection.request("OPTIONS", "/v1/items", headers=HEADERS)
    answer = connection.getresponse()
    answer.read()
    fields = tuple(sorted((name.lower(), value)
                          for name, value in answer.getheaders()
                          if name.lower().startswith("access-control-")))
    return answer.status, fields


class Load:
    """Runs while it is in a with statement. fronts are (host, port)s by
    name."""

    def __init__(self, fronts):
        self._asked = []
        self._waiting = {}  # when each thread asked what is not answered
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=front, daemon=True)
            for front in fronts.items() for _ in range(THREADS)]

    def _run(self, name, address):
        connection = http.client.HTTPConnection(*address,
                                                timeout=harness.DEADLINE)
        while not self._stop.wait(PAUSE):
            start = time.monotonic()
            self._waiting[threading.get_ident()] = start
            try:
                answer = ask(connection)
            except (OSError, http.client.HTTPException) as error:
                answer = repr(error)
                connection.close()
            del self._waiting[threading.get_ident()]
            self._asked.append(Asked(name, start, time.monotonic() - start,
                                     answer))
        connection.close()

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def now(self):
        """A mark: how many answers there are, and the time."""
        return len(self._asked), time.monotonic()

    def since(self, mark):
        """The answers that came after a mark."""
        return self._asked[mark[0]:]

    def asked_since(self, mark):
        """The answers to what was asked after a mark."""
        return [one for one in self.since(mark) if one.start > mark[1]]

    def waiting(self, seconds):
        """How many preflights have waited longer than that."""
        until = time.monotonic() - seconds
        return sum(start < until for start in list(self._waiting.values()))

    def wait(self, count):
        """Waits until every front has answered so many more, all of them
        asked from now on."""
        mark = self.now()
        fronts = {one.front for one in self._asked}

        def enough():
            came = collections.Counter(
                one.front for one in self.asked_since(mark))
            return fronts and all(came[name] >= count for name in fronts)
        harness.wait_until(enough, f"{count} answers of every front")
