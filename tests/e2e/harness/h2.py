# SPDX-License-Identifier: Apache-2.0
"""HTTP/2 as both ends see it: heads as they came, windows and resets under a test's control."""

import contextlib
import json
import socket
import ssl
import struct
import threading

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h2.settings

from .scripted import Scripted
from .wait import GENEROUS

WINDOW = 65535
ENABLE_CONNECT_PROTOCOL = 8


class Pipe:
    """TLS over a socket, for one thread that reads and one that writes."""

    def __init__(self, sock, context, name=None):
        sock.settimeout(None)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock, self._lock = sock, threading.Lock()
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(
            self._in, self._out, server_side=name is None, server_hostname=name
        )
        self._greet()

    def _greet(self):
        done = False
        while not done:
            try:
                self.tls.do_handshake()
                done = True
            except ssl.SSLWantReadError:
                done = False
            self.sock.sendall(self._out.read())
            if not done and not self._fill():
                raise ConnectionError("closed in the handshake")

    def _fill(self):
        data = self.sock.recv(65536)
        with self._lock:
            self._in.write(data) if data else self._in.write_eof()
        return bool(data)

    def recv(self):
        """b"" at the end, however it came."""
        while True:
            with self._lock:
                try:
                    return self.tls.read(65536)
                except ssl.SSLWantReadError:
                    pass
                except ssl.SSLError:
                    return b""
            try:
                self._fill()
            except OSError:
                return b""

    def send(self, data):
        with self._lock:
            self.tls.write(data)
            coded = self._out.read()
        self.sock.sendall(coded)

    def close(self):
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()


def frame(kind, flags=0, stream=0, payload=b""):
    """A frame as bytes, right or wrong."""
    return struct.pack("!I", len(payload))[1:] + bytes([kind, flags]) + struct.pack("!I", stream) + payload


DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED = 1, 1, 4, 8
NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, REFUSED_STREAM, CANCEL = 0, 1, 2, 7, 8
FLOW_CONTROL_ERROR, ENHANCE_YOUR_CALM = 3, 11


class Stream:
    """One stream, from either end; what the other end did to it is in its attributes."""

    def __init__(self, peer, number):
        self.peer, self.number = peer, number
        self.pseudo, self.fields, self.hidden = {}, [], set()
        self.interim, self.trailers = [], []
        self.body = b""
        self.has_head = self.has_ended = False
        self.reset = None  # the code of the other end's RST_STREAM
        self.holds = False  # gives no window back

    # What came.

    def all(self, name):
        return [value for field, value in self.fields if field == name.lower()]

    def field(self, name):
        values = self.all(name)
        return values[0] if values else None

    @property
    def status(self):
        return int(self.pseudo[":status"]) if ":status" in self.pseudo else None

    start = status

    @property
    def method(self):
        return self.pseudo[":method"]

    @property
    def path(self):
        return self.pseudo[":path"].partition("?")[0]

    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        return self.json()["code"]

    @property
    def is_over(self):
        return self.has_ended or self.reset is not None or self.peer.is_closed

    # Waiting.

    def wait_head(self):
        self.peer.wait(lambda: self.has_head or self.is_over, "a head has come")
        assert self.has_head, self.describe()
        return self

    def wait_body(self, count):
        self.peer.wait(lambda: len(self.body) >= count or self.is_over, f"{count} bytes have come")
        assert len(self.body) >= count, self.describe()
        return self.body

    def wait(self):
        """Until nothing more can come."""
        self.peer.wait(lambda: self.is_over, "the stream is over")
        return self

    def wait_end(self):
        """Until it is complete."""
        self.wait()
        assert self.has_ended, self.describe()
        return self

    def read_body(self):
        return self.wait_end().body

    def describe(self):
        return {"reset": self.reset, "ended": self.has_ended, "goaway": self.peer.goaway,
                "closed": self.peer.is_closed, "error": self.peer.error, "pseudo": self.pseudo}

    def release(self):
        """Gives the window of what came back, and goes on doing so."""
        with self.peer.moved:
            self.holds = False
            if self.body and not self.is_over:
                self.peer.do("increment_flow_control_window", len(self.body), self.number)

    # What goes.

    def head(self, fields, end=False):
        self.peer.do("send_headers", self.number, fields, end_stream=end)

    def send(self, data, end=False):
        """As far as the window lets it; waits for more of it."""
        view = memoryview(data)
        while len(view):
            view = view[self._send_some(view, end) :]

    def _send_some(self, view, end):
        peer = self.peer
        with peer.moved:
            peer.wait(lambda: self.reset is not None or peer.is_closed or self.window, "there is window")
            if self.reset is not None or peer.is_closed:
                raise ConnectionError(self.describe())
            count = min(len(view), self.window, peer.h2.max_outbound_frame_size)
            last = end and count == len(view)
            peer.do("send_data", self.number, view[:count].tobytes(), end_stream=last)
            return count

    @property
    def window(self):
        return self.peer.h2.local_flow_control_window(self.number)

    def end(self, trailers=()):
        if trailers:
            self.peer.do("send_headers", self.number, list(trailers), end_stream=True)
        else:
            self.peer.do("end_stream", self.number)

    def cancel(self, code=CANCEL):
        self.peer.do("reset_stream", self.number, code)

    # As an origin.

    def begin(self, status=200, fields=(), end=False):
        self.head([(":status", str(status)), *fields], end)

    def answer(self, status=200, fields=(), body=b"", trailers=()):
        self.begin(status, fields, end=not body and not trailers)
        if body:
            self.send(body, end=not trailers)
        if trailers:
            self.end(trailers)

    def hint(self, status, fields=()):
        """An interim response."""
        self.head([(":status", str(status)), *fields])


