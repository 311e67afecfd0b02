# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading what a host answered: untrusted input, checked once, here.

A value of another type or form than expected ends in a M(Failure) that names its place. Nothing else of the collection
looks at raw answers.
"""

from __future__ import annotations

__all__ = ("Answer", "invalid_answer")

import base64
import ipaddress
import math
import typing as t

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

#: No file that we read is larger; a host can't fill the controller's memory.
_MAXIMUM_LENGTH = 4 << 20

_Value = t.TypeVar("_Value")


def invalid_answer(place: str, reason: str) -> Failure:
    """Return the failure for what can't be an answer of our own module."""
    return Failure(
        "host_answer_invalid",
        thing=f"the host's answer, {place}",
        reason=reason,
        cure="Check what answers there in place of our module: the host may be compromised, or its Python replaced",
    )


class Answer:
    """A value of the answer and its place in it (C(engine.version))."""

    def __init__(self, value: t.Any, place: str = "observation") -> None:
        self.value = value
        self.place = place

    def __getitem__(self, key: str) -> Answer:
        """Return the entry of a mapping; a missing one is None."""
        return Answer(self._typed(dict, "a mapping").get(key), f"{self.place}.{key}")

    @property
    def is_none(self) -> bool:
        return self.value is None

    def text(self) -> str:
        text = self._typed(str, "a text")
        if len(text) > _MAXIMUM_LENGTH:
            raise invalid_answer(self.place, "it is longer than any file of ours")
        return text

    def name(self) -> str:
        """Return a text of one printable line."""
        text = self.text()
        if not text.isprintable() or len(text) > 4096:
            raise invalid_answer(self.place, "it is not one line of printable text")
        return text

    def path(self) -> str:
        path = self.name()
        if not path.startswith("/"):
            raise invalid_answer(self.place, "it is not an absolute path")
        return path

    def content(self) -> bytes:
        """Return a file's content: text, or C({"base64": ...})."""
        if isinstance(self.value, dict):
            try:
                return base64.b64decode(self["base64"].text(), validate=True)
            except ValueError:
                raise invalid_answer(self.place, "it is not base64") from None
        try:
            return self.text().encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            raise invalid_answer(self.place, "it is not text") from None

    def flag(self) -> bool:
        return self._typed(bool, "true or false")

    def integer(self, least: int = 0, most: int = 1 << 53) -> int:
        number = self._typed(int, "an integer")
        if isinstance(number, bool) or not least <= number <= most:
            raise invalid_answer(self.place, f"it is not an integer from {least} to {most}")
        return number

    def number(self) -> float:
        try:
            if isinstance(self.value, (int, float)) and not isinstance(self.value, bool) and math.isfinite(self.value):
                return float(self.value)
        except OverflowError:
            pass
        raise invalid_answer(self.place, "it is not a number")

    def port(self) -> int:
        return self.integer(1, 65535)

    def address(self) -> str:
        """Return an IP address in its canonical form, without a zone."""
        try:
            return str(ipaddress.ip_address(self.name().partition("%")[0]))
        except ValueError:
            raise invalid_answer(self.place, "it is not an IP address") from None

    def one_of(self, *choices: str) -> str:
        text = self.name()
        if text not in choices:
            raise invalid_answer(self.place, f"it is not one of {', '.join(choices)}")
        return text

    def items(self) -> list[Answer]:
        return [Answer(value, f"{self.place}[{index}]") for index, value in enumerate(self._typed(list, "a list"))]

    def entries(self) -> dict[str, Answer]:
        """Return a mapping's entries; its keys are names."""
        found = {}
        for key, value in self._typed(dict, "a mapping").items():
            found[Answer(key, f"a key of {self.place}").name()] = Answer(value, f"{self.place}.{key}")
        return found

    def optional(self, read: t.Callable[[Answer], _Value]) -> _Value | None:
        """Return C(read) of this value, or None where there is none."""
        return None if self.value is None else read(self)

    def names(self) -> tuple[str, ...]:
        return tuple(item.name() for item in self.items())

    def _typed(self, kind: type[_Value], described: str) -> _Value:
        if not isinstance(self.value, kind):
            raise invalid_answer(self.place, f"it is not {described}")
        return self.value
