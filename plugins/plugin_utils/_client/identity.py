# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A client's identity on another machine, as the controller sees it: what it must be, and signing it."""

from __future__ import annotations

__all__ = ("ClientIdentity",)

import typing as t
from dataclasses import dataclass, field

from ansible_collections.gangway.docker.plugins.module_utils._shared.dependency import x509_oid
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

from .._endpoint.connection import client_of, not_exposed
from .._endpoint.record import read_record, read_records
from .._fleet.authority_making import check_may_begin
from .._fleet.fleet import Fleet
from .._fleet.members import check_client_names
from .._fleet.on_disk.issued import note_removed
from .._pki import clock
from .._pki.chain import Chain, as_pem, try_chain
from .._pki.freshness import CertificateSpec, fingerprint, not_after_of, reasons_to_reissue
from .._pki.keys import key_type_of
from .record import read_machine_record, remove_machine_record, write_machine_record


@dataclass
class ClientIdentity:
    """Holds what is known of the identity through one run of client_bundle."""

    fleet: Fleet
    host: str
    name: str
    key_type: str
    #: The certificate that is, or is to be, on the machine, and what has to stand behind it.
    chain: Chain = ()
    reasons: list[str] = field(default_factory=list)
    #: The certificate that is asked for needs another key than the one on the machine.
    new_key: bool = False
    #: Names the key that waits on the machine for its certificate.
    pending: str | None = None
    #: Endpoints that need no identity, since they have no TLS.
    plain: list[str] = field(default_factory=list)
    #: No daemon of the fleet asks for a certificate.
    is_needed: bool = True

    def prepare(self) -> None:
        """Find out from the record what should be on the machine; call M(urls) first.

        Failures: C(authority_missing), C(client_revoked), C(client_name_taken), C(endpoints_missing), and what signing
        would raise, if it is going to be needed.
        """
        self.fleet.check_not_revoked(self.name)
        check_client_names(self.fleet.folder, [self.name])
        self.is_needed = not self._is_fleet_plain()
        if not self.is_needed:
            return
        self.fleet.required_authority()
        recorded = read_machine_record(self.fleet.machines_folder, self.host, self.name)
        if recorded:
            self.judge(recorded)
        if self.reasons or not recorded:
            self.check_signer()

    def _is_fleet_plain(self) -> bool:
        """Whether the fleet never had an authority, since none of its daemons has TLS.

        An authority that is gone is another matter: without it, an identity must stay as it is. Failures:
        C(authority_missing), C(endpoints_missing).
        """
        folder = self.fleet.endpoints_folder
        if self.fleet.authority() is not None or read_records(folder):
            return False
        check_may_begin(self.fleet)
        if self.plain:
            return True
        if read_records(folder, plain=True):
            raise Failure(
                "endpoints_missing",
                thing=f"client {self.name!r}",
                reason=f"no daemon of fleet {self.fleet.name!r} has TLS, so a client of it needs no identity",
                cure="Name the hosts that it will use in endpoints (docker_client_endpoints in the role) to get env "
                "files and docker contexts, or leave the client out",
            )
        return False

    def recall(self) -> None:
        """Find out from the record what was put on the machine, whatever its worth."""
        self.chain = read_machine_record(self.fleet.machines_folder, self.host, self.name)

    def check_signer(self) -> None:
        """Raise what signing would raise, before a key is made for it."""
        if self.fleet.sign_command is None:
            self.fleet.client_signer()

    def is_known(self, shown: str | None) -> bool:
        """Tell whether the machine shows the certificate that it should have."""
        chain = try_chain((shown or "").encode())
        return bool(chain) and chain[:1] == self.chain[:1]

    def judge_shown(self, shown: str) -> bool:
        """Take the certificate that the machine shows for ours; return whether all of it can stay as it is."""
        chain = try_chain(shown.encode())
        if not chain:
            self.chain, self.reasons, self.new_key = (), ["unreadable"], True
            return False
        self.judge(chain)
        return not self.reasons and self.chain == chain

    def judge(self, chain: Chain) -> None:
        """Use this certificate, and note why it has to be made again, if so."""
        authority = self.fleet.required_authority()
        # The certificate stays; what stands behind it may be other than it was.
        self.chain = chain if authority.is_external else (chain[0], *authority.above(chain[0]))
        self.new_key = key_type_of(chain[0].public_key()) != self.key_type
        self.reasons = reasons_to_reissue(
            chain[0],
            CertificateSpec(self.key_type, common_name=self.name),
            trusted=authority.issued_client(chain),
            now=clock.now(),
            renew_before=self.fleet.settings.renew_before,
            limit=authority.certificate.not_valid_after_utc,
        )

    def sign(self, csr: str) -> None:
        """Sign the machine's CSR."""
        with self.fleet.lock():
            self.chain = self.fleet.sign_client_csr(csr.encode(), self.name)

    def remember(self) -> None:
        folder = self.fleet.machines_folder
        if read_machine_record(folder, self.host, self.name) != self.chain:
            with self.fleet.lock():
                write_machine_record(folder, self.host, self.name, self.chain)

    def forget(self) -> None:
        if self.chain:
            with self.fleet.lock():
                note_removed(self.fleet.issued_folder, self.chain[0])
        remove_machine_record(self.fleet.machines_folder, self.host, self.name)

    def urls(self, endpoints: t.Iterable[str]) -> dict[str, str]:
        """Return the URL of each endpoint, and note which have no TLS.

        Failures: C(not_exposed), C(endpoint_foreign).
        """
        found = {}
        self.plain = []
        for endpoint in endpoints:
            record = read_record(self.fleet.endpoints_folder, endpoint)
            if record is None:
                raise not_exposed(self.fleet, endpoint)
            # The identity is the fleet's.
            client_of(record, self.name)
            found[endpoint] = record.url
            if not record.tls:
                self.plain.append(endpoint)
        return found

    def for_machine(self) -> dict[str, t.Any]:
        """Return what the module on the machine needs to know."""
        authority = self.fleet.authority()
        return {
            "ca": None if authority is None else authority.server_trust.decode(),
            "certificate": as_pem(self.chain).decode() if self.chain else None,
            "renew": bool(self.reasons),
            "new_key": self.new_key,
            # A CA elsewhere takes the name from the CSR; ours does not.
            "csr_name": self.name if self.fleet.sign_command else None,
            "pending": self.pending,
            "plain": self.plain,
        }

    def describe(self, before: str | None, account: str) -> dict[str, str]:
        """Return a diff entry; the same in check mode as in earnest, so no fingerprint of what is yet to be made."""
        header = f"client identity {self.name} on {self.host}"
        after = (
            f"CN: {self.name}\nkey type: {self.key_type}\nkey made on: {self.host}, as {account}\n"
            f"authority: fleet {self.fleet.name}\nmade because: {'; '.join(self.reasons)}\n"
        )
        return {
            "before_header": header,
            "after_header": header,
            "before": _describe_certificate(try_chain((before or "").encode())),
            "after": after,
        }

    def facts(self) -> dict[str, t.Any]:
        """Return what a task's result tells of the certificate."""
        return {"fingerprint": fingerprint(self.chain[0]), "not_after": not_after_of(self.chain[0])}


def _describe_certificate(chain: Chain) -> str:
    if not chain:
        return ""
    names = chain[0].subject.get_attributes_for_oid(x509_oid.NameOID.COMMON_NAME)
    common_name = ", ".join(str(attribute.value) for attribute in names)
    return f"CN: {common_name}\nkey type: {key_type_of(chain[0].public_key())}\nfingerprint: {fingerprint(chain[0])}\n"