class Collected:
    """What has come on a stream of HTTP/2, to be read like a connection."""

    def __init__(self, stream):
        self.stream, self.at = stream, 0

    def exactly(self, count):
        self.at += count
        return self.stream.wait_body(self.at)[self.at - count : self.at]


class Peer:
    """One end of a connection. Its threads read and write; tests wait for what has come."""

    def __init__(self, pipe, is_client, on_request=None, settings=None):
        self.pipe, self.on_request = pipe, on_request
        config = h2.config.H2Configuration(
            client_side=is_client,
            validate_outbound_headers=False,
            normalize_outbound_headers=False,
            validate_inbound_headers=False,
            normalize_inbound_headers=False,
        )
        self.h2 = h2.connection.H2Connection(config)
        if settings:
            self.h2.local_settings = h2.settings.Settings(is_client, settings)  # none is pending
        self.moved = threading.Condition(threading.RLock())
        self.streams, self._to_send = {}, b""
        self.goaway = self.error = None
        self.settings_seen = False
        self.is_closed = False
        self.do("initiate_connection")
        for run in (self._read, self._write):
            threading.Thread(target=run, daemon=True).start()

    def close(self):
        self.pipe.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def wait(self, condition, what):
        with self.moved:
            assert self.moved.wait_for(condition, GENEROUS), f"gave up waiting until {what}"

    def wait_closed(self):
        self.wait(lambda: self.is_closed, "the connection is closed")
        return self

    def do(self, action, *arguments, **options):
        with self.moved:
            getattr(self.h2, action)(*arguments, **options)
            self._to_send += self.h2.data_to_send()
            self.moved.notify_all()

    def raw(self, data):
        """Bytes of the test's own, between what was sent before and what comes after."""
        with self.moved:
            self._to_send += data
            self.moved.notify_all()

    def flushed(self):
        self.wait(lambda: not self._to_send or self.is_closed, "all is sent")

    # A client's.

    def open(self, method, path, fields=(), end=True, authority=None, scheme="https"):
        with self.moved:
            stream = self._new(self.h2.get_next_available_stream_id())
            stream.head(
                [
                    (":method", method),
                    (":scheme", scheme),
                    (":authority", authority or self.host),
                    (":path", path),
                    *fields,
                ],
                end,
            )
        return stream

    def fetch(self, path, fields=(), method="GET", body=None, **options):
        stream = self.open(method, path, fields, end=body is None, **options)
        if body is not None:
            stream.send(body, end=True)
        return stream.wait_end()

    # Threads.

    def _new(self, number):
        stream = self.streams[number] = Stream(self, number)
        return stream

    def _frames(self):
        """One at a time: what follows a GOAWAY in one read would be an error to the library, and all of it lost."""
        rest = b""
        while data := self.pipe.recv():
            rest += data
            while len(rest) >= 9 and len(rest) >= (size := 9 + int.from_bytes(rest[:3], "big")):
                yield rest[:size]
                rest = rest[size:]

    def _read(self):
        pieces = self._frames() if self.h2.config.client_side else iter(self.pipe.recv, b"")
        try:
            for data in pieces:
                with self.moved:
                    events = self.h2.receive_data(data)
                    self._to_send += self.h2.data_to_send()
                    for event in events:
                        self._on(event)
                    self.moved.notify_all()
        except (h2.exceptions.H2Error, OSError) as error:
            self.error = error
        with self.moved:
            self.is_closed = True
            self.moved.notify_all()

    def _write(self):
        while True:
            with self.moved:
                self.moved.wait_for(lambda: self._to_send or self.is_closed)
                data = self._to_send
                if self.is_closed:
                    return
            with contextlib.suppress(OSError):
                self.pipe.send(data)
            with self.moved:
                self._to_send = self._to_send[len(data) :]
                self.moved.notify_all()

    def _on(self, event):
        kind = type(event).__name__
        handler = getattr(self, "_on_" + kind, None)
        if handler is not None:
            handler(event)

    def _take(self, stream, headers, into):
        for header in headers:
            name, value = (part.decode("latin-1") for part in header)
            if not getattr(header, "indexable", True):
                stream.hidden.add(name)
            if name.startswith(":"):
                stream.pseudo[name] = value
            else:
                into.append((name, value))

    def _on_RequestReceived(self, event):
        stream = self._new(event.stream_id)
        self._take(stream, event.headers, stream.fields)
        stream.has_head = True
        stream.has_ended = event.stream_ended is not None
        self.on_request(stream)

    def _on_ResponseReceived(self, event):
        stream = self.streams[event.stream_id]
        self._take(stream, event.headers, stream.fields)
        stream.has_head = True

    def _on_InformationalResponseReceived(self, event):
        stream = self.streams[event.stream_id]
        stream.interim.append({name.decode(): value.decode() for name, value in event.headers})

    def _on_TrailersReceived(self, event):
        stream = self.streams[event.stream_id]
        self._take(stream, event.headers, stream.trailers)

    def _on_DataReceived(self, event):
        stream = self.streams[event.stream_id]
        stream.body += event.data
        count = event.flow_controlled_length
        if count == 0:
            return
        self.do("increment_flow_control_window", count)
        if not stream.holds and event.stream_ended is None:
            with contextlib.suppress(h2.exceptions.H2Error):
                self.do("increment_flow_control_window", count, stream.number)

    def _on_StreamEnded(self, event):
        self.streams[event.stream_id].has_ended = True

    def _on_StreamReset(self, event):
        if event.remote_reset and event.stream_id in self.streams:
            self.streams[event.stream_id].reset = int(event.error_code)

    def _on_RemoteSettingsChanged(self, event):
        self.settings_seen = True

    def _on_ConnectionTerminated(self, event):
        self.goaway = int(event.error_code)
        if self.goaway == NO_ERROR and self.h2.config.client_side:  # streams go on (RFC 9113, 6.8)
            self.h2.state_machine.state = h2.connection.ConnectionState.CLIENT_OPEN


