# SPDX-License-Identifier: Apache-2.0
"""A name server for the dialer, so that no question ever leaves the machine."""

import contextlib
import ipaddress
import socket
import struct
import threading

_A, _AAAA = 1, 28
_NXDOMAIN = 3


class NameServer:
    """Answers A and AAAA from `addresses` (name → list of addresses), NXDOMAIN otherwise."""

    def __init__(self, addresses):
        self.addresses = addresses
        self.count = 0  # of queries
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.endpoint = "127.0.0.1:%d" % self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self):
        """First so that the thread wakes: its descriptor's number may soon be another's."""
        with contextlib.suppress(OSError):  # it is not connected, and wakes all the same
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _serve(self):
        while True:
            try:
                query, peer = self._socket.recvfrom(4096)
                self.count += 1
                self._socket.sendto(self._answer(query), peer)
            except OSError:
                return
            except (IndexError, ValueError, struct.error):
                continue

    def _answer(self, query):
        name, end = _read_name(query, 12)
        kind = struct.unpack("!H", query[end : end + 2])[0]
        known = self.addresses.get(name)
        records = [
            _record(kind, address)
            for address in map(ipaddress.ip_address, known or [])
            if kind == (_A if address.version == 4 else _AAAA)
        ]
        flags = 0x8180 | (0 if known else _NXDOMAIN)
        head = query[:2] + struct.pack("!HHHHH", flags, 1, len(records), 0, 0)
        return head + query[12 : end + 4] + b"".join(records)


def _read_name(message, at):
    labels = []
    while message[at]:
        labels.append(message[at + 1 : at + 1 + message[at]].decode("ascii"))
        at += 1 + message[at]
    return ".".join(labels).lower(), at + 1


def _record(kind, address):
    return struct.pack("!HHHIH", 0xC00C, kind, 1, 1, len(address.packed)) + address.packed
