# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One identity in its folder: its files, and why they have to be made again or corrected."""

from __future__ import annotations

__all__ = ("BUNDLE", "Member", "bundle_files", "check_client_names", "has_key_type")

import datetime
import typing as t
import urllib.parse
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

from .._pki.authority import Authority
from .._pki.chain import Chain, as_pem, try_chain
from .._pki.freshness import CertificateSpec, reasons_to_reissue
from .._pki.keys import key_type_of, load_private_key
from .._pki.renewal import RenewBefore
from .._pki.signing import Subject
from .on_disk import bundle

if t.TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes

#: DOCKER_CERT_PATH's layout.
BUNDLE = ("ca.pem", "cert.pem", "key.pem")


@dataclass(frozen=True)
class Member:
    """A client's or server's folder as it is. C(chain) and C(key) are empty where they can't be read."""

    subject: Subject
    folder: Path
    present: t.Mapping[str, bytes]
    chain: Chain
    key: CertificateIssuerPrivateKeyTypes | None

    @classmethod
    def read(cls, subject: Subject, folder: Path) -> Member:
        present = bundle.read_bundle(folder, BUNDLE)
        key = None
        if "key.pem" in present:
            try:
                key = load_private_key(present["key.pem"], path="")
            except Failure:
                key = None
        return cls(subject, folder, present, try_chain(present.get("cert.pem")), key)

    def reasons(
        self, spec: CertificateSpec, authority: Authority | None, renew_before: RenewBefore, now: datetime.datetime
    ) -> list[str]:
        """Return why it has to be signed (again)."""
        if "cert.pem" not in self.present or "key.pem" not in self.present:
            return ["missing" if not self.present else "incomplete"]
        if authority is None:
            return ["another authority"]
        if not self.chain or self.key is None:
            return ["unreadable"]
        issued = authority.issued_server if self.subject.kind == "server" else authority.issued_client
        reasons = reasons_to_reissue(
            self.chain[0],
            spec,
            trusted=issued(self.chain),
            now=now,
            renew_before=renew_before,
            limit=authority.certificate.not_valid_after_utc,
        )
        if self.key.public_key() != self.chain[0].public_key():
            reasons.append("key and certificate do not belong together")
        return reasons

    def drift(self, authority: Authority) -> list[str]:
        """Return what has to be corrected without a new certificate."""
        files = self.mended_files(authority)
        changed = [
            f"{name} is not as it was" for name, (content, _mode) in files.items() if self._differs(name, content)
        ]
        return [*changed, *bundle.loose_modes(self.folder, files)]

    def mended_files(self, authority: Authority) -> dict[str, tuple[bytes, int]]:
        """Return what the folder is to hold, the identity being as it is."""
        chain = self.chain if authority.is_external else (self.chain[0], *authority.above(self.chain[0]))
        return bundle_files(authority, chain, self.present["key.pem"])

    def _differs(self, name: str, content: bytes) -> bool:
        present = self.present.get(name)
        # Certificates in other words (line ends, comments) are the same ones.
        return present != content and (name == "key.pem" or as_pem(try_chain(present)) != content)


def bundle_files(authority: Authority, chain: Chain, key_pem: bytes) -> dict[str, tuple[bytes, int]]:
    """Return a bundle's files, with their modes."""
    return {
        "ca.pem": (authority.server_trust, bundle.PUBLIC),
        "cert.pem": (as_pem(chain), bundle.PUBLIC),
        "key.pem": (key_pem, bundle.PRIVATE),
    }


def check_client_names(fleet: Path, names: t.Iterable[str]) -> None:
    """Refuse a new client whose name differs from another's by case only. Failure: C(client_name_taken).

    On some file systems, both would have the same folder. Fleets move between machines, so that holds on all of them.
    """
    folders = [path.name for kind in ("clients", "revoked") for path in (fleet / kind).glob("[!.]*")]
    machines = [urllib.parse.unquote(path.stem) for path in (fleet / "machines").glob("*/[!.]*.pem")]
    known = {*folders, *machines}
    folded = {name.casefold(): name for name in sorted(known)}
    for name in names:
        taken = folded.setdefault(name.casefold(), name)
        if taken != name and name not in known:
            raise Failure(
                "client_name_taken",
                thing=f"client {name!r}",
                reason=f"there is a client {taken!r}, and on some file systems both names are the same folder",
                cure="Choose a name that differs by more than upper and lower case",
            )


def has_key_type(key: CertificateIssuerPrivateKeyTypes | None, key_type: str) -> bool:
    """Tell whether there is a key, and of this type."""
    return key is not None and key_type_of(key.public_key()) == key_type
