# SPDX-License-Identifier: Apache-2.0
"""An origin that a careful browser would not talk to is not talked to, and the refusal says why."""

import dataclasses
import ssl
import typing

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID

from harness.certificates import DAY, Authority
from harness.expect import refusal
from harness.nginx import Nginx
from harness.origin import Origin, tls_context
from harness.proxy import Sealgate


@dataclasses.dataclass
class Defect:
    """How one leaf or server is wrong, and a word that the refusal must say."""

    word: str
    names: typing.Sequence[str] = ("%s",)
    leaf: dict = dataclasses.field(default_factory=dict)
    settings: dict = dataclasses.field(default_factory=dict)
    stranger: bool = False


TLS = ssl.TLSVersion
DEFECTS = {
    "expired": Defect("expired", leaf={"valid": (-3 * DAY, -DAY)}),
    "not-yet-valid": Defect("not yet valid", leaf={"valid": (DAY, 3 * DAY)}),
    "wrong-name": Defect("mismatch", names=["someone.test"]),
    "name-below": Defect("mismatch", names=["www.%s"]),
    "partial-wildcard": Defect("mismatch", names=["p*.bad.test"]),
    "common-name-alone": Defect("mismatch", names=[], leaf={"common_name": "%s"}),
    "unknown-authority": Defect("issuer", stranger=True),
    "for-clients": Defect("purpose", leaf={"usage": ExtendedKeyUsageOID.CLIENT_AUTH}),
    "sha1": Defect("weak", leaf={"digest": hashes.SHA1()}),
    "rsa-1024": Defect("weak", leaf={"key": "rsa1024"}),
    "tls-1-1": Defect("version", settings={"maximum_version": TLS.TLSv1_1, "minimum_version": TLS.TLSv1}),
}
SOUND = {
    "ecdsa": Defect(""),
    "rsa-2048": Defect("", leaf={"key": "rsa2048"}),
    "wildcard": Defect("", names=["*.bad.test"]),
    "tls-1-2": Defect("", settings={"maximum_version": TLS.TLSv1_2}),
}


def host_of(kind):
    return f"{kind}.bad.test"


def origin_with(kind, defect, authority, folder):
    issuer = Authority("somebody else") if defect.stranger else authority
    fill = lambda text: text.replace("%s", host_of(kind))
    more = {key: fill(item) if isinstance(item, str) else item for key, item in defect.leaf.items()}
    leaf = issuer.issue([fill(name) for name in defect.names], **more)
    return Origin(tls_context(*leaf.write(folder, f"bad-{kind}"), **defect.settings))


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
    origins = {
        kind: origin_with(kind, defect, authority, folder)
        for kind, defect in {**DEFECTS, **SOUND}.items()
    }
    resolve = {host_of(kind): origin.endpoint for kind, origin in origins.items()}
    resolve |= {host_of(kind): nginx.endpoint for kind, nginx in stapling_nginxes.items()}
    resolve[host_of("must-staple")] = stapleless.endpoint
    with Sealgate({"workers": 1, "upstream": {**upstream, "resolve": resolve}}) as proxy:
        store = proxy.api.store(["*.bad.test"])
        proxy.api.secret(store)
        yield proxy.api.sandbox(store), origins
    for origin in origins.values():
        origin.close()


def fetch(sandbox, kind, path="/"):
    return sandbox.fetch(host_of(kind), path, [("X-Api-Key", sandbox.token())])


@pytest.mark.parametrize("kind", DEFECTS)
def test_a_defective_origin_is_refused_and_the_defect_named(bad, kind):
    sandbox, origins = bad
    body = refusal(fetch(sandbox, kind), 502, "upstream_tls", host=host_of(kind))
    assert DEFECTS[kind].word in body["error"].lower(), body["error"]
    assert origins[kind].seen == [], "something was sent"


@pytest.mark.parametrize("kind", SOUND)
def test_a_sound_origin_is_talked_to(bad, kind):
    sandbox, origins = bad
    assert fetch(sandbox, kind).status == 200
    assert len(origins[kind].seen) == 1


@pytest.mark.parametrize("kind", ["revoked", "revoked-1-2"])
def test_a_stapled_revocation_is_honoured(bad, kind):
    """Each time: no session may come of it that would be resumed without a look at the staple."""
    for _ in range(3):
        body = refusal(fetch(bad[0], kind), 502, "upstream_tls")
        assert "revoked" in body["error"].lower()


def test_a_leaf_that_must_staple_must_staple(bad):
    body = refusal(fetch(bad[0], "must-staple"), 502, "upstream_tls")
    assert "stapl" in body["error"].lower()


def test_an_authority_that_the_configuration_does_not_name_is_not_trusted(own_proxy):
    proxy = own_proxy(upstream={"trust": ["system"]})
    refusal(proxy.api.sandbox().fetch("api.test", "/"), 502, "upstream_tls")
