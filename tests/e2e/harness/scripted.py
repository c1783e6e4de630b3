# SPDX-License-Identifier: Apache-2.0
"""What scripted origins share: a listener, a script for each path, and a memory of what was asked."""

import itertools
import socket
import threading

_serial = itertools.count(1)


class Listening:
    """Hands each connection to `_take(sock)`."""

    def __init__(self, address="127.0.0.1", port=0):
        self._listener = socket.create_server((address, port), backlog=256)
        self.address, self.port = self._listener.getsockname()[:2]
        self.endpoint = f"{address}:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        """First so that the thread wakes: its descriptor's number may soon be another's."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self):
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self._take(sock)


class Scripted(Listening):
    """`_serve(sock)` runs in a thread for each connection."""

    def __init__(self, context, address="127.0.0.1", port=0):
        self.context = context
        self.seen = []
        self._scripts = {}
        self._lock = threading.Lock()
        super().__init__(address, port)

    def on(self, script, stem="path"):
        """A path of its own, answered by the script."""
        path = f"/{stem}-{next(_serial)}"
        self._scripts[path] = script
        return path

    def requests(self, path):
        with self._lock:
            return [request for request in self.seen if request.path == path]

    def request(self, path):
        """The one request for this path."""
        requests = self.requests(path)
        assert len(requests) == 1, f"{len(requests)} requests for {path}"
        return requests[0]

    def _take(self, sock):
        threading.Thread(target=self._serve, args=(sock,), daemon=True).start()
