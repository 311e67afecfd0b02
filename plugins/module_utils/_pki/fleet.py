# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fleet's folder on the controller: where its authority and its identities lie, and making sure that they exist.

<home>/<fleet>/authority/  ca.pem  ca-key.pem
               clients/<name>/  ca.pem cert.pem key.pem
               servers/<name>/  ca.pem cert.pem key.pem     only where the controller makes the servers' keys
               endpoints/<host>.json
"""

from __future__ import annotations

__all__ = ("DEFAULT_HOME", "Fleet", "Settings")

import contextlib
import datetime
import re
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from .._failure import Failure
from . import bundle
from .dependency import require_cryptography, serialization, x509
from .freshness import Wish, reasons_to_reissue
from .identity import Identity
from .keys import DEFAULT_KEY_TYPE, generate_key, key_type_of, load_private_key, private_key_pem
from .names import sort_names
from .profile import Signer, authority_certificate, client_certificate, server_certificate

DEFAULT_HOME = "~/.docker/gangway"
#: A century: beyond it, ASN.1's GeneralizedTime and people's memory end.
_MAXIMUM_VALIDITY = 36500
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@:+-]*\Z")


@dataclass(frozen=True)
class Settings:
    """How authorities and identities are made; validity in days."""

    key_type: str = DEFAULT_KEY_TYPE
    validity: int = 365
    authority_key_type: str = DEFAULT_KEY_TYPE
    authority_validity: int = 3650
    passphrase: str | None = field(default=None, repr=False)


class Fleet:
    """One fleet's folder. Methods that start with C(ensure_) make what is missing or no longer fits."""

    def __init__(self, home: str, name: str, settings: Settings | None = None, *, check_mode: bool = False) -> None:
        require_cryptography()
        _check_name("fleet", name)
        for days in (settings.validity, settings.authority_validity) if settings else ():
            _check_validity(days)
        self.name = name
        self.folder = Path(home).expanduser() / name
        self.settings = settings or Settings()
        self.check_mode = check_mode
        self._signer: Signer | None = None

    @property
    def authority_folder(self) -> Path:
        return self.folder / "authority"

    @property
    def endpoints_folder(self) -> Path:
        return self.folder / "endpoints"

    def client_folder(self, name: str) -> Path:
        _check_name("client", name)
        return self.folder / "clients" / name

    def server_folder(self, name: str) -> Path:
        _check_name("server", name)
        return self.folder / "servers" / name

    def lock(self) -> t.ContextManager[None]:
        """One process at a time makes or signs; check mode makes nothing, so it needs no lock (and no folder)."""
        return contextlib.nullcontext() if self.check_mode else bundle.lock(self.folder)

    def authority_certificate(self) -> x509.Certificate | None:
        """Return the authority's certificate, or None where there is no authority yet."""
        pem = bundle.read_bundle(self.authority_folder, ["ca.pem"]).get("ca.pem")
        return None if pem is None else _load_certificate(pem, self.authority_folder / "ca.pem")

    def ensure_authority(self) -> Identity:
        """Make the authority where there is none; an authority that exists is never made again here."""
        if not self.check_mode:
            bundle.make_private_folder(self.folder)
            bundle.recover(self.authority_folder)
        existing = self.authority_certificate()
        key_path = self.authority_folder / "ca-key.pem"
        if existing is None and (key_path.exists() or self._has_members()):
            # A new authority beside the old one's key or identities would lock all of these out, unasked.
            self.signer()
        if not self.check_mode and key_path.exists():
            bundle.close_file(key_path)
        wish = Wish(key_type=self.settings.authority_key_type, common_name=f"gangway {self.name} authority")
        if existing is not None:
            wish = Wish(key_type=key_type_of(existing.public_key()), common_name=wish.common_name)
            if self.settings.passphrase:
                # A wrong passphrase shows now, before anything on any host is touched.
                self.signer()
            return Identity("authority", self.name, str(self.authority_folder), (), wish, existing, existing)
        made = None if self.check_mode else self._make_authority(wish)
        return Identity("authority", self.name, str(self.authority_folder), ("missing",), wish, None, made)

    def ensure_client(self, name: str) -> Identity:
        """Make or renew one client's bundle."""
        folder = self.client_folder(name)
        return self._ensure("client", name, folder, Wish(key_type=self.settings.key_type, common_name=name))

    def ensure_server(self, name: str, names: t.Sequence[str]) -> Identity:
        """Make or renew a server's bundle whose key is made here, on the controller."""
        wish = Wish(key_type=self.settings.key_type, names=tuple(sort_names(names)))
        return self._ensure("server", name, self.server_folder(name), wish)

    def sign_server_request(self, request_pem: bytes, names: t.Sequence[str]) -> x509.Certificate:
        """Sign a host's CSR. Only its public key is taken from it; the names are the controller's to decide."""
        try:
            request = x509.load_pem_x509_csr(request_pem)
            valid = request.is_signature_valid
        except ValueError:
            valid = False
        if not valid:
            raise Failure(
                "request_invalid",
                thing="the certificate request that the host sent",
                reason="it is not one, or not signed by the key that it names",
                cure="Run the play again; if this stays, look at who controls the host",
            )
        return server_certificate(
            request.public_key(),
            names=names,
            signer=self.signer(),
            validity=datetime.timedelta(days=self.settings.validity),
            now=_now(),
        )

    def signer(self) -> Signer:
        """Return the authority, its key opened. Failures: C(authority_missing) and those of M(load_private_key)."""
        if self._signer is None:
            certificate = self.authority_certificate()
            key_path = self.authority_folder / "ca-key.pem"
            key_pem = bundle.read_bundle(self.authority_folder, [key_path.name]).get(key_path.name)
            if certificate is None or key_pem is None:
                raise Failure(
                    "authority_missing",
                    thing=str(self.authority_folder if certificate is None else key_path),
                    reason=f"the authority of fleet {self.name!r} is not there, so nothing can be signed",
                    cure="Restore it from a backup, or point home and fleet (expose_home, expose_fleet) to it; "
                    f"to begin anew, move {self.folder} away, and expose every host of the fleet again",
                )
            key = load_private_key(key_pem, path=str(key_path), passphrase=self.settings.passphrase)
            if key.public_key() != certificate.public_key():
                raise Failure(
                    "authority_mismatch",
                    thing=str(key_path),
                    reason="this key does not belong to ca.pem beside it",
                    cure="Put the matching pair there",
                )
            if certificate.not_valid_after_utc <= _now():
                raise Failure(
                    "authority_expired",
                    thing=str(self.authority_folder / "ca.pem"),
                    reason=f"this authority expired on {certificate.not_valid_after_utc:%Y-%m-%d}",
                    cure=f"Move {self.folder} away, and expose every host of the fleet again",
                )
            self._signer = Signer(certificate, key)
        return self._signer

    def _has_members(self) -> bool:
        """Whether anything here was made by an authority that is gone."""
        folders = (self.folder / name for name in ("clients", "servers"))
        return any(folder.is_dir() and any(folder.iterdir()) for folder in folders)

    def _make_authority(self, wish: Wish) -> x509.Certificate:
        key = generate_key(wish.key_type)
        certificate = authority_certificate(
            key,
            common_name=str(wish.common_name),
            validity=datetime.timedelta(days=self.settings.authority_validity),
            now=_now(),
        )
        # Everything below is secret or made anew at will; nothing of it belongs into a repository.
        if not (self.folder / ".gitignore").exists():
            bundle.replace_file(self.folder / ".gitignore", b"*\n", bundle.PUBLIC)
        key_pem = private_key_pem(key, self.settings.passphrase)
        files = {"ca.pem": (_pem(certificate), bundle.PUBLIC), "ca-key.pem": (key_pem, bundle.PRIVATE)}
        bundle.write_bundle(self.authority_folder, files)
        return certificate

    def _ensure(self, kind: str, name: str, folder: Path, wish: Wish) -> Identity:
        if not self.check_mode:
            bundle.recover(folder)
        authority = self.authority_certificate()
        present = bundle.read_bundle(folder, ["ca.pem", "cert.pem", "key.pem"])
        before = _try_certificate(present.get("cert.pem"))
        reasons = self._reasons(present, before, wish, authority)
        certificate = before
        if reasons and not self.check_mode:
            certificate = self._issue(kind, folder, wish, present.get("key.pem"))
        elif reasons:
            certificate = None
            if authority is not None:
                # What signing would raise, check mode has to raise.
                self.signer()
        elif not self.check_mode and authority is not None:
            # Modes may have drifted, and ca.pem may have been replaced; neither needs a new certificate.
            self._write(folder, authority, before, present["key.pem"])
        return Identity(kind, name, str(folder), tuple(reasons), wish, before, certificate)

    def _reasons(
        self,
        present: t.Mapping[str, bytes],
        before: x509.Certificate | None,
        wish: Wish,
        authority: x509.Certificate | None,
    ) -> list[str]:
        if "cert.pem" not in present or "key.pem" not in present:
            return ["missing" if not present else "incomplete"]
        key_type = _key_type_in(present["key.pem"])
        if before is None or key_type is None or authority is None:
            return ["unreadable" if authority is not None else "another authority"]
        reasons = reasons_to_reissue(before, wish, authority=authority, now=_now())
        if not _belong_together(before, present["key.pem"]):
            reasons.append("key and certificate do not belong together")
        return reasons

    def _issue(self, kind: str, folder: Path, wish: Wish, key_pem: bytes | None) -> x509.Certificate:
        """Sign anew, with the key that is there where it is of the right type."""
        if key_pem is None or _key_type_in(key_pem) != wish.key_type:
            key_pem = private_key_pem(generate_key(wish.key_type))
        public_key = load_private_key(key_pem, path=str(folder / "key.pem")).public_key()
        signer, validity = self.signer(), datetime.timedelta(days=self.settings.validity)
        if kind == "server":
            made = server_certificate(public_key, names=wish.names, signer=signer, validity=validity, now=_now())
        else:
            name = str(wish.common_name)
            made = client_certificate(public_key, common_name=name, signer=signer, validity=validity, now=_now())
        self._write(folder, signer.certificate, made, key_pem)
        return made

    @staticmethod
    def _write(folder: Path, authority: x509.Certificate, made: x509.Certificate | None, key_pem: bytes) -> None:
        if made is None:
            return
        files = {
            "ca.pem": (_pem(authority), bundle.PUBLIC),
            "cert.pem": (_pem(made), bundle.PUBLIC),
            "key.pem": (key_pem, bundle.PRIVATE),
        }
        bundle.write_bundle(folder, files)


