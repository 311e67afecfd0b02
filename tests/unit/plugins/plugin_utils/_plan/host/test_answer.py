# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values of a host's answer: each form is read, and anything else is refused with its place."""

from __future__ import annotations

import math
import typing as t

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.host.answer import Answer

Read = t.Callable[[Answer], t.Any]


@pytest.mark.parametrize(
    ("read", "value", "expected"),
    [
        (Answer.text, "a\nb", "a\nb"),
        (Answer.name, "docker.service", "docker.service"),
        (Answer.name, "", ""),
        (Answer.path, "/etc/docker", "/etc/docker"),
        (Answer.content, "straße\n", "straße\n".encode()),
        (Answer.content, "\udcff", b"\xff"),
        (Answer.content, {"base64": "/w=="}, b"\xff"),
        (Answer.flag, False, False),
        (Answer.integer, 0, 0),
        (Answer.number, 1, 1.0),
        (Answer.number, 1.5, 1.5),
        (Answer.port, 65535, 65535),
        (Answer.address, "2001:DB8::5", "2001:db8::5"),
        (Answer.address, "fe80::1%eth0", "fe80::1"),
        (Answer.names, ["a", "b"], ("a", "b")),
    ],
)
def test_each_form_is_read(read: Read, value: t.Any, expected: t.Any) -> None:
    assert read(Answer(value)) == expected


@pytest.mark.parametrize(
    ("read", "value"),
    ids=lambda value: repr(value)[:20],
    argvalues=[
        *((Answer.text, value) for value in (None, 1, b"", [], {}, True, "x" * (5 << 20))),
        *((Answer.name, value) for value in (None, "a\nb", "\x1b[2J", "\udcff", "x" * 5000)),
        *((Answer.path, value) for value in ("", "etc", "~/x", "/a\n")),
        *((Answer.content, value) for value in (1, [], {}, {"base64": 1}, {"base64": "?"}, {"base64": "é"}, "\ud800")),
        *((Answer.flag, value) for value in (None, 0, 1, "true")),
        *((Answer.integer, value) for value in (None, True, -1, 1.0, "1", 1 << 60)),
        *((Answer.number, value) for value in (None, True, "1", math.nan, math.inf, 10**400)),
        *((Answer.port, value) for value in (0, 65536, -1, True, "2376")),
        *((Answer.address, value) for value in ("", "web1", "1.2.3", "1.2.3.4:5", 1, None)),
        *((Answer.names, value) for value in (None, "abc", ["a", 1], {"a": 1})),
        *((Answer.items, value) for value in (None, "abc", {})),
        *((Answer.entries, value) for value in (None, "abc", [], {"a\n": 1}, {1: 2})),
    ],
)
def test_another_form_is_refused_by_its_place(read: Read, value: t.Any) -> None:
    with pytest.raises(Failure) as failure:
        read(Answer(value, "observation.place"))
    assert failure.value.key == "host_answer_invalid"
    assert "observation.place" in str(failure.value)
    assert len(str(failure.value)) < 1000, "a host does not fill the screen"


def test_places_lead_to_the_value() -> None:
    answer = Answer({"a": [{"b": 1}]})
    assert answer["a"].items()[0]["b"].place == "observation.a[0].b"
    assert answer["a"].items()[0]["c"].is_none
    with pytest.raises(Failure, match=r"observation\.a\[0\]\.b"):
        answer["a"].items()[0]["b"].text()
