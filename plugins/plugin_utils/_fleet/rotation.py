# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changing a fleet's authority without an outage, in steps that can be repeated.

begin: a new authority signs from now on; daemons and clients trust the old one as well (phase C(overlap)).
drop:  the old one is trusted no longer, once all have been seen with the new one, and the grace is over (C(dropping)).
end:   all daemons have let go of the old one; the rotation is over.

In between, every daemon is visited twice. The new authority is also signed by the old one (C(cross.pem), RFC 4210's
"new with old"), and each new identity brings that certificate along. So a daemon or a client that has not been
visited yet takes it all the same. After a revocation, daemons know the issuer of clients and not the authority: clients
bring the new authority signed by that one, too (C(client-cross.pem)).
"""

from __future__ import annotations

__all__ = ("begin", "drop", "end", "let_go", "reissue_all")

import dataclasses
import datetime
import re
import typing as t

from ansible_collections.gangway.docker.plugins.module_utils._shared.dependency import x509
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

from .._pki import clock
from .._pki.authority import Authority, signers_as_files
from .._pki.chain import as_pem, is_issued_by
from .._pki.extensions import may_sign_authorities
from .._pki.profile import Signer, cross_certificate
from .authority_making import brought_authority, new_authority
from .ensure import ensure_identities, existing_subjects
from .fleet import Fleet
from .on_disk.issued import forget, read_issued, read_removed
from .on_disk.rotation_state import DROPPING, OVERLAP, RotationState
from .outcome import Outcome
from .waiting import Seen, check_none_waits, waiting_to_drop, waiting_to_end

_NUMBER = re.compile(r" authority(?: (\d+))?\Z")


def begin(fleet: Fleet, *, without_cross: bool = False, grace: datetime.timedelta | None = None) -> list[Outcome]:
    """Make the new authority, unless a rotation is under way, and have it sign all identities that lie here.

    C(without_cross): also where the old one can't vouch for it.
    C(grace): how long from now the old one stays trusted; in a rotation that is under way, from its beginning, and None
    leaves it as it is.
    Failures: C(rotation_impossible), C(rotation_unfinished), C(cross_impossible), and what making and opening an
    authority may raise.
    """
    authority = fleet.required_authority()
    if authority.rotation is None:
        _check_own(authority)
        state = RotationState(OVERLAP, clock.now(), grace or datetime.timedelta(0))
        _replace(fleet, authority, state, without_cross=without_cross)
    else:
        _check_same(fleet, authority)
        if grace is not None and authority.rotation.grace != grace and authority.phase == OVERLAP:
            fleet.write_authority({"rotation": dataclasses.replace(authority.rotation, grace=grace).as_bytes()})
    return reissue_all(fleet)


def drop(fleet: Fleet, seen: t.Sequence[Seen], leave_behind: t.Collection[str]) -> list[Outcome]:
    """Let go of the old authority, where every endpoint and client has the new one, and the grace is over.

    C(leave_behind): endpoints and clients to do so without. Failure: C(rotation_unfinished).
    """
    rotation = fleet.required_authority().rotation
    if rotation is not None and rotation.phase == OVERLAP and not rotation.is_in_grace(clock.now()):
        check_none_waits(waiting_to_drop(fleet, seen), leave_behind)
        let_go(fleet)
    return reissue_all(fleet)


def let_go(fleet: Fleet) -> None:
    """Trust the old authority no longer."""
    authority = fleet.required_authority()
    listed = None
    if authority.issuer is not None:
        # A client was revoked meanwhile: the new authority itself must not come back.
        clients = [certificate for certificate in authority.listed if not may_sign_authorities(certificate, 0)]
        listed = as_pem([authority.issuer, *filter(authority.outlasts_rotation, clients)])
    fleet.write_authority(
        {
            "rotation": RotationState(DROPPING).as_bytes(),
            "clients-ca.pem": listed,
            **dict.fromkeys(("former.pem", "cross.pem", "client-cross.pem")),
            **signers_as_files(_signers_of_its_own(authority)),
        }
    )


def _signers_of_its_own(authority: Authority) -> list[tuple[x509.Certificate, bytes]]:
    """Return those that have signed clients under the new authority: all of them have its name."""
    former = authority.former[:1]
    return [
        (certificate, key)
        for certificate, key in zip(authority.signers, authority.signer_keys)
        if certificate.subject == authority.certificate.subject
        and certificate not in former
        and not any(is_issued_by(certificate, ca) for ca in former)
    ]


def end(fleet: Fleet, seen: t.Sequence[Seen], leave_behind: t.Collection[str]) -> bool:
    """Close the rotation, where every daemon trusts the new authority alone; tell whether it was open.

    Failure: C(rotation_unfinished).
    """
    authority = fleet.required_authority()
    if authority.phase != DROPPING:
        return False
    check_none_waits(waiting_to_end(seen, authority.client_trust_digest), leave_behind)
    if not fleet.check_mode:
        issued = [*read_issued(fleet.issued_folder, clock.now()), *read_removed(fleet.issued_folder, clock.now())]
        forget(fleet.issued_folder, [c for c in issued if not authority.outlasts_rotation(c)])
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


def _check_same(fleet: Fleet, authority: Authority) -> None:
    """Refuse another new authority while one is on its way in."""
    brought = brought_authority(fleet)
    if brought is not None and brought.chain[0] != authority.certificate:
        raise Failure(
            "rotation_unfinished",
            thing=str(fleet.settings.authority_certificate),
            reason="a rotation to another authority is under way",
            cure="Finish that one first: run the playbook without authority_certificate (expose_authority_certificate),"
            " and with rotate_grace=0 if it is not to wait",
        )


def _replace(fleet: Fleet, old: Authority, state: RotationState, *, without_cross: bool) -> None:
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
            "rotation": state.as_bytes(),
            **signers_as_files(old.list_signers),
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
