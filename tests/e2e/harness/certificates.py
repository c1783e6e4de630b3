# SPDX-License-Identifier: Apache-2.0
"""A certificate authority for origins, which can also issue what no origin should have."""

import datetime
import ipaddress

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = datetime.timedelta(days=1)


def _now():
    return datetime.datetime.utcnow()


def _name(common_name):
    if common_name is None:
        return x509.Name([])
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _general_name(name):
    if isinstance(name, x509.GeneralName):
        return name
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def new_key(kind="ec"):
    if kind == "ec":
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(public_exponent=65537, key_size=int(kind.removeprefix("rsa")))


def _key_pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_usage(**set_bits):
    bits = dict.fromkeys(
        (
            "digital_signature content_commitment key_encipherment data_encipherment key_agreement "
            "key_cert_sign crl_sign encipher_only decipher_only"
        ).split(),
        False,
    )
    return x509.KeyUsage(**{**bits, **set_bits})


def _subject_key_identifier(certificate):
    return certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value


class Leaf:
    def __init__(self, certificate, key, issuer):
        self.certificate, self.key, self.issuer = certificate, key, issuer

    def write(self, folder, stem):
        """PEM files for a TLS server: (certificate, key)."""
        certificate, key = folder / f"{stem}.pem", folder / f"{stem}.key"
        certificate.write_bytes(pem(self.certificate))
        key.write_bytes(_key_pem(self.key))
        key.chmod(0o600)
        return certificate, key

    def revocation(self):
        """A signed OCSP response, in DER, that says that this leaf is revoked."""
        builder = ocsp.OCSPResponseBuilder().add_response(
            cert=self.certificate,
            issuer=self.issuer.certificate,
            algorithm=hashes.SHA1(),
            cert_status=ocsp.OCSPCertStatus.REVOKED,
            this_update=_now() - DAY,
            next_update=_now() + DAY,
            revocation_time=_now() - DAY,
            revocation_reason=x509.ReasonFlags.key_compromise,
        )
        builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, self.issuer.certificate)
        response = builder.sign(self.issuer.key, hashes.SHA256())
        return response.public_bytes(serialization.Encoding.DER)


class Authority:
    def __init__(self, common_name="sealgate test origins", path_length=0):
        self.key = new_key()
        public = self.key.public_key()
        self.certificate = (
            x509.CertificateBuilder()
            .subject_name(_name(common_name))
            .issuer_name(_name(common_name))
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(_now() - DAY)
            .not_valid_after(_now() + 30 * DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
            .add_extension(_key_usage(key_cert_sign=True, crl_sign=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .sign(self.key, hashes.SHA256())
        )

    @classmethod
    def of(cls, certificate, key):
        """Somebody else's, from PEM."""
        authority = cls.__new__(cls)
        authority.certificate = x509.load_pem_x509_certificate(certificate)
        authority.key = serialization.load_pem_private_key(key, None)
        return authority

    def _key_identifier(self):
        own = _subject_key_identifier(self.certificate)
        return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own)

    def vouch_for(self, other, is_ca=True, permitted=None):
        """A certificate that makes `other` an intermediate of ours; `permitted` is the only domain
        that it may issue for."""
        builder = (
            x509.CertificateBuilder()
            .subject_name(other.certificate.subject)
            .issuer_name(self.certificate.subject)
            .public_key(other.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(_now() - DAY)
            .not_valid_after(_now() + 30 * DAY)
            .add_extension(x509.BasicConstraints(ca=is_ca, path_length=0 if is_ca else None), critical=True)
            .add_extension(_key_usage(key_cert_sign=is_ca, digital_signature=not is_ca), critical=True)
            .add_extension(_subject_key_identifier(other.certificate), critical=False)
            .add_extension(self._key_identifier(), critical=False)
        )
        if permitted:
            names = x509.NameConstraints([x509.DNSName(permitted)], None)
            builder = builder.add_extension(names, critical=True)
        return builder.sign(self.key, hashes.SHA256())

    def write(self, path):
        path.write_bytes(pem(self.certificate))
        return path

    def issue(
        self,
        names,
        common_name=None,
        key="ec",
        digest=None,
        valid=(-DAY, 7 * DAY),
        usage=ExtendedKeyUsageOID.SERVER_AUTH,
        must_staple=False,
        names_issuer_key=True,
    ):
        """A leaf; every argument but `names` is there to be wrong on purpose."""
        private = new_key(key)
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(common_name))
            .issuer_name(self.certificate.subject)
            .public_key(private.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(_now() + valid[0])
            .not_valid_after(_now() + valid[1])
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(digital_signature=True, key_encipherment=key != "ec"), True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(private.public_key()), False)
        )
        if names_issuer_key:
            builder = builder.add_extension(self._key_identifier(), critical=False)
        if names:
            san = x509.SubjectAlternativeName([_general_name(name) for name in names])
            builder = builder.add_extension(san, critical=common_name is None)
        if must_staple:
            feature = x509.TLSFeature([x509.TLSFeatureType.status_request])
            builder = builder.add_extension(feature, critical=False)
        return Leaf(builder.sign(self.key, digest or hashes.SHA256()), private, self)
