"""A machine of the LAN that says it has an address, to the target alone, and connects from there again and again.

usage: stranger.py TARGET TARGET-MAC PORT ADDRESS SECONDS; ends then, or by SIGTERM, and prints how many connections it
tried, and how many were accepted. ADDRESS has to be one of its own on eth0.
"""

import select
import signal
import socket
import struct
import sys
import time

target, mac, port, address, seconds = sys.argv[1:]
own = open('/sys/class/net/eth0/address').read().strip()
as_bytes = lambda text: bytes.fromhex(text.replace(':', ''))
arp = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
arp.bind(('eth0', 0x0806))


def claim():
    """An answer that nobody asked for, and a question: the kernel takes either."""
    for operation in (2, 1):
        header = as_bytes(mac) + as_bytes(own) + b'\x08\x06'
        body = struct.pack('!HHBBH', 1, 0x0800, 6, 4, operation)
        sender = as_bytes(own) + socket.inet_aton(address)
        arp.send(header + body + sender + as_bytes(mac) + socket.inet_aton(target))


tried = accepted = 0
waiting = []
end = time.monotonic() + float(seconds)
told_to_end = []
signal.signal(signal.SIGTERM, lambda *_: told_to_end.append(True))
while time.monotonic() < end and not told_to_end:
    claim()
    one = socket.socket()
    one.bind((address, 0))
    one.setblocking(False)
    one.connect_ex((target, int(port)))
    tried += 1
    waiting.append(one)
    for ready in select.select([], waiting, [], 0.02)[1]:
        accepted += ready.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
        waiting.remove(ready)
    if len(waiting) > 500:
        waiting.pop(0).close()
print(tried, accepted)
