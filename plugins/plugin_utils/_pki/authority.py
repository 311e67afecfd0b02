# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What lies in a fleet's C(authority/) folder: who signs, whom clients trust, whom daemons trust.

ca.pem, ca-key.pem           the authority, which signs servers and clients; behind it in ca.pem the CAs above it
issuer.pem, issuer-key.pem   after a revocation: signs clients instead
clients-ca.pem               whom daemons accept, if that is not simply the authority
former.pem, cross.pem        during a rotation: the authority before, and the new one signed by it
client-cross.pem             and, after a revocation, the new one signed by the issuer that daemons know instead
signers.pem, signers-key.pem  CAs that signed clients before, while some of these may have access: they go on signing
                             lists of revoked certificates
rotation                     during a rotation: how far it is, see M(rotation_state)
generations                  the digests of all lists of whom daemons accept, one a line, today's last
"""

from __future__ import annotations

__all__ = ("Authority", "next_generation", "parse_authority", "read_authority", "read_files", "signers_as_files")

import dataclasses
import datetime
import functools
import hashlib
import re
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.gangway.docker.plugins.module_utils._shared.dependency import x509
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

from .._fleet.on_disk import bundle
from .._fleet.on_disk.rotation_state import RotationState, parse_rotation
from .chain import as_pem, is_issued_by, is_root, leads_to, parse_chain
from .extensions import serves
from .keys import load_private_key
from .profile import Signer

_CERTIFICATES = ("ca.pem", "issuer.pem", "clients-ca.pem", "former.pem", "cross.pem", "client-cross.pem", "signers.pem")
_FILES = (*_CERTIFICATES, "ca-key.pem", "issuer-key.pem", "signers-key.pem", "rotation", "generations")
_END_OF_KEY = re.compile(rb"(?<=-----)\n(?=-----BEGIN )")


@dataclass(frozen=True)
class Authority:
    """The folder's content, read at one moment. Chains begin with the certificate that signs and end with a root."""

    folder: Path
    chain: tuple[x509.Certificate, ...]
    key_pem: bytes | None = field(repr=False)
    issuer: x509.Certificate | None
    issuer_key_pem: bytes | None = field(repr=False)
    listed: tuple[x509.Certificate, ...]
    former: tuple[x509.Certificate, ...]
    cross: x509.Certificate | None
    client_cross: x509.Certificate | None
    rotation: RotationState | None = None
    signers: tuple[x509.Certificate, ...] = ()
    #: In the order of C(signers).
    signer_keys: tuple[bytes, ...] = field(default=(), repr=False)
    #: C(client_trust_digest) of each generation of trust, the present one last.
    generations: tuple[str, ...] = ()

    @property
    def certificate(self) -> x509.Certificate:
        return self.chain[0]

    @property
    def phase(self) -> str | None:
        return None if self.rotation is None else self.rotation.phase

    @property
    def is_external(self) -> bool:
        """Whether it has no key here: certificates are signed elsewhere."""
        return self.key_pem is None

    @functools.cached_property
    def server_trust(self) -> bytes:
        """C(ca.pem) of clients: the roots by which they know the servers."""
        return as_pem(certificate for chain in (self.chain, self.former) for certificate in chain[-1:])

    @property
    def client_trust(self) -> bytes:
        """C(ca.pem) of daemons: whose clients they accept, or which ones.

        Never a root above the authority: it may have signed for half the company.
        """
        return as_pem(self.listed or [self.certificate])

    @property
    def client_trust_digest(self) -> str:
        """SHA-256 in hex over C(ca.pem) of daemons, as endpoint records have it."""
        return hashlib.sha256(self.client_trust).hexdigest()

    @property
    def client_signer(self) -> x509.Certificate:
        return self.issuer or self.certificate

    @property
    def list_signers(self) -> tuple[tuple[x509.Certificate, bytes], ...]:
        """Those who have signed clients that may have access, today's first, with their keys in PEM."""
        here = [(self.certificate, self.key_pem), (self.issuer, self.issuer_key_pem)]
        found = [(certificate, key) for certificate, key in here if certificate is not None and key is not None]
        return (*found, *zip(self.signers, self.signer_keys))

    def above(self, certificate: x509.Certificate) -> tuple[x509.Certificate, ...]:
        """Return what stands behind the certificate in its C(cert.pem)."""
        between = [ca for ca in self.chain if not is_root(ca)]
        crosses = [] if self.cross is None else [self.cross]
        if self.client_cross is not None and serves(certificate, "client"):
            # OpenSSL takes the first that could be the issuer, and looks no further.
            crosses.insert(0, self.client_cross)
        return (*between, *crosses)

    def issued_server(self, chain: t.Sequence[x509.Certificate]) -> bool:
        """Tell whether a server's certificate is this authority's."""
        return leads_to(chain, self.chain if self.is_external else [self.certificate])

    def knows(self, chain: t.Sequence[x509.Certificate]) -> bool:
        """Tell whether it, or the authority that it takes the place of, has signed this certificate."""
        return leads_to(chain if self.is_external else chain[:1], (*self.chain, *self.former))

    def issued_client(self, chain: t.Sequence[x509.Certificate]) -> bool:
        """Tell whether a client's certificate is one that daemons go on letting in."""
        if self.is_external:
            return leads_to(chain, self.chain)
        if is_issued_by(chain[0], self.client_signer):
            return True
        return chain[0] in self.listed and (self.rotation is None or self.outlasts_rotation(chain[0]))

    def outlasts_rotation(self, certificate: x509.Certificate) -> bool:
        """Tell whether a client's certificate is still good once the authority before this one is dropped."""
        if is_issued_by(certificate, self.certificate) or is_issued_by(certificate, self.client_signer):
            return True
        # After two revocations, nobody has the first issuer's certificate any more; it had the authority's name.
        replaced = certificate in self.listed and certificate.issuer == self.certificate.subject
        return self.issuer is not None and replaced and not any(is_issued_by(certificate, ca) for ca in self.former)

    def signer(self, passphrase: str | None, now: datetime.datetime) -> Signer:
        """Return the authority, its key opened. Failures: those of M(load_private_key) and of M(_check)."""
        return self._open(self.certificate, self.key_pem, "ca", passphrase, now)

    def open_client_signer(self, passphrase: str | None, now: datetime.datetime) -> Signer:
        """Return who signs clients, the key opened; the same failures."""
        if self.issuer is None:
            return self.signer(passphrase, now)
        return self._open(self.issuer, self.issuer_key_pem, "issuer", passphrase, now)

    def _open(
        self,
        certificate: x509.Certificate,
        key_pem: bytes | None,
        name: str,
        passphrase: str | None,
        now: datetime.datetime,
    ) -> Signer:
        path = self.folder / ("ca-key.pem" if name == "ca" else "issuer-key.pem")
        if key_pem is None:
            raise authority_missing(path, self.folder.parent)
        key = load_private_key(key_pem, path=str(path), passphrase=passphrase)
        if key.public_key() != certificate.public_key():
            raise Failure(
                "authority_mismatch",
                thing=str(path),
                reason=f"this key does not belong to {name}.pem beside it",
                cure="Put the matching pair there",
            )
        if certificate.not_valid_after_utc <= now:
            raise Failure(
                "authority_expired",
                thing=str(self.folder / f"{name}.pem"),
                reason=f"this authority expired on {certificate.not_valid_after_utc:%Y-%m-%d}",
                cure="Make a new one: ansible-playbook gangway.docker.rotate_authority",
            )
        return Signer(certificate, key)


