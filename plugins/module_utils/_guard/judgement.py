# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What dockerd is about to start with, judged: is mutual TLS in force, and is anything open besides our port?

Standalone: part of the program that lies on each host.
"""

from __future__ import annotations

__all__ = (
    "TLS_KEYS",
    "address_problem",
    "bundle_problem",
    "command_problem",
    "files_problem",
    "listens_elsewhere",
    "tls_problem",
    "trailing_problem",
)

import os
import re
import socket
import ssl
import typing as t
from dataclasses import dataclass

from .dockerd_flags import expanded, short_host

TLS_KEYS = ("tlsverify", "tlscacert", "tlscert", "tlskey")
_TLS_FLAGS = ("--tls", *(f"--{key}" for key in TLS_KEYS))


def tls_problem(settings: t.Mapping[str, t.Any], ours: t.Mapping[str, t.Any]) -> str | None:
    """Return why these settings of daemon.json would not ask each client for a certificate of our CA; None: they do.

    C(ours): the keys as they were put there. Without tlscacert dockerd accepts clients of any public CA.
    """
    if settings.get("tlsverify") is not True:
        return "tlsverify is not true"
    for key in TLS_KEYS[1:]:
        if settings.get(key) != ours.get(key):
            return f"{key} is {settings[key]} and not {ours.get(key)}" if settings.get(key) else f"{key} is not set"
    return None


def files_problem(settings: t.Mapping[str, t.Any]) -> str | None:
    """Return why dockerd could not start with these TLS keys; None: it can, or there are none."""
    if not any(key in settings for key in TLS_KEYS):
        return None
    if not isinstance(settings.get("tlsverify", False), bool):
        return "tlsverify is neither true nor false"
    for key in TLS_KEYS[1:]:
        if not isinstance(settings.get(key), str):
            return f"{key} is not set"
    return bundle_problem(settings["tlscacert"], settings["tlscert"], settings["tlskey"])


def bundle_problem(ca: str, certificate: str, key: str) -> str | None:
    """Return why dockerd could not load these files; None: it can."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, key, password=_refuse_encrypted_key)
    except (OSError, ValueError) as exc:
        return f"{certificate} and {key} can't be loaded ({exc})"
    try:
        context.load_verify_locations(cafile=ca)
    except OSError as exc:
        return f"{ca} can't be loaded ({exc})"
    if not context.get_ca_certs() and not context.cert_store_stats()["x509"]:
        return f"{ca} contains no certificate"
    return None


def command_problem(shown: str, environment: t.Mapping[str, str], path: str) -> str | None:
    """Return why this ExecStart, as C(systemctl show) prints it, would not take its TLS settings from daemon.json."""
    command = _Command.read(shown, environment)
    if command.unclear is not None:
        return f"{command.unclear} on dockerd's command line can be read in more than one way"
    if os.path.basename(command.program) != "dockerd" or not os.path.isabs(command.program):
        return f"docker.service starts {command.program or 'no absolute path'}, not dockerd"
    if command.tls:
        return f"{' '.join(command.tls)} on dockerd's command line"
    for config_file in command.values("--config-file"):
        if config_file != path:
            return f"dockerd reads {config_file} and not {path}"
        if _continues(path):
            return f"another file's name begins with {path} and a space, and dockerd may read that one"
    return None


def trailing_problem(variable: str, shown: str, environment: t.Mapping[str, str]) -> str | None:
    """Return what follows the variable on dockerd's command line and sets TLS, too: the last flag wins.

    Where the variable occurs twice, one of them may be part of a word, which systemd does not replace.
    """
    words = _words(shown)
    if not words:
        return "dockerd's command line can't be read"
    names = (f"${variable}", f"${{{variable}}}")
    index = next((i for i, word in enumerate(words) if word in names), len(words))
    behind = [word for word in words[index + 1 :] if word not in names]
    foreign = _tls_flags(expanded(behind, environment))
    return f"{' '.join(foreign)} on dockerd's command line" if foreign else None


def listens_elsewhere(shown: str, environment: t.Mapping[str, str]) -> bool:
    """Whether dockerd has another TCP port, by a flag or a socket unit, or that is unknown.

    Only the TLS keys in daemon.json protect such a port.
    """
    command = _Command.read(shown, environment)
    others = [block for block in shown.split("\n\n") if "Id=docker-gangway.socket" not in block.splitlines()]
    streams = [word for block in others for word in re.findall(r"^Listen=([^/@\s]\S*)", block, re.MULTILINE)]
    if not command.words or command.unclear is not None or any(not word.startswith("vsock:") for word in streams):
        return True
    return any(not host.startswith(("fd://", "unix://")) for host in command.values("--host"))


@dataclass(frozen=True)
class _Command:
    """dockerd's command line.

    systemctl prints words with a blank between them, so of a word that contains one, any part may look like a flag. All
    that may be a flag counts as one: such a word can close the port, and never open it.
    """

    program: str
    #: As dockerd gets them, program first.
    words: tuple[str, ...]
    #: A word that a script may take apart further.
    unclear: str | None

    @classmethod
    def read(cls, shown: str, environment: t.Mapping[str, str]) -> _Command:
        words = _words(shown)
        if _is_of_script(shown):
            unclear = next((word for word in words if re.search(r"[\"'\\$`]", word)), None)
            return cls(words[0] if words else "", tuple(words), unclear)
        # Not argv[0], which is another one behind an @.
        path = re.search(r"path=(.*?) ; argv\[\]=", shown, re.DOTALL)
        return cls(path.group(1) if path else "", tuple(expanded(words, environment)), None)

    @property
    def tls(self) -> list[str]:
        return _tls_flags(self.words)

    def values(self, flag: str) -> list[str]:
        """Return the values of C(--host) or C(--config-file)."""
        found = []
        for word, following in zip(self.words, (*self.words[1:], "")):
            name, equals, value = word.partition("=")
            short = short_host(word) if flag == "--host" else None
            if name == flag:
                found.append(value if equals else following)
            elif short is not None:
                found.append(short or following)
        return found


def _is_of_script(shown: str) -> bool:
    """Whether a shell prints the command line, as it has it. systemctl prints more in front."""
    return shown.startswith("argv[]=")


def _words(shown: str) -> list[str]:
    """Return the words of ExecStart. systemd has processed quotes and escapes, and not yet replaced variables."""
    # The last end, since a word may look like one.
    match = re.search(r"argv\[\]=(.*) ; ignore_errors=", shown, re.DOTALL)
    if match is None:
        return []
    return match.group(1).split(None if _is_of_script(shown) else " ")


def _tls_flags(words: t.Iterable[str]) -> list[str]:
    return [word for word in words if word.partition("=")[0] in _TLS_FLAGS]


def _continues(path: str) -> bool:
    """Whether a file beside this one has its name, a space, and more."""
    folder, name = os.path.split(path)
    names = os.listdir(folder) if os.path.isdir(folder) else []
    return any(other.startswith(name) and other[len(name) : len(name) + 1].isspace() for other in names)


def address_problem(hosts: t.Iterable[object]) -> str | None:
    """Return why dockerd could not listen on these hosts, and so not start: it has no FreeBind=."""
    for host in hosts:
        scheme, _separator, place = str(host).partition("://")
        if scheme != "tcp":
            continue
        address = place.rpartition(":")[0].strip("[]")
        try:
            with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM) as probe:
                probe.bind((address, 0))
        except OSError as exc:
            return f"{host} can't be listened on ({exc.strerror or exc})"
    return None


def _refuse_encrypted_key() -> bytes:
    raise ValueError("the key is encrypted")
