# SPDX-License-Identifier: Apache-2.0
"""`sealgate run --store NAME` with a store of a server: that decides, and has the values; what runs
here captures."""

import json
import signal
import subprocess

import pytest

from harness.api import unique
from harness.proxy import Sealgate
from harness.run import PYTHON, USERS, Runner

BARE = "env -i /usr/bin/curl -sS -m 20"  # no variable says that there is a proxy, or whom to trust


@pytest.fixture(scope="module")
def runner(folder, names):
    """Knows of no origin: names, addresses and whom to trust are the server's business."""
    place = folder / "run-server"
    place.mkdir(mode=0o755)
    return Runner(place, {"upstream": {"nameservers": [names.endpoint]}}, USERS[-1])


@pytest.fixture
def run(runner, proxy):
    def run(*command, store, flags=(), env=None, **options):
        named = {"SEALGATE_URL": proxy.url, "SEALGATE_API_KEY": proxy.api.key}
        return runner(*command, flags=["--store", store, *flags], env={**named, **(env or {})}, **options)

    return run


def shell(text):
    return ("/bin/sh", "-c", text)


def sandboxes_of(api, store):
    return [shown for shown in api.get("/api/sandboxes") if shown.get("secretStore") == store["name"]]


@pytest.mark.parametrize("client", [BARE, "curl -sS"], ids=["without-variables", "with-variables"])
def test_the_server_puts_the_value_in_and_hides_it(run, api, origin, keyed, client):
    path = origin.on(lambda exchange: exchange.echo())
    ran = run(*shell(f'{client} -H "X-Key: $API_KEY" https://api.test{path}'), store=keyed.store["name"])
    assert ran.returncode == 0, ran.stderr
    assert origin.request(path).field("x-key") == keyed.value
    assert "osb_sealed_" in ran.stdout and keyed.value not in ran.stdout + ran.stderr


def test_a_store_may_be_named_by_its_id(run, keyed):
    ran = run(*shell("echo $API_KEY"), store=keyed.store["id"])
    assert ran.stdout.startswith("osb_sealed_"), ran.stderr


def test_http2_reaches_the_server_as_it_is(run, h2_origin, keyed_with):
    keyed = keyed_with(egress=["h2.test"])
    path = h2_origin.on(lambda exchange: exchange.answer(body=b"two"))
    ran = run(*shell(f"{BARE} --http2 -w ' %{{http_version}}' https://h2.test{path}"), store=keyed.store["name"])
    assert ran.stdout == "two 2", ran.stderr


def test_plain_http_goes_through_and_a_token_in_it_does_not(run, origin, keyed):
    path = origin.on(lambda exchange: exchange.answer(body=b"plain"))
    store = keyed.store["name"]
    assert run(*shell(f"{BARE} http://api.test{path}"), store=store).stdout == "plain"
    ran = run(*shell(f'{BARE} -H "X-Key: $API_KEY" http://api.test{path}'), store=store)
    assert "token_" in ran.stdout
    assert len(origin.requests(path)) == 1


def test_what_its_store_does_not_allow_stays_here(run, proxy, origin, keyed):
    path = origin.on(lambda exchange: exchange.answer())
    ran = run(*shell(f"curl -sS https://other.test{path}"), store=keyed.store["name"])
    refusal = json.loads(ran.stdout)
    assert (refusal["code"], "egressAllowlist" in refusal["hint"]) == ("host_not_allowed", True)
    assert "other.test: host_not_allowed (its store does not allow it)" in ran.stderr
    assert origin.requests(path) == [] and not proxy.audit(path=path)


def test_what_the_server_refuses_the_command_can_read(run, api, origin, keyed_with):
    keyed = keyed_with(egress=["api.test", "other.test"], allowedHosts=["api.test"])
    path = origin.on(lambda exchange: exchange.answer())
    ran = run(
        *shell(f'{BARE} -H "X-Key: $API_KEY" https://other.test{path}'), store=keyed.store["name"]
    )
    assert json.loads(ran.stdout)["code"] == "secret_host_not_allowed"
    assert origin.requests(path) == []


