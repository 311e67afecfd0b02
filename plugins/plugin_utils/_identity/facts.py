# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What people and the endpoint record get to know of a server identity."""

from __future__ import annotations

__all__ = ("diff_of_identity", "facts_of_identity", "warnings_about_identity")

import typing as t

from .._pki.chain import try_chain
from .._pki.freshness import fingerprint, not_after_of
from .._pki.names import names_in
from .server_identity import ServerIdentity


def diff_of_identity(identity: ServerIdentity, before: bytes | None) -> dict[str, str]:
    """Return a diff entry, the same in check mode as in a run: no fingerprint of what is yet to be made.

    C(before): the certificate that the host has.
    """
    header = f"server identity of {identity.host}"
    after = (
        f"names: {', '.join(identity.all_names)}\nkey type: {identity.key_type}\n"
        f"key made on: {identity.key_origin}\nauthority: fleet {identity.fleet.name}\n"
    )
    if identity.provided is not None and identity.certificate is not None:
        after = f"fingerprint: {fingerprint(identity.certificate)}\n"
    elif identity.reasons:
        after += f"made because: {'; '.join(identity.reasons)}\n"
    return {"before_header": header, "after_header": header, "before": _described(before), "after": after}


def facts_of_identity(identity: ServerIdentity) -> dict[str, t.Any]:
    """Return what the endpoint record holds of the certificate."""
    if identity.certificate is None:
        raise ValueError("no certificate is known yet")
    return {
        "server_names": names_in(identity.certificate),
        "not_after": not_after_of(identity.certificate),
        "fingerprint": fingerprint(identity.certificate),
        "certificate": identity.chain or "",
        "trust": identity.trust,
        "issuer": identity.issuer,
    }


def warnings_about_identity(identity: ServerIdentity) -> list[str]:
    """Return what people should know of a certificate that no run renews."""
    if identity.provided is None or identity.certificate is None:
        return []
    return identity.provided.warnings(identity.certificate)


def _described(pem: bytes | None) -> str:
    chain = try_chain(pem or b"")
    if not chain:
        return "unreadable\n" if pem else ""
    return f"names: {', '.join(names_in(chain[0]))}\nfingerprint: {fingerprint(chain[0])}\n"
