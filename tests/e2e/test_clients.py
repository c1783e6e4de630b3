# SPDX-License-Identifier: Apache-2.0
"""Programs as people run them in a sandbox: the key they send is a token, the key that arrives is
the real one, and an origin that echoes it is not understood."""

import json
import subprocess
import sys

import pytest

from harness.api import unique
from harness.services import anthropic_host, git_host, openai_host

TOKEN_FORM = r"osb_sealed_[0-9a-f]{32}"


@pytest.fixture
def nginx_keyed(keyed_with):
    return keyed_with(egress=["nginx.test"])


def check_nginx_saw(nginx, keyed, program_output):
    """The value reached nginx's log, and what nginx echoed came back as the token."""
    nginx.wait_for_log(f"Bearer {keyed.value}")
    assert f"authorization=Bearer {keyed.token}" in program_output
    assert keyed.value not in program_output


VERSIONS = pytest.mark.parametrize("version", ["1.1", "2"])


def curl_over(version, sandbox, *arguments, **options):
    """Standard output, of a request that did go over this version of HTTP."""
    ran = sandbox.curl(f"--http{version}", "-w", "%{stderr}%{http_version}", *arguments, **options)
    assert ran.stderr.decode() == version
    return ran


@VERSIONS
def test_curl_sends_the_value_and_sees_the_token(nginx, nginx_keyed, version):
    ran = curl_over(
        version, nginx_keyed.sandbox, "--fail", "-H", f"Authorization: Bearer {nginx_keyed.token}", "https://nginx.test/echo"
    )
    check_nginx_saw(nginx, nginx_keyed, ran.stdout.decode())


@VERSIONS
def test_curl_reads_why_a_host_is_refused(nginx_keyed, version):
    ran = curl_over(version, nginx_keyed.sandbox, "-i", "https://not-listed.test/")
    head, _, body = ran.stdout.rpartition(b"\r\n\r\n")
    assert f"HTTP/{version} 403" in head.decode()
    assert json.loads(body)["code"] == "host_not_allowed"


@VERSIONS
def test_curl_with_a_rewound_body_and_expect_continue(origin, keyed, version):
    path = origin.on(lambda exchange: exchange.echo())
    body = b"x" * 300_000
    ran = curl_over(
        version, keyed.sandbox, "--fail", "-H", "Expect: 100-continue", "-H", f"X-Api-Key: {keyed.token}",
        "--data-binary", "@-", f"https://api.test{path}", input=body,
    )
    assert origin.request(path).body == body
    assert origin.request(path).field("x-api-key") == keyed.value
    assert ran.stdout.endswith(body)


def test_curl_over_plain_http_without_a_secret(origin, keyed_with):
    keyed = keyed_with(egress=["plain.test"])
    path = origin.on(lambda exchange: exchange.answer(200, body=b"plain as day"))
    assert keyed.sandbox.curl(f"http://plain.test{path}").stdout == b"plain as day"
    assert origin.request(path).tls is None


def test_wget(nginx, nginx_keyed):
    ran = nginx_keyed.sandbox.run(
        "wget", "-q", "-O", "-", f"--ca-certificate={nginx_keyed.sandbox.ca_file}",
        f"--header=Authorization: Bearer {nginx_keyed.token}", "https://nginx.test/echo",
    )
    check_nginx_saw(nginx, nginx_keyed, ran.stdout.decode())


def test_wget_downloads_a_file_whole(nginx, nginx_keyed):
    data = bytes(range(256)) * 4096
    nginx.write("file.bin", data)
    ran = nginx_keyed.sandbox.run(
        "wget", "-q", "-O", "-", f"--ca-certificate={nginx_keyed.sandbox.ca_file}",
        "https://nginx.test/file.bin",
    )
    assert ran.stdout == data


PYTHON_CLIENTS = {
    "requests": "import requests as http",
    "httpx": "import httpx as http",
}


@pytest.mark.parametrize("library", PYTHON_CLIENTS)
def test_python(nginx, nginx_keyed, library):
    program = f"""
import os
{PYTHON_CLIENTS[library]}
key = os.environ["API_KEY"]
answer = http.get("https://nginx.test/echo", headers={{"Authorization": f"Bearer {{key}}"}})
answer.raise_for_status()
print(answer.text)
"""
    ran = nginx_keyed.sandbox.run(sys.executable, "-c", program)
    check_nginx_saw(nginx, nginx_keyed, ran.stdout.decode())


