# SPDX-License-Identifier: Apache-2.0
"""Real WebSocket clients and echoing origins: the origin gets values, the client sees tokens."""

import hashlib
import json
import pathlib
import sys

import pytest

from harness.h2_servers import Program

CLIENTS = pathlib.Path(__file__).parent / "clients"
HOSTS = ["ws.test", "ws-js.test"]
LONG = 10_000_000


@pytest.fixture(scope="module")
def origins(late_ports, late_leaf, node_modules):
    commands = {
        "ws.test": [sys.executable, CLIENTS / "websockets_server.py"],
        "ws-js.test": ["node", node_modules / "ws_server.mjs"],
    }
    servers = {
        host: Program([*command, late_ports[host], *late_leaf], late_ports[host])
        for host, command in commands.items()
    }
    yield servers
    for server in servers.values():
        server.close()


@pytest.fixture
def keyed(keyed_with):
    return keyed_with(egress=HOSTS, inject=["websocket"])


@pytest.fixture
def clients(node_modules):
    return {
        "websockets": [sys.executable, CLIENTS / "websockets_client.py"],
        "ws": ["node", node_modules / "ws_client.mjs"],
    }


def talk(keyed, client, host, messages):
    """What comes back for each."""
    return json.loads(keyed.sandbox.run(*client, f"wss://{host}/", input=json.dumps(messages).encode()).stdout)


def hears(server, text):
    """The origin was told exactly this."""
    data = text.encode()
    server.wait_for_log(f"{hashlib.sha256(data).hexdigest()} {len(data)}")


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("client", ["websockets", "ws"])
def test_messages_short_and_in_pieces(origins, keyed, clients, client, host):
    token, value = keyed.token, keyed.value
    pieces = ["é " + token[:20], token[20:], " €"]
    said = ["hello", f'{{"key":"{token}"}}', pieces, list(token), ""]
    answers = talk(keyed, clients[client], host, said)
    assert answers == ["hello", f'{{"key":"{token}"}}', "".join(pieces), token, ""]
    for text in (f'{{"key":"{value}"}}', f"é {value} €", value):
        hears(origins[host], text)


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("client", ["websockets", "ws"])
def test_a_message_of_10_mb(origins, keyed, clients, client, host):
    assert talk(keyed, clients[client], host, [LONG, "still there"]) == [True, "still there"]
    line = f"{keyed.token} and some text around it, é included.\n"
    hears(origins[host], (line * (LONG // len(line) + 1))[:LONG].replace(keyed.token, keyed.value))