def client_context(sandbox, protocols=("h2",)):
    context = ssl.create_default_context(cafile=sandbox.ca_file)
    context.set_alpn_protocols(list(protocols))
    return context


def pipe_of(sandbox, host):
    """TLS through the proxy that has agreed on h2; what is said then is up to the test."""
    wire = sandbox.tunnel(host, tls=False)
    pipe = Pipe(wire.sock, client_context(sandbox), host)
    assert pipe.tls.selected_alpn_protocol() == "h2"
    return pipe


def connect(sandbox, host, **options):
    peer = Peer(pipe_of(sandbox, host), True, **options)
    peer.host = host
    peer.wait(lambda: peer.settings_seen, "the proxy has sent its settings")
    return peer


class H2Origin(Scripted):
    """Speaks HTTP/2 alone. Each stream has a thread of its own."""

    def __init__(self, context, port=0, settings=None):
        context.set_alpn_protocols(["h2"])
        self.settings = settings
        self.peers, self._holding = [], set()
        super().__init__(context, port=port)

    def on(self, script, stem="h2", holds=False):
        """The script gets the stream, which may give no window from the start."""
        path = super().on(script, stem)
        if holds:
            self._holding.add(path)
        return path

    def _serve(self, sock):
        with contextlib.suppress(OSError):
            pipe = Pipe(sock, self.context)
            if pipe.tls.selected_alpn_protocol() == "h2":
                self.peers.append(Peer(pipe, False, self._begin, self.settings))
            else:
                pipe.close()

    def _begin(self, stream):
        stream.holds = stream.path in self._holding
        with self._lock:
            self.seen.append(stream)
        script = self._scripts.get(stream.path, echo)
        threading.Thread(target=self._run, args=(script, stream), daemon=True).start()

    def _run(self, script, stream):
        with contextlib.suppress(OSError, h2.exceptions.H2Error, AssertionError):
            script(stream)


def echo(stream):
    """The request's head and body, as JSON and as they came."""
    body = stream.read_body()
    told = {"pseudo": stream.pseudo, "fields": stream.fields}
    stream.answer(200, [("content-type", "text/plain")], json.dumps(told).encode() + b"\n" + body)
