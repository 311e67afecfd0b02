# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The server identity of one host, as the controller sees it: what it must be, and signing it where it is not."""

from __future__ import annotations

__all__ = ("Brought", "ServerIdentity")

import datetime
import hashlib
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from .._failure import Failure
from .._pki.dependency import serialization, x509
from .._pki.fleet import Fleet
from .._pki.freshness import Wish, fingerprint, not_after_of, reasons_to_reissue
from .._pki.keys import key_type_of, load_private_key
from .._pki.names import names_in, sort_names
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
    #: The certificate that should be on the host, as far as known.
    certificate: x509.Certificate | None = None
    chain: str | None = None
    key: str | None = field(default=None, repr=False)
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

    def prepare(self, record: EndpointRecord | None, recorded_addresses: t.Sequence[str]) -> None:
        """Find out what should be on the host, from the user's files, our own, or the endpoint record."""
        if self.brought is not None:
            self.chain, self.ca = _read(self.brought.certificate), _read(self.brought.client_ca)
            self.key = _read(self.brought.key)
            self.certificate = _parse(self.chain, self.brought.certificate)
            _check_pair(self.certificate, self.key, self.brought)
            return
        authority = self.fleet.authority_certificate()
        if authority is None:
            with self.fleet.lock():
                authority = self.fleet.ensure_authority().certificate
        self.ca = None if authority is None else _pem(authority)
        if record is not None and self.key_origin == "host":
            self.judge(record.certificate, recorded_addresses)
            if record.key_origin != self.origin:
                # Somebody else than the host has had that key.
                self.reasons.append("its key was not made on the host")
                self.new_key = True

    def check_signer(self) -> None:
        """Raise what signing would raise; nothing to check where the authority is yet to be made, or not ours."""
        if self.brought is None and self.ca is not None:
            self.fleet.signer()

    def judge(self, pem: str, addresses: t.Sequence[str]) -> bool:
        """Take this certificate for ours where it is what is asked, else note why not; return whether it is."""
        try:
            certificate = x509.load_pem_x509_certificate(pem.encode())
            authority = None if self.ca is None else x509.load_pem_x509_certificate(self.ca.encode())
        except ValueError:
            self.reasons = ["unreadable"]
            return False
        self.certificate = certificate
        self.new_key = key_type_of(certificate.public_key()) != self.key_type
        wish = Wish(self.key_type, tuple(self._all_names(addresses)))
        if authority is None:
            self.reasons = ["another authority"]
        else:
            now = datetime.datetime.now(datetime.timezone.utc)
            self.reasons = reasons_to_reissue(certificate, wish, authority=authority, now=now)
        return not self.reasons

    def sign(self, request: str, addresses: t.Sequence[str]) -> None:
        """Sign the host's CSR for all names, the addresses that it listens on among them."""
        with self.fleet.lock():
            self.certificate = self.fleet.sign_server_request(request.encode(), self._all_names(addresses))
        self.chain = _pem(self.certificate)

    def make_here(self, addresses: t.Sequence[str]) -> None:
        """C(key_origin: controller): make or renew the bundle on the controller."""
        with self.fleet.lock():
            identity = self.fleet.ensure_server(self.host, self._all_names(addresses))
        self.reasons = list(identity.reasons)
        self.certificate = identity.certificate
        folder = Path(identity.folder)
        if identity.certificate is not None:
            self.chain = _pem(identity.certificate)
            self.key = (folder / "key.pem").read_text(encoding="ascii")

    def for_host(self) -> dict[str, t.Any]:
        """Return what the module on the host needs to know; no key."""
        covers = [] if self.certificate is None else names_in(self.certificate)
        return {
            "ca": self.ca,
            "certificate": self.chain,
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
            f"names: {', '.join(self._all_names(addresses))}\nkey type: {self.key_type}\n"
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
            "certificate": _pem(self.certificate),
        }

    def _all_names(self, addresses: t.Sequence[str]) -> list[str]:
        return sort_names([*self.names, *addresses])


def _describe_certificate(pem: str | None) -> str:
    try:
        certificate = None if not pem else x509.load_pem_x509_certificate(pem.encode())
    except ValueError:
        return "unreadable\n"
    if certificate is None:
        return ""
    return f"names: {', '.join(names_in(certificate))}\nfingerprint: {fingerprint(certificate)}\n"


def _read(path: str) -> str:
    try:
        return Path(path).expanduser().read_text(encoding="utf-8")
    except (OSError, ValueError) as exc:
        raise Failure(
            "file_unreadable",
            thing=path,
            reason=f"it can't be read on the controller ({exc})",
            cure="Give the path of a PEM file that the user who runs Ansible may read",
        ) from exc


def _parse(pem: str, path: str) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(pem.encode())
    except ValueError as exc:
        raise Failure(
            "certificate_unreadable",
            thing=path,
            reason="this is not a certificate in PEM",
            cure="Give the server's certificate, with its chain behind it",
        ) from exc


def _check_pair(certificate: x509.Certificate, key: str, brought: Brought) -> None:
    if load_private_key(key.encode(), path=brought.key).public_key() != certificate.public_key():
        raise Failure(
            "bundle_invalid",
            thing=brought.key,
            reason=f"it is not the key that {brought.certificate} was made for",
            cure="Give the key that belongs to the certificate",
        )


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
