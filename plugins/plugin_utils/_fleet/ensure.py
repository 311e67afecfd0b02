# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Making sure that a fleet's authority and any number of identities exist, with a report of each."""

from __future__ import annotations

__all__ = (
    "BUNDLE_ARGUMENTS",
    "ensure_bundles",
    "ensure_client",
    "ensure_identities",
    "ensure_server",
    "existing_subjects",
    "predict_client",
)

import typing as t
from pathlib import Path

from ansible_collections.gangway.docker.plugins.module_utils._shared.dependency import serialization, x509
from ansible_collections.gangway.docker.plugins.module_utils._shared.key_types import (
    DEFAULT_KEY_TYPE,
    KEY_TYPES,
    generate_key,
    private_key_pem,
)
from ansible_collections.gangway.docker.plugins.module_utils._shared.options import FLEET_ARGUMENTS, IDENTITY_ARGUMENTS

from .._options.clients import Client
from .._pki import clock
from .._pki.freshness import CertificateSpec
from .._pki.keys import key_type_of
from .._pki.names import names_in, sort_names
from .._pki.profile import signing_request
from .._pki.renewal import describe_expiry
from .._pki.signing import Subject
from .authority_making import check_may_begin, ensure_authority
from .fleet import Fleet
from .members import Member, bundle_files, check_client_names, has_key_type
from .on_disk import bundle
from .on_disk.issued import issued_to
from .outcome import Outcome

#: How the authority is made, or whose it is.
AUTHORITY_ARGUMENTS: dict[str, t.Any] = {
    "authority_key_type": {"type": "str", "choices": list(KEY_TYPES), "default": DEFAULT_KEY_TYPE, "no_log": False},
    "authority_validity": {"type": "str", "default": "3650d"},
    "authority_certificate": {"type": "path"},
    "authority_key": {"type": "path", "no_log": False},
}
#: The options of tls_bundle.
BUNDLE_ARGUMENTS: dict[str, t.Any] = {
    **FLEET_ARGUMENTS,
    **IDENTITY_ARGUMENTS,
    **AUTHORITY_ARGUMENTS,
    "clients": {"type": "list", "elements": "raw", "default": []},
    "new": {"type": "bool", "default": True},
    "existing": {"type": "bool", "default": False},
    "finish_rotation": {"type": "bool", "default": False},
    "make_authority": {"type": "bool", "default": True},
    "servers": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str", "required": True},
            "tls_sans": {"type": "list", "elements": "str", "default": []},
        },
    },
}


def ensure_bundles(
    fleet: Fleet,
    clients: t.Sequence[Client | str],
    servers: t.Sequence[t.Mapping[str, t.Any]],
    *,
    new: bool = True,
    existing: bool = False,
    make_authority: bool = True,
    go_on: t.Callable[[Fleet], bool] | None = None,
    limited: t.Callable[[], bool] = lambda: True,
) -> dict[str, t.Any]:
    """Return the result of tls_bundle: changed, authority, identities, diff, warnings. Raises M(Failure).

    C(new): make those that are missing.
    C(existing): also renew and correct the identities here, each with the key that it has.
    C(make_authority): without it, nothing is made for a fleet that has none; what would fail fails all the same.
    C(limited): for M(revoke).
    C(go_on): takes a rotation further before anything is signed, and returns whether it did.
    """
    named = [Client(client) if isinstance(client, str) else client for client in clients]
    subjects = [
        Subject("client", client.name, validity=client.validity)
        for client in named
        if not client.is_revoked and (new or fleet.client_folder(client.name).exists())
    ]
    for server in servers:
        subjects.append(Subject("server", server["name"], tuple(sort_names(server["tls_sans"] or [server["name"]]))))
    if existing and not subjects and not fleet.folder.exists():
        # Where there is nothing to renew, nothing is begun.
        told = f"There is no fleet in {fleet.folder}, so nothing to renew."
        return {"changed": False, "authority": {}, "identities": [], "diff": [], "warnings": [told]}
    if not make_authority and fleet.authority() is None:
        check_may_begin(fleet)
        if not existing:
            trial = Fleet(str(fleet.folder.parent), fleet.name, fleet.settings, check_mode=True)
            ensure_bundles(trial, clients, servers)
        return {"changed": False, "authority": {}, "identities": [], "diff": [], "warnings": []}
    with fleet.lock():
        authority = ensure_authority(fleet)
        went_on = go_on is not None and go_on(fleet)
        revoked = _revoke(fleet, [client.name for client in named if client.is_revoked], limited)
        outcomes = ensure_identities(fleet, subjects)
        if existing:
            known = {(subject.kind, subject.name) for subject in subjects}
            others = [s for s in existing_subjects(fleet) if (s.kind, s.name) not in known]
            outcomes += ensure_identities(fleet, others, keep_key_type=True)
            fleet.warnings += _about_machines(fleet)
    everything = [authority, *outcomes]
    return {
        "changed": went_on or bool(revoked) or any(outcome.changed for outcome in everything),
        "authority": authority.as_result(),
        "identities": [outcome.as_result() for outcome in outcomes],
        "diff": [outcome.as_diff() for outcome in everything if outcome.changed],
        "warnings": list(fleet.warnings),
    }


def _revoke(fleet: Fleet, names: t.Sequence[str], limited: t.Callable[[], bool]) -> list[str]:
    """Revoke those of these clients that were ever made; return those that daemons accepted until now."""
    if not names or fleet.authority() is None:
        return []
    # Most runs revoke nobody.
    from .revocation import known_certificates, revoke

    known = {*map(issued_to, known_certificates(fleet)), *(n for n in names if fleet.revoked_folder(n).exists())}
    return revoke(fleet, [name for name in names if name in known], limited=limited())


