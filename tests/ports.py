"""Ports for the tests: none is given out twice."""

import random
import socket

FIRST, LAST = 10240, 32767  # below what the kernel gives to connections

_reserved = []  # kept open for as long as this process lives


def _is_ours(port):
    """Reserves a port among all the tests that run now, by an abstract socket
    of its name. The port itself stays free for the server that will take it."""
    reservation = socket.socket(socket.AF_UNIX)
    try:
        reservation.bind(f"\0preflightd-test-port-{port}")
    except OSError:
        reservation.close()
        return False
    _reserved.append(reservation)
    return True


def _is_free(port):
    with socket.socket() as s:
        try:
            s.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_port():
    """A TCP port of the loopback that nothing uses, and that no call gives
    again, here or in a test beside this one, while this process lives.

    A port that the kernel picks can be had twice, as soon as the socket that
    it was picked for is closed: two servers of one configuration then share
    it, or a connection takes it before the server does."""
    while True:
        port = random.randint(FIRST, LAST)
        if _is_free(port) and _is_ours(port):
            return port
