# SPDX-License-Identifier: Apache-2.0
"""Free ports on loopback, outside the range from which the kernel takes those of clients."""

import random
import socket

_FIRST, _LAST = 10000, 32000
_given = set()


def _is_free(port, address):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


def free_port(address="127.0.0.1"):
    while True:
        port = random.SystemRandom().randrange(_FIRST, _LAST)
        if port not in _given and _is_free(port, address):
            _given.add(port)
            return port
