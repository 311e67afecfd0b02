# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whose clients HAProxy accepts, and the lists of revoked certificates (CRL), for method C(gateway).

dockerd takes a client's own certificate as a trust anchor; HAProxy takes CAs only, and asks for a list from each. So
HAProxy is given every CA that may have signed a client with access, and dockerd's rule decides what is on the lists: a
certificate that dockerd would not accept is revoked.
"""

from __future__ import annotations

__all__ = ("client_authorities", "revocation_lists")

import datetime
import typing as t

from ansible_collections.gangway.docker.plugins.module_utils._shared.dependency import serialization, x509
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

from .._pki import clock
from .._pki.authority import Authority
from .._pki.chain import as_pem, is_issued_by
from .._pki.crl import revocation_list
from .._pki.extensions import may_sign_authorities, may_sign_lists, subject_key_id_of
from .._pki.keys import load_private_key
from .._pki.profile import Signer
from .fleet import Fleet
from .on_disk.issued import read_removed
from .revocation import known_certificates


def client_authorities(authority: Authority) -> bytes:
    """Return HAProxy's C(ca-file). Failure: C(gateway_authority)."""
    signers = _signers(authority)
    reason = _unfit(authority, signers)
    if reason:
        raise Failure(
            "gateway_authority",
            thing=str(authority.folder / "ca.pem"),
            reason=f"with method gateway, the fleet's authority has to sign lists of revoked clients, and {reason}",
            cure="Choose another method (expose_method in the role), or a fleet with an authority of its own",
        )
    return as_pem(signers)


def revocation_lists(
    fleet: Fleet, present: bytes | None, *, certificate: x509.Certificate | None, again: bool
) -> bytes | None:
    """Return HAProxy's C(crl-file): what is C(present) if it is still good, or new lists; None: check mode makes none.

    HAProxy lets nobody in once a list has expired, so none ends before the server's C(certificate), which is renewed
    first. C(again): make new lists in any case. Failures: those of M(load_private_key).
    """
    authority = fleet.required_authority()
    revoked = _revoked(fleet, authority)
    if not again and present is not None and _is_good(present, _signers(authority), revoked, certificate):
        return present
    if fleet.check_mode:
        return None
    now, lists = clock.now(), []
    last = now + fleet.settings.validity
    if certificate is not None:
        last = max(last, certificate.not_valid_after_utc)
    for ca, key_pem in authority.list_signers:
        if ca.not_valid_after_utc <= now:
            continue
        passphrase = fleet.settings.passphrase if b"ENCRYPTED" in key_pem else None
        signer = Signer(ca, load_private_key(key_pem, path=str(authority.folder), passphrase=passphrase))
        lists.append(revocation_list(_serial_numbers(revoked, ca), signer=signer, validity=last - now, now=now))
    return b"".join(each.public_bytes(serialization.Encoding.PEM) for each in lists)


def _unfit(authority: Authority, signers: t.Sequence[x509.Certificate]) -> str:
    """Return why OpenSSL would not accept what these sign; empty: it does."""
    roots = [ca for ca in signers if ca.issuer == ca.subject]
    if authority.is_external:
        return "its key is elsewhere"
    if not all(ca in roots or any(is_issued_by(ca, root) for root in roots) for ca in signers):
        return (
            "HAProxy accepts a CA below another one only together with that one, which may have signed for others too"
        )
    if not all(map(may_sign_lists, signers)):
        return "by its key usage it may not"
    if any(subject_key_id_of(ca) is None for ca in signers):
        # After a revocation there are several of its name.
        return "it has no subject key identifier to find the right list by"
    return ""


def _signers(authority: Authority) -> list[x509.Certificate]:
    return [ca for ca, _key in authority.list_signers if ca.not_valid_after_utc > clock.now()]


def _revoked(fleet: Fleet, authority: Authority) -> list[x509.Certificate]:
    """Return the certificates that have not expired and that daemons do not accept."""
    removed = read_removed(fleet.issued_folder, clock.now())
    if not authority.listed:
        return removed
    issuers = [certificate for certificate in authority.listed if may_sign_authorities(certificate, 0)]
    return [
        *removed,
        *(
            certificate
            for certificate in known_certificates(fleet)
            if certificate not in authority.listed and not any(is_issued_by(certificate, ca) for ca in issuers)
        ),
    ]


def _serial_numbers(revoked: t.Iterable[x509.Certificate], ca: x509.Certificate) -> set[int]:
    return {certificate.serial_number for certificate in revoked if is_issued_by(certificate, ca)}


def _is_good(
    present: bytes,
    signers: t.Sequence[x509.Certificate],
    revoked: t.Sequence[x509.Certificate],
    certificate: x509.Certificate | None,
) -> bool:
    lists = _parse(present)
    if len(lists) != len(signers):
        return False
    for each, ca in zip(lists, signers):
        is_signed = each.issuer == ca.subject and each.is_signature_valid(ca.public_key())  # type: ignore[arg-type]
        last = each.next_update_utc or datetime.datetime.min.replace(tzinfo=datetime.timezone.utc)
        limit = ca.not_valid_after_utc if certificate is None else certificate.not_valid_after_utc
        if (
            not is_signed
            or last < min(limit, ca.not_valid_after_utc)
            # It may have more: certificates that have expired since.
            or not _serial_numbers(revoked, ca) <= {entry.serial_number for entry in each}
        ):
            return False
    return True


def _parse(pem: bytes) -> list[x509.CertificateRevocationList]:
    """Return the lists; none where one of them can't be read."""
    end = b"-----END X509 CRL-----\n"
    try:
        return [x509.load_pem_x509_crl(part + end) for part in pem.split(end)[:-1]]
    except ValueError:
        return []
