# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fleet's folder on the controller: where its authority and its identities lie, and signing in its name.

<fleets_dir>/<fleet>/authority/  see M(authority)
               clients/<name>/  ca.pem cert.pem key.pem
               servers/<name>/  ca.pem cert.pem key.pem     only where the controller makes the servers' keys
               others/<endpoint>/  ca.pem cert.pem key.pem  only if copied from those who expose the daemon
               issued/   the clients' certificates, see M(issued)
               revoked/<name>/  the bundle of a client that was shut out
               endpoints/<host>.json
               sign_command   see M(sign_command)
"""

from __future__ import annotations

__all__ = ("Fleet", "Settings")

import contextlib
import typing as t

from ansible_collections.gangway.docker.plugins.module_utils._shared.dependency import require_cryptography, x509
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

from .._pki import clock
from .._pki.authority import (
    Authority,
    authority_missing,
    next_generation,
    parse_authority,
    read_files,
)
from .._pki.chain import Chain, try_chain
from .._pki.names import sort_names
from .._pki.profile import Signer
from .._pki.renewal import describe_expiry
from .._pki.signing import Run, Subject, check_csr, sign_by_command, sign_with_authority
from .on_disk import bundle
from .on_disk.access import check_access
from .on_disk.folders import Folders
from .on_disk.issued import note_issued
from .on_disk.lock import Lock, lock
from .settings import Settings
from .sign_command import record_sign_command, sign_command_of

if t.TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes


class Fleet(Folders):
    """One fleet's folder."""

    def __init__(
        self,
        fleets_dir: str,
        name: str,
        settings: Settings | None = None,
        *,
        check_mode: bool = False,
        run: Run | None = None,
    ) -> None:
        """C(run) runs the C(sign_command) of the settings."""
        require_cryptography()
        super().__init__(fleets_dir, name)
        self.settings = settings or Settings()
        self.check_mode = check_mode
        self._run = run
        self.warnings: list[str] = []
        self._authority: Authority | None = None
        self._lock: Lock | None = None
        #: What check mode would have written.
        self._predicted: dict[str, bytes | None] = {}
        self._signers: dict[str, Signer] = {}
        #: Clients' certificates that are not handed out yet.
        self._unnoted: list[x509.Certificate] = []

    @contextlib.contextmanager
    def lock(self) -> t.Iterator[None]:
        """One process at a time makes or signs; check mode makes nothing, so it needs no lock (and no folder)."""
        with contextlib.nullcontext() if self.check_mode else lock(self.folder) as self._lock:
            if not self.check_mode:
                bundle.recover(self.authority_folder)
            self.reread()
            yield
            record_sign_command(self)

    def reread(self) -> None:
        """Forget what is known of the authority: it has changed, or another process may have changed it."""
        self._authority = None
        self._signers.clear()

    def authority(self) -> Authority | None:
        """Return what lies in the authority's folder, or None where there is none yet."""
        if self._authority is None:
            check_access(self.folder)
            self._authority = parse_authority(self.authority_folder, self._authority_files({}))
        return self._authority

    def _authority_files(self, changes: t.Mapping[str, bytes | None]) -> dict[str, bytes]:
        files = {**read_files(self.authority_folder), **self._predicted, **changes}
        return {name: content for name, content in files.items() if content is not None}

    def required_authority(self) -> Authority:
        """Return it. Failure: C(authority_missing)."""
        authority = self.authority()
        if authority is None:
            raise authority_missing(self.authority_folder, self.folder)
        return authority

    def certificates_on_machines(self) -> t.Iterator[tuple[str, x509.Certificate]]:
        """Yield what the role client has put on other machines, with the machine's name as files have it."""
        for path in sorted(self.machines_folder.glob("*/[!.]*.pem")):
            for certificate in try_chain(path.read_bytes())[:1]:
                yield path.parent.name, certificate

    @property
    def sign_command(self) -> str | None:
        """The command that signs in place of an authority's key. Failure: C(sign_command_differs)."""
        return sign_command_of(self)

    def write_authority(self, files: t.Mapping[str, bytes | None]) -> None:
        """Replace files of the authority's folder, all at once; None takes a file away.

        In check mode, the fleet goes on as if it were so.
        """
        present = self._authority_files(files)
        files = {**files, **next_generation(self.authority_folder, self.authority(), present)}
        if self.check_mode:
            self._predicted.update(files)
            self.reread()
            return
        self.keep_out_of_repositories()
        modes = {name: bundle.PRIVATE if name.endswith("key.pem") else bundle.PUBLIC for name in files}
        wanted = {name: None if content is None else (content, modes[name]) for name, content in files.items()}
        bundle.write_bundle(self.authority_folder, wanted)
        self.reread()

    def keep_out_of_repositories(self) -> None:
        """Everything here is secret or can be made again; nothing of it belongs in a repository."""
        if not (self.folder / ".gitignore").exists():
            bundle.replace_file(self.folder / ".gitignore", b"*\n", bundle.PUBLIC)

    def sign_server_csr(self, csr_pem: bytes, names: t.Sequence[str], name: str = "") -> Chain:
        """Sign a host's CSR; return the chain for its C(cert.pem).

        Of the CSR, only the public key is taken; the names are the controller's to decide.
        """
        subject = Subject("server", name or "server", tuple(sort_names(names)))
        return self._sign_csr(subject, csr_pem)

    def sign_server_key(self, public_key: CertificatePublicKeyTypes, names: t.Sequence[str], name: str) -> Chain:
        """Sign the key of a certificate that a host has already; return the chain for its C(cert.pem)."""
        subject = Subject("server", name, tuple(sort_names(names)))

        def no_csr() -> bytes:
            raise ValueError("sign_command takes the names from a CSR")

        return self.sign(subject, public_key, no_csr)

    def sign_client_csr(self, csr_pem: bytes, name: str) -> Chain:
        """Sign the CSR of a client whose key is on another machine; return the chain for its C(cert.pem)."""
        self.check_not_revoked(name)
        return self._sign_csr(Subject("client", name), csr_pem)

    def _sign_csr(self, subject: Subject, csr_pem: bytes) -> Chain:
        csr = check_csr(csr_pem, None if self.sign_command is None else subject)
        chain = self.sign(subject, csr.public_key(), lambda: csr_pem)
        self.note_issued()
        return chain

    def sign(self, subject: Subject, public_key: CertificatePublicKeyTypes, csr: t.Callable[[], bytes]) -> Chain:
        """Return the chain for C(cert.pem); call M(note_issued) before it is handed out."""
        authority = self.required_authority()
        if self._lock is not None:
            self._lock.touch()
        command = self.sign_command
        if command is not None:
            if self._run is None:
                raise ValueError("nothing was given to run sign_command with")
            chain = sign_by_command(self._run, command, subject, csr(), authority.chain)
            if self.settings.renew_before.is_due(chain[0], clock.now()):
                self.warnings.append(
                    f"What sign_command made for {subject.kind} {subject.name!r}"
                    f" {describe_expiry(chain[0], clock.now())}: by renew_before, each run has it made again."
                )
            return chain
        signer = self.client_signer() if subject.kind == "client" else self.signer()
        certificate = sign_with_authority(
            subject, public_key, signer=signer, validity=subject.validity or self.settings.validity, now=clock.now()
        )
        if subject.kind == "client":
            self._unnoted.append(certificate)
        return (certificate, *authority.above(certificate))

    def note_issued(self) -> None:
        """Have the clients' certificates that were signed since the last call survive whatever comes."""
        if self._unnoted:
            note_issued(self.issued_folder, self._unnoted)
            self._unnoted.clear()

    def check_signer(self) -> None:
        """Raise what signing would raise. Failures: C(authority_missing) and those of M(load_private_key)."""
        if self.sign_command is None:
            self.signer()

    def signer(self) -> Signer:
        """Return the authority, its key opened."""
        if "authority" not in self._signers:
            self._signers["authority"] = self.required_authority().signer(self.settings.passphrase, clock.now())
        return self._signers["authority"]

    def client_signer(self) -> Signer:
        """Return who signs clients, the key opened."""
        if "clients" not in self._signers:
            self._signers["clients"] = self.required_authority().open_client_signer(
                self.settings.passphrase, clock.now()
            )
        return self._signers["clients"]

    def check_not_revoked(self, name: str) -> None:
        """Refuse a client that was shut out. Failure: C(client_revoked)."""
        folder = self.revoked_folder(name)
        if folder.exists():
            raise Failure(
                "client_revoked",
                thing=f"client {name!r}",
                reason="it was revoked, and is not made again unasked",
                cure=f"Remove it from expose_clients, or choose another name; to let it in again, remove {folder}",
            )
