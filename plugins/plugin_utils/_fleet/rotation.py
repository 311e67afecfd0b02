# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changing a fleet's authority without an outage, in steps that can be repeated.

begin: a new authority signs from now on; daemons and clients trust the old one as well (phase C(overlap)).
drop:  the old one is trusted no longer, once all have been seen with the new one (phase C(dropping)).
end:   all daemons have let go of the old one; the rotation is over.

In between, every daemon is visited twice. The new authority is also signed by the old one (C(cross.pem), RFC 4210's
"new with old"), and each new identity brings that certificate along. So a daemon or a client that has not been
visited yet takes it all the same. After a revocation, daemons know the issuer of clients and not the authority: clients
bring the new authority signed by that one, too (C(client-cross.pem)).
"""

from __future__ import annotations

__all__ = ("begin", "drop", "end", "reissue_all")

import re
import typing as t

from ansible_collections.gangway.docker.plugins.module_utils._shared.dependency import x509
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

from .._pki import clock
from .._pki.authority import DROPPING, OVERLAP, Authority
from .._pki.chain import as_pem, is_issued_by
from .._pki.extensions import may_sign_authorities
from .._pki.freshness import fingerprint
from .._pki.profile import Signer, cross_certificate
from .authority_making import brought_authority, new_authority
from .ensure import ensure_identities, existing_subjects
from .fleet import Fleet
from .on_disk.issued import forget, issued_to, read_issued, read_removed
from .outcome import Outcome

_NUMBER = re.compile(r" authority(?: (\d+))?\Z")


class Seen(t.Protocol):
    """What an endpoint record tells of a daemon."""

    @property
    def name(self) -> str: ...
    @property
    def issuer(self) -> str | None: ...
    @property
    def trust(self) -> str | None: ...
    @property
    def verified(self) -> bool | None: ...


def begin(fleet: Fleet, *, without_cross: bool = False) -> list[Outcome]:
    """Make the new authority, unless a rotation is under way, and have it sign all identities that lie here.

    C(without_cross): also where the old one can't vouch for it.
    Failures: C(rotation_impossible), C(cross_impossible), and what making and opening an authority may raise.
    """
    authority = fleet.required_authority()
    if authority.phase is None:
        _check_own(authority)
        _replace(fleet, authority, without_cross=without_cross)
    return reissue_all(fleet)


def drop(fleet: Fleet, seen: t.Sequence[Seen], leave_behind: t.Collection[str]) -> list[Outcome]:
    """Let go of the old authority, where every endpoint and client has the new one.

    C(leave_behind): endpoints and clients to do so without. Failure: C(rotation_unfinished).
    """
    authority = fleet.required_authority()
    if authority.phase == OVERLAP:
        waiting = dict([*_waiting_endpoints(authority, seen), *_waiting_clients(fleet, authority)])
        _check_none_waits([name for name in waiting if name not in leave_behind], waiting)
        former = dict.fromkeys(("former.pem", "cross.pem", "client-cross.pem", "clients-ca.pem"))
        fleet.write_authority({"rotation": DROPPING.encode() + b"\n", **former})
    return reissue_all(fleet)


def end(fleet: Fleet, seen: t.Sequence[Seen], trust: str, leave_behind: t.Collection[str]) -> bool:
    """Close the rotation, where every daemon trusts the new authority alone; tell whether it was open.

    C(trust): the digest of whom daemons trust. Failure: C(rotation_unfinished).
    """
    authority = fleet.required_authority()
    if authority.phase != DROPPING:
        return False
    waiting = {r.name: "still trusts the old authority" for r in seen if r.trust not in (None, trust)}
    _check_none_waits([name for name in waiting if name not in leave_behind], waiting)
    if not fleet.check_mode:
        issued = [*read_issued(fleet.issued_folder, clock.now()), *read_removed(fleet.issued_folder, clock.now())]
        forget(fleet.issued_folder, [c for c in issued if not is_issued_by(c, authority.certificate)])
    fleet.write_authority({"rotation": None})
    return True


def reissue_all(fleet: Fleet) -> list[Outcome]:
    """Have today's authority sign all clients and servers that lie here, where it has not; each keeps its key."""
    return ensure_identities(fleet, existing_subjects(fleet), keep_key_type=True)


def _check_own(authority: Authority) -> None:
    if authority.is_external:
        raise Failure(
            "rotation_impossible",
            thing=str(authority.folder / "ca.pem"),
            reason="the key of this authority is not here, so it can't be replaced from here",
            cure="Replace it in its own PKI; meanwhile, give the old and the new one in client_ca",
        )


