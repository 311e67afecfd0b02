# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Extensions of certificates: what a certificate may be used for, and by which key identifier it is known."""

from __future__ import annotations

__all__ = ("key_usage", "may_sign_authorities", "may_sign_lists", "serves", "subject_key_id_of", "usage_of")

from ansible_collections.gangway.docker.plugins.module_utils._shared.dependency import x509, x509_oid


def may_sign_authorities(certificate: x509.Certificate, count: int = 1) -> bool:
    """Tell whether so many CA certificates may stand below this one. Go and GnuTLS count self-issued ones, too."""
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        return False
    return constraints.ca and (constraints.path_length is None or constraints.path_length >= count)


def may_sign_lists(certificate: x509.Certificate) -> bool:
    """Tell whether verifiers take lists of revoked certificates (CRL) from it."""
    try:
        return certificate.extensions.get_extension_for_class(x509.KeyUsage).value.crl_sign
    except x509.ExtensionNotFound:
        return True


def serves(certificate: x509.Certificate, kind: str) -> bool:
    """Tell whether it is good for a C(server) or a C(client)."""
    try:
        usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return x509_oid.ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE in usages or usage_of(kind) in usages


def usage_of(kind: str) -> x509.ObjectIdentifier:
    """Return the extended key usage of a C(server) or a C(client)."""
    oid = x509_oid.ExtendedKeyUsageOID
    return oid.SERVER_AUTH if kind == "server" else oid.CLIENT_AUTH


def subject_key_id_of(certificate: x509.Certificate) -> x509.SubjectKeyIdentifier | None:
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    except x509.ExtensionNotFound:
        return None


def key_usage(**wanted: bool) -> x509.KeyUsage:
    usages = {
        "digital_signature": False,
        "content_commitment": False,
        "key_encipherment": False,
        "data_encipherment": False,
        "key_agreement": False,
        "key_cert_sign": False,
        "crl_sign": False,
        "encipher_only": False,
        "decipher_only": False,
    }
    return x509.KeyUsage(**{**usages, **wanted})
