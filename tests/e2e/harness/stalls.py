# SPDX-License-Identifier: Apache-2.0
"""Sockets that are written until nobody takes more, and then dropped."""

import select
import socket
import struct


def fill(sock):
    """Writes until a second passes in which nothing was taken."""
    before, written = sock.gettimeout(), 0
    sock.settimeout(1)
    try:
        while True:
            written += sock.send(bytes(1 << 16))
    except TimeoutError:
        sock.settimeout(before)
        return written


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def sees_reset(sock, seconds):
    """Without reading what came before it."""
    poll = select.poll()
    poll.register(sock.fileno(), 0)
    return any(events & select.POLLERR for _, events in poll.poll(seconds * 1000))
