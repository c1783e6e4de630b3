# SPDX-License-Identifier: Apache-2.0
"""What differs from host to host in TLS toward origins: who we are, and whom we trust."""

import json
import shutil
import signal
import ssl
import subprocess

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from harness.certificates import DAY, Authority, pem
from harness.expect import refusal
from harness.nginx import Nginx
from harness.origin import Origin, tls_context
from harness.proxy import BINARY, environment
from harness.wait import until

NAMES = ["partner.test", "api.partner.test", "open.test", "inside.test", "outside.test"]


def who(exchange):
    exchange.answer(200, body=(exchange.request.peer or "nobody").encode())


@pytest.fixture(scope="module")
def corporate():
    """An authority that no system knows."""
    return Authority("a company of its own")


@pytest.fixture(scope="module")
def clients():
    return Authority("who clients are")


def identity(clients, folder, name, **more):
    leaf = clients.issue([], common_name=name, usage=ExtendedKeyUsageOID.CLIENT_AUTH, **more)
    certificate, key = leaf.write(folder, name)
    return {"cert": str(certificate), "key": str(key)}


def demanding(certificate, key, clients, folder, mode):
    context = tls_context(certificate, key)
    context.load_verify_locations(clients.write(folder / "clients.pem"))
    context.verify_mode = mode
    return context


@pytest.fixture(scope="module")
def mutual(authority, clients, folder):
    """Wants to know who we are, and talks to us when it does not."""
    files = authority.issue(NAMES).write(folder, "mutual")
    origin = Origin(demanding(*files, clients, folder, ssl.CERT_OPTIONAL))
    yield origin
    origin.close()


@pytest.fixture(scope="module")
def private(corporate, folder):
    origin = Origin(tls_context(*corporate.issue(NAMES).write(folder, "private")))
    yield origin
    origin.close()


@pytest.fixture
def start(own_proxy, tmp_path, clients, corporate):
    corporate_file = str(corporate.write(tmp_path / "corporate.pem"))

    def start(origin, workers=1, **upstream):
        resolve = {name: origin.endpoint for name in NAMES}
        proxy = own_proxy(workers=workers, upstream={"resolve": resolve, **upstream})
        proxy.corporate_file = corporate_file
        return proxy

    start.corporate_file = corporate_file
    start.identity = lambda name, **more: identity(clients, tmp_path, name, **more)
    return start


def reload_with(proxy, **upstream):
    config = json.loads(proxy.config_file.read_text())
    config["upstream"].update(upstream)
    proxy.config_file.write_text(json.dumps(config))
    before = proxy.log().count("reloaded")
    proxy.process.send_signal(signal.SIGHUP)
    until(lambda: proxy.log().count("reloaded") > before, "it has reloaded")


# Who we are.


def test_a_certificate_is_shown_to_its_hosts_alone(start, mutual):
    proxy = start(mutual, client_cert={"*.partner.test": start.identity("us")})
    sandbox, path = proxy.api.sandbox(), mutual.on(who)
    assert sandbox.fetch("api.partner.test", path).body == b"us"
    assert sandbox.fetch("partner.test", path).body == b"nobody"
    assert sandbox.fetch("open.test", path).body == b"nobody"


def test_the_narrowest_pattern_wins(start, mutual):
    wide, narrow = start.identity("wide"), start.identity("narrow")
    certificates = {"*.partner.test": wide, "api.partner.test": narrow, "partner.test:8443": wide}
    proxy = start(mutual, client_cert=certificates)
    sandbox, path = proxy.api.sandbox(), mutual.on(who)
    assert sandbox.fetch("api.partner.test", path).body == b"narrow"
    assert sandbox.fetch("partner.test", path).body == b"nobody"


def test_an_origin_that_insists_over_http2(start, authority, clients, folder, mutual):
    leaf = authority.issue(["partner.test"])
    insists = f"ssl_verify_client on; ssl_client_certificate {clients.write(folder / 'c.pem')};"
    nginx = Nginx(*leaf.write(folder, "insists"), insists + 'location = /who { return 200 "$ssl_client_s_dn\\n"; }')
    try:
        proxy = start(nginx, client_cert={"partner.test": start.identity("us", key="rsa2048")})
        ran = proxy.api.sandbox().curl("https://partner.test/who", "https://partner.test/who")
        assert ran.stdout == b"CN=us\n" * 2
    finally:
        nginx.close()


def test_only_sandboxes_with_a_store_may_use_it(start, mutual):
    certificate = start.identity("us")
    proxy = start(mutual)
    api = proxy.api
    store, other = api.store(["*"]), api.store(["*"])
    reload_with(proxy, client_cert={"partner.test": {**certificate, "stores": [store["id"]]}})
    path = mutual.on(who)
    assert api.sandbox(store).fetch("partner.test", path).body == b"us"
    assert api.sandbox(other).fetch("partner.test", path).body == b"nobody"
    assert api.sandbox().fetch("partner.test", path).body == b"nobody"


