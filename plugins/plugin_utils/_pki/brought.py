# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An authority that the user provides: a CA, its chain, and its key if that is here."""

from __future__ import annotations

__all__ = ("BroughtAuthority", "read_brought", "read_file")

import datetime
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.gangway.docker.plugins.module_utils._shared.dependency import x509
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.module_utils._shared.key_types import private_key_pem

from .chain import Chain, is_issued_by, is_root, parse_chain
from .keys import load_private_key


@dataclass(frozen=True)
class BroughtAuthority:
    """The chain, from the CA that signs up to its root, and its key as it is to be kept; None: it is elsewhere."""

    chain: Chain
    key_pem: bytes | None = field(repr=False)


def read_brought(certificate: str, key: str | None, passphrase: str | None, now: datetime.datetime) -> BroughtAuthority:
    """Read the files. The key is kept encrypted where it is so, or where there is a passphrase.

    Failures: C(file_unreadable), C(certificate_unreadable), C(chain_incomplete), C(not_an_authority),
    C(authority_expired), C(authority_mismatch), and those of M(load_private_key).
    """
    chain = parse_chain(read_file(certificate), certificate)
    _check_chain(chain, certificate, now)
    if key is None:
        return BroughtAuthority(chain, None)
    key_pem = read_file(key)
    encrypted = b"ENCRYPTED" in key_pem
    loaded = load_private_key(key_pem, path=key, passphrase=passphrase if encrypted else None)
    if loaded.public_key() != chain[0].public_key():
        raise Failure(
            "authority_mismatch",
            thing=key,
            reason=f"it is not the key of the first certificate in {certificate}",
            cure="Give the key that belongs to it; the signing certificate comes first, followed by its chain",
        )
    return BroughtAuthority(chain, key_pem if encrypted else private_key_pem(loaded, passphrase))


def read_file(path: str) -> bytes:
    """Return a file of the user's. Failure: C(file_unreadable)."""
    try:
        return Path(path).expanduser().read_bytes()
    except OSError as exc:
        raise Failure(
            "file_unreadable",
            thing=path,
            reason=f"it can't be read on the controller ({exc})",
            cure="Give the path of a PEM file that the user who runs Ansible may read",
        ) from exc


def _check_chain(chain: Chain, path: str, now: datetime.datetime) -> None:
    for certificate in chain:
        if not _is_authority(certificate):
            raise Failure(
                "not_an_authority",
                thing=f"{path}: {certificate.subject.rfc4514_string()}",
                reason="this certificate is not that of a CA (basicConstraints CA:TRUE)",
                cure="Give the CA's certificate, followed by its chain",
            )
    for below, above in zip(chain, chain[1:]):
        if not is_issued_by(below, above):
            raise _incomplete(path, f"{above.subject.rfc4514_string()} did not sign the one before it")
    if not is_root(chain[-1]):
        raise _incomplete(path, f"it ends with {chain[-1].subject.rfc4514_string()}, which is no root")
    if chain[0].not_valid_after_utc <= now:
        raise Failure(
            "authority_expired",
            thing=path,
            reason=f"this authority expired on {chain[0].not_valid_after_utc:%Y-%m-%d}",
            cure="Give one that is valid",
        )


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _incomplete(path: str, reason: str) -> Failure:
    return Failure(
        "chain_incomplete",
        thing=path,
        reason=reason,
        cure="Put the certificates one behind the other: the CA that signs, the one above it, up to the root, since "
        "clients are to trust the root",
    )
