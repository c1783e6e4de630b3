# SPDX-License-Identifier: Apache-2.0
"""Network namespaces in place of machines: nothing of the real network is touched."""

import contextlib
import ctypes
import itertools
import json
import os
import pathlib
import shutil
import socket
import subprocess
import threading

from .wait import until

RULES = pathlib.Path(__file__).resolve().parents[3] / "packaging/nftables"
CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)
_serial = itertools.count(1)


def missing():
    """Why none can be made here, or None."""
    if os.geteuid() != 0:
        return "network namespaces and nftables need root"
    for tool in ("ip", "nft", "curl"):
        if shutil.which(tool) is None:
            return f"{tool} is not installed"
    made = subprocess.run(["unshare", "-n", "nft", "list", "ruleset"], capture_output=True)
    return f"this kernel has no nftables: {made.stderr.decode()}" if made.returncode else None


def ip(*arguments):
    subprocess.run(["ip", *map(str, arguments)], check=True, capture_output=True)


def enter(fd):
    if _libc.setns(fd, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


class Namespace:
    """A machine of its own."""

    def __init__(self, stem):
        self.name = f"sealgate-{stem}-{os.getpid()}-{next(_serial)}"
        ip("netns", "add", self.name)
        self.ip("link", "set", "lo", "up")

    def close(self):
        subprocess.run(["ip", "netns", "del", self.name], check=False, capture_output=True)

    def ip(self, *arguments):
        ip("-n", self.name, *arguments)

    @contextlib.contextmanager
    def inside(self):
        """Sockets and processes that this thread makes meanwhile are in there."""
        with open("/proc/thread-self/ns/net") as home, open(f"/run/netns/{self.name}") as there:
            enter(there.fileno())
            try:
                yield self
            finally:
                enter(home.fileno())

    def run(self, *command, **options):
        return subprocess.run(
            ["ip", "netns", "exec", self.name, *map(str, command)], capture_output=True, **options
        )

    def set(self, name, value):
        """A kernel setting of it: "ipv4/ip_forward"."""
        with self.inside():
            pathlib.Path("/proc/sys/net", name).write_text(str(value))

    def address(self, interface, *addresses):
        for address in addresses:
            more = ["nodad"] if ":" in address else []
            self.ip("address", "add", address, "dev", interface, *more)

    def mac(self, interface):
        with self.inside():
            return _hardware_address(interface)

    def load(self, file, **defines):
        """One of the rule files that are delivered, with other values for its `define` lines."""
        lines = (RULES / file).read_text().splitlines()
        for name, value in defines.items():
            at = next(i for i, line in enumerate(lines) if line.startswith(f"define {name} ="))
            lines[at] = f"define {name} = {value}"
        loaded = self.run("nft", "-f", "-", input="\n".join(lines).encode() + b"\n")
        assert loaded.returncode == 0, loaded.stderr.decode()

    def nft(self, *arguments):
        ran = self.run("nft", *arguments)
        assert ran.returncode == 0, ran.stderr.decode()
        return ran.stdout

    def counters(self, family="inet"):
        listed = json.loads(self.nft("-j", "list", "counters", "table", family, "sealgate"))
        found = [item["counter"] for item in listed["nftables"] if "counter" in item]
        return {counter["name"]: counter["packets"] for counter in found}


def _hardware_address(interface):
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as probe:
        probe.bind((interface, 0))
        return probe.getsockname()[4]


def connect(one, name, other, other_name):
    """A cable between two machines."""
    one.ip("link", "add", name, "type", "veth", "peer", "name", other_name, "netns", other.name)
    one.ip("link", "set", name, "up")
    other.ip("link", "set", other_name, "up")


class _Heard:
    """What arrived at sockets, as long as they are open."""

    def __init__(self):
        self.data, self.sockets = [], []

    def _listen(self, sock, on_data):
        self.sockets.append(sock)
        threading.Thread(target=self._read, args=(sock, on_data), daemon=True).start()

    def _read(self, sock, on_data):
        while True:
            try:
                on_data(sock)
            except OSError:
                return

    def _keep(self, sock):
        self.data.append(sock.recv(65536))

    def has(self, marker):
        return any(marker in data for data in self.data)

    def close(self):
        for sock in self.sockets:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()


class Sniffer(_Heard):
    """Every packet that an interface of a machine receives."""

    def __init__(self, machine, interface):
        super().__init__()
        with machine.inside():
            sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
            sock.bind((interface, 3))
        self._listen(sock, self._keep)


class Services(_Heard):
    """A machine where something listens on these ports, of IPv4 and IPv6."""

    def __init__(self, machine, tcp=(), udp=()):
        super().__init__()
        self.accepted = []
        with machine.inside():
            for family, any_address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
                for port in tcp:
                    self._listen(self._open(family, socket.SOCK_STREAM, any_address, port), self._accept)
                for port in udp:
                    self._listen(self._open(family, socket.SOCK_DGRAM, any_address, port), self._keep)

    def _open(self, family, kind, address, port):
        sock = socket.socket(family, kind)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((address, port))
        if kind == socket.SOCK_STREAM:
            sock.listen(64)
        return sock

    def _accept(self, sock):
        client, peer = sock.accept()
        self.accepted.append((peer[0], sock.getsockname()[1]))
        client.close()


def rises(machine, name, before, family="inet"):
    until(lambda: machine.counters(family)[name] > before[name], f"the rules count as {name}")