def test_python_session_keeps_one_connection(origin, keyed):
    path = origin.on(lambda exchange: exchange.echo())
    program = f"""
import os, requests
session = requests.Session()
for _ in range(5):
    session.get("https://api.test{path}", headers={{"X-Api-Key": os.environ["API_KEY"]}}).raise_for_status()
"""
    keyed.sandbox.run(sys.executable, "-c", program)
    requests = origin.requests(path)
    assert [request.field("x-api-key") for request in requests] == [keyed.value] * 5
    assert len({request.connection for request in requests}) == 1


@pytest.mark.parametrize("program", ["fetch.mjs", "https.mjs"])
def test_node(nginx, nginx_keyed, node_modules, program):
    ran = nginx_keyed.sandbox.run("node", node_modules / program, "https://nginx.test/echo")
    check_nginx_saw(nginx, nginx_keyed, ran.stdout.decode())


WORDS = ["one", "two", "three"]


def test_openai_package_whole_and_streamed(origin, api, node_modules):
    store = api.store(["api.openai.test"])
    key, _ = api.secret(store, "OPENAI_API_KEY", allowedHosts=["api.openai.test"])
    tree = origin.on_prefix(openai_host(key, WORDS))
    ran = api.sandbox(store).run(
        "node", node_modules / "openai.mjs", f"https://api.openai.test{tree}v1"
    )
    answers = json.loads(ran.stdout)
    assert answers["whole"] == "one two three"
    assert answers["streamed"] == ["one ", "two ", "three "]


def test_anthropic_package_whole_and_streamed(origin, api, node_modules):
    store = api.store(["api.anthropic.test"])
    key, _ = api.secret(store, "ANTHROPIC_API_KEY", allowedHosts=["api.anthropic.test"])
    tree = origin.on_prefix(anthropic_host(key, WORDS))
    ran = api.sandbox(store).run(
        "node", node_modules / "anthropic.mjs", f"https://api.anthropic.test{tree}"
    )
    answers = json.loads(ran.stdout)
    assert answers["whole"] == "one two three"
    assert answers["streamed"] == ["one ", "two ", "three "]
    assert answers["final"].strip() == "one two three"


@pytest.fixture
def repository(tmp_path):
    """A bare repository with one commit, as a git host has it."""
    root = tmp_path / "host"
    bare, work = root / "project.git", tmp_path / "seed"
    run = lambda *command: subprocess.run(command, check=True, capture_output=True)
    run("git", "init", "-q", "--bare", "-b", "main", str(bare))
    run("git", "-C", str(bare), "config", "http.receivepack", "true")
    run("git", "init", "-q", "-b", "main", str(work))
    (work / "README").write_text("hello\n")
    commit(run, work, "first")
    run("git", "-C", str(work), "push", "-q", str(bare), "main")
    return root


def commit(run, work, subject):
    who = ["-c", "user.name=Test", "-c", "user.email=test@example.test"]
    run("git", "-C", str(work), "add", ".")
    run("git", "-C", str(work), *who, "commit", "-q", "-m", subject)


@VERSIONS
def test_git_clones_and_pushes_with_a_token_in_basic_credentials(proxy, origin, api, repository, tmp_path, version):
    store = api.store(["github.test"])
    password, _ = api.secret(store, "GITHUB_TOKEN")
    sandbox = api.sandbox(store)
    tree = origin.on_prefix(git_host(repository, password))
    url = f"https://x-access-token:{sandbox.token('GITHUB_TOKEN')}@github.test{tree}project.git"
    work = tmp_path / "work"
    config = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"}
    run = lambda *command: sandbox.run(*command, env=config)

    run("git", "-c", f"http.version=HTTP/{version}", "clone", "-q", url, work)
    assert (work / "README").read_text() == "hello\n"
    (work / "CHANGES").write_text(unique("change") * 10_000)
    commit(run, work, "second")
    run("git", "-C", work, "-c", f"http.version=HTTP/{version}", "push", "-q", "origin", "main")

    head = run("git", "-C", work, "rev-parse", "HEAD").stdout
    pushed = run("git", "-C", repository / "project.git", "rev-parse", "main").stdout
    assert pushed == head
    assert password not in (work / ".git/config").read_text()
    assert {record["protocol"] for record in proxy.audit(sandbox=sandbox.id)} == {f"http/{version}"}
