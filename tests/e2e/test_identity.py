# SPDX-License-Identifier: Apache-2.0
"""Whose connection it is: the socket or a credential says so, and nothing else."""

import pytest

from harness.expect import refusal
from harness.wait import until
from harness.wire import Wire, basic

_sources = (f"127.0.{net}.{host}" for net in range(20, 250) for host in range(1, 250))


@pytest.fixture(scope="module")
def source():
    """An address of its own for each test."""
    return lambda: next(_sources)


def test_no_credentials_get_a_challenge_at_connect(proxy):
    with Wire(proxy.endpoint) as wire:
        answer = wire.connect("api.test:443")
        refusal(answer, 407, "identity_required")
        assert answer.field("proxy-authenticate").startswith("Basic ")


def test_no_credentials_get_a_challenge_over_plain_http(proxy):
    with Wire(proxy.endpoint) as wire:
        answer = wire.request("GET", "http://plain.test/", [("Host", "plain.test")])
        refusal(answer, 407, "identity_required")


def wrong_credentials(keyed, other):
    name, password = keyed.sandbox.credentials
    yield "wrong token", basic(name, password[::-1])
    yield "empty token", basic(name, "")
    yield "token of another sandbox", basic(name, other.credentials[1])
    yield "unknown sandbox", basic("sb-00000000", password)
    yield "not base64", "Basic !!!"
    yield "another scheme", f"Bearer {password}"


def test_wrong_credentials_are_refused(api, keyed):
    for what, field in wrong_credentials(keyed, api.sandbox()):
        with keyed.sandbox.wire() as wire:
            answer = wire.connect("api.test:443", fields=[("Proxy-Authorization", field)])
            assert answer.status == 407, what
            assert answer.code == "identity_invalid", what


def test_repeated_credentials_are_refused(keyed):
    with keyed.sandbox.wire() as wire:
        twice = [("Proxy-Authorization", basic(*keyed.sandbox.credentials))] * 2
        assert wire.connect("api.test:443", fields=twice).status == 407


def test_forwarding_fields_change_nothing(keyed, api, source):
    registered = source()
    api.sandbox(keyed.store, source=registered)
    claims = [("X-Forwarded-For", registered), ("Forwarded", f"for={registered}"), ("X-Real-IP", registered)]
    with keyed.sandbox.wire() as wire:
        refusal(wire.connect("api.test:443", fields=claims), 407, "identity_required")


def test_proxy_fields_never_go_upstream(origin, keyed):
    path = origin.on(lambda exchange: exchange.answer(200))
    fields = [
        ("Proxy-Authorization", basic("a", "b")),
        ("Proxy-Connection", "keep-alive"),
        ("Connection", "X-Hop, keep-alive"),
        ("X-Hop", "one"),
        ("Keep-Alive", "timeout=5"),
        ("TE", "trailers"),
        ("X-Kept", "yes"),
    ]
    assert keyed.sandbox.fetch("api.test", path, fields).status == 200
    arrived = {name.lower() for name, _ in origin.request(path).fields}
    assert arrived == {"host", "x-kept"}


def test_a_registered_source_needs_no_credentials(api, origin, keyed, source):
    address = source()
    sandbox = api.sandbox(keyed.store, source=address)
    path = origin.on(lambda exchange: exchange.answer(200))
    ran = sandbox.curl(
        "--fail", "--interface", address, "--proxy", f"http://{sandbox.endpoint}",
        "-H", f"X-Api-Key: {sandbox.token()}", f"https://api.test{path}",
    )
    assert ran.returncode == 0
    assert origin.request(path).field("x-api-key") == keyed.value


def test_a_registered_source_with_its_own_credentials_is_fine(api, origin, keyed, source):
    address = source()
    sandbox = api.sandbox(keyed.store, source=address)
    with sandbox.wire(address) as wire:
        assert wire.connect("api.test:443", sandbox.credentials).status == 200


def test_a_registered_source_with_anothers_credentials_is_refused(api, keyed, source):
    address = source()
    api.sandbox(keyed.store, source=address)
    with keyed.sandbox.wire(address) as wire:
        answer = wire.connect("api.test:443", keyed.sandbox.credentials)
        refusal(answer, 407, "identity_invalid")


def test_credentials_of_a_registered_sandbox_from_elsewhere_are_refused(api, keyed, source):
    sandbox = api.sandbox(keyed.store, source=source())
    with sandbox.wire() as wire:
        refusal(wire.connect("api.test:443", sandbox.credentials), 407, "identity_invalid")


def test_a_source_is_free_again_when_its_sandbox_is_gone(api, keyed, source):
    address = source()
    first = api.sandbox(keyed.store, source=address)
    taken = api.call("POST", "/api/sandboxes", {"source": address})
    assert taken.status_code == 409
    api.delete(first.path)
    with Wire(first.endpoint, address) as wire:
        refusal(wire.connect("api.test:443"), 407, "identity_required")
    second = api.sandbox(keyed.store, source=address)
    with Wire(second.endpoint, address) as wire:
        assert wire.connect("api.test:443").status == 200


def test_a_token_of_another_sandbox_is_unknown(api, origin, keyed):
    other = api.sandbox(keyed.store)
    assert other.token() != keyed.token
    path = origin.on(lambda exchange: exchange.answer(200))
    answer = other.fetch("api.test", path, [("X-Api-Key", keyed.token)])
    refusal(answer, 403, "token_unknown", sandbox=other.id)
    assert origin.requests(path) == []


def test_one_connection_may_change_its_sandbox_between_requests(api, origin, keyed_with):
    """Absolute-form requests carry their credentials each time, and each counts for itself."""
    first, second = keyed_with(egress=["plain.test"]), keyed_with(egress=["other.test"])
    path = origin.on(lambda exchange: exchange.answer(200))
    with first.sandbox.wire() as wire:
        for keyed, status in ((first, 200), (second, 403), (first, 200)):
            credentials = ("Proxy-Authorization", basic(*keyed.sandbox.credentials))
            fields = [("Host", "plain.test"), credentials]
            assert wire.request("GET", f"http://plain.test{path}", fields).status == status
    assert len(origin.requests(path)) == 2


def test_connections_of_a_sandbox_are_limited(own_proxy):
    proxy = own_proxy(workers=2, limits={"connections_per_sandbox": 3})
    sandbox = proxy.api.sandbox()
    with_room = [sandbox.tunnel("api.test") for _ in range(3)]
    with sandbox.wire() as wire:
        refusal(wire.connect("api.test:443", sandbox.credentials), 429, "limit_exceeded")
    with_room.pop().close()

    def can_connect():
        with sandbox.wire() as wire:
            return wire.connect("api.test:443", sandbox.credentials).status == 200

    until(can_connect, "the room of a closed connection is free again")
