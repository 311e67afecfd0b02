# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tables of docs/gateway.md: what a client with the right to read may ask, and what it may not, and why.

C(python -m tests.read_paths) rewrites them; with C(--check) nothing is written, and a stale table is an error.
"""

from __future__ import annotations

import argparse
import importlib
import re
import sys

from tests.generated import ROOT, rows, with_table

PAGE = ROOT / "docs" / "gateway.md"
_CODE = "ansible_collections.gangway.docker.plugins.plugin_utils._plan.gateway.read_paths"
#: The tables' markers. Commands in the first are run by tests/integration/gateway/test_read.py.
_ALLOWED, _LEFT_OUT = "commands", "paths left out"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.read_paths", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a table is stale")
    arguments = parser.parse_args()
    present = PAGE.read_text(encoding="utf-8")
    wanted = page_of(present)
    if wanted == present:
        return 0
    if arguments.check:
        print(f"{PAGE.name}: a table differs from read_paths.py; run python -m tests.read_paths")
        return 1
    PAGE.write_text(wanted, encoding="utf-8")
    return 0


def page_of(text: str) -> str:
    """Return the page with both tables as the code has them."""
    sys.path.insert(0, str(ROOT / ".cache" / "collections"))
    code = importlib.import_module(_CODE)
    allowed = [(f"`{path}`", f"`{command}`" if command else "all") for path, command in code.READ_PATHS.items()]
    left_out = [(f"`{path}`", reason) for path, reason in code.LEFT_OUT.items()]
    text = with_table(text, rows([("Path", "Command"), *allowed]), _ALLOWED, PAGE.name)
    return with_table(text, rows([("Path", "Reason"), *left_out]), _LEFT_OUT, PAGE.name)


def documented() -> dict[str, str]:
    """Return the allowed paths as the page has them, each with its command, if it is one command's."""
    text = PAGE.read_text(encoding="utf-8")
    table = text.partition(f"<!-- begin {_ALLOWED} -->")[2].partition(f"<!-- end {_ALLOWED} -->")[0]
    return dict(re.findall(r"^\| `(/\S*)` \| (?:`(.*)`|all) \|$", table, re.MULTILINE))


if __name__ == "__main__":
    sys.exit(main())