def signers_as_files(
    signers: t.Iterable[tuple[x509.Certificate, bytes]],
) -> dict[str, bytes | None]:
    """Return the files of the folder for these CAs and their keys in PEM."""
    pairs = list(signers)
    if not pairs:
        return {"signers.pem": None, "signers-key.pem": None}
    return {
        "signers.pem": as_pem(certificate for certificate, _key in pairs),
        "signers-key.pem": b"".join(key.rstrip() + b"\n" for _certificate, key in pairs),
    }


def authority_missing(thing: Path, folder: Path) -> Failure:
    """Return the failure of a fleet that nothing can be signed for."""
    return Failure(
        "authority_missing",
        thing=str(thing),
        reason=f"the authority of fleet {folder.name!r} is not there, so nothing can be signed",
        cure="Restore it from a backup, or set fleets_dir and fleet (expose_fleets_dir, expose_fleet); to start "
        f"over, move {folder} away, and expose every host of the fleet again with expose_replace_controller=true",
    )


def read_authority(folder: Path) -> Authority | None:
    """Return what is there, or None where there is no C(ca.pem). Failure: C(certificate_unreadable)."""
    return parse_authority(folder, read_files(folder))


def read_files(folder: Path) -> dict[str, bytes]:
    """Return those of the folder's files that are there."""
    return bundle.read_bundle(folder, _FILES)


