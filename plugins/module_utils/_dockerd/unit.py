# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading what systemd knows of dockerd: C(systemctl show) and the words of ExecStart."""

from __future__ import annotations

__all__ = (
    "DaemonFlags",
    "daemon_flags",
    "environment_file_variables",
    "exec_start_line",
    "exec_start_words",
    "parse_show",
    "socket_units",
    "split_hosts",
    "words_of",
)

import os
import re
import shlex
import typing as t
from dataclasses import dataclass

_CONTINUATION = re.compile(r"\s*\\\r?\n\s*")
#: -H, -Hx, -H=x, and behind other short flags that take no value (-DH x).
_SHORT_HOST = re.compile(r"-[Dv]*H")
_TLS_FLAG = re.compile(r"--(tls|tlsverify|tlscacert|tlscert|tlskey)(=.*)?\Z")


@dataclass(frozen=True)
class DaemonFlags:
    """The flags of dockerd that a listener of ours has to get along with."""

    #: The absolute path of dockerd; empty where ExecStart does not tell it.
    program: str
    hosts: tuple[str, ...]
    tls: tuple[str, ...]
    config_file: str | None
    live_restore: bool


def parse_show(text: str) -> dict[str, str]:
    """Read the output of C(systemctl show) for one unit. A property that repeats (Listen, ExecStartPre) is joined."""
    properties: dict[str, str] = {}
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if equals:
            properties[name] = f"{properties[name]} {value}" if name in properties else value
    return properties


def exec_start_line(text: str) -> str:
    """Return the ExecStart that is in force as it is written, from the unit's file and its drop-ins in order.

    Lines that go on behind a backslash are joined. An empty C(ExecStart=) clears what stood before
    (systemd.service(5)).
    """
    line = ""
    without_comments = "".join(
        line for line in text.splitlines(keepends=True) if not line.lstrip().startswith(("#", ";"))
    )
    for assignment in _CONTINUATION.sub(" ", without_comments).splitlines():
        key, equals, value = assignment.partition("=")
        if equals and key.strip() == "ExecStart":
            line = value.strip()
    return line


def exec_start_words(text: str) -> list[str]:
    """Return the words of the ExecStart that is in force.

    systemd's quoting is close enough to the shell's; the prefixes C(@-:+!) are dropped (systemd.service(5)).
    """
    return words_of(exec_start_line(text).lstrip("@-:+!"))


def split_hosts(line: str) -> tuple[str, list[str]]:
    """Return a command line without its C(-H) and C(--host) flags, and the hosts that they gave. No quotes in these."""
    kept, hosts, words = [], [], re.split(r"(\s+)", line)
    index = 0
    while index < len(words):
        word = words[index]
        following = words[index + 2] if index + 2 < len(words) else ""
        if word in ("--host", "-H"):
            hosts.append(following)
            index += 2
        elif word.startswith("--host="):
            hosts.append(word[len("--host=") :])
        elif re.match(r"-H[^\s]", word):
            hosts.append(word[2:].lstrip("="))
        else:
            kept.append(word)
            index += 1
            continue
        # The space before the flag goes with it.
        if kept and not kept[-1].strip():
            kept.pop()
        index += 1
    return "".join(kept).strip(), hosts


def environment_file_variables(text: str) -> dict[str, str]:
    """Read C(NAME=value) lines as systemd.exec(5) has them for EnvironmentFile=; what can't be read is left out."""
    variables = {}
    for line in _CONTINUATION.sub(" ", text).splitlines():
        if line.strip().startswith(("#", ";")):
            continue
        name, equals, value = line.partition("=")
        if equals:
            variables[name.strip()] = " ".join(words_of(value))
    return variables


def words_of(text: str) -> list[str]:
    """As the shell does; where a quote is not closed, at the spaces."""
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def daemon_flags(words: t.Sequence[str], variables: t.Mapping[str, str]) -> DaemonFlags:
    """Return the flags of interest, C($NAME) words split into their words first, as systemd does."""
    flat: list[str] = []
    for word in words:
        match = re.fullmatch(r"\$\{?(\w+)\}?", word)
        flat.extend(variables.get(match.group(1), "").split() if match else [word])
    hosts, tls, config_file = [], [], None
    for index, word in enumerate(flat):
        following = flat[index + 1] if index + 1 < len(flat) else ""
        if word == "--host":
            hosts.append(following)
        elif word.startswith("--host="):
            hosts.append(word[len("--host=") :])
        elif _SHORT_HOST.match(word):
            hosts.append(word.partition("H")[2].lstrip("=") or following)
        elif _TLS_FLAG.match(word):
            tls.append(word)
        elif word == "--config-file":
            config_file = following
        elif word.startswith("--config-file="):
            config_file = word[len("--config-file=") :]
    program = flat[0] if flat and flat[0].startswith("/") else ""
    return DaemonFlags(
        program, tuple(hosts), tuple(tls), config_file, any(w.split("=")[0] == "--live-restore" for w in flat)
    )


def socket_units(paths: t.Iterable[str]) -> tuple[str, ...]:
    """Return the names of the socket units that these files belong to."""
    names = []
    for path in paths:
        folder = os.path.basename(os.path.dirname(path))
        if folder.endswith(".socket.d"):
            names.append(folder[: -len(".d")])
        elif path.endswith(".socket"):
            names.append(os.path.basename(path))
    return tuple(dict.fromkeys(names))
