"""A server that says what it is told to, right or wrong, and notes requests."""

import socket
import threading

DEADLINE = 20.0  # seconds


class Answering(threading.Thread):
    """Listens on a free port of the loopback. answer is the bytes for every
    request, or a function that makes them of a request's, or None: then it
    never answers. One connection after another."""

    def __init__(self, answer):
        super().__init__(daemon=True)
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.answer, self.requests = answer, []
        self._held = []
        self.start()

    def run(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            if self.answer is None:
                self._held.append(connection)
                continue
            with connection:
                self._answer(connection)

    def _answer(self, connection):
        connection.settimeout(DEADLINE)
        request = connection.recv(65536)
        self.requests.append(request)
        answer = (self.answer(request) if callable(self.answer)
                  else self.answer)
        try:
            connection.sendall(answer)
        except OSError:
            pass  # who asked has heard enough

    def stop(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        for connection in self._held:
            connection.close()
        self.join(DEADLINE)
