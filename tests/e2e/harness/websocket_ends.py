# SPDX-License-Identifier: Apache-2.0
"""Both ends of a WebSocket in one hand, whichever version of HTTP each of them speaks.

An end has send(bytes), a `reader`, and finish(): it says no more, and closes in good order."""

import queue
import socket
import threading

from . import h2
from .h2 import Collected
from .message import Truncated
from .wait import GENEROUS
from .websocket import accept, connect

HOSTS = {"http/1.1": "api.test", "http/2": "ws-h2.test"}
EXTENDED = [(":protocol", "websocket"), ("sec-websocket-version", "13")]


class Http1End:
    def __init__(self, sock, reader, on_finish):
        self._sock, self._on_finish = sock, on_finish
        self.reader, self.send = reader, sock.sendall

    def finish(self):
        self._on_finish()

    def leave(self):
        """The same without waiting for the other end."""
        self._sock.shutdown(socket.SHUT_WR)

    def wait_over(self):
        """Until the proxy says no more."""
        try:
            while True:
                self.reader.more()
        except TimeoutError:
            raise
        except (Truncated, OSError):  # its end, or a reset
            return


class Http2End:
    def __init__(self, stream):
        self.stream, self.reader, self.send = stream, Collected(stream), stream.send

    def finish(self):
        if not self.stream.is_over:
            self.stream.end()

    leave = finish

    def wait_over(self):
        self.stream.wait()


class Ends:
    def __init__(self, sandbox, origins, versions, fields=()):
        client, origin = versions
        self.host = HOSTS[origin]
        self._closing = []
        wait = self._serve_http1(origins[origin]) if origin == "http/1.1" else self._serve_http2(origins[origin])
        self.client = (self._ask_http1 if client == "http/1.1" else self._ask_http2)(sandbox, fields)
        self.origin = wait()

    def _serve_http1(self, origin):
        ends, is_over = queue.Queue(), threading.Event()
        self._closing.append(is_over.set)

        def script(exchange):
            accept(exchange)
            exchange.sock.settimeout(GENEROUS)
            ends.put(Http1End(exchange.sock, exchange.reader, is_over.set))
            is_over.wait(GENEROUS)

        self.path = origin.on(script, "ends")
        return lambda: ends.get(timeout=GENEROUS)

    def _serve_http2(self, origin):
        def script(stream):
            stream.wait_head()
            stream.begin(200)

        self.path = origin.on(script, "ends")
        return lambda: Http2End(origin.request(self.path))

    def _ask_http1(self, sandbox, fields):
        wire = connect(sandbox, self.path, fields, host=self.host)
        self._closing.append(wire.close)
        return Http1End(wire.sock, wire.reader, wire.sock.unwrap)

    def _ask_http2(self, sandbox, fields):
        peer = h2.connect(sandbox, self.host)
        self._closing.append(peer.close)
        stream = peer.open("CONNECT", self.path, [*EXTENDED, *fields], end=False)
        assert stream.wait_head().status == 200
        return Http2End(stream)

    def close(self):
        for close in self._closing:
            close()
