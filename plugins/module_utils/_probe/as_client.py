# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connecting as the client does, and why it fails."""

from __future__ import annotations

__all__ = ("connect_as_client",)

import contextlib
import datetime
import http.client
import socket
import ssl
import typing as t
from dataclasses import dataclass

from .connecting import Address, connect
from .deadline import Deadline
from .exchange import Pong, check_pong, ping
from .request import Api, Request, Result
from .states import Problem
from .tls.certificates import CertificateFacts, describe, read_pem, with_authority
from .tls.contexts import ClientTls, make_context
from .tls.errors import is_refusal, problem_of, verification_state
from .tls.session import Session, handshake, oldest_tls, speaks_tls


def connect_as_client(
    request: Request, addresses: t.Sequence[Address], result: Result, deadline: Deadline
) -> t.Optional[ssl.SSLContext]:
    """Fill in what is seen, and return the context by which the client gets in (None: without TLS).

    Problem: why it does not get in.
    """
    first, address = connect(addresses, deadline)
    result.address = address.text
    if request.tls is None:
        try:
            with first:
                _check(result, _ping_plain(first, request, deadline))
        except Problem as exc:
            # Not every server of TLS answers HTTP with a word about it.
            if exc.state in ("broken_off", "not_docker") and speaks_tls(address, request.target.host, deadline):
                raise Problem("tls_required", "the port speaks TLS, and the client does not") from None
            raise
        return None
    visit = _Visit(request, request.tls, address, result, deadline)
    try:
        with first:
            return visit.get_in(first)
    except Problem as exc:
        if exc.state == "tls_too_old":
            version = oldest_tls(address, request.server_name, deadline)
            if version is not None:
                raise Problem(exc.state, f"the port speaks {version} only") from None
        raise


def _ping_plain(connection: socket.socket, request: Request, deadline: Deadline) -> Pong:
    try:
        return ping(connection, request.target.host, deadline)
    except http.client.BadStatusLine as exc:
        # Nothing came is an error of connections, too.
        if isinstance(exc, ConnectionError):
            raise problem_of(exc) from None
        raise Problem("not_docker", "what answers does not speak HTTP") from None
    except http.client.HTTPException as exc:
        raise Problem("not_docker", f"what answers does not speak HTTP ({type(exc).__name__})") from None
    except OSError as exc:
        raise problem_of(exc) from None


@dataclass(frozen=True)
class _Visit:
    """What does not change from one connection to the next."""

    request: Request
    tls: ClientTls
    address: Address
    result: Result
    deadline: Deadline

    def get_in(self, opened: socket.socket) -> ssl.SSLContext:
        """Return the context by which the client gets in. Problem: why it does not."""
        context = make_context(self.tls, strict=True)
        try:
            pong = self._ping(context, opened)
            self.result.tls_strict = True
        except ssl.SSLCertVerificationError as exc:
            self.result.tls_strict = False
            try:
                if self.request.strict:
                    raise
                context = make_context(self.tls)
                pong = self._ping(context)
            except ssl.SSLCertVerificationError as second:
                self._look_unverified()
                raise _server_problem(self.request, second, self.result) from exc
        _check(self.result, pong)
        return context

    def _ping(
        self, context: ssl.SSLContext, opened: t.Optional[socket.socket] = None, *, is_second: bool = False
    ) -> Pong:
        """Connect, and ping. Raises ssl.SSLCertVerificationError; Problem for all else."""
        session: t.Optional[Session] = None
        try:
            secured, session = self._handshake(context, opened)
            with secured:
                return ping(secured, self.request.target.host, self.deadline)
        except ssl.SSLCertVerificationError:
            raise
        except (OSError, http.client.HTTPException) as exc:
            if is_refusal(exc):
                raise _client_problem(self.tls, t.cast(ssl.SSLError, exc), self.result.client) from None
            if session is not None and session.version == "TLSv1.3" and not is_second and _is_lost(exc):
                return self._ping_by_older_tls(context, exc)
            if isinstance(exc, http.client.HTTPException) and not isinstance(exc, ConnectionError):
                raise Problem("not_docker", f"what answers does not speak HTTP ({type(exc).__name__})") from None
            raise problem_of(exc) from None

    def _ping_by_older_tls(self, context: ssl.SSLContext, lost: Exception) -> Pong:
        """The alert may have got lost; under TLS 1.2 it answers the handshake."""
        strict = bool(context.verify_flags & ssl.VERIFY_X509_STRICT)
        try:
            return self._ping(make_context(self.tls, strict=strict, newest=ssl.TLSVersion.TLSv1_2), is_second=True)
        except Problem as exc:
            # The server speaks TLS 1.3 only.
            raise (problem_of(lost) if exc.state == "tls_too_old" else exc) from None

    def _look_unverified(self) -> None:
        """Read the certificate that is not trusted, and the daemon's clock. A ping gives nothing away."""
        with contextlib.suppress(OSError, http.client.HTTPException, Problem):
            secured, _session = self._handshake(make_context(self.tls, verify=False))
            with secured:
                self.result.clock_skew = ping(secured, self.request.target.host, self.deadline).clock_skew

    def _handshake(
        self, context: ssl.SSLContext, opened: t.Optional[socket.socket] = None
    ) -> t.Tuple[ssl.SSLSocket, Session]:
        name = self.request.server_name
        secured, session = handshake([self.address], context, name, self.deadline, opened=opened)
        result = self.result
        result.tls_version, result.tls_cipher = session.version, session.cipher
        result.tls_verified = context.verify_mode == ssl.CERT_REQUIRED
        chain = with_authority(session.chain, read_pem(self.tls.ca)) if self.tls.verify else session.chain
        result.chain = describe(chain, "server")
        return secured, session


