# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The boundary to hosts: an observation from what the module dockerd_info answered, every type checked."""

from __future__ import annotations

__all__ = ("parse_observation",)

import re
import typing as t

from .answer import Answer, invalid_answer
from .observation import (
    Attributes,
    Connection,
    EngineSocket,
    EngineState,
    File,
    HostAddress,
    Listening,
    Observation,
    PortAnswer,
)

_NAME = re.compile(r"[0-9A-Za-z.+~_ -]{1,64}")
_VERSION = re.compile(r"[0-9A-Za-z.+~_-]{0,64}")


def parse_observation(raw: t.Any) -> Observation:
    """Check and type an answer. Failure: C(host_answer_invalid)."""
    answer = Answer(raw)
    dockerd = answer["dockerd"]
    request = answer["request"]
    tools = answer["tools"].entries()
    firewalls = {name: answer[name].value for name in ("nftables", "firewalld", "ufw")}
    return Observation(
        time=answer["time"].number(),
        init=answer["init"].one_of("systemd", "sysvinit", "openrc"),
        python=answer["python"].path(),
        units={
            unit: {name: value.text() for name, value in shown.entries().items()}
            for unit, shown in answer["units"].entries().items()
        },
        systemd_error=answer["systemd_error"].optional(Answer.text),
        unit_files={
            unit: tuple(map(Answer.path, paths.items())) for unit, paths in answer["unit_files"].entries().items()
        },
        environment_files=tuple(map(Answer.path, answer["environment_files"].items())),
        files={_path(path, file): _file(file) for path, file in answer["files"].entries().items()},
        folders={path: folder.optional(_folder) for path, folder in answer["folders"].entries().items()},
        writable={path: value.flag() for path, value in answer["writable"].entries().items()},
        pid=dockerd["pid"].integer(),
        command_line=tuple(map(Answer.text, dockerd["command_line"].items())),
        program=dockerd["program"].name(),
        programs={path: exists.flag() for path, exists in answer["programs"].entries().items()},
        engine=answer["engine"].optional(_engine),
        socket=answer["socket"].optional(_socket),
        listening=tuple(map(_listening, answer["listening"].items())),
        answers=tuple(map(_port_answer, answer["answers"].items())),
        interfaces=answer["interfaces"].names(),
        addresses=tuple(map(_host_address, answer["addresses"].items())),
        resolved={name: _resolved(found) for name, found in answer["resolved"].entries().items()},
        connection=answer["connection"].optional(_connection),
        tools={name: tool.optional(Answer.path) for name, tool in tools.items() if name != "cryptography"},
        can_make_keys=answer["tools"]["cryptography"].flag() or not answer["tools"]["openssl"].is_none,
        firewalls=Answer(firewalls),
        filtering=answer["filtering"].optional(Answer.flag),
        filtering_error=answer["filtering_error"].optional(Answer.text) or "",
        interrupted=answer["interrupted"].flag(),
        recovered=answer["recovered"],
        has_snap=answer["installations"]["snap"].flag(),
        rootless=answer["installations"]["rootless"].names(),
        csr=None if request.is_none else request["csr"].text(),
        pending_key=None if request.is_none else request["pending"].optional(_pending_key),
    )


def _path(path: str, file: Answer) -> str:
    return Answer(path, f"a key of {file.place}").path()


def _file(file: Answer) -> File:
    sha256 = file["sha256"].name()
    if not re.fullmatch("[0-9a-f]{64}", sha256):
        raise invalid_answer(f"{file.place}.sha256", "it is not a SHA-256 digest")
    attributes = Attributes(file["mode"].integer(0, 0o7777), file["uid"].integer(), file["gid"].integer())
    return File(file["content"].optional(Answer.content), sha256, attributes, file["link"].flag())


def _folder(folder: Answer) -> Attributes:
    numbers = [item.integer() for item in folder.items()]
    if len(numbers) != 3:
        raise invalid_answer(folder.place, "it is not mode, uid and gid")
    return Attributes(*numbers)


def _engine(engine: Answer) -> EngineState:
    return EngineState(
        _version(engine["version"]),
        engine["live_restore"].flag(),
        engine["swarm"].flag(),
        engine["containers"].optional(Answer.names),
    )


def _version(version: Answer) -> str:
    if not _VERSION.fullmatch(version.name()):
        raise invalid_answer(version.place, "it is not a version")
    return version.name()


def _engine_name(name: Answer) -> str:
    if not _NAME.fullmatch(name.name()):
        raise invalid_answer(name.place, "it is not the name of an engine")
    # As dockerd calls itself.
    return "Docker Engine" if name.name() == "Engine" else name.name()


def _socket(socket: Answer) -> EngineSocket:
    return EngineSocket(
        socket["target"].path(),
        Attributes(socket["mode"].integer(0, 0o7777), socket["uid"].integer(), socket["gid"].integer()),
        tuple(map(_folder, socket["folders"].items())),
        socket["name"].optional(_engine_name),
        socket["version"].optional(_version),
    )


def _listening(socket: Answer) -> Listening:
    return Listening(socket["address"].address(), socket["port"].port(), socket["program"].name())


def _port_answer(seen: Answer) -> PortAnswer:
    return PortAnswer(
        seen["address"].address(),
        seen["port"].port(),
        seen["plain"].one_of("refused", "answered", "silent", "closed"),
        seen["tls"].one_of("refused", "answered", "none", "closed"),
        seen["certificate"].optional(Answer.text),
    )


def _host_address(address: Answer) -> HostAddress:
    return HostAddress(address["interface"].name(), address["address"].address(), address["usable"].flag())


def _resolved(found: Answer) -> tuple[str, ...] | str:
    if not found["error"].is_none:
        return found["error"].name()
    return tuple(item.address() for item in found["addresses"].items())


def _connection(connection: Answer) -> Connection:
    return Connection(connection["client"].address(), connection["server"].address())


def _pending_key(name: Answer) -> str:
    if not re.fullmatch("[0-9a-f]{16,64}", name.name()):
        raise invalid_answer(name.place, "it is not the name of a pending key")
    return name.name()