def test_after_a_reload_no_connection_and_no_session_has_the_old_one(start, mutual):
    proxy = start(mutual, client_cert={"partner.test": start.identity("old")})
    sandbox, path = proxy.api.sandbox(), mutual.on(who)
    with sandbox.tunnel("partner.test") as wire:
        fetch = lambda: wire.request("GET", path, [("Host", "partner.test")])
        assert [fetch().body, fetch().body] == [b"old", b"old"]
        reload_with(proxy, client_cert={"partner.test": start.identity("new")})
        assert fetch().body == b"new"
        reload_with(proxy, client_cert={})
        assert fetch().body == b"nobody"
    first, second, third, fourth = mutual.requests(path)
    assert first.connection == second.connection
    assert not third.resumed and not fourth.resumed


def test_a_reload_that_changes_nothing_of_it_keeps_connections(start, mutual):
    certificate = start.identity("us")
    proxy = start(mutual, client_cert={"partner.test": certificate})
    sandbox, path = proxy.api.sandbox(), mutual.on(who)
    sandbox.fetch("partner.test", path)
    reload_with(proxy, client_cert={"partner.test": certificate})
    sandbox.fetch("partner.test", path)
    first, second = mutual.requests(path)
    assert first.connection == second.connection


def test_a_worker_that_restarts_has_it_again(start, mutual):
    proxy = start(mutual, client_cert={"partner.test": start.identity("us")})
    (worker,) = proxy.pids("worker")
    subprocess.run(["kill", "-KILL", str(worker)], check=True)
    until(lambda: proxy.pids("worker") not in ([], [worker]), "there is a new worker")
    assert proxy.api.sandbox().fetch("partner.test", mutual.on(who)).body == b"us"


def test_it_is_not_shown_to_an_origin_that_is_not_verified(start, corporate, clients, folder):
    files = corporate.issue(NAMES).write(folder, "impostor")
    impostor = Origin(demanding(*files, clients, folder, ssl.CERT_OPTIONAL))
    proxy = start(impostor, client_cert={"partner.test": start.identity("us")})
    refusal(proxy.api.sandbox().fetch("partner.test", "/"), 502, "upstream_tls")
    assert impostor.seen == []
    impostor.close()


def test_the_key_stays_in_its_place(start, mutual):
    certificate = start.identity("us")
    proxy = start(mutual, client_cert={"partner.test": certificate})
    lines = open(certificate["key"]).read().splitlines()
    proxy.canaries.add(lines[1])
    assert proxy.api.sandbox().fetch("partner.test", mutual.on(who)).body == b"us"
    assert proxy.leaks() == []


# Whom we trust.


def test_roots_of_a_host_count_for_it_alone(start, private):
    proxy = start(private, trust_for={"inside.test": [start.corporate_file]})
    sandbox, path = proxy.api.sandbox(), private.on(who)
    assert sandbox.fetch("inside.test", path).status == 200
    refusal(sandbox.fetch("outside.test", path), 502, "upstream_tls", host="outside.test")


def test_roots_of_a_host_replace_those_of_all(start, mutual):
    proxy = start(mutual, trust_for={"inside.test": [start.corporate_file]})
    sandbox, path = proxy.api.sandbox(), mutual.on(who)
    refusal(sandbox.fetch("inside.test", path), 502, "upstream_tls", host="inside.test")
    assert sandbox.fetch("outside.test", path).status == 200


def test_roots_of_several_files_count_together(start, private, mutual, authority):
    files = [str(authority.file), start.corporate_file]
    for origin in (private, mutual):
        proxy = start(origin, trust_for={"inside.test": files})
        assert proxy.api.sandbox().fetch("inside.test", origin.on(who)).status == 200


def test_everything_else_is_checked_as_ever(start, corporate, folder):
    for names, more, word in [
        (["other.test"], {}, "mismatch"),
        (["inside.test"], {"valid": (-3 * DAY, -DAY)}, "expired"),
        (["inside.test"], {"key": "rsa1024"}, "weak"),
    ]:
        origin = Origin(tls_context(*corporate.issue(names, **more).write(folder, f"inside-{word}")))
        proxy = start(origin, trust_for={"inside.test": [start.corporate_file]})
        body = refusal(proxy.api.sandbox().fetch("inside.test", "/"), 502, "upstream_tls")
        assert word in body["error"], body
        origin.close()


