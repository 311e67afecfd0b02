# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The paths of the Engine API, from engine_api.txt, and the target of each request that C(rights=read) allows."""

from __future__ import annotations

import re
import string
import typing as t
from pathlib import Path

from tests.read_paths import documented

_DOCUMENTED = documented()
_NAME_BEGINS = frozenset(string.ascii_letters + string.digits)
_NAME_GOES_ON = _NAME_BEGINS | {*"_.-"}


class Operation(t.NamedTuple):
    method: str
    path: str


def operations() -> list[Operation]:
    """Return what the Engine API knows."""
    lines = Path(__file__).with_name("engine_api.txt").read_text(encoding="utf-8").splitlines()
    return [Operation(*line.split()) for line in lines if not line.startswith("#")]


def paths() -> list[str]:
    """Return each path once."""
    return list(dict.fromkeys(operation.path for operation in operations()))


def is_documented(method: str, target: str) -> bool:
    """Whether a client with the right to read may ask this, by the list in docs/gateway.md."""
    path = target.partition("?")[0]
    first, *rest = path.split("/")[1:] or [""]
    if rest and re.fullmatch(r"v\d+\.\d+", first, re.ASCII):
        path = "/" + "/".join(rest)
    return method in ("GET", "HEAD") and any(_is_path(template, path) for template in _DOCUMENTED)


def _is_path(template: str, path: str) -> bool:
    wanted, segments = template.split("/"), path.split("/")
    return len(wanted) == len(segments) and all(
        _is_name(segment) if word == "NAME" else word == segment for word, segment in zip(wanted, segments)
    )


def _is_name(segment: str) -> bool:
    return segment[:1] in _NAME_BEGINS and {*segment} <= _NAME_GOES_ON and segment != ""
