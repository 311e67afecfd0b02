# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Agreeing on a version of the Engine API. Pure."""

from __future__ import annotations

__all__ = ("Range", "as_numbers", "negotiate", "parse_range")

import re
import typing as t
from dataclasses import dataclass

from ..._shared.failure import Failure
from ..states import Problem

_VERSION = re.compile(r"\d+\.\d+\Z")


@dataclass(frozen=True)
class Range:
    """The oldest and the newest version that a client speaks."""

    oldest: str
    newest: str

    def __str__(self) -> str:
        return f"{self.oldest} to {self.newest}"


def parse_range(text: str) -> Range:
    """Return the range of C(1.44-1.52). Failure: C(invalid_api_versions)."""
    oldest, _dash, newest = text.replace(" ", "").partition("-")
    newest = newest or oldest
    if not _VERSION.match(oldest) or not _VERSION.match(newest) or as_numbers(oldest) > as_numbers(newest):
        raise Failure(
            "invalid_api_versions",
            thing=f"api_versions {text!r}",
            reason="it is not a range of API versions",
            cure="Write the oldest and the newest, for example 1.44-1.52 ('docker version' shows the newest)",
        )
    return Range(oldest, newest)


def negotiate(client: Range, newest: str, oldest: t.Optional[str]) -> str:
    """Return the newest version that both speak, as all clients of Docker do.

    Problem: C(api_too_old), C(api_too_new), C(not_docker).
    """
    if not _VERSION.match(newest) or (oldest is not None and not _VERSION.match(oldest)):
        raise Problem("not_docker", f"what answers names no version of the Docker Engine API ({newest[:40]!r})")
    if as_numbers(newest) < as_numbers(client.oldest):
        raise Problem("api_too_old", f"the daemon's API is {newest} at most, and the client speaks {client}")
    if oldest is not None and as_numbers(oldest) > as_numbers(client.newest):
        raise Problem("api_too_new", f"the daemon's API is {oldest} at least, and the client speaks {client}")
    return min(newest, client.newest, key=as_numbers)


def as_numbers(version: str) -> t.Tuple[int, int]:
    """1.9 is older than 1.10."""
    major, _dot, minor = version.partition(".")
    return int(major), int(minor)
