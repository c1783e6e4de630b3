# SPDX-License-Identifier: Apache-2.0
"""Any client version reaches any origin version: curl on one side, five servers on the other."""

import hashlib
import json
import os

import pytest

CLIENTS = {"1.1": "--http1.1", "2": "--http2"}
ORIGINS = {
    "the scripted one, HTTP/1.1": "api.test",
    "the scripted one, HTTP/2": "h2.test",
    "nginx, HTTP/1.1": "nginx.test",
    "nginx, HTTP/2": "nginx2.test",
    "nghttpd": "nghttpd.test",
    "Node": "node2.test",
}
EVERYWHERE = list(ORIGINS.values())

pytestmark = [
    pytest.mark.parametrize("version", CLIENTS),
    pytest.mark.usefixtures("h2_origin", "nginx2", "nghttpd_origin", "node2"),
]


@pytest.fixture
def keyed(keyed_with):
    return keyed_with(egress=EVERYWHERE)


def curl(sandbox, version, *arguments, input=None):
    """What came, and the version that it came over."""
    ran = sandbox.curl("--fail", CLIENTS[version], "-w", "%{stderr}%{http_version}", *arguments, input=input)
    assert ran.stderr.decode() == version
    return ran.stdout


def credentials(keyed):
    return ["-H", f"Authorization: Bearer {keyed.token}"]


@pytest.mark.parametrize("name", ["nginx.test", "nginx2.test"])
def test_nginx_gets_the_value_and_its_echo_is_the_token(nginx, nginx2, keyed, version, name):
    answer = curl(keyed.sandbox, version, *credentials(keyed), f"https://{name}/echo")
    assert answer == f"authorization=Bearer {keyed.token}\n".encode()
    spoken = "HTTP/2.0" if name == "nginx2.test" else "HTTP/1.1"
    server = nginx2 if name == "nginx2.test" else nginx
    log = server.wait_for_log(f"Bearer {keyed.value}")
    (line,) = [line for line in log.splitlines() if keyed.value in line]
    assert f'"GET /echo {spoken}"' in line


def test_node_gets_the_value_and_its_echo_is_the_token(keyed, version):
    told = json.loads(curl(keyed.sandbox, version, *credentials(keyed), "https://node2.test/x?y=z"))
    assert told["httpVersion"] == "2.0" and told["url"] == "/x?y=z"
    assert told["headers"][":authority"] == "node2.test" and told["headers"][":scheme"] == "https"
    assert told["headers"]["authorization"] == f"Bearer {keyed.token}"


def test_nghttpd_gets_the_value(nghttpd_origin, keyed, version):
    (nghttpd_origin.files / "hello").write_text("hello\n")
    assert curl(keyed.sandbox, version, *credentials(keyed), "https://nghttpd.test/hello") == b"hello\n"
    nghttpd_origin.wait_for_log(f"authorization: Bearer {keyed.value}")


def test_scripted_origins_are_sent_what_the_client_meant(origin, h2_origin, keyed, version):
    def script(exchange):
        exchange.answer(200, body=b"done")

    for server, name in ((origin, "api.test"), (h2_origin, "h2.test")):
        path = server.on(script)
        url = f"https://{name}{path}?a=b%20c"
        assert curl(keyed.sandbox, version, *credentials(keyed), "-X", "DELETE", url) == b"done"
        seen = server.request(path)
        assert seen.method == "DELETE"
        assert seen.field("authorization") == f"Bearer {keyed.value}"
        named = {field.lower() for field, _ in seen.fields}
        assert not named & {"connection", "proxy-connection", "proxy-authorization", "upgrade"}
    assert seen.pseudo == {
        ":method": "DELETE",
        ":scheme": "https",
        ":authority": "h2.test",
        ":path": f"{path}?a=b%20c",
    }


SIZE = 8_000_000


@pytest.mark.parametrize("name", ["nginx.test", "nginx2.test", "nghttpd.test"])
def test_a_big_file_comes_down_unchanged(nginx, nginx2, nghttpd_origin, keyed, version, name):
    body = os.urandom(SIZE)
    nginx.write("big", body)
    nginx2.write("big", body)
    (nghttpd_origin.files / "big").write_bytes(body)
    got = curl(keyed.sandbox, version, f"https://{name}/big")
    assert hashlib.sha256(got).digest() == hashlib.sha256(body).digest()


def test_node_gets_a_big_upload_unchanged(keyed, version):
    body = os.urandom(SIZE)
    told = json.loads(
        curl(keyed.sandbox, version, "--data-binary", "@-", "https://node2.test/", input=body)
    )
    assert (told["length"], told["digest"]) == (SIZE, hashlib.sha256(body).hexdigest())
    assert told["headers"]["content-length"] == str(SIZE)


def test_a_big_body_of_unknown_length_goes_up_and_comes_back_unchanged(nghttpd_origin, keyed, version):
    body = os.urandom(SIZE)
    got = curl(keyed.sandbox, version, "-T", "-", "https://nghttpd.test/upload", input=body)
    assert hashlib.sha256(got).digest() == hashlib.sha256(body).digest()


@pytest.mark.parametrize("name", ["api.test", "h2.test"])
def test_a_big_body_of_known_length_goes_up_and_comes_back_unchanged(
    origin, h2_origin, keyed, version, name
):
    body = os.urandom(SIZE)
    if name == "api.test":
        path = origin.on(lambda exchange: exchange.answer(200, body=exchange.read_body()))
    else:
        path = h2_origin.on(lambda stream: stream.answer(200, body=stream.read_body()))
    got = curl(keyed.sandbox, version, "--data-binary", "@-", f"https://{name}{path}", input=body)
    assert hashlib.sha256(got).digest() == hashlib.sha256(body).digest()


def test_a_hundred_requests_of_one_client_use_one_connection(h2_origin, keyed, version):
    path = h2_origin.on(lambda stream: stream.answer(200, body=b"x"))
    urls = [f"https://h2.test{path}"] * 100
    assert keyed.sandbox.curl("--fail", CLIENTS[version], *urls).stdout == b"x" * 100
    seen = h2_origin.requests(path)
    assert len(seen) == 100 and len({stream.peer for stream in seen}) == 1


def test_a_hundred_requests_at_once(h2_origin, keyed, version, tmp_path):
    path = h2_origin.on(lambda stream: stream.answer(200, body=b"x"))
    root = tmp_path / "root.pem"  # curl reads its file anew for each connection
    root.write_bytes(keyed.api.call("GET", "/ca.pem").content)
    ran = keyed.sandbox.curl(
        "--fail", CLIENTS[version], "--cacert", root, "--parallel", "--parallel-max", "50",
        *[f"https://h2.test{path}?{number}" for number in range(100)],
    )
    assert ran.stdout == b"x" * 100
    targets = sorted(stream.pseudo[":path"] for stream in h2_origin.requests(path))
    assert targets == sorted(f"{path}?{number}" for number in range(100))