def _replace(fleet: Fleet, old: Authority, *, without_cross: bool) -> None:
    brought = brought_authority(fleet)
    if brought is not None and brought.chain[0] == old.certificate:
        raise Failure(
            "rotation_impossible",
            thing=str(fleet.settings.authority_certificate),
            reason="this is the authority that the fleet has already",
            cure="Give the new one as authority_certificate and authority_key; to have one made here, leave them out",
        )
    if brought is not None and brought.key_pem is None:
        raise Failure(
            "rotation_impossible",
            thing=str(fleet.settings.authority_certificate),
            reason="the key of this CA is elsewhere, and the old authority can't vouch for what it signs",
            cure="Use another fleet (expose_fleet) for it, and move the clients to that fleet; or provide the key of "
            "an intermediate CA",
        )
    chain, key_pem = (brought.chain, brought.key_pem) if brought else new_authority(fleet, _number(old) + 1)
    if len(chain) > 1:
        fleet.warnings.append(
            "The new authority is no root. Clients with OpenSSL (Python, curl) that know the old authority only fail at"
            " daemons that are renewed already: give those that are not on this controller their new ca.pem first."
        )
    crosses = _crosses(fleet, old, chain[0], without_cross=without_cross)
    fleet.write_authority(
        {
            "ca.pem": as_pem(chain),
            "ca-key.pem": key_pem,
            "issuer.pem": None,
            "issuer-key.pem": None,
            "clients-ca.pem": as_pem([chain[0], *(old.listed or [old.certificate])]),
            "former.pem": as_pem(old.chain),
            "rotation": OVERLAP.encode() + b"\n",
            **crosses,
        }
    )


def _crosses(
    fleet: Fleet, old: Authority, certificate: x509.Certificate, *, without_cross: bool
) -> dict[str, bytes | None]:
    """Have the new authority signed by those whom clients and daemons know."""
    expired = old.certificate.not_valid_after_utc <= clock.now()
    forbidden = not all(may_sign_authorities(ca, below) for below, ca in enumerate(old.chain, 1))
    if forbidden and not expired and not without_cross:
        raise Failure(
            "cross_impossible",
            thing=str(old.folder / "ca.pem"),
            reason="this authority may not sign the new one (path length 0), so that clients and daemons that do not "
            "know the new one yet would refuse each other until all of them have been visited",
            cure="Choose a time for it, and set rotate_without_cross",
        )
    if expired or forbidden:
        fleet.warnings.append(
            f"The old authority can't sign the new one ({'it has expired' if expired else 'pathlen forbids it'})."
            " Clients that are not on this controller need their new ca.pem before the daemons are visited, and daemons"
            " let nobody in by the new authority before they are."
        )
    signers: dict[str, Signer | None] = {"cross.pem": None, "client-cross.pem": None}
    if not expired and not forbidden:
        signers["cross.pem"] = old.signer(_passphrase(fleet, old.key_pem), clock.now())
    if not expired and old.issuer is not None:
        signers["client-cross.pem"] = old.open_client_signer(_passphrase(fleet, old.issuer_key_pem), clock.now())
    return {
        name: None if signer is None else as_pem([cross_certificate(certificate, signer=signer, now=clock.now())])
        for name, signer in signers.items()
    }


def _passphrase(fleet: Fleet, key_pem: bytes | None) -> str | None:
    """The new key may be the first one with a passphrase."""
    return fleet.settings.passphrase if b"ENCRYPTED" in (key_pem or b"") else None


def _number(authority: Authority) -> int:
    match = _NUMBER.search(authority.certificate.subject.rfc4514_string())
    return int(match.group(1) or 1) if match else 1


def _waiting_endpoints(authority: Authority, seen: t.Sequence[Seen]) -> t.Iterator[tuple[str, str]]:
    ours = fingerprint(authority.certificate)
    for record in seen:
        if record.issuer is None:
            continue
        if record.issuer != ours:
            yield record.name, "has a certificate of the old authority still"
        elif record.verified is False:
            # None: not tried, since the access list leaves the controller out. The host has seen its port show it.
            yield record.name, "does not work from the controller"


def _waiting_clients(fleet: Fleet, authority: Authority) -> t.Iterator[tuple[str, str]]:
    """Clients on other machines, whose certificates no run on this controller replaces."""
    for machine, certificate in fleet.certificates_on_machines():
        if not is_issued_by(certificate, authority.certificate) and certificate.not_valid_after_utc > clock.now():
            yield issued_to(certificate), f"has a certificate of the old authority on {machine}"
    issued = read_issued(fleet.issued_folder, clock.now())
    renewed = {issued_to(certificate) for certificate in issued if is_issued_by(certificate, authority.certificate)}
    for name in sorted({issued_to(certificate) for certificate in issued} - renewed):
        if not fleet.revoked_folder(name).exists():
            yield name, "is a client with a certificate of the old authority only"


def _check_none_waits(names: t.Sequence[str], why: t.Mapping[str, str]) -> None:
    if names:
        raise Failure(
            "rotation_unfinished",
            thing=", ".join(names),
            reason="; ".join(f"{name} {why[name]}" for name in names),
            cure="Both authorities stay trusted. Bring them up, or run the role client for them, and run the playbook "
            "again; to proceed without them, name them in rotate_leave_behind",
            waiting=list(names),
        )
