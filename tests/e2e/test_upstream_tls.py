# SPDX-License-Identifier: Apache-2.0
"""An origin that a careful browser would not talk to is not talked to, and the refusal says why."""

import dataclasses
import os
import ssl
import subprocess
import threading
import typing

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.x509 import DNSName
from cryptography.x509.oid import ExtendedKeyUsageOID

from harness.certificates import DAY, Authority, pem
from harness.expect import refusal
from harness.nginx import Nginx
from harness.origin import Origin, tls_context
from harness.ports import free_port
from harness.proxy import Sealgate
from harness.wait import until


LITERAL = "127.0.0.8"  # an exempt address
PORT_OF_TLS = 443


@dataclasses.dataclass
class Defect:
    """How one leaf, chain or server is wrong, and a word that the refusal must say."""

    word: str
    names: typing.Sequence[typing.Any] = ("%s",)
    leaf: dict = dataclasses.field(default_factory=dict)
    settings: dict = dataclasses.field(default_factory=dict)
    issuer: typing.Callable = lambda roots: (roots.plain, [])  # (who signs the leaf, what is sent with it)
    ciphers: str = "ALL:@SECLEVEL=0"
    host: str = "%k.bad.test"


@dataclasses.dataclass
class Roots:
    """Those that are trusted: one signs leaves alone, one has authorities below it."""

    plain: Authority
    company: Authority


def unknown(roots):
    return Authority("somebody else"), []


def below(root, is_sent=True, **how):
    """An authority below one of the roots."""

    def issuer(roots):
        between = Authority("between")
        return between, [getattr(roots, root).vouch_for(between, **how)] if is_sent else []

    return issuer


TLS = ssl.TLSVersion
ONLY_12 = {"maximum_version": TLS.TLSv1_2}
DEFECTS = {
    "expired": Defect("expired", leaf={"valid": (-3 * DAY, -DAY)}),
    "not-yet-valid": Defect("not yet valid", leaf={"valid": (DAY, 3 * DAY)}),
    "wrong-name": Defect("mismatch", names=["someone.test"]),
    "name-below": Defect("mismatch", names=["www.%s"]),
    "partial-wildcard": Defect("mismatch", names=["p*.bad.test"]),
    "wildcard-over-two-labels": Defect("mismatch", names=["*.bad.test"], host="one.two.bad.test"),
    "wildcard-of-a-whole-domain": Defect("mismatch", names=["*.test"], host="bad.test"),
    "common-name-alone": Defect("mismatch", names=[], leaf={"common_name": "%s"}),
    "address-for-a-name": Defect("mismatch", names=["127.0.0.1"]),
    "name-for-an-address": Defect("mismatch", names=["exempt.test"], host=LITERAL),
    "address-as-a-name": Defect("mismatch", names=[DNSName(LITERAL)], host=LITERAL),
    "another-address": Defect("mismatch", names=["127.0.0.9"], host=LITERAL),
    "unknown-authority": Defect("issuer", issuer=unknown),
    "missing-intermediate": Defect("issuer", issuer=below("company", is_sent=False)),
    "chain-too-long": Defect("path length", issuer=below("plain")),
    "issued-by-no-authority": Defect("invalid ca", issuer=below("company", is_ca=False)),
    "outside-of-its-domain": Defect("permitted subtree", issuer=below("company", permitted="good.test")),
    "unnamed-issuer-key": Defect("authority key", leaf={"names_issuer_key": False}),
    "for-clients": Defect("purpose", leaf={"usage": ExtendedKeyUsageOID.CLIENT_AUTH}),
    "sha1": Defect("weak", leaf={"digest": hashes.SHA1()}),
    "rsa-1024": Defect("weak", leaf={"key": "rsa1024"}),
    "tls-1-1": Defect("version", settings={"maximum_version": TLS.TLSv1_1, "minimum_version": TLS.TLSv1}),
    "without-aead": Defect("handshake failure", settings=ONLY_12, ciphers="ECDHE-ECDSA-AES128-SHA256:@SECLEVEL=0"),
    "without-forward-secrecy": Defect(
        "handshake failure", leaf={"key": "rsa2048"}, settings=ONLY_12, ciphers="AES128-GCM-SHA256:@SECLEVEL=0"
    ),
}
SOUND = {
    "ecdsa": Defect(""),
    "rsa-2048": Defect("", leaf={"key": "rsa2048"}),
    "wildcard": Defect("", names=["*.bad.test"]),
    "tls-1-2": Defect("", settings=ONLY_12),
    "intermediate": Defect("", issuer=below("company")),
    "within-its-domain": Defect("", issuer=below("company", permitted="bad.test")),
    "address": Defect("", names=[LITERAL], host=LITERAL),
}
ALL = {**DEFECTS, **SOUND}


def host_of(kind):
    return ALL[kind].host.replace("%k", kind) if kind in ALL else f"{kind}.bad.test"


def origin_with(kind, defect, roots, folder):
    issuer, chain = defect.issuer(roots)
    fill = lambda text: text.replace("%s", host_of(kind)) if isinstance(text, str) else text
    more = {key: fill(item) for key, item in defect.leaf.items()}
    leaf = issuer.issue([fill(name) for name in defect.names], **more)
    certificate, key = leaf.write(folder, f"bad-{kind}")
    certificate.write_bytes(certificate.read_bytes() + b"".join(pem(link) for link in chain))
    context = tls_context(certificate, key, **defect.settings)
    context.set_ciphers(defect.ciphers)
    return Origin(context, LITERAL if defect.host == LITERAL else "127.0.0.1")


