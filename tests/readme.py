# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The README's tables of the roles' variables, made from the roles' argument specifications.

C(python -m tests.readme) rewrites them, after the choices and defaults that several files repeat (choices.py); with
C(--check) nothing is written, and a stale file is an error.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import typing as t
from pathlib import Path

import yaml

from tests.choices import stale_files
from tests.generated import ROOT, rows, with_table

README = ROOT / "README.md"
#: What stands in the markers of each role's table.
TABLES = {"expose": "variables", "client": "client variables"}

#: Ansible's semantic markup for options, values, code, environment variables and return values.
_MARKUP = re.compile(r"\b(?:O|V|C|E|RV)\(((?:[^\\)]|\\.)*)\)")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.readme", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a file is stale")
    arguments = parser.parse_args()
    stale = stale_files()
    if arguments.check and stale:
        names = ", ".join(str(path.relative_to(ROOT)) for path in stale)
        print(f"choices or defaults are stale in {names}; run python -m tests.readme")
        return 1
    for path, text in stale.items():
        path.write_text(text, encoding="utf-8")
    present = README.read_text(encoding="utf-8")
    wanted = present
    for role, marker in TABLES.items():
        specification = yaml.safe_load(specification_of(role).read_text(encoding="utf-8"))
        wanted = with_table(wanted, table(specification["argument_specs"]["main"]["options"]), marker)
    if wanted == present:
        return 0
    if arguments.check:
        print(f"{README.name}: a table of variables differs from its role's specification; run python -m tests.readme")
        return 1
    README.write_text(wanted, encoding="utf-8")
    return 0


def specification_of(role: str) -> Path:
    return ROOT / "roles" / role / "meta" / "argument_specs.yml"


def table(options: dict[str, dict[str, t.Any]]) -> str:
    """Return the options as a Markdown table."""
    lines = [("Variable", "Type", "Default", "Meaning")]
    for name, option in options.items():
        lines.append((f"`{name}`", kind(option), default(option), meaning(option["description"])))
    return rows(lines)


def kind(option: dict[str, t.Any]) -> str:
    """Return the type, or the choices where only certain values are taken."""
    if "choices" in option:
        return ", ".join(f"`{choice}`" for choice in option["choices"])
    elements = option.get("elements")
    return f"{option['type']} of {elements}" if elements else str(option["type"])


def default(option: dict[str, t.Any]) -> str:
    if option.get("required"):
        return "(required)"
    value = option.get("default")
    if value is None:
        return "(none)"
    return f"`{value if isinstance(value, str) and value else json.dumps(value)}`"


def meaning(description: str | list[str]) -> str:
    """Return the paragraphs in one line, Ansible's markup turned into Markdown's code."""
    text = " ".join([description] if isinstance(description, str) else description)
    return _MARKUP.sub(lambda match: "`" + re.sub(r"\\(.)", r"\1", match.group(1)) + "`", text)


if __name__ == "__main__":
    sys.exit(main())