def parse_authority(folder: Path, files: t.Mapping[str, bytes]) -> Authority | None:
    """Return what these files of the folder say; the same failure."""
    if "ca.pem" not in files:
        return None
    parsed = {name: parse_chain(pem, str(folder / name)) for name, pem in files.items() if name in _CERTIFICATES}
    _check_issuer(folder, parsed["ca.pem"][0], parsed.get("issuer.pem", ()))
    authority = _authority_of(folder, files, parsed)
    if not authority.generations:
        return dataclasses.replace(authority, generations=(authority.client_trust_digest,))
    if authority.generations[-1] != authority.client_trust_digest:
        raise Failure(
            "authority_mismatch",
            thing=str(folder / "generations"),
            reason="its last line is not the digest of those whom daemons are to accept, so the folder holds files of "
            "two states",
            cure="Restore the folder as a whole, from one backup or one controller (rsync --delete)",
        )
    return authority


def next_generation(folder: Path, before: Authority | None, files: t.Mapping[str, bytes]) -> dict[str, bytes | None]:
    """Return what the folder's C(generations) becomes with these files: one more where other clients are accepted."""
    after = parse_authority(folder, {name: content for name, content in files.items() if name != "generations"})
    generations = () if before is None else before.generations
    if after is None or generations[-1:] == after.generations:
        return {}
    return {"generations": "".join(f"{digest}\n" for digest in (*generations, *after.generations)).encode()}


def _authority_of(
    folder: Path, files: t.Mapping[str, bytes], parsed: t.Mapping[str, tuple[x509.Certificate, ...]]
) -> Authority:
    issuer, cross, client_cross = (parsed.get(name) for name in ("issuer.pem", "cross.pem", "client-cross.pem"))
    return Authority(
        folder=folder,
        chain=parsed["ca.pem"],
        key_pem=files.get("ca-key.pem"),
        issuer=issuer[0] if issuer else None,
        issuer_key_pem=files.get("issuer-key.pem"),
        listed=parsed.get("clients-ca.pem", ()),
        former=parsed.get("former.pem", ()),
        cross=cross[0] if cross else None,
        client_cross=client_cross[0] if client_cross else None,
        signers=parsed.get("signers.pem", ()),
        signer_keys=tuple(_END_OF_KEY.split(files["signers-key.pem"])) if "signers-key.pem" in files else (),
        rotation=parse_rotation(files.get("rotation"), str(folder / "rotation")),
        generations=tuple(files.get("generations", b"").decode(errors="replace").split()),
    )


def _check_issuer(folder: Path, authority: x509.Certificate, issuer: t.Sequence[x509.Certificate]) -> None:
    """Refuse what two folders that were copied into one make: daemons would let nobody in."""
    if issuer and issuer[0].subject != authority.subject:
        raise Failure(
            "authority_mismatch",
            thing=str(folder / "issuer.pem"),
            reason="this issuer of clients belongs to another authority than ca.pem beside it",
            cure="Restore the folder as a whole, from one backup or one controller (rsync --delete)",
        )
