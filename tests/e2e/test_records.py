# SPDX-License-Identifier: Apache-2.0
"""What stays behind of a request: one audit line, and some counts."""

import re

from harness.wire import Wire

FIELDS = {
    "time", "sandbox", "org", "stores", "client", "protocol", "method", "scheme", "host", "port",
    "path", "decision", "code", "secrets", "status", "bytes_in", "bytes_out", "duration_ms", "upstream",
}  # fmt: skip


def test_an_allowed_request_is_recorded_without_its_query(proxy, origin, keyed):
    path = origin.on(lambda exchange: exchange.answer(200, body=exchange.read_body()))
    keyed.sandbox.fetch("api.test", f"{path}?q=private", [("X-Api-Key", keyed.token)], "POST", b"12345")
    (record,) = proxy.wait_for_audit(sandbox=keyed.sandbox.id, path=path)
    assert set(record) <= FIELDS
    assert record["decision"] == "allowed" and not record.get("code")
    assert record["secrets"] == ["API_KEY"] and record["stores"] == [keyed.store["name"]]
    assert (record["method"], record["scheme"], record["host"], record["port"]) == ("POST", "https", "api.test", 443)
    assert (record["status"], record["bytes_in"], record["bytes_out"]) == (200, 5, 5)
    assert record["client"] == "127.0.0.1" and record["upstream"] == "127.0.0.1"
    assert record["org"] == keyed.store["orgId"] and record["duration_ms"] >= 0
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", record["time"])
    assert "private" not in repr(record)


def test_a_refused_request_is_recorded_with_its_code(proxy, keyed):
    keyed.sandbox.fetch("evil.test", "/secret-plans")
    (record,) = proxy.wait_for_audit(sandbox=keyed.sandbox.id, host="evil.test")
    assert record["decision"] == "refused" and record["code"] == "host_not_allowed"
    assert record["status"] == 403 and "upstream" not in record


def test_a_refused_connection_is_recorded(proxy):
    before = len(proxy.audit(code="identity_required"))
    with Wire(proxy.endpoint) as wire:
        wire.connect("api.test:443")
    proxy.wait_for_audit(before + 1, code="identity_required")


def test_hostile_bytes_do_not_break_a_line(proxy, origin, keyed):
    path = origin.on(lambda exchange: exchange.answer(200))
    keyed.sandbox.fetch("api.test", path + '%0a{"time":"x"}"\\')
    proxy.wait_for_audit(sandbox=keyed.sandbox.id)
    assert all("time" in record for record in proxy.audit())


def test_the_audit_is_searched_over_the_api_and_the_command_line(proxy, api, keyed):
    keyed.sandbox.fetch("evil.test", "/")
    proxy.wait_for_audit(sandbox=keyed.sandbox.id)
    query = f"/api/audit?sandbox={keyed.sandbox.id}&code=host_not_allowed"
    assert [record["host"] for record in api.get(query)] == ["evil.test"]
    shown = proxy.cli("audit", "search", "--sandbox", keyed.sandbox.id).stdout.decode()
    assert "evil.test" in shown and "host_not_allowed" in shown


def test_counts_grow_and_have_names_of_ours(proxy, origin, keyed):
    before = proxy.metrics()
    path = origin.on(lambda exchange: exchange.answer(200, body=keyed.value.encode()))
    keyed.sandbox.fetch("api.test", path, [("X-Api-Key", keyed.token)])
    keyed.sandbox.fetch("evil.test", "/")
    proxy.wait_for_audit(2, sandbox=keyed.sandbox.id)
    after = proxy.metrics()
    assert all(name.startswith("sealgate_") for name in after)
    for name in (
        'sealgate_requests_total{decision="allowed"}',
        'sealgate_requests_total{decision="refused"}',
        "sealgate_tokens_replaced_total",
        "sealgate_values_redacted_total",
        "sealgate_connections_total",
    ):
        assert after[name] > before.get(name, 0), name
    assert any("host_not_allowed" in name for name in after)


def test_labels_are_bounded_however_many_hosts_are_asked_for(proxy, keyed):
    keyed.sandbox.fetch("first.test", "/")
    proxy.wait_for_audit(sandbox=keyed.sandbox.id)
    series = len(proxy.metrics())
    for number in range(10):
        keyed.sandbox.fetch(f"host-{number}.test", "/")
    assert len(proxy.metrics()) == series
