# SPDX-License-Identifier: Apache-2.0
"""A DNS client, byte by byte."""

import dataclasses
import ipaddress
import socket
import struct

from .wait import GENEROUS

A, NULL, PTR, MX, TXT, AAAA, SRV, HTTPS, SVCB, ANY = 1, 10, 12, 15, 16, 28, 33, 65, 64, 255
OPT, EXTENDED_ERROR = 41, 15
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED = range(6)


@dataclasses.dataclass
class Answer:
    id: int
    rcode: int
    truncated: bool
    question: bytes
    addresses: list
    ttls: list
    extended: int = None
    text: str = ""


def name(text):
    labels = [label.encode() for label in text.split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def query(host, kind=A, edns=1232, id=0x4242, flags=0x0100):
    """`edns`: the size that the client takes; None: it does not know EDNS."""
    head = struct.pack("!HHHHHH", id, flags, 1, 0, 0, 0 if edns is None else 1)
    options = b"" if edns is None else b"\0" + struct.pack("!HHIH", OPT, edns, 0, 0)
    encoded = host if isinstance(host, bytes) else name(host)
    return head + encoded + struct.pack("!HH", kind, 1) + options


def _skip_name(message, at):
    while message[at] != 0:
        if message[at] >= 0xC0:
            return at + 2
        at += 1 + message[at]
    return at + 1


def _read_options(data, answer):
    while data:
        code, length = struct.unpack("!HH", data[:4])
        if code == EXTENDED_ERROR:
            answer.extended = struct.unpack("!H", data[4:6])[0]
            answer.text = data[6 : 4 + length].decode()
        data = data[4 + length :]


def parse(message):
    """Every byte of it, or an exception."""
    id, flags, questions, records, authorities, additionals = struct.unpack("!6H", message[:12])
    assert flags & 0x8000 and authorities == 0 and questions <= 1
    end = _skip_name(message, 12) + 4 if questions else 12
    answer = Answer(id, flags & 15, bool(flags & 0x200), message[12:end], [], [])
    for _ in range(records + additionals):
        at = _skip_name(message, end)
        kind, _, ttl, length = struct.unpack("!HHIH", message[at : at + 10])
        data = message[at + 10 : at + 10 + length]
        end = at + 10 + length
        if kind == OPT:
            _read_options(data, answer)
        else:
            answer.addresses.append(str(ipaddress.ip_address(data)))
            answer.ttls.append(ttl)
    assert end == len(message), "bytes left over"
    return answer


class Udp:
    """A socket of one sandbox, told apart by its address."""

    def __init__(self, source, server):
        family = socket.AF_INET6 if ":" in source else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.settimeout(GENEROUS)
        self.socket.bind((source, 0))
        self.socket.connect(server)  # so that an answer from elsewhere is not taken

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, message):
        self.socket.send(message)

    def receive(self):
        return parse(self.socket.recv(65536))

    def ask(self, *arguments, **options):
        self.send(query(*arguments, **options))
        return self.receive()


class Tcp:
    def __init__(self, source, server):
        self.socket = socket.create_connection(server, GENEROUS, (source, 0))
        self.file = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def send(self, message):
        self.socket.sendall(struct.pack("!H", len(message)) + message)

    def receive(self):
        head = self.file.read(2)
        return parse(self.file.read(struct.unpack("!H", head)[0])) if head else None

    def ask(self, *arguments, **options):
        self.send(query(*arguments, **options))
        return self.receive()
