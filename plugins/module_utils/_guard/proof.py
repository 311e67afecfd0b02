# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The proof: what a client without a certificate receives from the port decides whether it opens.

Standalone: part of the program that lies on each host.
"""

from __future__ import annotations

__all__ = ("ABSENT", "OPEN_TO_STRANGERS", "ca_problem", "command_line_problem", "port_problem")

import errno
import hashlib
import socket
import ssl
import typing as t

from .listener import CA_DIGEST, Gate
from .port import ask_plain, ask_tls, local_address
from .process import command_line

#: The address is not there (yet), or nothing listens.
ABSENT = "nothing listens there"
OPEN_TO_STRANGERS = "it answers a client without a certificate"


def port_problem(host: str, port: int, certificate: bytes) -> t.Optional[str]:
    """Return why this address is not known to turn strangers away; None: it does.

    C(certificate): the one that it must show, in DER.
    """
    address = local_address(host)
    if not _is_here(address):
        return ABSENT
    try:
        if ask_plain(address, port):
            return OPEN_TO_STRANGERS
    except (ConnectionRefusedError, TimeoutError):
        return ABSENT
    except OSError:
        # The connection broke off: no answer.
        pass
    try:
        shown, answer = ask_tls(address, port)
    except ssl.SSLError as exc:
        # A server of TLS 1.2 refuses in the handshake.
        return None if "ALERT" in str(exc.reason).upper() else f"it does not speak TLS ({exc})"
    except (ConnectionRefusedError, TimeoutError):
        return ABSENT
    except OSError as exc:
        return f"it does not speak TLS ({exc})"
    if answer:
        return OPEN_TO_STRANGERS
    return None if shown == certificate else "it shows another certificate than the one in place"


def ca_problem(path: str) -> t.Optional[str]:
    """Return why this is not the CA that was put there; the digest lies in our folder, where this program runs."""
    try:
        with open(CA_DIGEST, encoding="ascii") as stream:
            expected = stream.read().strip()
        with open(path, "rb") as stream:
            found = hashlib.sha256(stream.read()).hexdigest()
    except (OSError, ValueError) as exc:
        return f"{path} can't be compared with what was put there ({exc})"
    return None if found == expected else f"{path} is another CA than the one that was put there"


def command_line_problem(gate: Gate, daemon_json: str) -> t.Optional[str]:
    """Return what the running dockerd was started with, and takes clients of another CA by."""
    words = command_line()
    if not words:
        return "dockerd's process is not found"
    values: t.Dict[str, str] = {}
    for word, following in zip(words, [*words[1:], ""]):
        name, equals, value = word.partition("=")
        key = name[2:]
        if not name.startswith("--"):
            continue
        if key in ("tls", "tlsverify"):
            values[key] = value if equals else "true"
        elif key in ("tlscacert", "tlscert", "tlskey", "config-file"):
            values[key] = value if equals else following
    if values.pop("config-file", daemon_json) != daemon_json:
        return f"dockerd reads another file than {daemon_json}"
    expected = {key: str(value).lower() if value is True else str(value) for key, value in gate.tls.items()}
    if values == (expected if gate.flags else {}):
        return None
    shown = " ".join(f"--{key}={value}" for key, value in values.items())
    return f"dockerd was started with {shown or 'no TLS flags'}"


def _is_here(address: str) -> bool:
    """Whether the host has the address."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError as exc:
            return exc.errno != errno.EADDRNOTAVAIL
    return True
