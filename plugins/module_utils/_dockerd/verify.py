# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Proving on the host that what was asked is so: dockerd answers, the port asks for certificates, containers live."""

from __future__ import annotations

__all__ = (
    "is_open",
    "verify_bundle",
    "verify_config",
    "verify_containers",
    "verify_port",
    "verify_services",
    "verify_strangers_refused",
)

import contextlib
import re
import socket
import ssl
import typing as t

from .._shared.failure import Failure
from . import layout
from .addresses import Listen
from .engine import read_engine, running_containers
from .guard import files_problem
from .host import Host
from .init import init_of
from .methods.method import TLS_SETTINGS, Exposure
from .preflight import check_guard_in_force

_TIMEOUT = 15.0
_REQUEST = b"GET /_ping HTTP/1.0\r\n\r\n"


def verify_bundle() -> None:
    """Refuse certificate, key and CA that dockerd could not load. Failure: C(bundle_invalid)."""
    problem = files_problem(TLS_SETTINGS)
    if problem is not None:
        raise Failure(
            "bundle_invalid",
            thing=layout.BUNDLE,
            reason=problem,
            cure="Give a certificate, the key that it was made for (not encrypted) and the CA of the clients, in PEM",
        )


def verify_config(host: Host, dockerd: str, version: str) -> None:
    """Have dockerd itself check daemon.json, where it can (from 23.0 on). Failure: C(daemon_json_invalid)."""
    major = re.match(r"\d+", version)
    if not dockerd or major is None or int(major.group()) < 23:
        return
    code, stdout, stderr = host.run([dockerd, "--validate", f"--config-file={layout.DAEMON_JSON}"])
    if code != 0:
        raise Failure(
            "daemon_json_invalid",
            thing=layout.DAEMON_JSON,
            reason=f"dockerd --validate refuses it: {(stderr or stdout).strip()}",
            cure="Correct the settings that it names",
        )


def verify_services(host: Host, exposure: Exposure, *, socket: bool) -> None:
    """Refuse unless dockerd runs and answers, and our socket unit (with C(socket)) is open.

    Failures: C(dockerd_silent), C(port_closed), C(guard_overridden).
    """
    if read_engine() is None:
        raise Failure(
            "dockerd_silent",
            thing="dockerd",
            reason=f"it does not answer on its unix socket; its log ends:\n{init_of(host).last_words()}\n",
            cure="Look at what the log says",
        )
    if not socket:
        return
    if exposure.tls:
        check_guard_in_force(host.show(layout.DOCKER_SERVICE, "ExecStartPre").get("ExecStartPre", ""))
    state = host.show(layout.GANGWAY_SOCKET, "ActiveState").get("ActiveState")
    if state != "active":
        raise Failure(
            "port_closed",
            thing=layout.GANGWAY_SOCKET,
            reason=f"it is {state}; the guard closes it where mutual TLS is not in force; the journal ends:\n"
            f"{host.journal_tail(layout.DOCKER_SERVICE)}\n",
            cure="Look at what the journal says",
        )


def verify_strangers_refused(listen: t.Sequence[Listen]) -> None:
    """Refuse a port that answers a client without a certificate, in the clear or over TLS. Failure: C(port_open)."""
    for entry in listen:
        address = _local(entry)
        for ask in (_ask_in_the_clear, _ask_without_certificate):
            with contextlib.suppress(OSError):
                # No connection at all lets nobody in, either.
                _shown, answer = ask(address, entry.port)
                if answer:
                    raise Failure(
                        "port_open",
                        thing=f"listener {entry}",
                        reason="it answers a client that shows no certificate",
                        cure="The port was closed. Find out what else configures dockerd ('systemctl cat "
                        f"{layout.DOCKER_SERVICE}', its options file), and run again",
                    )


def verify_port(host: Host, exposure: Exposure, certificate: bytes) -> None:
    """Refuse unless each address shows our certificate and turns away a client that has none.

    In the clear: unless each address answers. Failures: C(port_open), C(port_silent), C(port_other_certificate).
    """
    if not exposure.tls:
        for entry in exposure.listen:
            _check_answers_in_the_clear(host, entry)
        return
    verify_strangers_refused(exposure.listen)
    expected = ssl.PEM_cert_to_DER_cert(_first_certificate(certificate))
    for entry in exposure.listen:
        try:
            shown, _answer = _ask_without_certificate(_local(entry), entry.port)
        except OSError as exc:
            raise _silent(host, entry, f"no TLS there, from the host itself ({exc})") from exc
        if shown != expected:
            raise Failure(
                "port_other_certificate",
                thing=f"listener {entry}",
                reason="it shows another certificate than the one that was put in place",
                cure="Find out what else listens there",
            )


def is_open(listen: t.Sequence[Listen]) -> bool:
    """Whether something listens on each of them, as far as the host itself sees."""
    for entry in listen:
        try:
            socket.create_connection((_local(entry), entry.port), timeout=_TIMEOUT).close()
        except OSError:
            return False
    return True


def _check_answers_in_the_clear(host: Host, entry: Listen) -> None:
    try:
        _shown, answer = _ask_in_the_clear(_local(entry), entry.port)
    except OSError as exc:
        raise _silent(host, entry, f"no answer, from the host itself ({exc})") from exc
    if not answer:
        raise _silent(host, entry, "what answers there is no dockerd in the clear")


def _silent(host: Host, entry: Listen, reason: str) -> Failure:
    return Failure(
        "port_silent",
        thing=f"listener {entry}",
        reason=f"{reason}; dockerd's log ends:\n{init_of(host).last_words()}\n",
        cure="Look at what the log says",
    )


def verify_containers(before: t.Mapping[str, tuple[str, str]]) -> list[str]:
    """Return the names of the containers that did not live through it (gone, or started again)."""
    after = running_containers()
    return sorted(name for key, (name, started) in before.items() if after.get(key, ("", ""))[1] != started)


def _local(entry: Listen) -> str:
    """Return the address by which the host reaches its own listener."""
    if entry.is_wildcard:
        return "::1" if ":" in entry.host else "127.0.0.1"
    return entry.host


def _ask_in_the_clear(address: str, port: int) -> tuple[None, bytes]:
    """Return what came back to a plain request, where that is an answer: behind TLS, Go's server says 400."""
    with socket.create_connection((address, port), timeout=_TIMEOUT) as plain:
        plain.sendall(_REQUEST)
        answer = plain.recv(64)
    return None, answer if b" 200 " in answer else b""


def _ask_without_certificate(address: str, port: int) -> tuple[bytes | None, bytes]:
    """Return the certificate shown and what came back to a request; nothing where the server refused us.

    Under TLS 1.3 the refusal comes at the first read, not in the handshake.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    # Compared to the byte instead: stricter than any chain.
    context.verify_mode = ssl.CERT_NONE
    plain = socket.create_connection((address, port), timeout=_TIMEOUT)
    with plain, context.wrap_socket(plain) as secured:
        shown = secured.getpeercert(binary_form=True)
        try:
            secured.sendall(_REQUEST)
            return shown, secured.recv(64)
        except (ssl.SSLError, ConnectionError):
            return shown, b""


def _first_certificate(pem: bytes) -> str:
    end = "-----END CERTIFICATE-----"
    text = pem.decode(errors="replace")
    start = text.index("-----BEGIN CERTIFICATE-----")
    return text[start : text.index(end, start) + len(end)] + "\n"
