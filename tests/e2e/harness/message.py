# SPDX-License-Identifier: Apache-2.0
"""Just enough HTTP/1.1 to see every byte: what a library would hide is what the tests look at."""

import json


class Truncated(Exception):
    """The peer closed in the middle of a message."""


class Reader:
    """Buffered reads of a socket."""

    def __init__(self, sock):
        self.sock = sock
        self.buffer = b""

    def more(self):
        piece = self.sock.recv(65536)
        if not piece:
            raise Truncated(self.buffer[:200])
        self.buffer += piece

    def until(self, mark):
        """Up to and with `mark`."""
        while mark not in self.buffer:
            self.more()
        taken, _, self.buffer = self.buffer.partition(mark)
        return taken + mark

    def exactly(self, count):
        while len(self.buffer) < count:
            self.more()
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def to_end(self):
        try:
            while True:
                self.more()
        except Truncated:
            taken, self.buffer = self.buffer, b""
            return taken

    def pieces(self, count):
        """`count` bytes, piece by piece, without keeping them."""
        while count:
            if not self.buffer:
                self.more()
            piece, self.buffer = self.buffer[:count], self.buffer[count:]
            count -= len(piece)
            yield piece


class Message:
    """A parsed request or response; `head` has the bytes as they came."""

    def __init__(self, head):
        self.head = head
        lines = head.decode("latin-1").split("\r\n")
        self.start = lines[0]
        self.fields = [tuple(part.strip() for part in line.split(":", 1)) for line in lines[1:] if line]
        self.body = b""
        self.trailers = []
        self.chunks = []

    def all(self, name):
        return [value for field, value in self.fields if field.lower() == name.lower()]

    def field(self, name):
        values = self.all(name)
        return values[0] if values else None

    @property
    def is_chunked(self):
        return (self.field("transfer-encoding") or "").lower() == "chunked"

    def json(self):
        return json.loads(self.body)


class Request(Message):
    def __init__(self, head):
        super().__init__(head)
        self.method, self.target, self.version = (self.start.split(" ") + ["", ""])[:3]
        self.path = self.target.partition("?")[0]


class Response(Message):
    def __init__(self, head):
        super().__init__(head)
        self.version, status, *reason = self.start.split(" ", 2)
        self.status = int(status)
        self.reason = reason[0] if reason else ""
        self.interim = []

    @property
    def code(self):
        """The code of a refusal."""
        return self.json()["code"]


def read_chunked(reader, message):
    while True:
        size = int(reader.until(b"\r\n").split(b";")[0], 16)
        if size == 0:
            break
        message.chunks.append(reader.exactly(size))
        assert reader.exactly(2) == b"\r\n"
    message.body = b"".join(message.chunks)
    while (line := reader.until(b"\r\n")) != b"\r\n":
        name, _, value = line.decode("latin-1").partition(":")
        message.trailers.append((name, value.strip()))


def read_response(reader, method="GET"):
    """The next final response, with the interim ones before it."""
    interim = []
    while True:
        response = Response(reader.until(b"\r\n\r\n"))
        if response.status >= 200:
            break
        interim.append(response)
    response.interim = interim
    if method == "CONNECT" and response.status == 200:
        return response
    if method == "HEAD" or response.status in (204, 304):
        return response
    if response.is_chunked:
        read_chunked(reader, response)
    elif response.field("content-length") is not None:
        response.body = reader.exactly(int(response.field("content-length")))
    else:
        response.body = reader.to_end()
    return response


def encode(start, fields=(), body=None):
    """A message; a body gets its Content-Length unless `fields` frame it."""
    fields = list(fields)
    framed = {name.lower() for name, _ in fields} & {"content-length", "transfer-encoding"}
    if body is not None and not framed:
        fields.append(("Content-Length", str(len(body))))
    lines = [start] + [f"{name}: {value}" for name, value in fields]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b"")


def chunked(pieces, trailers=()):
    body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces if piece)
    tail = "".join(f"{name}: {value}\r\n" for name, value in trailers).encode("latin-1")
    return body + b"0\r\n" + tail + b"\r\n"
