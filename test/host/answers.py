"""Tries the IB API handshake from many places at once and prints, as JSON, which of them get an answer.

    python3 - SECONDS NETNS=ADDRESS:PORT[@SOURCE] … <answers.py
    [true, false, …]

NETNS is the path of a network namespace; empty: this one. All in one process, for on an emulated
processor the start of one takes longer than an answer.
"""

import json
import os
import socket
import sys
import threading
import time

VERSIONS = b"v100..176"
HELLO = b"API\0" + len(VERSIONS).to_bytes(4, "big") + VERSIONS


def answers(attempt):
    """Changes the network namespace of its own thread only."""
    netns, _, target = attempt.partition("=")
    target, _, source = target.partition("@")
    host, port = target.split(":")
    if netns:
        with open(netns, "rb") as namespace:
            os.setns(namespace.fileno(), os.CLONE_NEWNET)
    deadline = time.monotonic() + PATIENCE
    with socket.socket() as client:
        try:
            if source:
                client.bind((source, 0))
            client.settimeout(PATIENCE)
            client.connect((host, int(port)))
            client.sendall(HELLO)
            client.settimeout(max(0.1, deadline - time.monotonic()))
            return client.recv(1) != b""
        except OSError:
            return False


def busy():
    """Share of the last ten seconds in which somebody on this machine waited for a processor."""
    try:
        with open("/proc/pressure/cpu") as pressure:
            return float(pressure.readline().split()[1].partition("=")[2]) / 100
    except OSError:
        return 0.0


PATIENCE = float(sys.argv[1]) * (1 + busy())
seen = {}
# A thread each, and no pool: a thread that is used again would be in the namespace of another.
threads = [
    threading.Thread(target=lambda at=at, attempt=attempt: seen.update({at: answers(attempt)}))
    for at, attempt in enumerate(sys.argv[2:])
]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(json.dumps([seen[at] for at in range(len(threads))]))