def test_an_empty_allowlist_denies_nothing_and_that_is_said(run, api, origin):
    store = api.store()
    path = origin.on(lambda exchange: exchange.answer(body=b"open"))
    ran = run(*shell(f"{BARE} https://other.test{path}"), store=store["name"])
    assert ran.stdout == "open", ran.stderr
    assert f"the allowlist of {store['name']} is empty: here nothing is denied" in ran.stderr


def test_a_value_that_is_set_meanwhile_counts_at_once(runner, proxy, api, origin, keyed):
    path = origin.on(lambda exchange: exchange.answer(body=b"x"))
    ask = f'{BARE} -H "X-Key: $API_KEY" https://api.test{path}'
    with runner.start(
        "--store", keyed.store["name"],
        command=shell(f"{ask}; read line; {ask}"),
        env={"SEALGATE_URL": proxy.url, "SEALGATE_API_KEY": api.key},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout.read(1) == "x"
        second, _ = api.secret(keyed.store)
        process.communicate("go\n", timeout=60)
    assert [request.field("x-key") for request in origin.requests(path)] == [keyed.value, second]


def test_names_resolve_without_a_nameserver_and_only_those_that_are_allowed(run, names, keyed):
    program = "import socket, sys; print(socket.gethostbyname(sys.argv[1]))"
    store, before = keyed.store["name"], names.count
    assert run(PYTHON, "-c", program, "api.test", store=store).stdout.startswith("198.1")
    assert "gaierror" in run(PYTHON, "-c", program, "other.test", store=store).stderr
    assert names.count == before


def test_the_command_sees_neither_the_key_nor_the_way_to_the_server(run, proxy, keyed):
    ran = run("env", store=keyed.store["name"], flags=["--env", "MINE=yes"])
    seen = dict(line.partition("=")[::2] for line in ran.stdout.splitlines())
    assert {"SEALGATE_URL", "SEALGATE_API_KEY"}.isdisjoint(seen) and seen["MINE"] == "yes"
    assert proxy.api.key not in ran.stdout and str(proxy.proxy_port) not in ran.stdout
    assert seen["HTTPS_PROXY"].endswith("@127.0.0.1:3128")
    assert run(*shell(f"curl -sS -m 5 {proxy.url}/healthz"), store=keyed.store["name"]).returncode == 7


# The sandbox there lives as long as the run.


def test_the_sandbox_is_there_during_the_run_and_gone_after_it(runner, proxy, api, keyed):
    env = {"SEALGATE_URL": proxy.url, "SEALGATE_API_KEY": api.key}
    store = api.store()
    with runner.start(
        "--store", store["name"], command=shell("echo up; read line; exit 3"), env=env,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout.readline() == "up\n"
        [shown] = sandboxes_of(api, store)
        assert shown["timeout"] == 86400 and shown["metadata"] == {"madeBy": "sealgate run"}
        process.communicate("end\n", timeout=60)
        assert process.returncode == 3
    assert sandboxes_of(api, store) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_no_sandbox_behind(runner, proxy, api, number):
    env = {"SEALGATE_URL": proxy.url, "SEALGATE_API_KEY": api.key}
    store = api.store()
    with runner.start(
        "--store", store["name"], command=shell("echo up; exec sleep 60"), env=env,
        stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout.readline() == "up\n"
        process.send_signal(number)
        assert process.wait(60) == 128 + number
    assert sandboxes_of(api, store) == []


def test_a_command_that_cannot_start_leaves_no_sandbox_behind(run, api):
    store = api.store()
    assert run("/no/such/command", store=store["name"]).returncode == 127
    assert sandboxes_of(api, store) == []


# What cannot be.


def test_a_store_of_the_configuration_comes_first(folder, proxy, api, origin, upstream):
    place = folder / "run-both"
    place.mkdir(mode=0o755)
    store = api.store(["api.test"], unique("both"))
    declared = {"name": store["name"], "egress": ["other.test"]}
    run = Runner(place, {"stores": [declared], "upstream": upstream}, USERS[-1])
    path = origin.on(lambda exchange: exchange.answer(body=b"here"))
    env = {"SEALGATE_URL": proxy.url, "SEALGATE_API_KEY": api.key}
    ran = run(*shell(f"{BARE} https://other.test{path}"), flags=["--store", store["name"]], env=env)
    assert ran.stdout == "here", ran.stderr


@pytest.mark.parametrize(
    "change, sentence",
    [
        ({"SEALGATE_API_KEY": "sgk_wrong"}, "the API key is not valid"),
        ({"SEALGATE_URL": "http://127.0.0.1:1"}, "no answer from http://127.0.0.1:1: no connection"),
        ({"SEALGATE_URL": "ftp://127.0.0.1"}, "no answer from ftp://127.0.0.1"),
        ({"SEALGATE_URL": "http://192.0.2.1"}, "not sent to http://192.0.2.1 in the clear: use https://"),
        ({"SEALGATE_URL": ""}, "there is no server to ask: name one with --url or SEALGATE_URL"),
    ],
)
def test_a_server_that_cannot_be_used_is_one_sentence(run, keyed, change, sentence):
    ran = run("true", store=keyed.store["name"], env=change)
    assert ran.returncode == 1
    assert sentence in ran.stderr and ran.stderr.count("\n") == 1, ran.stderr


def test_an_unknown_store_is_one_sentence(run):
    ran = run("true", store="no-such-store")
    assert ran.returncode == 1
    assert "no such" in ran.stderr.lower() and ran.stderr.count("\n") == 1, ran.stderr


@pytest.mark.parametrize(
    "flags",
    [["--allow", "api.test"], ["--secret", "KEY=env:HOME@api.test"], ["--learn"], ["--store", "two"]],
    ids=lambda flags: flags[0],
)
def test_what_only_the_server_can_change_is_a_usage_error_that_says_so(run, api, keyed, flags):
    ran = run("true", store=keyed.store["name"], flags=flags)
    assert ran.returncode == 2
    assert "a store of a server" in ran.stderr and "there" in ran.stderr
    assert len(sandboxes_of(api, keyed.store)) == 1  # that of the fixture


def test_the_server_may_be_named_on_the_command_line(runner, proxy, keyed):
    flags = ["--url", proxy.url, "--api-key", proxy.api.key, "--store", keyed.store["name"]]
    ran = runner(*shell("echo $API_KEY"), flags=flags)
    assert ran.stdout.startswith("osb_sealed_"), ran.stderr


def test_without_isolation_the_variables_lead_through_the_server(run, origin, keyed):
    path = origin.on(lambda exchange: exchange.answer(body=b"by variables"))
    ran = run(
        *shell(f'curl -sS -H "X-Key: $API_KEY" https://api.test{path}'),
        store=keyed.store["name"], flags=["--no-isolate"],
    )  # fmt: skip
    assert ran.stdout == "by variables", ran.stderr
    assert origin.request(path).field("x-key") == keyed.value


@pytest.fixture
def https_server(authority, upstream, folder):
    certificate, key = authority.issue(["127.0.0.1"]).write(folder, "control")
    server = Sealgate({"upstream": upstream, "control_tls": {"cert": str(certificate), "key": str(key)}})
    server.scheme, server.verify = "https", str(authority.file)
    with server as running:
        yield running


def test_an_https_server_is_verified(runner, https_server, authority, origin):
    store = https_server.api.store(["api.test"])
    value, _ = https_server.api.secret(store)
    path = origin.on(lambda exchange: exchange.answer(body=b"over https"))
    command = shell(f'{BARE} -H "X-Key: $API_KEY" https://api.test{path}')
    env = {"SEALGATE_URL": https_server.url, "SEALGATE_API_KEY": https_server.api.key}
    refused = runner(*command, flags=["--store", store["name"]], env=env)
    assert refused.returncode == 1 and refused.stderr.count("\n") == 1
    assert "certificate" in refused.stderr and origin.requests(path) == []
    env["SEALGATE_CA_FILE"] = str(authority.file)
    ran = runner(*command, flags=["--store", store["name"]], env=env)
    assert ran.stdout == "over https", ran.stderr
    assert origin.request(path).field("x-key") == value
