# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""daemon.json as text: our keys go in and out, and everything else stays byte for byte.

Pure and standalone: the guard carries a copy of this file on each host, so it imports only the
standard library.
"""

from __future__ import annotations

__all__ = (
    "MalformedDaemonJson",
    "encoding_problem",
    "merge",
    "parse",
    "raw_values",
    "restore",
    "without_tcp_hosts",
)

import json
import re
import typing as t
from dataclasses import dataclass

_SPACE = re.compile(r"[ \t\r\n]*")
_BYTE_ORDER_MARK = "\ufeff"


class MalformedDaemonJson(ValueError):
    """The text is not one JSON object with distinct keys; the message says where it goes wrong."""


@dataclass(frozen=True)
class _Member:
    key: str
    start: int
    key_end: int
    value_start: int
    end: int


def encoding_problem(text: str, version: t.Callable[[], str]) -> str | None:
    """Return why a dockerd of this version does not start with the text's encoding; None: it does.

    From 23.0 on, it skips a byte order mark, and refuses what is not UTF-8 (moby#44777, moby#44832). C(text) has bytes
    that are not UTF-8 as surrogates. C(version) is called only if it matters.
    """
    is_utf_8 = not re.search("[\udc80-\udcff]", text)
    if is_utf_8 and not _has_mark(text):
        return None
    major = version().partition(".")[0]
    if major.isdigit() and int(major) >= 23:
        return None if is_utf_8 else "it is not UTF-8"
    return "it begins with a byte order mark, which dockerd accepts from 23.0 on" if _has_mark(text) else None


def parse(text: str) -> dict[str, t.Any]:
    """Return the settings. A blank text is none, and a byte order mark is skipped, as by dockerd from 23.0 on."""
    if _is_blank(text):
        return {}

    def distinct(pairs: list[tuple[str, t.Any]]) -> dict[str, t.Any]:
        keys = [key for key, _value in pairs]
        for key in keys:
            if keys.count(key) > 1:
                raise MalformedDaemonJson(f"the key {key!r} stands in it twice")
        return dict(pairs)

    def no_number(word: str) -> t.Any:
        raise MalformedDaemonJson(f"{word} is not JSON")

    try:
        settings = json.loads(
            text[1:] if _has_mark(text) else text, object_pairs_hook=distinct, parse_constant=no_number
        )
    except json.JSONDecodeError as exc:
        raise MalformedDaemonJson(f"line {exc.lineno}, column {exc.colno}: {exc.msg}") from exc
    except RecursionError:
        raise MalformedDaemonJson("it is nested too deeply") from None
    except MalformedDaemonJson:
        raise
    except ValueError as exc:
        # A number of more digits than Python reads.
        raise MalformedDaemonJson(str(exc)) from exc
    if not isinstance(settings, dict):
        raise MalformedDaemonJson("it holds no JSON object")
    return settings


def merge(text: str, settings: t.Mapping[str, t.Any]) -> str:
    """Return the text with these settings in it: changed where they stand, or else put at the end."""
    return restore(text, {key: json.dumps(value) for key, value in settings.items()})


def raw_values(text: str, keys: t.Iterable[str]) -> dict[str, str | None]:
    """Return for each key its value as it is written, or None where the key is absent: what M(restore) takes."""
    values = {m.key: text[m.value_start : m.end] for m in _members(text)}
    return {key: values.get(key) for key in keys}


def restore(text: str, raw: t.Mapping[str, str | None]) -> str:
    """Return the text with each key's value as given in JSON; None takes the key out."""
    parse(text)
    if _is_blank(text):
        text = f"{_BYTE_ORDER_MARK}{{}}\n" if _has_mark(text) else "{}\n"
    for key, value in raw.items():
        member = next((m for m in _members(text) if m.key == key), None)
        if value is None:
            text = text if member is None else _without(text, member)
        elif member is None:
            text = _with(text, key, value)
        elif _canonical(text[member.value_start : member.end]) != _canonical(value):
            text = text[: member.value_start] + value + text[member.end :]
    return text


def without_tcp_hosts(text: str) -> str:
    """Return the text without the TCP ports in C(hosts)."""
    hosts = parse(text).get("hosts")
    if not isinstance(hosts, list):
        return text
    kept = [host for host in hosts if str(host).startswith(("fd://", "unix://"))]
    return text if kept == hosts else restore(text, {"hosts": json.dumps(kept) if kept else None})


def _has_mark(text: str) -> bool:
    return text.startswith(_BYTE_ORDER_MARK)


def _is_blank(text: str) -> bool:
    return not (text[1:] if _has_mark(text) else text).strip()


def _canonical(value: str) -> str:
    """For comparing: 1 and true are equal to Python, and not to dockerd."""
    return json.dumps(json.loads(value), sort_keys=True)


def _members(text: str) -> list[_Member]:
    if _is_blank(text):
        return []
    decoder, members = json.JSONDecoder(), []
    position = _skip(text, text.index("{") + 1)
    while text[position] != "}":
        key, key_end = decoder.raw_decode(text, position)
        value_start = _skip(text, _skip(text, key_end) + 1)
        _value, end = decoder.raw_decode(text, value_start)
        members.append(_Member(key, position, key_end, value_start, end))
        position = _skip(text, end)
        if text[position] == ",":
            position = _skip(text, position + 1)
    return members


def _skip(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return match.end() if match else position


def _with(text: str, key: str, value: str) -> str:
    """Put a key behind the last one, spaced as its neighbours are."""
    members = _members(text)
    opening = text.index("{") + 1
    if not members:
        return f"{text[:opening]}\n  {json.dumps(key)}: {value}\n{text[text.index('}', opening) :]}"
    first, last = members[0], members[-1]
    if len(members) > 1:
        between = text[members[-2].end : last.start]
        gap = between[between.index(",") + 1 :]
    else:
        before_first = text[opening : first.start]
        gap = before_first if "\n" in before_first else " "
    colon = text[last.key_end : last.value_start]
    return f"{text[: last.end]},{gap}{json.dumps(key)}{colon}{value}{text[last.end :]}"


def _without(text: str, member: _Member) -> str:
    members = _members(text)
    index = members.index(member)
    if index + 1 < len(members):
        return text[: member.start] + text[members[index + 1].start :]
    if index > 0:
        return text[: members[index - 1].end] + text[member.end :]
    opening = text.index("{") + 1
    return text[:opening] + text[text.rindex("}") :]
