# SPDX-License-Identifier: Apache-2.0
"""Where a token becomes a value, where it is refused, and where it is only text."""

import base64

import pytest

from harness.expect import refusal


def fetch(origin, keyed, fields=(), target=None, body=None, method="GET"):
    """(response, the request as the origin saw it, or None)"""
    path = origin.on(lambda exchange: (exchange.read_body(), exchange.answer(200)))
    target = path if target is None else path + target
    response = keyed.sandbox.fetch("api.test", target, fields, method, body)
    requests = origin.requests(path)
    return response, requests[0] if requests else None


REPLACED = [
    ("Authorization", "Bearer {}"),
    ("Authorization", "{}"),
    ("X-Api-Key", "{}"),
    ("Cookie", "a=b; session={}; c=d"),
    ("Anything", 'key="{}", other=1'),
    ("X-Twice", "{} and {}"),
]


@pytest.mark.parametrize("field, form", REPLACED)
def test_a_token_in_a_field_for_credentials_is_replaced(origin, keyed, field, form):
    response, seen = fetch(origin, keyed, [(field, form.replace("{}", keyed.token))])
    assert response.status == 200
    assert seen.field(field) == form.replace("{}", keyed.value)


# Never a value there unless the secret names them.
EXCLUDED = [
    "Accept", "Accept-Language", "Access-Control-Request-Headers", "Baggage", "B3", "X-B3-TraceId",
    "Forwarded", "From", "If-None-Match", "If-Match", "Origin", "Prefer", "Range", "Referer",
    "Sec-Fetch-Site", "Traceparent", "Tracestate", "User-Agent", "Via", "X-Forwarded-For",
    "X-Forwarded-Anything", "X-Real-IP", "X-Request-Id", "X-Correlation-Id", "X-Amzn-Trace-Id",
    "X-Cloud-Trace-Context", "Idempotency-Key",
]  # fmt: skip


@pytest.mark.parametrize("field", EXCLUDED)
def test_a_token_in_a_field_that_origins_echo_is_refused(origin, keyed, field):
    response, seen = fetch(origin, keyed, [(field, f"a {keyed.token}")])
    refusal(response, 403, "token_place_not_allowed", secret="API_KEY")
    assert seen is None


def test_a_field_that_the_secret_names_gets_the_value_after_all(origin, keyed_with):
    keyed = keyed_with(inject=["header:user-agent"])
    response, seen = fetch(origin, keyed, [("User-Agent", f"agent {keyed.token}")])
    assert response.status == 200 and seen.field("user-agent") == f"agent {keyed.value}"
    response, seen = fetch(origin, keyed, [("X-Api-Key", keyed.token)])
    refusal(response, 403, "token_place_not_allowed")
    assert seen is None


@pytest.mark.parametrize("field", ["Proxy-Anything", "Proxy-Authorization", "Keep-Alive", "TE"])
def test_a_token_in_a_field_for_one_hop_never_arrives(origin, keyed, field):
    _, seen = fetch(origin, keyed, [(field, keyed.token)])
    assert seen is None or (keyed.value.encode() not in seen.head and seen.field(field) is None)


def test_a_field_that_connection_names_is_dropped_with_its_token(origin, keyed):
    _, seen = fetch(origin, keyed, [("Connection", "X-Api-Key"), ("X-Api-Key", keyed.token)])
    assert seen is None or keyed.value.encode() not in seen.head


@pytest.mark.parametrize("target", ["/{}", "?key={}", "?a=1&b=-{}", "/a/{}/b?c"])
def test_a_token_in_path_or_query_is_refused(origin, keyed, target):
    response, seen = fetch(origin, keyed, target=target.replace("{}", keyed.token))
    refusal(response, 403, "token_place_not_allowed")
    assert seen is None


def test_a_token_in_a_body_is_text(origin, keyed):
    body = f"my key is {keyed.token}".encode()
    response, seen = fetch(origin, keyed, [("X-Api-Key", keyed.token)], body=body, method="POST")
    assert response.status == 200
    assert seen.body == body and seen.field("x-api-key") == keyed.value


def basic(text):
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize("form", ["user:{}", "{}:x-oauth-basic", "{}:", ":{}", "a{}"])
def test_a_token_inside_basic_credentials_is_replaced(origin, keyed, form):
    whole = form if form != "a{}" else "name:{}"
    response, seen = fetch(origin, keyed, [("Authorization", basic(whole.replace("{}", keyed.token)))])
    assert response.status == 200
    assert seen.field("authorization") == basic(whole.replace("{}", keyed.value))


def test_an_unknown_token_inside_basic_credentials_is_refused(origin, keyed):
    response, seen = fetch(origin, keyed, [("Authorization", basic("u:osb_sealed_" + "a" * 32))])
    refusal(response, 403, "token_unknown")
    assert seen is None


def spoiled(token):
    yield "another's", "osb_sealed_" + "f" * 32
    yield "one digit short", token[:-1]
    yield "one digit long", token + "0"
    yield "upper case", token[:11] + token[11:].upper().replace("0", "A")
    yield "letter before", "x" + token
    yield "underscore after", token + "_"
    yield "prefix alone", "osb_sealed_"
    yield "two in a row", token + token
    yield "not hex", token[:-1] + "g"


def test_anything_that_is_not_one_whole_known_token_is_refused(origin, keyed):
    for what, text in spoiled(keyed.token):
        response, seen = fetch(origin, keyed, [("X-Api-Key", text)])
        assert response.status == 403 and response.code == "token_unknown", what
        assert seen is None, what


@pytest.mark.parametrize("around", ["-{}-", "({})", "={};", "\"{}\"", "/{}/", "%{}%"])
def test_a_token_between_other_bytes_is_whole(origin, keyed, around):
    response, seen = fetch(origin, keyed, [("X-Api-Key", around.replace("{}", keyed.token))])
    assert response.status == 200
    assert seen.field("x-api-key") == around.replace("{}", keyed.value)


def test_a_field_name_is_never_searched_into_a_value(origin, keyed):
    response, seen = fetch(origin, keyed, [(keyed.token, "x")])
    assert response.status in (400, 403) and seen is None


def test_several_secrets_in_one_request(origin, api):
    store = api.store(["api.test"])
    values = {name: api.secret(store, name)[0] for name in ("ONE", "TWO", "THREE")}
    sandbox = api.sandbox(store)
    path = origin.on(lambda exchange: exchange.answer(200))
    fields = [("X-All", ",".join(sandbox.token(name) for name in values))]
    assert sandbox.fetch("api.test", path, fields).status == 200
    assert origin.request(path).field("x-all") == ",".join(values.values())


PLACES = ["query", "path", "body"]


@pytest.mark.parametrize("place", PLACES)
def test_a_place_that_is_not_built_is_refused_when_it_is_set(api, place):
    store = api.store(["api.test"])
    path = f"/api/secret-stores/{store['id']}/secrets/API_KEY"
    answer = api.call("PUT", path, {"value": "some-long-value", "inject": [place]})
    assert answer.status_code == 400, answer.text
    assert api.get(f"/api/secret-stores/{store['id']}/secrets") == []


def test_a_long_value_goes_up_whole(origin, api):
    store = api.store(["api.test"])
    text = "v" * 16384
    api.secret(store, text=text)
    sandbox = api.sandbox(store)
    path = origin.on(lambda exchange: exchange.answer(200))
    assert sandbox.fetch("api.test", path, [("X-Api-Key", sandbox.token())]).status == 200
    assert origin.request(path).field("x-api-key") == text