def _check_name(what: str, name: str) -> None:
    if not _NAME.match(name) or len(name) > 64:
        raise Failure(
            "invalid_name",
            thing=f"{what} name {name!r}",
            reason="it becomes a folder and a certificate's CN, so it has to be 1 to 64 letters, digits or _ . @ : + -",
            cure="Choose another name",
        )


def _check_validity(days: int) -> None:
    if not 0 < days <= _MAXIMUM_VALIDITY:
        raise Failure(
            "invalid_validity",
            thing=f"validity of {days} days",
            reason=f"it is not between 1 and {_MAXIMUM_VALIDITY}",
            cure="Choose another",
        )


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _load_certificate(pem: bytes, path: Path) -> x509.Certificate:
    certificate = _try_certificate(pem)
    if certificate is None:
        raise Failure(
            "certificate_unreadable",
            thing=str(path),
            reason="this is not a certificate in PEM",
            cure="Put the authority's certificate there, from a backup if need be",
        )
    return certificate


def _try_certificate(pem: bytes | None) -> x509.Certificate | None:
    try:
        return None if pem is None else x509.load_pem_x509_certificate(pem)
    except ValueError:
        return None


def _key_type_in(key_pem: bytes) -> str | None:
    try:
        return key_type_of(load_private_key(key_pem, path="").public_key())
    except Failure:
        return None


def _belong_together(certificate: x509.Certificate, key_pem: bytes) -> bool:
    return load_private_key(key_pem, path="").public_key() == certificate.public_key()
