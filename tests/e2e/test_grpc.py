# SPDX-License-Identifier: Apache-2.0
"""gRPC as people use it: official clients and servers of two languages, every kind of call."""

import json
import pathlib
import sys

import pytest

from harness.expect import refusal
from harness.h2 import connect
from harness.h2_servers import Program

CLIENTS = pathlib.Path(__file__).parent / "clients"


@pytest.fixture(scope="module")
def servers(late_ports, late_leaf, node_modules):
    programs = {
        "grpc.test": [sys.executable, CLIENTS / "grpc_server.py"],
        "grpc-js.test": ["node", node_modules / "grpc_server.mjs"],
    }
    started = {
        name: Program([*command, late_ports[name], *late_leaf], late_ports[name])
        for name, command in programs.items()
    }
    yield started
    for program in started.values():
        program.close()


@pytest.fixture
def keyed(keyed_with):
    return keyed_with(egress=["grpc.test", "grpc-js.test"])


@pytest.fixture(params=["grpcio", "grpc-js"])
def client(request, node_modules):
    if request.param == "grpcio":
        return [sys.executable, CLIENTS / "grpc_client.py"]
    return ["node", node_modules / "grpc_client.mjs"]


EXPECTED = {
    "unary": "HELLO",
    "first": "early",
    "last": "late",
    "binary": "00ff",
    "long": True,
    "collect": "a,b,c",
    "count": [str(number) for number in range(50)],
    "chat": ["ONE", "TWO", "THREE"],
    "failed": ["NOT_FOUND", "no such thing: 100 % é", "late"],
    "late": "DEADLINE_EXCEEDED",
    "cancelled": "CANCELLED",
    "after": "STILL THERE",
}


@pytest.mark.parametrize("server", ["grpc.test", "grpc-js.test"])
def test_every_kind_of_call(servers, keyed, client, server):
    told = json.loads(keyed.sandbox.run(*client, server).stdout)
    # The server was given the value. Its echo of that is hidden without changing any length.
    assert told.pop("who") == "Bearer " + "*" * len(keyed.value)
    assert told == EXPECTED
    servers[server].wait_for_log(f"authorization Bearer {keyed.value}")
    servers[server].wait_for_log("cancelled")


REFUSED = {
    "a host that is not allowed": ("nowhere.test", None, "host_not_allowed"),
    "a token that is unknown": ("grpc.test", "osb_sealed_" + "0" * 32, "token_unknown"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_refusal_is_an_error_for_the_client(proxy, servers, keyed, client, what):
    host, token, code = REFUSED[what]
    env = {"API_KEY": token} if token else {}
    ran = keyed.sandbox.run(*client, host, env=env, check=False)
    assert ran.returncode != 0
    proxy.wait_for_audit(sandbox=keyed.sandbox.id, code=code)


def test_compressed_messages_are_not_asked_for_where_values_must_be_hidden(h2_origin, keyed_with):
    keyed = keyed_with(egress=["h2.test"])
    path = h2_origin.on(lambda stream: stream.answer(200, body=b"x"))
    coded = h2_origin.on(lambda stream: stream.answer(200, [("grpc-encoding", "gzip")], b"x"))
    with connect(keyed.sandbox, "h2.test") as peer:
        assert peer.fetch(path, [("grpc-accept-encoding", "identity,gzip")]).status == 200
        refusal(peer.fetch(coded), 502, "upstream_protocol")
    assert h2_origin.request(path).field("grpc-accept-encoding") is None
