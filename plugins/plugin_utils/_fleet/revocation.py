# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Revoking single clients, though dockerd reads no revocation lists.

dockerd takes each certificate in its C(tlscacert) as a trust anchor, a client's own as well as a CA's. So, when a
client is revoked, daemons stop trusting the CA that signed it, and trust instead a new issuer of clients, and every
other client's certificate by itself. Nothing changes for the others. Clients that are made or renewed later come from
the new issuer, and no daemon need hear of them.
"""

from __future__ import annotations

__all__ = ("LIST_LIMIT", "has_expired", "known_certificates", "revoke", "revoked_bundles")

import typing as t
from pathlib import Path

from ansible_collections.gangway.docker.plugins.module_utils._shared.dependency import x509
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.module_utils._shared.key_types import generate_key, private_key_pem

from .._pki import clock
from .._pki.authority import Authority, signers_as_files
from .._pki.chain import as_pem, is_issued_by, try_chain
from .._pki.keys import key_type_of
from .._pki.profile import Signer, client_issuer_certificate
from .._pki.signing import Subject, sign_with_authority
from .fleet import Fleet
from .members import bundle_files
from .on_disk import bundle
from .on_disk.issued import issued_to, read_issued, read_removed
from .on_disk.rotation_state import DROPPING

#: Bytes of encoded names that a server sends to every client. Measured on 20.10.24, 26.1.5 and 28.5.2: from 65,458 to
#: 65,490 bytes on, nobody gets in at all, and neither dockerd nor its C(--validate) says a word.
LIST_LIMIT = 60_000


def revoke(fleet: Fleet, names: t.Sequence[str], *, limited: bool = True) -> list[str]:
    """Revoke these clients; return those that daemons accepted until now.

    C(limited): some daemon has its own TLS, so that the length of the list of all others matters.

    Failures: C(client_missing), C(revocation_unsupported), C(rotation_unfinished), C(too_many_clients).
    """
    authority = fleet.required_authority()
    removed = read_removed(fleet.issued_folder, clock.now())
    issued = [*known_certificates(fleet), *removed]
    for name in names:
        if name not in map(issued_to, issued) and not fleet.revoked_folder(name).exists():
            raise Failure(
                "client_missing",
                thing=f"client {name!r}",
                reason=f"fleet {fleet.name!r} has issued no certificate to a client of that name",
                cure=f"Write it as it stands in {fleet.folder / 'clients'}",
            )
    _check_possible(authority)
    revoked = {*names, *(path.name for path in (fleet.folder / "revoked").glob("[!.]*"))}
    shut_out = sorted({issued_to(c) for c in issued if issued_to(c) in revoked and _is_let_in(c, authority)})
    if not shut_out:
        return []
    leave_out = {c for c in issued if issued_to(c) in revoked} | {*removed}
    listed = [c for c in issued if c not in leave_out and _is_let_in(c, authority)]
    if limited:
        _check_length(listed)
    # What can't be signed shows before anything is moved.
    files: dict[str, bytes | None] = {**_new_issuer(fleet, authority, listed), **_signers(authority)}
    if not fleet.check_mode:
        for name in names:
            _put_aside(fleet, name)
    fleet.write_authority(files)
    return shut_out


def revoked_bundles(fleet: Fleet) -> dict[str, Path]:
    """Return the revoked clients whose bundle is here and has not expired, for proving that they are turned away."""
    found = {}
    for path in sorted((fleet.folder / "revoked").glob("[!.]*")):
        chain = try_chain(bundle.read_bundle(path, ["cert.pem"]).get("cert.pem"))
        if chain and chain[0].not_valid_after_utc > clock.now() and (path / "key.pem").is_file():
            found[path.name] = path
    return found


def has_expired(fleet: Fleet, name: str) -> bool:
    """Whether this client was revoked, and no daemon accepts its bundle any more by its date."""
    chain = try_chain(bundle.read_bundle(fleet.revoked_folder(name), ["cert.pem"]).get("cert.pem"))
    return bool(chain) and chain[0].not_valid_after_utc <= clock.now()


def known_certificates(fleet: Fleet) -> list[x509.Certificate]:
    """Return each client's certificates that have not expired: those noted when issued, and those that lie here."""
    found = read_issued(fleet.issued_folder, clock.now())
    for folder in ("clients", "revoked"):
        for path in sorted((fleet.folder / folder).glob("[!.]*/cert.pem")):
            found += [c for c in try_chain(path.read_bytes())[:1] if c not in found]
    return [certificate for certificate in found if certificate.not_valid_after_utc > clock.now()]


