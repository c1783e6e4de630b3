# SPDX-License-Identifier: Apache-2.0
"""An origin whose every answer is scripted, and which remembers every byte it was sent."""

import itertools
import socket
import ssl

from .message import Reader, Request, Truncated, chunked, encode, read_chunked
from .scripted import Scripted

class Exchange:
    """One request, as its script sees it."""

    def __init__(self, sock, reader, request):
        self.sock, self.reader, self.request = sock, reader, request
        self.close_after = False
        self._body_read = False

    def read_body(self):
        if self._body_read:
            return self.request.body
        self._body_read = True
        length = int(self.request.field("content-length") or 0)
        if (self.request.field("expect") or "").lower() == "100-continue":
            self.send(encode("HTTP/1.1 100 Continue"))
        if self.request.is_chunked:
            read_chunked(self.reader, self.request)
        elif length:
            self.request.body = self.reader.exactly(length)
        return self.request.body

    def body_pieces(self):
        """A body of declared length, without keeping it."""
        self._body_read = True
        return self.reader.pieces(int(self.request.field("content-length")))

    def send(self, data):
        self.sock.sendall(data)

    def answer(self, status=200, fields=(), body=b"", reason="OK"):
        self.send(encode(f"HTTP/1.1 {status} {reason}", fields, body))

    def answer_chunked(self, pieces, fields=(), trailers=(), status=200):
        fields = list(fields) + [("Transfer-Encoding", "chunked")]
        self.send(encode(f"HTTP/1.1 {status} OK", fields))
        self.send(chunked(pieces, trailers))

    def echo(self):
        """Everything that came, head and body, as the body."""
        body = self.request.head + self.read_body()
        self.answer(200, [("Content-Type", "application/octet-stream")], body)


def _common_name(sock):
    """Of the certificate that the client has shown; None: it has not."""
    names = dict(part[0] for part in (sock.getpeercert() or {}).get("subject", ()))
    return names.get("commonName")


class Origin(Scripted):
    """Serves TLS and, on the same port, plain HTTP. Scripts are found by path, or by prefix."""

    def __init__(self, *where):
        self.connections = 0
        self._prefixes = {}
        self._serial = itertools.count(1)
        super().__init__(*where)

    def on_prefix(self, script, stem="tree"):
        prefix = self.on(script, stem) + "/"
        self._prefixes[prefix] = script
        return prefix

    def _serve(self, sock):
        try:
            with self._greet(sock) as greeted:
                self._exchange_all(greeted)
        except (OSError, Truncated, ValueError):
            pass

    def _greet(self, sock):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connections += 1
        first = sock.recv(1, socket.MSG_PEEK)
        if first != b"\x16":
            return sock
        return self.context.wrap_socket(sock, server_side=True, suppress_ragged_eofs=True)

    def _exchange_all(self, sock):
        reader = Reader(sock)
        serial = next(self._serial)
        closing = False
        while not closing:
            request = Request(reader.until(b"\r\n\r\n"))
            request.connection = serial
            request.resumed = getattr(sock, "session_reused", False)
            request.tls = sock.version() if isinstance(sock, ssl.SSLSocket) else None
            request.peer = _common_name(sock) if request.tls else None
            closing = self._answer(Exchange(sock, reader, request))

    def _answer(self, exchange):
        with self._lock:
            self.seen.append(exchange.request)
        self._script_for(exchange.request.path)(exchange)
        if not exchange.close_after:
            exchange.read_body()
        return exchange.close_after

    def _script_for(self, path):
        if path in self._scripts:
            return self._scripts[path]
        for prefix, script in self._prefixes.items():
            if path.startswith(prefix):
                return script
        return Exchange.echo


def tls_context(certificate, key, **settings):
    """A server's context that accepts anything, so that only the proxy is ever strict."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.load_cert_chain(certificate, key)
    for name, value in settings.items():
        setattr(context, name, value)
    return context
