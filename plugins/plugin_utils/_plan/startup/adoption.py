# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Adoption: a listener that dockerd has already is taken out of the files that make it, so that ours can replace it."""

from __future__ import annotations

__all__ = ("Adopted", "adopt")

import dataclasses
import typing as t
from dataclasses import dataclass, field

from ansible_collections.gangway.docker.plugins.module_utils._guard.dockerd_flags import short_host
from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

from .command_line import CommandLine, read_startup
from .daemon_json_hosts import ACTIVATED, DEFAULT_SOCKET, entries, is_tcp, without_tcp_and_tls
from .edits import Edit, edited
from .findings import find
from .flags import Flag, Token
from .socket_streams import without_tcp_streams
from .sources import Source, unsupported

_Edits = t.Dict[Source, t.Set[Edit]]


@dataclass(frozen=True)
class Adopted:
    """Files without TCP and TLS.

    C(texts): their new texts; None: the file is put aside, since systemd would not load a socket unit that listens on
    nothing. C(exec_start): the ExecStart that our drop-in has to set, since a package's file has the listener on its
    command line, and stays as it is; None: none.
    """

    texts: t.Mapping[str, str | None] = field(default_factory=dict)
    exec_start: str | None = None

    def applied(self, sources: t.Iterable[Source]) -> list[Source]:
        """Return the sources as they are after adoption, our drop-in included."""
        after = [dataclasses.replace(s, text=self.texts.get(s.path, s.text) or "") for s in sources if self._stays(s)]
        if self.exec_start is not None:
            text = f"[Service]\nExecStart=\nExecStart={self.exec_start}\n"
            last = max((i for i, source in enumerate(after) if source.kind in ("unit", "drop_in")), default=-1)
            after.insert(last + 1, Source(layout.EXEC_DROP_IN, text, "drop_in"))
        return after

    def _stays(self, source: Source) -> bool:
        return self.texts.get(source.path, source.text) is not None


def adopt(sources: t.Sequence[Source], *, activated: bool) -> Adopted:
    """Return what makes dockerd start without TCP and without TLS settings.

    C(activated): the package's unit starts dockerd with -H fd://, so every ExecStart has to; C(fd://) in C(hosts) of
    daemon.json says the same. Everything else in the files stays byte for byte. A package's files (below /usr and
    /lib) and those in /run are not changed. Failures: C(adopt_unsupported), C(daemon_json_malformed).
    """
    reading = read_startup(sources)
    if reading.doubts:
        doubt = reading.doubts[0]
        raise unsupported(doubt.source, doubt.offset, doubt.reason)
    settings = [source for source in sources if source.kind == "daemon_json" and entries(source)]
    handed_over = any(entry.host in ACTIVATED for source in settings for entry in entries(source))
    edits: _Edits = {}
    exec_start = None
    for line in reading.command_lines:
        if _is_overridden(line, handed_over=handed_over):
            if len(reading.command_lines) > 1:
                raise unsupported(line.source, line.assignment.start, "there is more than one ExecStart")
            exec_start = _override(edits, line, activated=activated or handed_over)
        else:
            _edit_command_line(edits, line, activated=activated or handed_over)
    _take_out(edits, _tokens_of(flag for flag in reading.loose if flag.is_tcp_or_tls and _is_the_admins(flag)))
    texts: dict[str, str | None] = {source.path: edited(source.text, of_source) for source, of_source in edits.items()}
    for source in settings:
        texts[source.path] = without_tcp_and_tls(source, activated=activated or handed_over)
    texts.update(without_tcp_streams(sources))
    before = {source.path: source.text for source in sources}
    adopted = Adopted({path: text for path, text in texts.items() if text != before[path]}, exec_start)
    _check(adopted.applied(sources))
    return adopted


def _check(after: t.Sequence[Source]) -> None:
    left = [finding for finding in find(after) if finding.kind != "exec_start"]
    if left:
        raise Failure(
            "adopt_unsupported",
            thing="; ".join(f"{finding.what} ({finding.place})" for finding in left),
            reason="this is in a file that belongs to a package, or that can't be rewritten for certain",
            cure="Take it out by hand first; nothing was changed",
        )


