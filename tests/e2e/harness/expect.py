# SPDX-License-Identifier: Apache-2.0
"""What a refusal looks like, wherever it is delivered."""


def refusal(response, status, code, **fields):
    """Checks status, JSON body and Proxy-Status; gives the body back."""
    assert response.status == status, (response.start, response.body)
    assert response.field("content-type") == "application/json"
    body = response.json()
    assert body["code"] == code, body
    assert body["error"].endswith((".", ")")) and len(body["error"]) > 10, body
    assert body["hint"], body
    assert set(body) <= {"error", "code", "host", "sandbox", "secret", "hint"}, body
    for name, text in fields.items():
        assert body.get(name) == text, (name, body)
    status_field = response.field("proxy-status")
    assert status_field is not None and "error=" in status_field, response.fields
    return body
