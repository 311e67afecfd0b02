# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Steps and the way back as JSON takes them, and read again."""

from __future__ import annotations

__all__ = ("as_data", "from_data", "step_from_data")

import typing as t
from dataclasses import asdict, fields

from .steps import Step
from .way_back import WayBack

_STEPS: t.Dict[str, t.Type[Step]] = {kind.__name__: kind for kind in Step.__subclasses__()}
_Kind = t.TypeVar("_Kind")


def as_data(step: t.Union[Step, WayBack]) -> t.Dict[str, t.Any]:
    """Return the step as JSON takes it."""
    return {"step": type(step).__name__, **asdict(step)}


def step_from_data(data: t.Mapping[str, t.Any]) -> Step:
    """Read a step. Raises ValueError."""
    kind = _STEPS.get(str(data.get("step")))
    if kind is None:
        raise ValueError(f"there is no step {data.get('step')!r}")
    return from_data(kind, data)


def from_data(kind: t.Type[_Kind], data: t.Mapping[str, t.Any]) -> _Kind:
    """Read what M(as_data) returned. Raises ValueError."""
    known = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    given = {name: _frozen(value) for name, value in data.items() if name != "step"}
    if given.keys() - known:
        raise ValueError(f"{kind.__name__} has no {', '.join(sorted(given.keys() - known))}")
    return kind(**given)


def _frozen(value: t.Any) -> t.Any:
    """JSON has lists only."""
    return tuple(_frozen(item) for item in value) if isinstance(value, (list, tuple)) else value
