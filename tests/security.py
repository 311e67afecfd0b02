# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tables of attacks in SECURITY.md, one for each attacker, made from the marks of the tests (attack.py).

C(python -m tests.security) rewrites them; with C(--check) nothing is written, and a stale table is an error. pytest
collects the tests for it, and runs none of them.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
import typing as t
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.attack import ATTACKERS
from tests.generated import ROOT, rows, with_table
from tests.lab.images import FLAVOURS

SECURITY = ROOT / "SECURITY.md"


@dataclass(frozen=True)
class Attack:
    """One row of the table."""

    name: str
    by: str
    expected: str
    #: The test's file, relative to the repository.
    path: str
    test: str


class Collector:
    """A plugin of pytest that takes down the attacks of all tests, and leaves none of them to run."""

    def __init__(self) -> None:
        self.attacks: list[Attack] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        self.attacks = attacks_of(items, ROOT)
        items.clear()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.security", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a table is stale")
    arguments = parser.parse_args()
    present = SECURITY.read_text(encoding="utf-8")
    attacks, wanted = collect(), present
    for by in ATTACKERS:
        rows_of_attacker = [attack for attack in attacks if attack.by == by]
        wanted = with_table(wanted, table(rows_of_attacker), f"attacks: {by}", SECURITY.name)
    if wanted == present:
        return 0
    if arguments.check:
        print(f"{SECURITY.name}: a table of attacks differs from the tests' marks; run python -m tests.security")
        return 1
    SECURITY.write_text(wanted, encoding="utf-8")
    return 0


def collect() -> list[Attack]:
    """Return the attacks of all tests."""
    collector, printed = Collector(), io.StringIO()
    folders = [str(ROOT / "tests" / name) for name in ("integration", "unit")]
    with contextlib.redirect_stdout(printed):
        code = pytest.main(["--collect-only", "-q", "-p", "no:cacheprovider", *folders], plugins=[collector])
    if code != pytest.ExitCode.NO_TESTS_COLLECTED:
        sys.exit(f"the tests can't be collected:\n{printed.getvalue()}")
    missing = [by for by in ATTACKERS if all(attack.by != by for attack in collector.attacks)]
    if missing:
        sys.exit(f"no test shows an attack by: {', '.join(missing)}")
    return collector.attacks


def attacks_of(items: t.Iterable[pytest.Item], root: Path) -> list[Attack]:
    """Return the attacks of these tests, in their order; an attack with several sets of parameters is one row."""
    found: dict[tuple[str, str], Attack] = {}
    for item in items:
        path = item.path.relative_to(root).as_posix()
        for mark in item.iter_markers("attack"):
            attack = Attack(mark.args[0], mark.kwargs["by"], mark.kwargs["expected"], path, _name(item, mark))
            found.setdefault((attack.name, item.nodeid.partition("[")[0]), attack)
    return list(found.values())


def _name(item: pytest.Item, mark: pytest.Mark) -> str:
    """Return the test's name; if the mark is one of its parameters', with these, and without the host's flavour."""
    name, _bracket, parameters = item.name.removesuffix("]").partition("[")
    if mark not in getattr(getattr(item, "callspec", None), "marks", ()):
        return name
    # The longest first: a flavour's name may begin like another's.
    for flavour in sorted(FLAVOURS, key=len, reverse=True):
        parameters = parameters.removeprefix(f"{flavour}-")
    return f"{name}[{parameters}]"


def table(attacks: t.Iterable[Attack]) -> str:
    """Return the attacks as a Markdown table."""
    lines = [(attack.name, attack.expected, f"[`{attack.test}`]({attack.path})") for attack in attacks]
    return rows([("Attack", "Expected result", "Test"), *lines])


if __name__ == "__main__":
    sys.exit(main())
