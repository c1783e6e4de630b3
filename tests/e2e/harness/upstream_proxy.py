# SPDX-License-Identifier: Apache-2.0
"""The proxy of somebody else's network: CONNECT alone, with names that only it can resolve."""

import base64
import contextlib
import socket
import socketserver
import threading


def _pump(source, sink):
    """Closing one end for writing is passed on."""
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


class UpstreamProxy:
    """`resolve` is what it knows: name → host:port. `answers` are bytes that it sends instead of
    connecting, by target; None: nothing, ever. With `credentials` (user:password) it wants these."""

    def __init__(self, resolve, credentials=None):
        self.resolve, self.credentials = resolve, credentials
        self.answers = {}
        self.heads = []  # of every request
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                with contextlib.suppress(OSError):
                    outer._serve(self.request)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = daemon_threads = True
            request_queue_size = 64

        self._server = Server(("127.0.0.1", 0), Handler)
        self.endpoint = "127.0.0.1:%d" % self._server.server_address[1]
        self.url = f"http://{self.endpoint}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    @property
    def targets(self):
        return [head.split()[1].decode() for head in self.heads]

    def _serve(self, client):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            data = client.recv(4096)
            if not data:
                return
            head += data
        self.heads.append(head)
        target = head.split()[1].decode()
        if not self._admits(head):
            client.sendall(b"HTTP/1.1 407 Who are you\r\nProxy-Authenticate: Basic realm=x\r\n\r\n")
        elif target in self.answers:
            self._misbehave(client, self.answers[target])
        else:
            self._tunnel(client, target)

    def _admits(self, head):
        if self.credentials is None:
            return True
        wanted = base64.b64encode(self.credentials.encode())
        return b"\r\nProxy-Authorization: Basic " + wanted + b"\r\n" in head

    def _misbehave(self, client, answer):
        if answer is None:
            client.recv(1)  # until it gives up
        elif callable(answer):
            answer(client)
        else:
            client.sendall(answer)
            client.recv(1)

    def _tunnel(self, client, target):
        name, _, port = target.rpartition(":")
        address, _, known_port = self.resolve.get(name, "").partition(":")
        if not address:
            client.sendall(b"HTTP/1.1 503 No such host\r\nContent-Length: 0\r\n\r\n")
            return
        with socket.create_connection((address, int(known_port or port))) as upstream:
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=_pump, args=(upstream, client), daemon=True)
            back.start()
            _pump(client, upstream)
            back.join()
