# SPDX-License-Identifier: Apache-2.0
"""A value is nowhere to be found after it was used in every way there is.

Every sealgate that the tests start is searched like this at its end; this test makes sure that
the search itself finds what it should."""

import base64

from harness.api import value
from harness.canary import Canaries
from harness.message import encode


def test_the_search_finds_a_value_in_every_form():
    text = value("canary")
    canaries = Canaries()
    canaries.add(text)
    raw = text.encode()
    places = {
        "raw": raw,
        "base64": base64.b64encode(b"user:" + raw + b"!"),
        "hex": raw.hex().encode(),
        "percent": "".join(f"%{byte:02x}" for byte in raw).encode(),
    }
    assert {place for place, _ in canaries.hits(places.items())} == set(places)
    assert canaries.hits([("other", value("canary").encode())]) == []


def test_a_value_stays_nowhere_after_use_refusal_rotation_and_errors(own_proxy, origin):
    proxy = own_proxy()
    api = proxy.api
    store = api.store(["api.test", "plain.test"])
    text, _ = api.secret(store, allowedHosts=["api.test"])
    sandbox = api.sandbox(store)
    path = origin.on(lambda exchange: exchange.echo())
    basic = "Basic " + base64.b64encode(f"x:{sandbox.token()}".encode()).decode()
    for fields in ([("Authorization", f"Bearer {sandbox.token()}")], [("Authorization", basic)]):
        assert text.encode() not in sandbox.fetch("api.test", path, fields).body
    for host in ("plain.test", "evil.test"):
        answer = sandbox.fetch(host, path, [("X-Api-Key", sandbox.token())])
        assert text.encode() not in answer.head + answer.body
    with sandbox.tunnel("api.test") as wire:
        wire.send(encode(f"GET / {text}", [("Host", text)]))
        wire.is_closed()
    api.call("PUT", f"/api/secret-stores/{store['id']}/secrets/API_KEY", data=b'{"value": "%s' % text.encode())
    api.call("PUT", f"/api/secret-stores/{store['id']}/secrets/API_KEY", {"value": f"{text}\n"})
    api.secret(store)
    api.delete(f"/api/secret-stores/{store['id']}/secrets/API_KEY")
    proxy.wait_for_audit(4, sandbox=sandbox.id)
    assert proxy.leaks() == []
