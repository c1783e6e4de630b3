# SPDX-License-Identifier: Apache-2.0
"""A SOCKS5 client that says exactly what a test wants it to say (RFC 1928, RFC 1929)."""

import socket

from .wire import Wire

NO_LOGIN, GSSAPI, LOGIN, NO_METHOD = 0x00, 0x01, 0x02, 0xFF
CONNECT, BIND, UDP_ASSOCIATE = 1, 2, 3
SUCCEEDED, COMMAND_NOT_SUPPORTED, ADDRESS_NOT_SUPPORTED = 0x00, 0x07, 0x08


def greeting(*methods):
    return bytes([5, len(methods), *methods])


def login(user, password):
    user, password = user.encode(), password.encode()
    return bytes([1, len(user)]) + user + bytes([len(password)]) + password


def name(text):
    text = text.encode()
    return bytes([3, len(text)]) + text


def literal(text):
    if ":" in text:
        return b"\4" + socket.inet_pton(socket.AF_INET6, text)
    return b"\1" + socket.inet_aton(text)


def request(address, port=443, command=CONNECT):
    return bytes([5, command, 0]) + address + port.to_bytes(2, "big")


class Socks(Wire):
    def greet(self, *methods):
        """The method that is chosen."""
        self.send(greeting(*methods))
        version, method = self.reader.exactly(2)
        assert version == 5
        return method

    def log_in(self, user, password):
        """True: the name and password are right."""
        assert self.greet(LOGIN) == LOGIN
        self.send(login(user, password))
        version, result = self.reader.exactly(2)
        assert version == 1
        return result == 0

    def ask(self, address, port=443, command=CONNECT):
        """The reply's code."""
        self.send(request(address, port, command))
        reply = self.reader.exactly(10)
        assert (reply[0], reply[2:]) == (5, b"\0\1" + bytes(6))
        return reply[1]


def tunnel(sandbox, host, port=443):
    """As Sandbox.tunnel() for CONNECT, without TLS."""
    wire = Socks(sandbox.endpoint)
    assert wire.log_in(*sandbox.credentials)
    assert wire.ask(name(host), port) == SUCCEEDED
    return wire
