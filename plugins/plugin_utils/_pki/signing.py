# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Signing an identity: with the authority's own key, or by a command of the user's that asks a CA elsewhere."""

from __future__ import annotations

__all__ = ("Run", "Subject", "check_csr", "sign_by_command", "sign_with_authority")

import datetime
import os
import shlex
import typing as t
from dataclasses import dataclass

from ansible_collections.gangway.docker.plugins.module_utils._shared.dependency import x509, x509_oid
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

from . import clock
from .chain import Chain, leads_to, try_chain
from .extensions import serves, usage_of
from .names import names_in, sort_names
from .profile import Signer, client_certificate, server_certificate
from .renewal import describe_expiry

if t.TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

#: (words, stdin, environment) -> (exit status, stdout, stderr); raises OSError. Given by the action plugins.
Run = t.Callable[[t.Sequence[str], bytes, t.Mapping[str, str]], t.Tuple[int, bytes, bytes]]


@dataclass(frozen=True)
class Subject:
    """Whom a certificate is for: a server with its names, or a client, whose name becomes the CN."""

    kind: str
    name: str
    names: tuple[str, ...] = ()
    #: Of its certificate; None: as of all others.
    validity: datetime.timedelta | None = None


def sign_with_authority(
    subject: Subject,
    public_key: CertificatePublicKeyTypes,
    *,
    signer: Signer,
    validity: datetime.timedelta,
    now: datetime.datetime,
) -> x509.Certificate:
    """Return the certificate."""
    if subject.kind == "server":
        return server_certificate(public_key, names=subject.names, signer=signer, validity=validity, now=now)
    return client_certificate(public_key, common_name=subject.name, signer=signer, validity=validity, now=now)


def sign_by_command(
    run: Run, command: str, subject: Subject, csr: bytes, anchors: t.Collection[x509.Certificate]
) -> Chain:
    """Return the chain that the command makes of the CSR, which it gets on stdin; PEM on stdout, no shell.

    C(GANGWAY_KIND), C(GANGWAY_NAME) and C(GANGWAY_NAMES) (with commas) are in its environment.
    Failures: C(sign_command_failed), C(certificate_unfit).
    """
    environment = {
        **os.environ,
        "GANGWAY_KIND": subject.kind,
        "GANGWAY_NAME": subject.name,
        "GANGWAY_NAMES": ",".join(subject.names),
    }
    try:
        code, stdout, stderr = run(shlex.split(command) or [command], csr, environment)
    except (OSError, ValueError) as exc:
        raise _command_failed(command, str(exc)) from exc
    if code != 0:
        said = stderr.decode(errors="replace").strip()[-500:]
        raise _command_failed(command, f"exit status {code}; it said: {said or 'nothing'}")
    chain = try_chain(stdout)
    if not chain:
        raise _command_failed(command, "there is no certificate in PEM on its stdout")
    _check_fit(chain, subject, x509.load_pem_x509_csr(csr), anchors, command)
    return chain


def check_csr(pem: bytes, subject: Subject | None) -> x509.CertificateSigningRequest:
    """Parse a CSR. With C(subject), it must match that exactly, since an external CA signs what it says.

    Failure: C(request_invalid).
    """
    reason = ""
    try:
        csr = x509.load_pem_x509_csr(pem)
        if not csr.is_signature_valid:
            reason = "it is not signed by the key that it names"
        elif subject is not None:
            reason = _mismatch(csr, subject)
    except ValueError:
        reason = "it is none"
    if reason:
        raise Failure(
            "request_invalid",
            thing="the certificate request that the host sent",
            reason=reason,
            cure="Run the play again; if this stays, look at who controls the host",
        )
    return csr


def _mismatch(csr: x509.CertificateSigningRequest, subject: Subject) -> str:
    """Return how the CSR differs from its subject: a host could request a client's certificate."""
    has, wants = names_in(csr), sort_names(subject.names)
    if has != wants:
        return f"it asks for the names {', '.join(has) or 'none'} and not for {', '.join(wants) or 'none'}"
    allowed = [subject.name] if subject.kind == "client" else wants
    names = _common_names(csr)
    if not set(names) <= set(allowed) or (subject.kind == "client" and not names):
        return f"it asks for the CN {', '.join(names) or 'none'} and not for {' or '.join(allowed)}"
    for extension in csr.extensions:
        value = extension.value
        if isinstance(value, x509.BasicConstraints) and value.ca:
            return "it asks for the certificate of a CA"
        if isinstance(value, x509.ExtendedKeyUsage) and list(value) != [usage_of(subject.kind)]:
            return f"it asks for another extended key usage than that of a {subject.kind}"
    return ""


def _common_names(thing: t.Union[x509.Certificate, x509.CertificateSigningRequest]) -> list[str]:
    return [str(a.value) for a in thing.subject.get_attributes_for_oid(x509_oid.NameOID.COMMON_NAME)]


def _check_fit(
    chain: Chain,
    subject: Subject,
    csr: x509.CertificateSigningRequest,
    anchors: t.Collection[x509.Certificate],
    command: str,
) -> None:
    certificate, now = chain[0], clock.now()
    lacking = sorted(set(sort_names(subject.names)) - set(names_in(certificate)))
    if certificate.public_key() != csr.public_key():
        reason = "it was made for another key than the request's"
    elif lacking:
        reason = f"it lacks {', '.join(lacking)}"
    elif subject.kind == "client" and _common_names(certificate) != [subject.name]:
        reason = f"its CN is not {subject.name}"
    elif not serves(certificate, subject.kind):
        reason = f"its extended key usage is not that of a {subject.kind}"
    elif subject.kind == "server" and serves(certificate, "client"):
        reason = "it is valid for clients, too, so anyone who has this host's key could log in everywhere"
    elif not certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc:
        reason = describe_expiry(certificate, now)
    elif not leads_to(chain, anchors):
        reason = "its chain does not lead to authority_certificate"
    else:
        return
    raise Failure(
        "certificate_unfit",
        thing=f"the certificate that sign_command {command!r} made for {subject.kind} {subject.name!r}",
        reason=reason,
        cure="Have the CA take names and usage from the request, or from GANGWAY_KIND and GANGWAY_NAMES; give the CA's "
        "own certificates as authority_certificate",
    )


def _command_failed(command: str, reason: str) -> Failure:
    return Failure(
        "sign_command_failed",
        thing=f"sign_command {command!r}",
        reason=reason,
        cure="Try it by hand: it gets a certificate request on stdin and prints the certificate and its chain",
    )
