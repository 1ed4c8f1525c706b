"""Calls of the C library that fail: what inject.c reads is armed here.

The library is preloaded, so it meets the program as it was built, sanitizers
and all; AddressSanitizer then tells what a failed run has left behind."""

import mmap
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../proto"))
import fcgi  # noqa: E402
import tap  # noqa: E402

ALLOCATIONS = ("malloc", "calloc", "realloc", "reallocarray", "open_memstream")
REPORTED = 99  # exit status where a sanitizer has something to say
LONG = os.environ.get("LONG") == "1"  # all of them, not a sample

_CALLS = 512
_FIELDS = ("at", "times", "count", "hits", "error", "all", "clock", "hold")


def library():
    """The library to preload, which make builds beside the program."""
    path = os.path.join(os.path.dirname(fcgi.binary()), "tests/fault/inject.so")
    if not os.path.exists(path):
        tap.skip_all(f"{path} is not there")
    return path


class Faults:
    """The control of one program or more; a context manager is not needed, the
    file goes with the folder that it is given."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "faults")
        self.size = _CALLS + 8 * len(_FIELDS)
        with open(self.path, "wb") as f:
            f.write(b"\0" * self.size)
        with open(self.path, "r+b") as f:
            self.memory = mmap.mmap(f.fileno(), self.size)

    def set(self, **fields):
        for name, value in fields.items():
            struct.pack_into("=q", self.memory, _CALLS + 8 * _FIELDS.index(name), value)

    def get(self, name):
        return struct.unpack_from("=q", self.memory, _CALLS + 8 * _FIELDS.index(name))[0]

    def arm(self, calls, at, times=1, error=0, every=False):
        """From now on the call number `at` of these fails, and times - 1 more
        behind it; at = 0 only counts. every: calls by
        libraries too."""
        self.disarm()
        self.set(count=0, hits=0, at=at, times=times, error=error, all=int(every))
        names = (" " + " ".join(calls) + " ").encode()
        self.memory[0:len(names)] = names

    def disarm(self):
        self.memory[0:_CALLS] = b"\0" * _CALLS

    def environment(self):
        """What to add to a program's environment."""
        return {
            "LD_PRELOAD": library(),
            "FAULT_CONTROL": self.path,
            "ASAN_OPTIONS": f"verify_asan_link_order=0:exitcode={REPORTED}:"
                            + os.environ.get("ASAN_OPTIONS", ""),
            "LSAN_OPTIONS": "print_suppressions=0:suppressions="
                            + os.path.join(os.path.dirname(os.path.abspath(__file__)), "leaks.supp"),
            "UBSAN_OPTIONS": f"exitcode={REPORTED}:" + os.environ.get("UBSAN_OPTIONS", ""),
        }


def chosen(total, most):
    """The numbers of the calls to fail, of total: all of them in the long form,
    else at most so many, the first and the last among them."""
    if LONG or total <= most:
        return list(range(1, total + 1))
    return sorted({1 + i * (total - 1) // (most - 1) for i in range(most)})