@pytest.fixture(scope="module")
def stapling_nginxes(authority, folder):
    """By kind: one of TLS 1.3, one of 1.2, whose certificates are revoked."""
    nginxes = {}
    for kind, protocol in {"revoked": "TLSv1.3", "revoked-1-2": "TLSv1.2"}.items():
        leaf = authority.issue([host_of(kind)])
        certificate, key = leaf.write(folder, kind)
        response = folder / f"{kind}.ocsp"
        response.write_bytes(leaf.revocation())
        certificate.write_bytes(certificate.read_bytes() + authority.file.read_bytes())
        staple = f"ssl_stapling on; ssl_stapling_verify off; ssl_stapling_file {response};"
        nginxes[kind] = Nginx(certificate, key, staple + f"ssl_protocols {protocol};")
    yield nginxes
    for nginx in nginxes.values():
        nginx.close()


@pytest.fixture(scope="module")
def stapleless(authority, folder):
    leaf = authority.issue([host_of("must-staple")], must_staple=True)
    origin = Origin(tls_context(*leaf.write(folder, "must-staple")))
    yield origin
    origin.close()


@pytest.fixture(scope="module")
def bad(authority, folder, upstream, stapling_nginxes, stapleless):
    """(a sandbox that may reach them all, origins by kind)"""
    roots = Roots(authority, Authority("company", path_length=1))
    company = roots.company.write(folder / "company.pem")
    origins = {kind: origin_with(kind, defect, roots, folder) for kind, defect in ALL.items()}
    resolve = {host_of(kind): origin.endpoint for kind, origin in origins.items() if host_of(kind) != LITERAL}
    resolve |= {host_of(kind): nginx.endpoint for kind, nginx in stapling_nginxes.items()}
    resolve[host_of("must-staple")] = stapleless.endpoint
    settings = {**upstream, "resolve": resolve, "trust": [*upstream["trust"], str(company)]}
    with Sealgate({"workers": 1, "upstream": settings}) as proxy:
        store = proxy.api.store(["bad.test", "*.bad.test", f"{LITERAL}:*"])
        proxy.api.secret(store)
        yield proxy.api.sandbox(store), origins
    for origin in origins.values():
        origin.close()


def fetch(bad, kind, path="/"):
    sandbox, origins = bad
    host = host_of(kind)
    port = origins[kind].port if host == LITERAL else PORT_OF_TLS
    with sandbox.wire() as wire:
        assert wire.connect(f"{host}:{port}", sandbox.credentials).status == 200
        wire.start_tls(host, sandbox.ca_file)
        authority = host if port == PORT_OF_TLS else f"{host}:{port}"
        return wire.request("GET", path, [("Host", authority), ("X-Api-Key", sandbox.token())])


@pytest.mark.parametrize("kind", DEFECTS)
def test_a_defective_origin_is_refused_and_the_defect_named(bad, kind):
    _, origins = bad
    body = refusal(fetch(bad, kind), 502, "upstream_tls", host=host_of(kind))
    assert DEFECTS[kind].word in body["error"].lower(), body["error"]
    assert origins[kind].seen == [], "something was sent"


@pytest.mark.parametrize("kind", SOUND)
def test_a_sound_origin_is_talked_to(bad, kind):
    _, origins = bad
    assert fetch(bad, kind).status == 200
    assert len(origins[kind].seen) == 1


@pytest.mark.parametrize("kind", ["revoked", "revoked-1-2"])
def test_a_stapled_revocation_is_honoured(bad, kind):
    """Each time: no session may come of it that would be resumed without a look at the staple."""
    for _ in range(3):
        body = refusal(fetch(bad, kind), 502, "upstream_tls")
        assert "revoked" in body["error"].lower()


def test_a_leaf_that_must_staple_must_staple(bad):
    body = refusal(fetch(bad, "must-staple"), 502, "upstream_tls")
    assert "stapl" in body["error"].lower()


class Renegotiating:
    """A server that asks for another handshake once it has a request."""

    def __init__(self, certificate, key):
        self.port = free_port()
        files = ["-cert", certificate, "-key", key]
        command = ["openssl", "s_server", "-accept", f"127.0.0.1:{self.port}", "-tls1_2", *files]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        self.output = b""
        self._wait_for(b"ACCEPT")
        threading.Thread(target=self._renegotiate, daemon=True).start()

    def _wait_for(self, word):
        while word not in self.output:
            piece = os.read(self._process.stdout.fileno(), 4096)
            assert piece, self.output
            self.output += piece

    def _renegotiate(self):
        self._wait_for(b"GET / HTTP/1.1")
        self._process.stdin.write(b"R\n")
        self._process.stdin.flush()
        self._wait_for(b"no renegotiation")

    def close(self):
        self._process.kill()
        self._process.wait()


def test_an_origin_that_wants_to_renegotiate_is_not_followed(own_proxy, authority, folder):
    origin = Renegotiating(*authority.issue(["again.test"]).write(folder, "again"))
    proxy = own_proxy(upstream={"resolve": {"again.test": f"127.0.0.1:{origin.port}"}})
    try:
        refusal(proxy.api.sandbox().fetch("again.test"), 502, "upstream_closed")
        until(lambda: b"no renegotiation" in origin.output, "the origin hears why")
    finally:
        origin.close()


def test_an_authority_that_the_configuration_does_not_name_is_not_trusted(own_proxy):
    proxy = own_proxy(upstream={"trust": ["system"]})
    refusal(proxy.api.sandbox().fetch("api.test", "/"), 502, "upstream_tls")
