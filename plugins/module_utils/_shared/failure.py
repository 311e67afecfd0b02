# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one family of errors: what is wrong, why, and what to do, with a key that scripts and tests can rely on."""

from __future__ import annotations

__all__ = ("Failure",)

import typing as t


class Failure(Exception):
    """An error for the user.

    C(key) is stable across releases. C(thing) is what the error is about (a path, an option and its value),
    C(reason) says what is wrong with it, C(cure) is a sentence in the imperative. C(facts) are added to the
    result as they are; no secret belongs into them.
    """

    def __init__(self, key: str, *, thing: str, reason: str, cure: str, **facts: t.Any) -> None:
        super().__init__(f"{thing}: {reason}. {cure}")
        self.key = key
        self.thing = thing
        self.reason = reason
        self.cure = cure
        self.facts = facts

    def as_result(self) -> dict[str, t.Any]:
        """Return the arguments for C(fail_json), or what an action plugin adds to its result."""
        return {**self.facts, "msg": str(self), "failure": self.key}
