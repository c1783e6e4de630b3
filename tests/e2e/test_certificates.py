# SPDX-License-Identifier: Apache-2.0
"""The certificates that sandboxes see: strict clients accept them, and they say no more than the
name that was asked for."""

import datetime
import ssl
import threading

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

HOUR = datetime.timedelta(hours=1)
TLS = ssl.TLSVersion


@pytest.fixture(scope="module")
def sandbox(api):
    return api.sandbox(api.store(["*", "192.0.2.7", "[2001:db8::7]"]))


@pytest.fixture(scope="module")
def root(api):
    return x509.load_pem_x509_certificate(api.call("GET", "/ca.pem").content)


def leaf_for(sandbox, host, name=None):
    with sandbox.wire() as wire:
        assert wire.connect(f"{host}:443", sandbox.credentials).status == 200
        sock = wire.start_blind_tls(name)
        return x509.load_der_x509_certificate(sock.getpeercert(binary_form=True))


def extension(certificate, oid):
    return certificate.extensions.get_extension_for_oid(oid)


def test_the_root_may_sign_leaves_and_nothing_else(root):
    assert isinstance(root.public_key().curve, ec.SECP256R1)
    basic = extension(root, ExtensionOID.BASIC_CONSTRAINTS)
    assert basic.critical and basic.value.ca and basic.value.path_length == 0
    usage = extension(root, ExtensionOID.KEY_USAGE)
    assert usage.critical and usage.value.key_cert_sign and not usage.value.digital_signature
    assert extension(root, ExtensionOID.SUBJECT_KEY_IDENTIFIER)
    years = (root.not_valid_after - root.not_valid_before).days / 365
    assert 9.9 < years < 10.2


def test_a_leaf_is_for_one_name_and_a_week(sandbox, root):
    leaf = leaf_for(sandbox, "some.name.test", "some.name.test")
    assert isinstance(leaf.public_key().curve, ec.SECP256R1)
    assert len(leaf.subject.rdns) == 0 and leaf.issuer == root.subject
    san = extension(leaf, ExtensionOID.SUBJECT_ALTERNATIVE_NAME)
    assert san.critical and list(san.value) == [x509.DNSName("some.name.test")]
    usage = extension(leaf, ExtensionOID.KEY_USAGE).value
    assert usage.digital_signature and not usage.key_cert_sign
    assert list(extension(leaf, ExtensionOID.EXTENDED_KEY_USAGE).value) == [ExtendedKeyUsageOID.SERVER_AUTH]
    authority = extension(leaf, ExtensionOID.AUTHORITY_KEY_IDENTIFIER).value
    own = extension(root, ExtensionOID.SUBJECT_KEY_IDENTIFIER).value
    assert authority.key_identifier == own.digest
    assert extension(leaf, ExtensionOID.SUBJECT_KEY_IDENTIFIER)
    now = datetime.datetime.utcnow()
    assert now - 25 * HOUR < leaf.not_valid_before < now - 23 * HOUR
    assert now < leaf.not_valid_after <= now + 7 * 24 * HOUR + HOUR
    root.public_key().verify(
        leaf.signature, leaf.tbs_certificate_bytes, ec.ECDSA(leaf.signature_hash_algorithm)
    )


@pytest.mark.parametrize("host, address", [("192.0.2.7", "192.0.2.7"), ("[2001:db8::7]", "2001:db8::7")])
def test_a_leaf_for_a_literal_has_the_address(sandbox, host, address):
    (name,) = extension(leaf_for(sandbox, host), ExtensionOID.SUBJECT_ALTERNATIVE_NAME).value
    assert isinstance(name, x509.IPAddress) and str(name.value) == address


def test_a_leaf_is_for_the_tunnels_name_whatever_the_client_says(sandbox):
    (name,) = extension(
        leaf_for(sandbox, "real.test", "claimed.test"), ExtensionOID.SUBJECT_ALTERNATIVE_NAME
    ).value
    assert name.value == "real.test"


@pytest.mark.parametrize("version, welcome", [(TLS.TLSv1_3, True), (TLS.TLSv1_2, True), (TLS.TLSv1_1, False), (TLS.TLSv1, False)])
def test_only_tls_12_and_13_are_spoken(sandbox, version, welcome):
    context = ssl.create_default_context(cafile=sandbox.ca_file)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    with sandbox.wire() as wire:
        assert wire.connect("api.test:443", sandbox.credentials).status == 200
        if welcome:
            assert context.wrap_socket(wire.sock, server_hostname="api.test").version()
        else:
            with pytest.raises(OSError):
                context.wrap_socket(wire.sock, server_hostname="api.test")


def test_concurrent_first_requests_for_a_host_mint_once(own_proxy):
    proxy = own_proxy(workers=1)
    sandbox = proxy.api.sandbox()
    gate, leaves = threading.Barrier(20), []

    def client():
        gate.wait()
        leaves.append(leaf_for(sandbox, "brand-new.test", "brand-new.test").serial_number)

    threads = [threading.Thread(target=client) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(leaves) == 20 and len(set(leaves)) == 1
    assert proxy.metrics()["sealgate_leaves_minted_total"] == 1
