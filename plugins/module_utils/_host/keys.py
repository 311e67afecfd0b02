# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server key made on the host, and the certificate request (CSR) for it; the key stays where it is made."""

from __future__ import annotations

__all__ = ("check_means", "make_csr", "make_key")

import ipaddress
import os
import typing as t
from pathlib import Path

from .._shared.dependency import HAS_CRYPTOGRAPHY, ed25519, hashes, serialization, x509, x509_oid
from .._shared.failure import Failure
from .._shared.key_types import OPENSSL_OPTIONS, generate_key, private_key_pem

Run = t.Callable[..., t.Tuple[int, str, str]]


def make_key(run: Run, openssl: str | None, key_type: str, path: str) -> None:
    """Make a private key at C(path), mode 0600. C(openssl): the command's path, None where there is none.

    Failures: C(openssl_missing), C(openssl_failed).
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    os.fchmod(descriptor, 0o600)
    os.close(descriptor)
    if openssl:
        _openssl(run, [openssl, "genpkey", *OPENSSL_OPTIONS[key_type], "-out", path])
        return
    check_means(openssl)
    Path(path).write_bytes(private_key_pem(generate_key(key_type)))


def make_csr(run: Run, openssl: str | None, path: str, names: t.Sequence[str] = (), client: str | None = None) -> str:
    """Return a CSR in PEM for the key at C(path).

    It says nothing but the key: the controller decides the rest. With C(names) (a server's) or C(client) it says these
    too, and the usage, for a CA elsewhere that takes them from the request.
    """
    # A CN holds 64 characters.
    common_name = client or next((name for name in names if len(name) <= 64), "gangway request")
    if openssl:
        words = [openssl, "req", "-new", "-sha256", "-key", path, "-subj", f"/CN={_escaped(common_name)}"]
        if names:
            words += ["-addext", f"subjectAltName={','.join(map(_san_word, names))}"]
        if names or client:
            words += ["-addext", f"extendedKeyUsage={'serverAuth' if names else 'clientAuth'}"]
        return _openssl(run, words)
    check_means(openssl)
    return _request_by_cryptography(Path(path).read_bytes(), common_name, names, client)


def _request_by_cryptography(pem: bytes, common_name: str, names: t.Sequence[str], client: str | None) -> str:
    key: t.Any = serialization.load_pem_private_key(pem, None)
    subject = x509.Name([x509.NameAttribute(x509_oid.NameOID.COMMON_NAME, common_name)])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(list(map(_general_name, names))), critical=False)
    if names or client:
        oids = x509_oid.ExtendedKeyUsageOID
        usage = oids.SERVER_AUTH if names else oids.CLIENT_AUTH
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    # Ed25519 has a digest of its own, RFC 8410.
    digest = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(key, digest).public_bytes(serialization.Encoding.PEM).decode()


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name.lower())


def _escaped(name: str) -> str:
    """For openssl, C(+) begins another attribute of the same RDN."""
    return name.replace("+", "\\+")


def _san_word(name: str) -> str:
    try:
        return f"IP:{ipaddress.ip_address(name)}"
    except ValueError:
        return f"DNS:{name.lower()}"


def check_means(openssl: str | None) -> None:
    """Refuse where no key can be made. Failure: C(openssl_missing)."""
    if not openssl and not HAS_CRYPTOGRAPHY:
        raise Failure(
            "openssl_missing",
            thing="the server's key",
            reason="this host has neither the openssl command nor the Python package cryptography to make one with",
            cure="Install openssl (or python3-cryptography) there, or set key_origin: controller (expose_key_origin "
            "in the role), which makes the key on the controller and copies it to the host",
        )


def _openssl(run: Run, words: list[str]) -> str:
    code, stdout, stderr = run(words)
    if code != 0:
        raise Failure(
            "openssl_failed",
            thing=" ".join(words[:2]),
            reason=stderr.strip() or f"exit status {code}",
            cure="Look at what it says; OpenSSL 1.1.1 or later is needed",
        )
    return stdout
