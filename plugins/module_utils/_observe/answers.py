# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a client without a certificate gets from dockerd's TCP ports."""

from __future__ import annotations

__all__ = ("answers", "ask_ports")

import errno
import typing as t

from .._guard.port import ask_plain, ask_tls, local_address
from .side_by_side import Questions

Place = t.Tuple[str, int]


def ask_ports(questions: Questions, places: t.Iterable[Place]) -> None:
    """Ask each address and port, with and without TLS."""
    for place in places:
        questions.ask(("plain", *place), _at, ask_plain, *place)
        questions.ask(("tls", *place), _at, ask_tls, *place)


def answers(questions: Questions, places: t.Iterable[Place]) -> list[dict[str, t.Any]]:
    """Return what came of it, as data."""
    found = []
    for address, port in places:
        plain = questions.answer(("plain", address, port))
        tls, certificate = _of_tls(questions.answer(("tls", address, port)))
        found.append(
            {"address": address, "port": port, "plain": _of_plain(plain), "tls": tls, "certificate": certificate}
        )
    return found


def _of_plain(answer: t.Any) -> str:
    if isinstance(answer, bytes):
        return "answered" if answer else "refused"
    if isinstance(answer, TimeoutError) or type(answer).__name__ == "timeout":
        return "silent"
    # It took the connection, and broke it off.
    return "refused" if isinstance(answer, (ConnectionResetError, BrokenPipeError)) else "closed"


def _of_tls(answer: t.Any) -> tuple[str, str | None]:
    import ssl

    if isinstance(answer, tuple):
        shown, body = answer
        return "answered" if b" 200 " in body else "refused", ssl.DER_cert_to_PEM_cert(shown) if shown else None
    if isinstance(answer, ssl.SSLError):
        # A server of TLS 1.2 refuses in the handshake, by an alert.
        return "refused" if "ALERT" in str(answer.reason).upper() else "none", None
    return "none" if isinstance(answer, (ConnectionResetError, BrokenPipeError)) else "closed", None


def _at(ask: t.Callable[[str, int], t.Any], address: str, port: int) -> t.Any:
    try:
        return ask(local_address(address), port)
    except OSError as exc:
        # The wildcard of both families, on a host without IPv6 on its loopback interface.
        if address != "::" or exc.errno not in (errno.EADDRNOTAVAIL, errno.ENETUNREACH):
            raise
    return ask("127.0.0.1", port)