def _is_lost(exc: BaseException) -> bool:
    return isinstance(exc, (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError, http.client.BadStatusLine))


def _check(result: Result, pong: Pong) -> None:
    if pong.api_version is not None:
        result.api = Api(pong.engine_version, pong.api_version)
    result.clock_skew = pong.clock_skew
    check_pong(pong)


def _server_problem(request: Request, exc: ssl.SSLCertVerificationError, result: Result) -> Problem:
    state = verification_state(exc)
    now = datetime.datetime.now(datetime.timezone.utc)
    server = result.chain[0] if result.chain else None
    if state == "wrong_name":
        names = ", ".join(server.names) if server is not None else ""
        return Problem(state, f"the certificate is for {names or 'no name at all'}, not for {request.server_name}")
    if state == "server_expired":
        if server is not None and server.not_after > now:
            return Problem("authority_expired", "the certificate of the CA has expired" + _clocks(result.clock_skew))
        since = f" {server.not_after:%Y-%m-%d %H:%M} UTC" if server is not None else ""
        return Problem(state, f"the server's certificate expired{since}{_clocks(result.clock_skew)}")
    if state == "server_not_yet_valid":
        early = [certificate for certificate in result.chain if certificate.not_before > now]
        ahead = f" {early[0].not_before:%Y-%m-%d %H:%M} UTC" if early else " later"
        return Problem(state, f"the certificate is valid from{ahead} only{_clocks(result.clock_skew)}")
    if state == "unknown_ca":
        signer = f", signed by {server.issuer}," if server is not None else ""
        place = request.tls.ca if request.tls is not None and request.tls.ca else "the system"
        return Problem(state, f"the server's certificate{signer} comes from no CA of {place}")
    return Problem(state, f"the server's certificate is not acceptable ({exc.verify_message})")


def _clocks(skew: t.Optional[float]) -> str:
    """Say how the clocks differ, to tell a wrong clock from an old certificate."""
    now = datetime.datetime.now(datetime.timezone.utc)
    here = f"; here it is {now:%Y-%m-%d %H:%M} UTC"
    if skew is None:
        return here
    if abs(skew) < 60:
        return f"{here}, and there too"
    return f"{here}, and there {(now + datetime.timedelta(seconds=skew)):%Y-%m-%d %H:%M} UTC"


def _client_problem(tls: ClientTls, exc: ssl.SSLError, client: t.Optional[CertificateFacts]) -> Problem:
    """Say why the server refuses the client. What its alert leaves open, the certificate itself may show."""
    said = exc.reason or str(exc)
    if tls.certificate is None:
        return Problem("client_missing", f"the server wants a client certificate, and there is none ({said})")
    now = datetime.datetime.now(datetime.timezone.utc)
    if "EXPIRED" in said.upper() or (client is not None and client.not_after <= now):
        if client is not None and client.not_before > now:
            return Problem("client_not_yet_valid", f"the client's certificate is valid later only ({said})")
        until = f" ({client.not_after:%Y-%m-%d %H:%M} UTC)" if client is not None else ""
        return Problem("client_expired", f"the client's certificate has expired{until}")
    if "REVOKED" in said.upper():
        return Problem("client_unknown", f"the client's certificate was revoked ({said})")
    if client is not None and client.not_before > now:
        return Problem("client_not_yet_valid", f"the client's certificate is valid later only ({said})")
    if client is not None and not client.for_clients:
        return Problem("client_wrong_usage", f"the client's certificate is not for clients ({said})")
    signer = f", signed by {client.issuer}" if client is not None else ""
    return Problem("client_unknown", f"the server does not know the client's certificate{signer} ({said})")
