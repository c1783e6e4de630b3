# SPDX-License-Identifier: Apache-2.0
"""A client of the proxy that says exactly what a test wants it to say."""

import base64
import socket
import ssl

from .message import Reader, Truncated, encode, read_response
from .wait import GENEROUS


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


class Wire:
    def __init__(self, endpoint, source=None):
        host, port = endpoint.rsplit(":", 1)
        bind = (source, 0) if source else None
        self.sock = socket.create_connection((host, int(port)), GENEROUS, source_address=bind)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.reader = Reader(self.sock)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data)

    def send_slowly(self, data):
        for at in range(len(data)):
            self.sock.sendall(data[at : at + 1])

    def request(self, method, target, fields=(), body=None):
        """Sends one request and reads its answer."""
        self.send(encode(f"{method} {target} HTTP/1.1", fields, body))
        return self.response(method)

    def response(self, method="GET"):
        return read_response(self.reader, method)

    def connect(self, authority, credentials=None, fields=()):
        """CONNECT; a refusal comes back as the response it is."""
        fields = [("Host", authority), *fields]
        if credentials:
            fields.append(("Proxy-Authorization", basic(*credentials)))
        return self.request("CONNECT", authority, fields)

    def start_tls(self, name, ca_file, **settings):
        context = ssl.create_default_context(cafile=str(ca_file))
        context.check_hostname = name is not None
        for key, value in settings.items():
            setattr(context, key, value)
        self.sock = context.wrap_socket(self.sock, server_hostname=name)
        self.reader = Reader(self.sock)
        return self.sock

    def start_blind_tls(self, name):
        """TLS of a client that does not look at certificates."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self.sock = context.wrap_socket(self.sock, server_hostname=name)
        self.reader = Reader(self.sock)
        return self.sock

    def is_closed(self):
        """True once the proxy has closed, whatever it sent before; waits for it."""
        try:
            self.reader.to_end()
        except (ConnectionResetError, BrokenPipeError, ssl.SSLError):
            pass
        except socket.timeout:
            return False
        return True

    def rest(self):
        return self.reader.to_end()


__all__ = ["Truncated", "Wire", "basic"]