def existing_subjects(fleet: Fleet) -> list[Subject]:
    """Return the clients and servers whose bundles lie here, as they are; not those that were revoked."""
    found = []
    for kind, folder in (("client", "clients"), ("server", "servers")):
        for path in sorted((fleet.folder / folder).glob("[!.]*")):
            member = Member.read(Subject(kind, path.name), path)
            revoked = kind == "client" and fleet.revoked_folder(path.name).exists()
            if member.chain and member.key is not None and not revoked:
                found.append(Subject(kind, path.name, tuple(names_in(member.chain[0]))))
    return found


def _about_machines(fleet: Fleet) -> list[str]:
    """Name the clients on other machines that are due: only a run of the role client there renews them."""
    found = []
    for machine, certificate in fleet.certificates_on_machines():
        if fleet.settings.renew_before.is_due(certificate, clock.now()):
            expiry = describe_expiry(certificate, clock.now())
            found.append(f"Client {issued_to(certificate)} on {machine} {expiry}. The role client renews it there.")
    return found


def ensure_client(fleet: Fleet, name: str) -> Outcome:
    """Make or renew one client's bundle."""
    return ensure_identities(fleet, [Subject("client", name)])[0]


def ensure_server(fleet: Fleet, name: str, names: t.Sequence[str]) -> Outcome:
    """Make or renew a server's bundle whose key is made here, on the controller."""
    return ensure_identities(fleet, [Subject("server", name, tuple(sort_names(names)))])[0]


def predict_client(fleet: Fleet, name: str, *, keep_key_type: bool = False) -> dict[str, bytes | None]:
    """Return the files of a client's bundle that making sure of it changes; None: with content yet to be made.

    C(fleet) is in check mode. Failures: as for making it.
    """
    outcome = ensure_identities(fleet, [Subject("client", name)], keep_key_type=keep_key_type)[0]
    authority = fleet.authority()
    if authority is None or not outcome.changed:
        return {}
    member = Member.read(Subject("client", name), fleet.client_folder(name))
    if not outcome.reasons:
        return {file: content for file, (content, _mode) in member.mended_files(authority).items()}
    keeps_key = has_key_type(member.key, outcome.spec.key_type)
    files: dict[str, bytes | None] = {"ca.pem": authority.server_trust, "cert.pem": None}
    return files if keeps_key else {**files, "key.pem": None}


def ensure_identities(fleet: Fleet, subjects: t.Sequence[Subject], *, keep_key_type: bool = False) -> list[Outcome]:
    """Make, renew or correct these identities. C(keep_key_type): each key stays, whatever its type."""
    if not fleet.check_mode:
        for parent in ("clients", "servers", "issued"):
            bundle.recover_all(fleet.folder / parent)
    check_client_names(fleet.folder, [subject.name for subject in subjects if subject.kind == "client"])
    # One kind of work after the other, all that is read, signed and written: going to and fro takes a tenth longer.
    members = [Member.read(subject, _folder_of(fleet, subject)) for subject in subjects]
    writes: dict[Path, bundle.Files] = {}
    found = []
    for member in members:
        if member.folder in writes:
            _write(fleet, writes)
            member = Member.read(member.subject, member.folder)
        found.append(_ensure(fleet, member, writes, keep_key_type=keep_key_type))
    _write(fleet, writes)
    return found


def _folder_of(fleet: Fleet, subject: Subject) -> Path:
    if subject.kind == "server":
        return fleet.server_folder(subject.name)
    fleet.check_not_revoked(subject.name)
    return fleet.client_folder(subject.name)


def _ensure(fleet: Fleet, member: Member, writes: dict[Path, bundle.Files], *, keep_key_type: bool) -> Outcome:
    authority, subject = fleet.authority(), member.subject
    key_type = fleet.settings.key_type
    if keep_key_type and member.key is not None:
        key_type = key_type_of(member.key.public_key())
    external = authority is not None and authority.is_external
    if subject.kind == "server":
        spec = CertificateSpec(key_type, subject.names, more_names=external)
    else:
        spec = CertificateSpec(key_type, common_name=subject.name)
    before = member.chain[0] if member.chain else None
    reasons = member.reasons(spec, authority, fleet.settings.renew_before, clock.now())
    drift: list[str] = []
    certificate = before
    if reasons:
        certificate = None if fleet.check_mode else _issue(fleet, member, spec, writes)
        if fleet.check_mode and authority is not None:
            # What signing would raise, check mode has to raise.
            fleet.check_signer()
    elif authority is not None:
        drift = member.drift(authority)
        if drift and not fleet.check_mode:
            writes[member.folder] = member.mended_files(authority)
    folder = str(member.folder)
    return Outcome(subject.kind, subject.name, folder, tuple(reasons), spec, before, certificate, drift=tuple(drift))


def _issue(fleet: Fleet, member: Member, spec: CertificateSpec, writes: dict[Path, bundle.Files]) -> x509.Certificate:
    """Sign again, with the present key if it is of the right type."""
    key, key_pem = member.key, member.present.get("key.pem")
    if key is None or key_pem is None or not has_key_type(key, spec.key_type):
        key = generate_key(spec.key_type)
        key_pem = private_key_pem(key)
    authority, signing_key = fleet.required_authority(), key

    def csr() -> bytes:
        request = signing_request(signing_key, names=spec.names, common_name=spec.common_name)
        return request.public_bytes(serialization.Encoding.PEM)

    chain = fleet.sign(member.subject, key.public_key(), csr)
    writes[member.folder] = bundle_files(authority, chain, key_pem)
    return chain[0]


def _write(fleet: Fleet, writes: dict[Path, bundle.Files]) -> None:
    fleet.note_issued()
    bundle.write_bundles(writes)
    writes.clear()
