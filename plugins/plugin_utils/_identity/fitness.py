# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a certificate that the user provides may go to a host: one of a server, whose key opens nothing else."""

from __future__ import annotations

__all__ = ("check_fit_for_host",)

import contextlib
import typing as t
from pathlib import Path

from ansible_collections.gangway.docker.plugins.module_utils._shared.dependency import serialization
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

from .._pki.chain import Chain, leads_to, try_chain
from .._pki.extensions import may_sign_authorities, serves
from .._pki.keys import load_private_key

if t.TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

#: Below a fleet's folder: certificates of authorities and clients, and keys of which no certificate may be left.
_CERTIFICATES = (
    "authority/*.pem",
    "clients/*/cert.pem",
    "issued/*.pem",
    "issued/removed/*.pem",
    "machines/*/*.pem",
    "revoked/*/cert.pem",
)
_KEYS = ("authority/*key.pem", "clients/*/key.pem", "revoked/*/key.pem")


def check_fit_for_host(path: str, chain: Chain, accepted: Chain, fleets_dir: Path) -> None:
    """Refuse what a host could use against others. Failure: C(certificate_unfit).

    C(accepted): the CAs and clients that daemons with this certificate accept.
    """
    certificate = chain[0]
    fleet = _fleet_of(certificate.public_key(), fleets_dir)
    if may_sign_authorities(certificate, 0):
        reason = "it is that of a CA, and anyone who has its key can make certificates"
    elif not serves(certificate, "server"):
        reason = "its extended key usage is not that of a server"
    elif serves(certificate, "client") and leads_to(chain, accepted):
        reason = "client_ca accepts it as a client, too, so anyone who has this host's key could log in everywhere"
    elif fleet is not None:
        reason = f"its key is that of an authority or a client of fleet {fleet!r}"
    else:
        return
    raise Failure(
        "certificate_unfit",
        thing=path,
        reason=reason,
        cure="Give each host a key and a certificate for servers alone (extendedKeyUsage serverAuth)",
    )


def _fleet_of(key: PublicKeyTypes, fleets_dir: Path) -> str | None:
    """Return the fleet in which an authority or a client has this key."""
    for folder in sorted(fleets_dir.glob("[!.]*")):
        if any(_spki(known) == _spki(key) for known in _keys_in(folder)):
            return folder.name
    return None


def _keys_in(folder: Path) -> t.Iterator[PublicKeyTypes]:
    for pattern in _CERTIFICATES:
        for path in folder.glob(pattern):
            yield from (certificate.public_key() for certificate in try_chain(path.read_bytes()))
    for pattern in _KEYS:
        for path in folder.glob(pattern):
            # One that is encrypted has its certificate beside it.
            with contextlib.suppress(Failure):
                yield load_private_key(path.read_bytes(), path=str(path)).public_key()


def _spki(key: PublicKeyTypes) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
