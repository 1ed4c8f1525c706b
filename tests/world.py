"""A copy of this machine to spoil: the same files, but whatever is written goes
to memory, a network of its own, and the sources in a folder as a clone has
them. Nothing in it is left when its first process ends. Wants root.
"""

import fcntl
import os
import shutil
import socket
import struct
import subprocess

import readme

CLONE = "/root/preflightd"
UNSHARE = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child",
           "--propagation", "private"]
# What a build inside of the sources leaves there.
BUILT = {"Makefile", "config.h", "config.status", "stamp-h1", "preflightd",
         ".git", "build", "_build", "_inst", "autom4te.cache"}
SIOCSIFFLAGS, SIOCSIFADDR, UP_AND_RUNNING = 0x8914, 0x8916, 0x41


def is_possible(folder):
    """Whether this process may make one; folder is an empty one."""
    return os.geteuid() == 0 and shutil.which("unshare") and subprocess.run(
        [*UNSHARE, "sh", "-c", 'mount -t tmpfs tmpfs "$1" && cd "$1" && mkdir '
         "up work root && mount -t overlay overlay -o "
         "lowerdir=/,upperdir=up,workdir=work root && mount -t proc proc "
         "root/proc", "sh", folder],
        stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        check=False).returncode == 0


def mount(*words):
    subprocess.run(["mount", *words], check=True, stdin=subprocess.DEVNULL)


def copy_sources(to):
    def built(folder, names):
        return {name for name in names
                if name.endswith((".o", ".a", ".log", ".trs", ".pyc"))
                or name in (".deps", "__pycache__")
                or (folder == readme.TOP and (name in BUILT or
                                              name.startswith("preflightd-")))}
    shutil.copytree(readme.TOP, to, symlinks=True, ignore=built)


def enter(folder):
    """Makes it on an empty folder and moves this process into it, which
    UNSHARE started; it is then in the sources' folder."""
    mount("-t", "tmpfs", "-o", "mode=0755", "tmpfs", folder)
    for name in ("up", "work", "root"):
        os.mkdir(os.path.join(folder, name))
    root = os.path.join(folder, "root")
    mount("-t", "overlay", "overlay", "-o", f"lowerdir=/,upperdir={folder}/up,"
          f"workdir={folder}/work", root)
    mount("--rbind", "/dev", root + "/dev")
    mount("-t", "proc", "proc", root + "/proc")
    mount("-t", "tmpfs", "tmpfs", root + "/run")
    mount("-t", "tmpfs", "-o", "mode=1777", "tmpfs", root + "/tmp")
    shutil.rmtree(root + CLONE, ignore_errors=True)
    copy_sources(root + CLONE)
    os.chroot(root)
    os.chdir(CLONE)
    readme.TOP = CLONE


def set_address(name, address):
    """Gives a network interface an address and turns it on."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        fcntl.ioctl(s, SIOCSIFADDR, struct.pack(
            "16sHxx4s8x", name.encode(), socket.AF_INET,
            socket.inet_aton(address)))
        fcntl.ioctl(s, SIOCSIFFLAGS, struct.pack("16sH14x", name.encode(),
                                                 UP_AND_RUNNING))
