# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The server identity of one host: what it must be, whether the host has it, and signing it if not."""

from __future__ import annotations

__all__ = ("ServerIdentity",)

import hashlib
import secrets
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.dependency import x509

from .._endpoint.record import EndpointRecord
from .._fleet.authority_making import check_may_begin
from .._fleet.ensure import ensure_server
from .._fleet.fleet import Fleet
from .._pki import clock
from .._pki.authority import Authority
from .._pki.chain import Chain, as_pem, parse_chain, try_chain
from .._pki.freshness import CertificateSpec, fingerprint, reasons_to_reissue
from .._pki.keys import key_type_of
from .._pki.names import sort_names
from .._plan.desired import ServerFiles
from .._plan.host.observation import Observation
from .key_here import read_key_here
from .provided import Provided, read_text

#: The name of the secret that a key from the controller travels under.
_SENT_KEY = "server_key"


@dataclass
class ServerIdentity:
    """Holds what is known of the identity during one run."""

    fleet: Fleet
    host: str
    key_origin: str
    key_type: str
    #: The names that the certificate needs whatever the host reports.
    names: tuple[str, ...]
    provided: Provided | None = None
    #: A file of the user's with the CAs whose clients the daemon accepts, instead of the fleet's.
    client_ca: str | None = None
    #: Names of hosts in the listen list, and the addresses that the host listens on.
    listen_names: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    certificate: x509.Certificate | None = None
    #: The chain for cert.pem in PEM; None: yet to be signed.
    chain: str | None = None
    #: The key, if it comes from the controller.
    key: str | None = field(default=None, repr=False)
    #: The CAs whose clients the daemon accepts; None: an authority that check mode has not made.
    ca: str | None = None
    #: Why a new certificate is made; empty: the host's is fine.
    reasons: list[str] = field(default_factory=list)
    #: Why a bundle was made on the controller.
    made_because: list[str] = field(default_factory=list)
    #: The name of the key that waits on the host for its certificate.
    pending_key: str | None = None
    #: The certificate needs a new key on the host.
    wants_new_key: bool = False
    #: Another CA signs, and takes all names from a CSR; they are known once the host was observed.
    wants_csr: bool = False

    @property
    def origin(self) -> str:
        """Where the key comes from, for the endpoint record."""
        return "brought" if self.provided is not None else self.key_origin

    @property
    def trust(self) -> str | None:
        """The digest of the CAs and clients that the daemon accepts; None: the user decides on them."""
        own = self.ca is not None and self.provided is None and not self.client_ca
        return hashlib.sha256((self.ca or "").encode()).hexdigest() if own else None

    @property
    def issuer(self) -> str | None:
        """The fingerprint of the authority that the certificate comes from, for the endpoint record."""
        authority = None if self.provided is not None else self.fleet.authority()
        return None if authority is None else fingerprint(authority.certificate)

    @property
    def all_names(self) -> list[str]:
        """The names that the certificate has to have."""
        return sort_names([*self.names, *self.listen_names, *self.addresses])

    def prepare(self) -> None:
        """Read the user's files, or the fleet's authority. Failure: C(authority_missing)."""
        if self.provided is not None:
            files = self.provided.read(self.fleet.folder.parent)
            self.ca, self.chain, self.key, self.certificate = files.ca, files.chain, files.key, files.certificate
            return
        authority = self.fleet.authority()
        if authority is None:
            # A new one is made once the host has been seen.
            check_may_begin(self.fleet)
        self.ca = None if authority is None else authority.client_trust.decode()
        if self.client_ca is not None:
            self.ca = read_text(self.client_ca)
            parse_chain(self.ca.encode(), self.client_ca)

    def check_signer(self) -> None:
        """Raise what signing would raise; there is nothing to check before an authority is made."""
        if self.provided is None and not self.lacks_authority:
            self.fleet.check_signer()

    @property
    def lacks_authority(self) -> bool:
        """Whether the fleet has to be begun for it."""
        return self.provided is None and self.fleet.authority() is None

    @property
    def needs_new_key(self) -> bool:
        """Whether the host has to be asked for a new key first."""
        return self.wants_new_key and self.pending_key is None

    def needs_csr(self, observation: Observation) -> bool:
        """Whether the host has to be asked for a CSR first, now that all names are known."""
        self.wants_csr = self.fleet.sign_command is not None and observation.csr is None
        return self.wants_csr

    def key_request(self, record: EndpointRecord | None) -> dict[str, t.Any] | None:
        """Return what the host is asked for: a key if it has none, and a CSR; None: no key is made there."""
        if self.provided is not None or self.key_origin != "host" or self.fleet.check_mode:
            return None
        chain = () if record is None else try_chain(record.certificate.encode())
        new = self.wants_new_key
        if record is not None and chain:
            new = new or record.key_origin != "host" or key_type_of(chain[0].public_key()) != self.key_type
        # Another CA takes the names from the CSR; ours takes the public key only, also from the certificate in place.
        by_command = self.fleet.sign_command is not None
        if by_command and not self.wants_csr:
            return None
        return {
            "name": secrets.token_hex(16),
            "key_type": self.key_type,
            "names": self.all_names if by_command else [],
            "new": new,
            "csr": by_command,
        }

    def judge(self, observation: Observation, record: EndpointRecord | None) -> None:
        """Find out whether the host's certificate is what it should be, or why not."""
        if self.provided is not None:
            return
        if self.key_origin == "controller":
            self._make_here()
            return
        content = observation.content(layout.CERTIFICATE)
        chain = try_chain(content or b"")
        authority = self.fleet.authority()
        self.pending_key = observation.pending_key
        if not chain or layout.KEY not in observation.files:
            self.reasons = ["missing" if content is None or chain else "unreadable"]
            self.wants_new_key = True
            return
        if authority is None:
            self.reasons = ["another authority"]
            self.wants_new_key = True
            return
        self._judge_chain(chain, content or b"", authority)
        if record is not None and record.key_origin != "host":
            self.reasons.append("its key was not made on the host")
            self.wants_new_key = True
        elif key_type_of(chain[0].public_key()) != self.key_type or not authority.knows(chain):
            # A key of ours stays under a new certificate; any other does not.
            self.wants_new_key = True

    def sign(self, observation: Observation) -> None:
        """Sign the key that the host asks a certificate for, or the one in place."""
        if self.key_origin != "host" or self.provided is not None or not self.reasons:
            return
        with self.fleet.lock():
            if observation.csr is not None:
                chain = self.fleet.sign_server_csr(observation.csr.encode(), self.all_names, self.host)
            else:
                current = try_chain(observation.content(layout.CERTIFICATE) or b"")
                chain = self.fleet.sign_server_key(current[0].public_key(), self.all_names, self.host)
        self.certificate, self.chain = chain[0], as_pem(chain).decode()

    def server_files(self, observation: Observation) -> ServerFiles:
        """Return what the host's bundle has to hold."""
        key_secret, is_new = None, False
        if self.key_origin == "host" and self.provided is None:
            key_secret = None if self.pending_key is None else f"pending:{self.pending_key}"
            is_new = bool(self.reasons) and (self.pending_key is not None or self.needs_new_key)
        else:
            there = observation.files.get(layout.KEY)
            digest = None if self.key is None else hashlib.sha256(self.key.encode()).hexdigest()
            is_new = there is None or there.sha256 != digest
            key_secret = _SENT_KEY if is_new and self.key is not None else None
        return ServerFiles(
            ca=None if self.ca is None else self.ca.encode(),
            certificate=None if self.chain is None else self.chain.encode(),
            key_secret=key_secret if is_new else None,
            key_is_new=is_new,
        )

    def secrets(self) -> dict[str, str]:
        """Return what travels to the host beside the plan."""
        return {} if self.key is None else {_SENT_KEY: self.key}

    def is_due(self, record: EndpointRecord) -> bool:
        """Whether the host needs a visit by its record: for a new certificate, or for other clients to accept."""
        chain = try_chain(record.certificate.encode())
        if self.provided is not None:
            return chain != try_chain((self.chain or "").encode())
        authority = self.fleet.authority()
        if not chain or authority is None:
            return True
        self._judge_chain(chain, record.certificate.encode(), authority)
        return bool(self.reasons) or self.chain != record.certificate or record.trust != self.trust

    def _judge_chain(self, chain: Chain, pem: bytes, authority: Authority) -> None:
        self.reasons = reasons_to_reissue(
            chain[0],
            CertificateSpec(self.key_type, tuple(self.all_names), more_names=authority.is_external),
            trusted=authority.issued_server(chain),
            now=clock.now(),
            renew_before=self.fleet.settings.renew_before,
            limit=authority.certificate.not_valid_after_utc,
        )
        if self.reasons:
            return
        # The certificate stays; the certificates after it may have to change.
        expected = chain if authority.is_external else (chain[0], *authority.above(chain[0]))
        self.certificate = chain[0]
        self.chain = pem.decode(errors="replace") if expected == chain else as_pem(expected).decode()

    def _make_here(self) -> None:
        """Make or renew the bundle on the controller."""
        with self.fleet.lock():
            outcome = ensure_server(self.fleet, self.host, self.all_names)
        # Once made, it stays: a host that changed under the plan is observed again.
        self.reasons = list(outcome.reasons) or self.made_because
        self.made_because = self.reasons
        self.certificate = outcome.certificate
        folder = Path(outcome.folder)
        if outcome.certificate is not None:
            self.chain = (folder / "cert.pem").read_text(encoding="ascii")
        self.key = read_key_here(folder / "key.pem", self.key_type)