def _is_let_in(certificate: x509.Certificate, authority: Authority) -> bool:
    anchors = authority.listed or (authority.certificate,)
    return certificate in anchors or any(is_issued_by(certificate, anchor) for anchor in anchors)


def _check_possible(authority: Authority) -> None:
    if authority.is_external:
        raise Failure(
            "revocation_unsupported",
            thing=str(authority.folder / "ca.pem"),
            reason="its clients are signed elsewhere, so they are not known here",
            cure="Give daemons a client_ca that does not cover the client: an issuing CA of its own for the others, or "
            "their certificates one by one",
        )
    if authority.phase == DROPPING:
        raise Failure(
            "rotation_unfinished",
            thing=str(authority.folder),
            reason="a rotation of the authority is under way, and daemons are losing the old one",
            cure="Finish it first: ansible-playbook gangway.docker.rotate_authority; a client that is named in "
            "rotate_leave_behind loses its access with it",
        )


def _check_length(listed: t.Sequence[x509.Certificate]) -> None:
    size = sum(len(certificate.subject.public_bytes()) + 2 for certificate in listed)
    if size > LIST_LIMIT:
        raise Failure(
            "too_many_clients",
            thing=f"{len(listed)} clients' certificates",
            reason=f"their names would take {size} bytes of each handshake, and beyond {LIST_LIMIT} nobody gets in",
            cure="Move the client's folder away, take it out of expose_clients, and rotate the authority instead "
            "(ansible-playbook gangway.docker.rotate_authority), with the client in rotate_leave_behind",
        )


def _put_aside(fleet: Fleet, name: str) -> None:
    """Keep the bundle, to prove with it that the client is turned away; that also marks the name."""
    folder = fleet.revoked_folder(name)
    if folder.exists():
        return
    bundle.make_private_folder(folder.parent)
    bundle.recover(fleet.client_folder(name))
    if fleet.client_folder(name).exists():
        fleet.client_folder(name).rename(folder)
        return
    # Its key is on another machine. Another key under the same name and the same issuer is as good for a proof.
    key = generate_key(fleet.settings.key_type)
    certificate = sign_with_authority(
        Subject("client", name),
        key.public_key(),
        signer=fleet.client_signer(),
        validity=fleet.settings.validity,
        now=clock.now(),
    )
    authority = fleet.required_authority()
    chain = (certificate, *authority.above(certificate))
    bundle.write_bundle(folder, bundle_files(authority, chain, private_key_pem(key)))


def _new_issuer(fleet: Fleet, authority: Authority, listed: t.Sequence[x509.Certificate]) -> dict[str, bytes]:
    key = generate_key(key_type_of(authority.certificate.public_key()))
    issuer = client_issuer_certificate(key, signer=fleet.signer(), now=clock.now())
    return {
        "issuer.pem": as_pem([issuer]),
        "issuer-key.pem": private_key_pem(key, fleet.settings.passphrase),
        "clients-ca.pem": as_pem([issuer, *_namesakes(authority, issuer, listed), *listed]),
    }


def _signers(authority: Authority) -> dict[str, bytes | None]:
    """The issuer so far goes on signing lists of revoked certificates, see M(gateway_trust)."""
    if authority.issuer is None:
        return {}
    return signers_as_files(authority.list_signers[1:])


def _namesakes(
    authority: Authority, issuer: x509.Certificate, listed: t.Sequence[x509.Certificate]
) -> t.Iterator[x509.Certificate]:
    """During a rotation, yield a CA with the old authority's name, whose key nobody has.

    Clients in Go send a certificate of the old authority only to a server that names it.
    """
    for former in authority.former[:1]:
        if former.subject != issuer.subject and any(c.issuer == former.subject for c in listed):
            key = generate_key(key_type_of(former.public_key()))
            yield client_issuer_certificate(key, signer=Signer(former, key), now=clock.now())
