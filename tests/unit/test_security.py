# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of attacks comes from the tests' marks."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("docker", reason="the lab runs with .venv only")

from tests.attack import ADMIN, NETWORK, attack
from tests.security import Attack, attacks_of, table

pytest_plugins = ("pytester",)

_TESTS = """
import pytest
from tests.attack import ADMIN, NETWORK, attack

EDIT = attack("Edits a file", by=ADMIN, expected="Nothing")

@pytest.mark.parametrize("number", [pytest.param(1, id="one", marks=EDIT), pytest.param(2, marks=EDIT), 3])
@pytest.mark.parametrize("flavour", ["bookworm", "sid"])
def test_parameters(number, flavour): ...

@attack("Connects", by=NETWORK, expected="Refused")
@attack("Connects | twice", by=NETWORK, expected="Refused")
@pytest.mark.parametrize("number", [1, 2])
def test_both(number): ...

class TestClass:
    @attack("Removes a file", by=ADMIN, expected="Closed")
    def test_method(self): ...

def test_another(): ...
"""


@pytest.fixture
def attacks(pytester: pytest.Pytester) -> list[Attack]:
    pytester.makeini("[pytest]\nmarkers = attack")
    items = pytester.getitems(_TESTS)
    return attacks_of(items, Path(items[0].path).parent)


def test_functions_parameters_and_methods_are_found_once_each(attacks: list[Attack]) -> None:
    assert {(row.name, row.by, row.expected, row.test) for row in attacks} == {
        ("Edits a file", ADMIN, "Nothing", "test_parameters[one]"),
        ("Connects", NETWORK, "Refused", "test_both"),
        ("Connects | twice", NETWORK, "Refused", "test_both"),
        ("Removes a file", ADMIN, "Closed", "test_method"),
    }
    assert len(attacks) == 4


def test_a_row_has_the_attack_the_result_and_the_test(attacks: list[Attack]) -> None:
    header, _line, *lines = table(attack for attack in attacks if attack.name == "Connects | twice").splitlines()
    assert header == "| Attack | Expected result | Test |"
    assert len(lines) == 1
    assert lines[0].startswith(r"| Connects \| twice | Refused | [`test_both`](")


def test_an_unknown_attacker_is_an_error() -> None:
    with pytest.raises(ValueError, match="none of ATTACKERS"):
        attack("Connects", by="Nobody", expected="Refused")