def test_after_a_reload_what_is_not_trusted_any_more_is_not_resumed(start, private):
    proxy = start(private, trust_for={"inside.test": [start.corporate_file]})
    sandbox, path = proxy.api.sandbox(), private.on(who)
    assert sandbox.fetch("inside.test", path).status == 200
    reload_with(proxy, trust_for={})
    refusal(sandbox.fetch("inside.test", path), 502, "upstream_tls", host="inside.test")
    reload_with(proxy, trust_for={"inside.test": [start.corporate_file]})
    assert sandbox.fetch("inside.test", path).status == 200


def own_authority(proxy):
    keys = proxy.data_dir / "keys"
    return Authority.of((keys / "ca-cert.pem").read_bytes(), (keys / "ca-key.pem").read_bytes())


def test_an_origin_with_a_certificate_of_our_own_ca_is_refused_though_it_is_trusted(start, folder, tmp_path, corporate, private):
    """Also after a rotation, for either root, and where another authority vouches for it."""
    company = Authority("vouches for anybody", path_length=1)
    proxy = start(private, trust_for={"inside.test": [start.corporate_file]})
    first = own_authority(proxy)
    proxy.cli("ca", "rotate")
    second = own_authority(proxy)
    assert first.key.private_numbers() != second.key.private_numbers()
    sandbox = proxy.api.sandbox()
    for number, ours in enumerate([first, second]):
        for chain, trusted in [(b"", ours), (pem(company.vouch_for(ours)), company)]:
            certificate, key = ours.issue(["inside.test"]).write(folder, "of-ours")
            certificate.write_bytes(certificate.read_bytes() + chain)
            origin = Origin(tls_context(certificate, key))
            roots = str(trusted.write(tmp_path / "trusted.pem"))
            reload_with(proxy, resolve={"inside.test": origin.endpoint}, trust_for={"inside.test": [roots]})
            body = refusal(sandbox.fetch("inside.test", "/"), 502, "upstream_tls", host="inside.test")
            assert "own CA" in body["error"], (number, trusted, body)
            assert origin.seen == []
            origin.close()


# What is wrong with files is said before they are used.


def check(proxy):
    ran = subprocess.run(
        [BINARY, "check-config", proxy.config_file], env=environment(), capture_output=True, text=True
    )
    return ran.returncode, ran.stdout + ran.stderr


@pytest.mark.parametrize("fault", ["mode", "missing", "mismatch", "empty", "roots"])
def test_a_bad_file_refuses_the_reload_and_is_named(start, mutual, tmp_path, fault):
    good, other = start.identity("good"), start.identity("other")
    proxy = start(mutual, client_cert={"partner.test": good})
    bad = {**good, "key": str(tmp_path / "bad.key")}
    change, sentence = {"client_cert": {"partner.test": bad}}, None
    if fault == "mode":
        shutil.copy(good["key"], bad["key"])
        (tmp_path / "bad.key").chmod(0o644)
        sentence = "chmod 0600"
    elif fault == "missing":
        sentence = "there is no such file"
    elif fault == "mismatch":
        shutil.copy(other["key"], bad["key"])
        sentence = "not the key of the certificate"
    elif fault == "empty":
        (tmp_path / "bad.key").touch(0o600)
        sentence = "no PEM private key"
    else:
        change = {"trust_for": {"partner.test": [good["key"]]}}
        sentence = "no PEM certificate"
    config = json.loads(proxy.config_file.read_text())
    config["upstream"].update(change)
    proxy.config_file.write_text(json.dumps(config, indent=1))
    proxy.process.send_signal(signal.SIGHUP)
    until(lambda: "reload_refused" in proxy.log(), "the reload was refused")
    key = "upstream.trust_for.partner.test" if fault == "roots" else "upstream.client_cert.partner.test.key"
    assert key in proxy.log() and sentence in proxy.log()
    assert proxy.api.sandbox().fetch("partner.test", mutual.on(who)).body == b"good"
    status, text = check(proxy)
    assert key in text and sentence in text, text
    if fault == "missing":  # perhaps not here, but where it will be used
        assert status == 0
        return
    entry = '   "partner.test": ' + ("[" if fault == "roots" else "{")
    line = 1 + proxy.config_file.read_text().splitlines().index(entry)
    assert status == 1 and f"{proxy.config_file}:{line}: {key}: " in text, text


def test_an_expired_certificate_is_a_warning(start, mutual):
    old = start.identity("old", valid=(-3 * DAY, -DAY))
    proxy = start(mutual, client_cert={"open.test": old})
    assert "the certificate has expired" in proxy.log()
    status, text = check(proxy)
    assert status == 0 and "expired" in text and "upstream.client_cert.open.test.cert" in text
    doctor = proxy.cli("doctor", "--config", proxy.config_file, check=False).stdout.decode()
    assert "expired" in doctor, doctor
