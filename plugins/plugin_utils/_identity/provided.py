# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server certificate that the user provides as files on the controller: read and checked, never renewed."""

from __future__ import annotations

__all__ = ("Provided", "ProvidedFiles", "read_text")

from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.gangway.docker.plugins.module_utils._shared.dependency import x509
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

from .._pki import clock
from .._pki.brought import read_file
from .._pki.chain import parse_chain
from .._pki.keys import load_private_key
from .._pki.renewal import describe_expiry, expires_soon
from .fitness import check_fit_for_host


@dataclass(frozen=True)
class ProvidedFiles:
    """What the files hold, in PEM."""

    #: The CAs whose clients the daemon accepts.
    ca: str
    #: The server certificate with its chain.
    chain: str
    key: str = field(repr=False)
    certificate: x509.Certificate


@dataclass(frozen=True)
class Provided:
    """Paths on the controller: server certificate with its chain, its key, the clients' CA."""

    certificate: str
    key: str
    client_ca: str

    def read(self, fleets_dir: Path) -> ProvidedFiles:
        """Read the files.

        Failures: C(bundle_invalid), C(certificate_unfit), and those of reading certificates and keys.
        """
        chain, ca = read_text(self.certificate), read_text(self.client_ca)
        accepted = parse_chain(ca.encode(), self.client_ca)
        key = read_text(self.key)
        certificates = parse_chain(chain.encode(), self.certificate)
        certificate = certificates[0]
        check_fit_for_host(self.certificate, certificates, accepted, fleets_dir)
        if load_private_key(key.encode(), path=self.key).public_key() != certificate.public_key():
            raise Failure(
                "bundle_invalid",
                thing=self.key,
                reason=f"it is not the key that {self.certificate} was made for",
                cure="Give the key that belongs to the certificate",
            )
        return ProvidedFiles(ca, chain, key, certificate)

    def warnings(self, certificate: x509.Certificate) -> list[str]:
        """Return what people should know of a certificate that no run renews."""
        if not expires_soon(certificate, clock.now()):
            return []
        return [f"{self.certificate} {describe_expiry(certificate, clock.now())}; provide a new one in time."]


def read_text(path: str) -> str:
    """Return the text of a file on the controller."""
    return read_file(path).decode(errors="replace")