def _is_overridden(line: CommandLine, *, handed_over: bool) -> bool:
    """Return whether a package's file has the listener on its command line, or needs -H fd:// there."""
    if line.source.is_the_admins:
        return False
    lacks_handed = handed_over and _first_handed(line) is None
    gone = _tokens_of(flag for flag in line.flags if flag.is_tcp_or_tls)
    return lacks_handed or any(not token.source.is_the_admins for token in gone)


def _override(edits: _Edits, line: CommandLine, *, activated: bool) -> str:
    """Return the command line without TCP and TLS, on one line. Variables that stay in it are edited."""
    gone = [flag for flag in line.flags if flag.is_tcp_or_tls]
    first = _first_handed(line)
    if activated:
        gone += _surplus(line, first)
    removed = {id(token) for token in _tokens_of(gone)}
    kept: list[str] = []
    for index, word in enumerate(line.words):
        tokens = [token for token in line.tokens if token.origin == index]
        removed_here = [token for token in tokens if id(token) in removed]
        if not removed_here or len(removed_here) < len(tokens):
            kept.append(word.written)
            _take_out(edits, [token for token in removed_here if token.source.is_the_admins])
        elif _switches_before(removed_here[0]):
            kept.append(_switches_before(removed_here[0]))
    if activated and first is None:
        kept.insert(line.head, "-H fd://")
    return " ".join(kept)


def _surplus(line: CommandLine, first: Flag | None) -> list[Flag]:
    """Return the flags for sockets that -H fd:// has as well. Failure: C(adopt_unsupported)."""
    hosts = [flag for flag in line.flags if flag.kind == "host" and not is_tcp(flag.value)]
    for flag in hosts:
        if flag.value.startswith("fd://") and flag.value not in ACTIVATED:
            token = flag.tokens[0]
            raise unsupported(token.source, token.word.start, f"{flag.value} is only one of the sockets of systemd")
    return [flag for flag in hosts if flag.value in (*DEFAULT_SOCKET, *ACTIVATED) and flag is not first]


def _first_handed(line: CommandLine) -> Flag | None:
    # One that can't be changed is the one to keep.
    handed = sorted(
        (flag for flag in line.flags if flag.kind == "host" and flag.value in ACTIVATED), key=_is_the_admins
    )
    return handed[0] if handed else None


def _edit_command_line(edits: _Edits, line: CommandLine, *, activated: bool) -> None:
    _take_out(edits, _tokens_of(flag for flag in line.flags if flag.is_tcp_or_tls and _is_the_admins(flag)))
    if not activated:
        return
    first = _first_handed(line)
    surplus = _surplus(line, first)
    defaults = [flag for flag in surplus if flag.value in DEFAULT_SOCKET]
    if first is None and defaults and _put_value(edits, defaults[0], "fd://"):
        surplus.remove(defaults[0])
    elif first is None and line.source.is_the_admins:
        end = line.words[line.head - 1].end
        edits.setdefault(line.source, set()).add((end, end, " -H fd://"))
    _take_out(edits, _tokens_of(filter(_is_the_admins, surplus)))


def _is_the_admins(flag: Flag) -> bool:
    return all(token.source.is_the_admins for token in flag.tokens)


def _tokens_of(flags: t.Iterable[Flag]) -> list[Token]:
    return [token for flag in flags for token in flag.tokens]


def _switches_before(token: Token) -> str:
    """Return the part of C(-DH) that is not the flag for a host."""
    is_joined = short_host(token.text) is not None and not token.text.startswith("-H")
    return token.text.partition("H")[0] if is_joined else ""


def _take_out(edits: _Edits, tokens: t.Iterable[Token]) -> None:
    for token in tokens:
        written = token.written
        # An odd quote belongs to the variable's value, and would be left behind.
        if "\n" in written or any(written.count(quote) % 2 for quote in "'\""):
            raise unsupported(token.source, token.word.start, "a quote or a line begins or ends within a word")
        edits.setdefault(token.source, set()).add((token.word.start, token.word.end, _switches_before(token)))


def _put_value(edits: _Edits, flag: Flag, value: str) -> bool:
    """Replace a flag's value; return whether that is possible."""
    token = flag.tokens[-1]
    if not flag.value or not token.word.text.endswith(flag.value) or not _is_the_admins(flag):
        return False
    places = token.word.placed.places[-len(flag.value) :]
    edits.setdefault(token.source, set()).add((places[0][0], places[-1][1], value))
    return True
