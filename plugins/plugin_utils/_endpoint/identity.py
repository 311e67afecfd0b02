# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The server identity of one host, as the controller sees it: what it must be, and signing it where it is not."""

from __future__ import annotations

__all__ = ("Brought", "ServerIdentity")

import hashlib
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.gangway.docker.plugins.module_utils._shared.dependency import x509
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

from .._fleet.authority_making import ensure_authority
from .._fleet.ensure import ensure_server
from .._fleet.fleet import Fleet
from .._pki import clock
from .._pki.authority import Authority
from .._pki.brought import read_file
from .._pki.chain import Chain, as_pem, parse_chain, try_chain
from .._pki.freshness import Wish, fingerprint, not_after_of, reasons_to_reissue
from .._pki.keys import key_type_of, load_private_key
from .._pki.names import names_in, sort_names
from .._pki.renewal import describe_expiry, expires_soon
from .record import EndpointRecord


@dataclass(frozen=True)
class Brought:
    """Files on the controller that the user brings: server certificate with its chain, its key, the clients' CA."""

    certificate: str
    key: str
    client_ca: str


@dataclass
class ServerIdentity:
    """Holds what is known of the identity through one run of dockerd_listener."""

    fleet: Fleet
    host: str
    key_origin: str
    key_type: str
    #: Names known before the host has been asked.
    names: tuple[str, ...]
    brought: Brought | None
    #: A file of the user's that says whom the daemon is to let in, instead of the fleet.
    client_ca: str | None = None
    #: Names of hosts in the listen list, as far as they are known to be no network interfaces.
    listen_names: tuple[str, ...] = ()
    #: The same and those that may be interfaces. For requests, which hosts keep the names of their interfaces out of.
    possible_names: tuple[str, ...] = ()
    #: The certificate that should be on the host, as far as known, and those behind it.
    certificate: x509.Certificate | None = None
    chain: str | None = None
    #: The same in PEM, where it is not on the host yet.
    to_send: str | None = None
    key: str | None = field(default=None, repr=False)
    #: Whom the daemon is to let in.
    ca: str | None = None
    reasons: list[str] = field(default_factory=list)
    #: The certificate that is asked for needs another key than the one on the host.
    new_key: bool = False
    #: Names the key that waits on the host for its certificate.
    pending: str | None = None

    @property
    def origin(self) -> str:
        """Where the key comes from, for the endpoint record."""
        return "brought" if self.brought is not None else self.key_origin

    @property
    def trust(self) -> str | None:
        """The digest of whom the daemon is to let in; None where that is the user's to decide."""
        return None if self.ca is None or self.brought is not None or self.client_ca else _sha256(self.ca)

    def all_names(self, addresses: t.Sequence[str]) -> list[str]:
        """Return what the certificate has to be good for, on a host that listens on these addresses."""
        return sort_names([*self.names, *self.listen_names, *addresses])

    def prepare(self, record: EndpointRecord | None, recorded_addresses: t.Sequence[str]) -> None:
        """Find out what should be on the host, from the user's files, our own, or the endpoint record."""
        if self.brought is not None:
            chain, self.ca = _read(self.brought.certificate), _read(self.brought.client_ca)
            parse_chain(self.ca.encode(), self.brought.client_ca)
            self.key = _read(self.brought.key)
            self.certificate = parse_chain(chain.encode(), self.brought.certificate)[0]
            self.chain = self.to_send = chain
            _check_pair(self.certificate, self.key, self.brought)
            return
        authority = self.fleet.authority()
        if authority is None:
            with self.fleet.lock():
                ensure_authority(self.fleet)
                authority = self.fleet.authority()
        self.ca = None if authority is None else authority.client_trust.decode()
        if self.client_ca is not None:
            self.ca = _read(self.client_ca)
            parse_chain(self.ca.encode(), self.client_ca)
        if record is not None and self.key_origin == "host":
            self.judge(record.certificate, recorded_addresses)
            if record.key_origin != self.origin:
                # Somebody else than the host has had that key.
                self.reasons.append("its key was not made on the host")
                self.new_key = True

    def check_signer(self) -> None:
        """Raise what signing would raise; nothing to check where the authority is yet to be made, or not ours."""
        if self.brought is None and self.ca is not None:
            self.fleet.check_signer()

    def judge(self, pem: str, addresses: t.Sequence[str]) -> bool:
        """Take this certificate for ours where it is what is asked, else note why not; return whether it is."""
        chain = try_chain(pem.encode())
        if not chain:
            self.reasons = ["unreadable"]
            return False
        self.certificate = chain[0]
        self.new_key = key_type_of(chain[0].public_key()) != self.key_type
        authority = self.fleet.authority()
        if authority is None:
            self.reasons = ["another authority"]
            return False
        self.reasons = reasons_to_reissue(
            chain[0],
            Wish(self.key_type, tuple(self.all_names(addresses)), more_names=authority.is_external),
            trusted=authority.issued_server(chain),
            now=clock.now(),
            renew_before=self.fleet.settings.renew_before,
            limit=authority.certificate.not_valid_after_utc,
        )
        self._expect(authority, chain)
        return not self.reasons

    def is_due(self, record: EndpointRecord, addresses: t.Sequence[str]) -> bool:
        """Tell from the record alone whether the host needs a visit: for a new certificate, or to trust others."""
        if self.brought is not None:
            return try_chain(record.certificate.encode()) != try_chain((self.chain or "").encode())
        self.judge(record.certificate, addresses)
        return bool(self.reasons) or self.to_send is not None or record.trust != self.trust

    def warnings(self) -> list[str]:
        """Return what people should know of a certificate that nothing here renews."""
        if self.brought is None or self.certificate is None or not expires_soon(self.certificate, clock.now()):
            return []
        return [
            f"{self.brought.certificate} {describe_expiry(self.certificate, clock.now())}; bring a new one in time."
        ]

    def sign(self, request: str, addresses: t.Sequence[str]) -> None:
        """Sign the host's CSR for all names, the addresses that it listens on among them."""
        with self.fleet.lock():
            chain = self.fleet.sign_server_request(request.encode(), self.all_names(addresses), self.host)
        self.certificate, self.chain = chain[0], as_pem(chain).decode()
        self.to_send = self.chain

    def make_here(self, addresses: t.Sequence[str]) -> None:
        """C(key_origin: controller): make or renew the bundle on the controller."""
        with self.fleet.lock():
            identity = ensure_server(self.fleet, self.host, self.all_names(addresses))
        self.reasons = list(identity.reasons)
        self.certificate = identity.certificate
        folder = Path(identity.folder)
        if identity.certificate is not None:
            self.chain = self.to_send = (folder / "cert.pem").read_text(encoding="ascii")
            self.key = (folder / "key.pem").read_text(encoding="ascii")

    def _expect(self, authority: Authority, chain: Chain) -> None:
        """The certificate stays; what stands behind it may be other than it was."""
        expected = chain if authority.is_external else (chain[0], *authority.above(chain[0]))
        self.chain = as_pem(expected).decode()
        self.to_send = self.chain if expected != chain else None

    def for_host(self) -> dict[str, t.Any]:
        """Return what the module on the host needs to know; no key."""
        covers = [] if self.certificate is None else names_in(self.certificate)
        return {
            "ca": self.ca,
            "certificate": self.to_send,
            "request_names": self._request_names(),
            "key_sha256": None if self.key is None else _sha256(self.key),
            "expected": None if self.certificate is None else fingerprint(self.certificate),
            "covers": covers,
            "renew": bool(self.reasons),
            "new_key": self.new_key,
            "pending": self.pending,
        }

    def describe(self, before: str | None, addresses: t.Sequence[str]) -> dict[str, str]:
        """Return a diff entry; the same in check mode as in earnest, so no fingerprint of what is yet to be made."""
        header = f"server identity of {self.host}"
        after = (
            f"names: {', '.join(self.all_names(addresses))}\nkey type: {self.key_type}\n"
            f"key made on: {self.key_origin}\nauthority: fleet {self.fleet.name}\n"
        )
        if self.brought is not None and self.certificate is not None:
            after = f"fingerprint: {fingerprint(self.certificate)}\n"
        elif self.reasons:
            after += f"made because: {'; '.join(self.reasons)}\n"
        return {
            "before_header": header,
            "after_header": header,
            "before": _describe_certificate(before),
            "after": after,
        }

    def facts(self) -> dict[str, t.Any]:
        """Return what the endpoint record holds of the certificate."""
        if self.certificate is None:
            raise ValueError("no certificate is known yet")
        return {
            "server_names": names_in(self.certificate),
            "not_after": not_after_of(self.certificate),
            "fingerprint": fingerprint(self.certificate),
            "certificate": self.chain or "",
            "trust": self.trust,
            "issuer": self.issuer,
        }

    @property
    def issuer(self) -> str | None:
        """The fingerprint of the authority that the certificate comes from, for the endpoint record."""
        authority = None if self.brought is not None else self.fleet.authority()
        return None if authority is None else fingerprint(authority.certificate)

    def _request_names(self) -> list[str]:
        """The names that have to be in the request, since they are taken from it elsewhere."""
        return self.all_names(self.possible_names) if self.fleet.settings.sign_command else []


def _describe_certificate(pem: str | None) -> str:
    try:
        certificate = None if not pem else x509.load_pem_x509_certificate(pem.encode())
    except ValueError:
        return "unreadable\n"
    if certificate is None:
        return ""
    return f"names: {', '.join(names_in(certificate))}\nfingerprint: {fingerprint(certificate)}\n"


def _read(path: str) -> str:
    return read_file(path).decode(errors="replace")


def _check_pair(certificate: x509.Certificate, key: str, brought: Brought) -> None:
    if load_private_key(key.encode(), path=brought.key).public_key() != certificate.public_key():
        raise Failure(
            "bundle_invalid",
            thing=brought.key,
            reason=f"it is not the key that {brought.certificate} was made for",
            cure="Give the key that belongs to the certificate",
        )


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
