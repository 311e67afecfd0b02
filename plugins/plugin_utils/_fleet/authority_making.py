# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Making a fleet's authority, using one that the user provides, and maintaining the present one."""

from __future__ import annotations

__all__ = ("brought_authority", "check_may_begin", "ensure_authority", "new_authority")

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.module_utils._shared.key_types import generate_key, private_key_pem

from .._pki import clock
from .._pki.authority import Authority, authority_missing
from .._pki.brought import BroughtAuthority, read_brought
from .._pki.chain import Chain, as_pem
from .._pki.freshness import CertificateSpec
from .._pki.keys import key_type_of
from .._pki.profile import authority_certificate
from .._pki.renewal import describe_expiry
from .fleet import Fleet
from .on_disk import bundle
from .outcome import Outcome


def ensure_authority(fleet: Fleet) -> Outcome:
    """Make the authority where there is none; one that exists is replaced by a rotation only."""
    if not fleet.check_mode:
        bundle.make_private_folder(fleet.folder)
        bundle.recover(fleet.authority_folder)
        fleet.reread()
    authority = fleet.authority()
    check_may_begin(fleet)
    spec = CertificateSpec(key_type=fleet.settings.authority_key_type, common_name=f"gangway {fleet.name} authority")
    brought = brought_authority(fleet)
    if authority is not None:
        return _existing_authority(fleet, authority, brought, spec)
    if brought is not None:
        spec = CertificateSpec(key_type_of(brought.chain[0].public_key()), (), spec.common_name)
    made = None
    if not fleet.check_mode:
        chain, key_pem = (brought.chain, brought.key_pem) if brought else new_authority(fleet, 1)
        fleet.write_authority({"ca.pem": as_pem(chain), "ca-key.pem": key_pem})
        made = chain[0]
    return Outcome("authority", fleet.name, str(fleet.authority_folder), ("missing",), spec, None, made)


def check_may_begin(fleet: Fleet) -> None:
    """Refuse a new authority beside an old one's key or identities. Failure: C(authority_missing).

    It would lock all of these out, unasked.
    """
    if fleet.authority() is None and ((fleet.authority_folder / "ca-key.pem").exists() or _has_members(fleet)):
        raise authority_missing(fleet.authority_folder, fleet.folder)


def brought_authority(fleet: Fleet) -> BroughtAuthority | None:
    """Return the user's own CA, where the settings name one."""
    settings = fleet.settings
    if settings.authority_certificate is None:
        if settings.sign_command is not None and fleet.authority() is None:
            raise Failure(
                "authority_missing",
                thing="authority_certificate",
                reason="sign_command signs for a CA elsewhere, whose certificate is not known here",
                cure="Give it and its chain as authority_certificate",
            )
        return None
    if (settings.authority_key is None) == (fleet.sign_command is None):
        raise Failure(
            "signer_missing" if settings.authority_key is None else "signer_ambiguous",
            thing=settings.authority_certificate,
            reason="nothing can be signed for this authority: there is neither its key nor a sign_command"
            if settings.authority_key is None
            else "there is its key and a sign_command as well",
            cure="Give authority_key or sign_command, and not both; if the certificates come from elsewhere, give "
            "each host its certificate, key and client_ca instead",
        )
    return read_brought(settings.authority_certificate, settings.authority_key, settings.passphrase, clock.now())


def new_authority(fleet: Fleet, number: int) -> tuple[Chain, bytes]:
    """Make an authority, the fleet's so-and-so-many-th: its certificate and its key."""
    key = generate_key(fleet.settings.authority_key_type)
    certificate = authority_certificate(
        key,
        common_name=f"gangway {fleet.name} authority{f' {number}' if number > 1 else ''}",
        validity=fleet.settings.authority_validity,
        now=clock.now(),
    )
    return (certificate,), private_key_pem(key, fleet.settings.passphrase)


def _existing_authority(
    fleet: Fleet, authority: Authority, brought: BroughtAuthority | None, spec: CertificateSpec
) -> Outcome:
    if brought is not None and brought.chain[0] != authority.certificate and authority.phase is None:
        if authority.is_external and brought.key_pem is None:
            # The user may change it; what it has not signed is signed again.
            fleet.write_authority({"ca.pem": as_pem(brought.chain)})
            folder, made = str(fleet.authority_folder), brought.chain[0]
            spec = CertificateSpec(key_type_of(made.public_key()), (), spec.common_name)
            return Outcome("authority", fleet.name, folder, ("another certificate",), spec, authority.certificate, made)
        raise Failure(
            "authority_differs",
            thing=str(fleet.settings.authority_certificate),
            reason=f"fleet {fleet.name!r} has another authority already, whose clients would be locked out",
            cure="Change over without an outage: ansible-playbook gangway.docker.rotate_authority",
        )
    certificate, wanted_type = authority.certificate, spec.key_type
    spec = CertificateSpec(key_type=key_type_of(certificate.public_key()), common_name=spec.common_name)
    if fleet.settings.passphrase and not authority.is_external:
        # A wrong passphrase shows now, before anything on any host is touched.
        fleet.signer()
    if brought is None and wanted_type != spec.key_type and not authority.is_external:
        fleet.warnings.append(
            f"The authority of fleet {fleet.name!r} has a key of type {spec.key_type}, not {wanted_type}. "
            "The playbook gangway.docker.rotate_authority changes it without an outage."
        )
    left = certificate.not_valid_after_utc - clock.now()
    if left < fleet.settings.validity:
        fleet.warnings.append(
            f"The authority of fleet {fleet.name!r} {describe_expiry(certificate, clock.now())}, and all its"
            " identities with it. "
            "The playbook gangway.docker.rotate_authority makes a new one without an outage."
        )
    keys = dict.fromkeys(("ca-key.pem", "issuer-key.pem"), (b"", bundle.PRIVATE))
    loose = bundle.loose_modes(fleet.authority_folder, keys)
    if loose and not fleet.check_mode:
        fleet.authority_folder.chmod(0o700)
        for path in map(fleet.authority_folder.joinpath, keys):
            if path.exists():
                path.chmod(bundle.PRIVATE)
    folder = str(fleet.authority_folder)
    return Outcome("authority", fleet.name, folder, (), spec, certificate, certificate, drift=tuple(loose))


def _has_members(fleet: Fleet) -> bool:
    """Whether anything here was made by an authority that is gone."""
    folders = (fleet.folder / name for name in ("clients", "servers", "issued", "machines", "revoked"))
    if any(folder.is_dir() and any(folder.iterdir()) for folder in folders):
        return True
    # Records of hosts with certificates of the user's own name no issuer.
    return any('"issuer": "' in path.read_text(encoding="utf-8") for path in fleet.endpoints_folder.glob("[!.]*.json"))
