# SPDX-License-Identifier: Apache-2.0
"""A gateway with sealgate and the delivered nftables rules, sandboxes behind it, and the world.

    sandbox   10.86.1.2 fd86:1::2 ── sg-one ┐         ┌ up-one ── world 198.51.100.2 fd86:ff::2
    neighbour 10.86.2.2 fd86:2::2 ── sg-two ┘ gateway ┘           and the metadata addresses
"""

import contextlib
import json

from .network import Namespace, connect
from .names import NameServer
from .origin import Origin, tls_context
from .proxy import Sealgate

TRANSPARENT, DNS, CONTROL, PROXY = 3129, 3130, 3180, 3128
WORLD4, WORLD6 = "198.51.100.2", "fd86:ff::2"
NOWHERE4, NOWHERE6 = "198.51.100.99", "fd86:ff::99"
METADATA4, METADATA6 = "169.254.169.254", "fd00:ec2::254"
ORIGIN = "10.86.9.9"
NAMES = ["api.test", "plain.test", "other.test"]
MARK, TABLE = "0x5ea1", 5320


class Gateway(Sealgate):
    def write_config(self, config):
        self.control_port = CONTROL
        listen = {
            "proxy": [f"0.0.0.0:{PROXY}"],
            "transparent": [f"0.0.0.0:{TRANSPARENT}", f"[::]:{TRANSPARENT}"],
            "dns": [f"0.0.0.0:{DNS}", f"[::]:{DNS}"],
            "control": [f"0.0.0.0:{CONTROL}"],
        }
        base = {"data_dir": str(self.data_dir), "workers": 2, "listen": listen}
        self.config_file.write_text(json.dumps({**base, **config}, indent=1))


class Site:
    def __init__(self, authority, folder):
        with contextlib.ExitStack() as stack:
            self._stack = stack
            self._make_machines()
            self._make_network()
            self._start_origins(authority, folder)
            self._start_gateway(authority)
            self._stack = stack.pop_all()

    def close(self):
        self._stack.close()

    def _machine(self, stem):
        machine = Namespace(stem)
        self._stack.callback(machine.close)
        return machine

    def _make_machines(self):
        self.gateway, self.world = self._machine("gateway"), self._machine("world")
        self.sandbox, self.neighbour = self._machine("sandbox"), self._machine("neighbour")

    def attach(self, machine, interface, number):
        """Behind an interface of the gateway, with the gateway as its way to everything."""
        connect(self.gateway, interface, machine, "eth0")
        self.gateway.address(interface, f"10.86.{number}.1/24", f"fd86:{number}::1/64")
        self.give_addresses(machine, number, 2)

    def give_addresses(self, machine, number, host):
        machine.address("eth0", f"10.86.{number}.{host}/24", f"fd86:{number}::{host}/64")
        machine.ip("route", "replace", "default", "via", f"10.86.{number}.1")
        machine.ip("-6", "route", "replace", "default", "via", f"fd86:{number}::1")

    def _make_network(self):
        gateway, world = self.gateway, self.world
        for setting in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
            gateway.set(setting, 1)  # so that it is the rules that stop what is stopped
        for setting in ("ipv4/conf/all/rp_filter", "ipv4/conf/default/rp_filter"):
            gateway.set(setting, 0)
        self.attach(self.sandbox, "sg-one", 1)
        self.attach(self.neighbour, "sg-two", 2)
        connect(gateway, "up-one", world, "eth0")
        gateway.address("up-one", "198.51.100.1/24", "fd86:ff::1/64")
        world.address("eth0", f"{WORLD4}/24", f"{WORLD6}/64", f"{METADATA4}/32", f"{METADATA6}/128")
        world.ip("route", "add", "default", "via", "198.51.100.1")
        world.ip("-6", "route", "add", "default", "via", "fd86:ff::1")
        gateway.ip("route", "add", METADATA4, "via", WORLD4)
        gateway.ip("-6", "route", "add", METADATA6, "via", WORLD6)
        gateway.address("lo", f"{ORIGIN}/32")
        self.deliver_marked_packets()
        self.use("sealgate.nft")

    def deliver_marked_packets(self):
        for family, default in (("-4", "0.0.0.0/0"), ("-6", "::/0")):
            self.gateway.ip(family, "rule", "add", "fwmark", MARK, "lookup", TABLE)
            self.gateway.ip(family, "route", "add", "local", default, "dev", "lo", "table", TABLE)

    def use(self, rules, sandboxes='{ "sg-*" }'):
        self.gateway.load(rules, sandboxes=sandboxes)

    def _start_origins(self, authority, folder):
        leaf = authority.issue([*NAMES, WORLD4, WORLD6]).write(folder, "site")
        with self.gateway.inside():
            self.origin = Origin(tls_context(*leaf), ORIGIN)
            self.names = NameServer({"unlisted.test": [WORLD4]})
        with self.world.inside():
            self.world_origin = Origin(tls_context(*leaf), WORLD4, 443)
        for part in (self.origin, self.names, self.world_origin):
            self._stack.callback(part.close)

    def _start_gateway(self, authority):
        upstream = {
            "trust": [str(authority.file)],
            "resolve": {name: self.origin.endpoint for name in NAMES},
            "allow_addresses": [f"{WORLD4}/32"],
            "nameservers": [self.names.endpoint],
        }
        self.proxy = Gateway({"upstream": upstream})
        with self.gateway.inside():
            self._stack.callback(self._stop)
            self.proxy.start()

    def _stop(self):
        with self.gateway.inside():
            try:
                if self.proxy.process is not None and self.proxy.process.poll() is None:
                    assert self.proxy.leaks() == []
            finally:
                self.proxy.stop()
