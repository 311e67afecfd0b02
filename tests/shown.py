# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What README.md and docs/ show to type: a test runs each block of code and each command.

A test takes the text from the page, by M(shown) or M(inline), and runs that. tests/unit/test_shown.py looks for these
calls in all tests, and fails if something that is shown is neither in one of them nor listed here.
"""

from __future__ import annotations

import re
import textwrap
import typing as t
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")))

#: Fenced, or indented after an empty line.
_BLOCK = re.compile(
    r"^(?P<fence> *```)(?P<language>.*)\n(?P<fenced>[\s\S]*?)^(?P=fence)$"
    r"|(?<=\n\n)(?P<indented>(?: {4,}\S.*\n(?:\n(?= {4,}\S))?)+)",
    re.MULTILINE,
)
#: A command within a sentence or a table.
_INLINE = re.compile(
    r"`((?:ansible|ansible-[a-z]+|docker|systemctl|journalctl|nft|ufw|firewall-cmd|ss|openssl) [^`]+)`"
)
#: Its rows are run by a test that reads them as a table.
_TABLE = re.compile(r"<!-- begin commands[\s\S]*<!-- end commands -->")


@dataclass(frozen=True)
class Block:
    """A block of code on a page. C(language) is that of the fence; what is indented is for a shell."""

    page: str
    language: str
    text: str


class NotRun(t.NamedTuple):
    """A block that no test runs: the page, words that only this block of the page contains, and the reason."""

    page: str
    words: str
    reason: str


NOT_RUN = (
    NotRun("README.md", "./dev demo", "It makes the lab that the tests run in, and runs them."),
    NotRun("README.md", "with a .gitignore of", "A list of files."),
    NotRun("docs/consumers.md", 'executor = "docker"', "GitLab Runner is not in Debian."),
    NotRun("docs/consumers.md", "endpoint: tcp://", "Traefik is not in Debian."),
    NotRun("docs/consumers.md", "[[inputs.docker]]", "Telegraf is not in Debian."),
    NotRun("docs/consumers.md", 'variable "docker"', "Terraform is not in Debian."),
    NotRun("docs/custom-plays.md", "geerlingguy.docker", "The role is on Galaxy, and installs from docker.com."),
    NotRun("docs/design.md", "raw facts", "A drawing."),
    NotRun("docs/design.md", "plugins/modules/ ", "A list of folders."),
    NotRun("docs/gateway.md", "docker, SDKs, CI", "A drawing."),
    NotRun("docs/trust.md", "rsync", "rsync is not among the packages that ./dev installs."),
)

#: Commands that are not shown to be typed as they stand: they are only named, or the text leaves something out.
NAMED = frozenset(
    {
        "ansible-test sanity",
        "docker --context NAME",
        "docker context export",
        "docker context import",
        "docker context rm",
        "docker context use",
        "docker info",
        "docker login",
        "docker node update --availability drain",
        "nft flush ruleset",
        "nft list ruleset",
        "ss --kill",
        "systemctl edit",
        "systemctl revert",
        "systemctl set-property",
        "systemctl set-property --runtime",
        "systemctl status",
        "ufw delete",
    }
)


def blocks(page: str) -> list[Block]:
    """Return the blocks of a page, which is named by its path from the root."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return [
        Block(page, found["language"] or "sh", textwrap.dedent(found["fenced"] or found["indented"]))
        for found in _BLOCK.finditer(text)
    ]


def shown(page: str, words: str) -> str:
    """Return the text of the one block of the page that contains these words, for a test that runs it."""
    found = [block.text for block in blocks(page) if words in block.text]
    if len(found) != 1:
        raise LookupError(f"{page} has {len(found)} blocks with {words!r}")
    return found[0]


def inlines(page: str) -> list[str]:
    """Return the commands within the page's sentences and tables. docs/design.md shows none to type."""
    if page == "docs/design.md":
        return []
    text = _BLOCK.sub("", _TABLE.sub("", (ROOT / page).read_text(encoding="utf-8")))
    return [" ".join(command.split()) for command in _INLINE.findall(text)]


def inline(page: str, command: str) -> str:
    """Return the command, which the page has within a sentence or a table, for a test that runs it."""
    if command not in inlines(page):
        raise LookupError(f"{page} does not have {command!r}")
    return command
