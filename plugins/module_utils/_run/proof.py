# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Proving on the host that a plan was carried out: dockerd answers, the port demands certificates, containers live."""

from __future__ import annotations

__all__ = ("check_bundle", "check_config", "prove", "stopped_containers")

import os
import ssl
import typing as t

from .._guard.judgement import bundle_problem
from .._guard.port import ask_plain, ask_tls, local_address
from .._host.engine import read_engine, read_version, running_containers
from .._host.init import init_of
from .._host.runner import Host
from .._shared import layout
from .._shared.failure import Failure
from .._shared.steps import CheckBundle, CheckConfig, Prove


def check_bundle(step: CheckBundle) -> None:
    """Refuse certificate, key and CA that dockerd could not load. Failure: C(bundle_invalid)."""
    problem = bundle_problem(step.ca, step.certificate, step.key)
    if problem is not None:
        raise Failure(
            "bundle_invalid",
            thing=os.path.dirname(step.certificate),
            reason=problem,
            cure="Provide a certificate, its key (not encrypted) and the CA of the clients, in PEM",
        )


def check_config(host: Host, step: CheckConfig) -> None:
    """Have dockerd check daemon.json (from 23.0 on). Failure: C(daemon_json_invalid)."""
    code, stdout, stderr = host.run([step.dockerd, "--validate", f"--config-file={layout.DAEMON_JSON}"])
    if code != 0:
        raise Failure(
            "daemon_json_invalid",
            thing=layout.DAEMON_JSON,
            reason=f"dockerd --validate rejects it: {(stderr or stdout).strip()}",
            cure="Correct the settings that it names",
        )


def prove(host: Host, step: Prove) -> None:
    """Refuse unless the engine answers on its unix socket, our units are in force, and the port behaves.

    Failures: C(dockerd_silent), C(engine_silent), C(port_closed), C(guard_overridden), C(port_open), C(port_silent),
    C(port_other_certificate).
    """
    _check_engine(host, step.engine)
    if step.guard is not None:
        _check_guard(host, step.guard)
    if step.socket is not None:
        _check_socket(host, step.socket)
    if step.certificate is None:
        for address, port in step.listen:
            _check_answers_plain(host, address, port)
        return
    expected = ssl.PEM_cert_to_DER_cert(_first_certificate(host.read(step.certificate) or b""))
    shown = [_check_refuses(address, port) for address, port in step.listen]
    for (address, port), certificate in zip(step.listen, shown):
        if isinstance(certificate, OSError):
            raise _silent(host, address, port, f"it does not speak TLS, as seen from the host ({certificate})")
        if certificate != expected:
            raise Failure(
                "port_other_certificate",
                thing=f"listener {_shown(address, port)}",
                reason="it shows another certificate than the one in place",
                cure="Find out what else listens there",
            )


def stopped_containers(before: t.Mapping[str, tuple[str, str]]) -> list[str]:
    """Return the names of the containers that ran before and stopped since, or were started again."""
    after = running_containers() if before else {}
    return sorted(name for key, (name, started) in before.items() if after.get(key, ("", ""))[1] != started)


def _check_engine(host: Host, path: str | None) -> None:
    if path is not None and read_version(path) is None:
        raise Failure(
            "engine_silent",
            thing=f"the engine behind {path}",
            reason="it does not answer there",
            cure="Start it, or find out what its log says",
        )
    if path is None and read_engine() is None:
        raise Failure(
            "dockerd_silent",
            thing="dockerd",
            reason=f"it does not answer on its unix socket; its log ends:\n{init_of(host).last_words()}\n",
            cure="Look at the log",
        )


def _check_guard(host: Host, words: str) -> None:
    if words not in host.show(layout.DOCKER_SERVICE, "ExecStartPre").get("ExecStartPre", ""):
        raise Failure(
            "guard_overridden",
            thing=f"ExecStartPre of {layout.DOCKER_SERVICE}",
            reason="the guard, which closes the port unless mutual TLS is in force, is not in it: a drop-in that is "
            "read later clears it",
            cure="Remove the empty ExecStartPre= from that drop-in "
            f"('systemctl cat {layout.DOCKER_SERVICE}' shows where it is)",
        )


def _check_socket(host: Host, unit: str) -> None:
    state = host.show(unit, "ActiveState").get("ActiveState")
    if state != "active":
        raise Failure(
            "port_closed",
            thing=unit,
            reason=f"it is {state}; the guard closes it unless mutual TLS is in force; the journal ends:\n"
            f"{host.journal_tail(layout.DOCKER_SERVICE)}\n",
            cure="Look at the journal",
        )


def _check_refuses(address: str, port: int) -> bytes | OSError | None:
    """Refuse a port that answers a client without a certificate; return the certificate that it shows, or the error."""
    local = local_address(address)
    try:
        answer = ask_plain(local, port)
    except OSError:
        # No connection: no answer either.
        answer = b""
    shown: bytes | OSError | None = None
    if not answer:
        try:
            shown, answer = ask_tls(local, port)
        except OSError as exc:
            shown = exc
    if answer:
        raise Failure(
            "port_open",
            thing=f"listener {_shown(address, port)}",
            reason="it answers a client without a certificate",
            cure="The port was closed. Find out what else configures dockerd ('systemctl cat "
            f"{layout.DOCKER_SERVICE}', its options file), then run again",
        )
    return shown


def _check_answers_plain(host: Host, address: str, port: int) -> None:
    try:
        answer = ask_plain(local_address(address), port)
    except OSError as exc:
        raise _silent(host, address, port, f"it does not answer, as seen from the host ({exc})") from exc
    if not answer:
        raise _silent(host, address, port, "what answers there is not dockerd without TLS")


def _silent(host: Host, address: str, port: int, reason: str) -> Failure:
    return Failure(
        "port_silent",
        thing=f"listener {_shown(address, port)}",
        reason=f"{reason}; dockerd's log ends:\n{init_of(host).last_words()}\n",
        cure="Look at the log",
    )


def _shown(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _first_certificate(pem: bytes) -> str:
    end = "-----END CERTIFICATE-----"
    text = pem.decode(errors="replace")
    start = text.index("-----BEGIN CERTIFICATE-----")
    return text[start : text.index(end, start) + len(end)] + "\n"
