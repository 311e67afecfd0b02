# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A client certificate of a CA that nobody knows, made on the fly."""

from __future__ import annotations

__all__ = ("foreign_identity", "load_identity")

import datetime
import functools
import os
import ssl
import tempfile
import typing as t

from ..._shared.dependency import ec, hashes, serialization, x509, x509_oid
from ..._shared.key_types import private_key_pem

_NAME = "gangway probe: a foreign CA"


@functools.lru_cache(maxsize=1)
def foreign_identity() -> t.Tuple[bytes, bytes]:
    """Return a certificate and its key in PEM, good for a day, signed by a CA whose key is gone already."""
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.timezone.utc)
    day = datetime.timedelta(days=1)
    builder = x509.CertificateBuilder().subject_name(_name("gangway probe")).issuer_name(_name(_NAME))
    builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - day).not_valid_after(now + day)
    usage = x509.ExtendedKeyUsage([x509_oid.ExtendedKeyUsageOID.CLIENT_AUTH])
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(usage, critical=False)
    certificate = builder.sign(ca_key, hashes.SHA256())
    return certificate.public_bytes(serialization.Encoding.PEM), private_key_pem(key)


def load_identity(context: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    """Load what is in memory; ssl takes files only, so one is there for a moment."""
    descriptor, path = tempfile.mkstemp(prefix="gangway-probe-", suffix=".pem")
    try:
        # mkstemp(3) has made it 0600.
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(certificate + key)
        context.load_cert_chain(path)
    finally:
        os.unlink(path)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509_oid.NameOID.COMMON_NAME, common_name)])
