# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A dockerd that listens on TCP by somebody else's doing: its files without that, so that ours can take its place."""

from __future__ import annotations

__all__ = ("adopted",)

import typing as t

from .command_line import CommandLine, Flag, started
from .edits import Edit, edited
from .listening_keys import ACTIVATED, DEFAULT_SOCKET, entries, is_tcp, without_tcp_and_tls
from .socket_streams import without_tcp_streams
from .sources import Source, unsupported

_Edits = t.Dict[Source, t.Set[Edit]]


def adopted(sources: t.Sequence[Source], *, activated: bool) -> dict[str, str | None]:
    """Return the new texts of the files that have to change, so that none makes dockerd listen on TCP or sets its TLS.

    Everything else in them stays to the byte. None: the file is to be put aside, since a socket unit with nothing to
    listen on would not load. C(activated): the vendor's unit starts dockerd with -H fd://, so every ExecStart has to.

    A package's files (below /usr and /lib) and those in /run are left as they are; M(find) still finds what is in
    them. Failures: C(adopt_unsupported), C(daemon_json_malformed).
    """
    texts: dict[str, str | None] = {}
    edits: _Edits = {}
    reading = started(sources)
    if reading.doubts:
        doubt = reading.doubts[0]
        raise unsupported(doubt.source, doubt.offset, doubt.reason)
    for line in reading.command_lines:
        _edit_command_line(edits, line, activated=activated)
    _take_out(edits, filter(_is_to_go, reading.loose))
    for source, of_source in edits.items():
        texts[source.path] = edited(source.text, of_source)
    for source in sources:
        # No file, or an empty one, is to stay that.
        if source.kind == "daemon_json" and entries(source):
            texts[source.path] = without_tcp_and_tls(source, activated=activated)
    texts.update(without_tcp_streams(sources))
    before = {source.path: source.text for source in sources}
    return {path: text for path, text in texts.items() if text != before[path]}


def _edit_command_line(edits: _Edits, line: CommandLine, *, activated: bool) -> None:
    _take_out(edits, filter(_is_to_go, line.flags))
    if not activated:
        return
    hosts = [flag for flag in line.flags if flag.kind == "host" and not is_tcp(flag.value)]
    for flag in hosts:
        if flag.value.startswith("fd://") and flag.value not in ACTIVATED:
            token = flag.tokens[0]
            raise unsupported(token.source, token.word.start, f"{flag.value} is only one of the sockets of systemd")
    # One that can't be changed is the one to keep.
    handed = sorted((flag for flag in hosts if flag.value in ACTIVATED), key=_is_the_admins)
    defaults = [flag for flag in hosts if flag.value in DEFAULT_SOCKET]
    if not handed and defaults and _put_value(edits, defaults[0], "fd://"):
        del defaults[0]
    elif not handed and line.source.is_the_admins and line.words:
        # With the prefix @ the second word is dockerd's name, see systemd.service(5).
        end = line.words[: 2 if line.names_itself else 1][-1].end
        edits.setdefault(line.source, set()).add((end, end, " -H fd://"))
    _take_out(edits, [*handed[1:], *defaults])


def _is_to_go(flag: Flag) -> bool:
    return flag.kind == "tls" or is_tcp(flag.value)


def _is_the_admins(flag: Flag) -> bool:
    return all(token.source.is_the_admins for token in flag.tokens)


def _take_out(edits: _Edits, flags: t.Iterable[Flag]) -> None:
    """Take whole flags out: where half of one is a package's, none of it."""
    for flag in filter(_is_the_admins, flags):
        for token in flag.tokens:
            written = token.written
            # Its quotes are not its own, but those of the variable's value: one of them would be left behind.
            if "\n" in written or any(written.count(quote) % 2 for quote in "'\""):
                raise unsupported(token.source, token.word.start, "a quote or a line begins or ends within a word")
            edits.setdefault(token.source, set()).add((token.word.start, token.word.end, ""))
        token = flag.tokens[0]
        if flag.kind == "host" and not token.text.startswith(("--", "-H")):
            # -DH: what stands before the H stays.
            edits[token.source].remove((token.word.start, token.word.end, ""))
            edits[token.source].add((token.word.start, token.word.end, token.text.partition("H")[0]))


def _put_value(edits: _Edits, flag: Flag, value: str) -> bool:
    """Put another value in the place of a flag's own; tell whether that can be done."""
    token = flag.tokens[-1]
    if not flag.value or not token.word.text.endswith(flag.value) or not _is_the_admins(flag):
        return False
    places = token.word.spelled.places[-len(flag.value) :]
    edits.setdefault(token.source, set()).add((places[0][0], places[-1][1], value))
    return True
