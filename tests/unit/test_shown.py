# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each block of code and each command that README.md and docs/ show is run by a test, or listed with the reason."""

from __future__ import annotations

import ast
import importlib
import typing as t

import pytest
import yaml

pytest.importorskip("docker", reason="integration tests are with .venv only")

from tests.shown import NAMED, NOT_RUN, PAGES, ROOT, Block, blocks, inline, inlines, shown

#: Parsers by the language of a fence. What runs is parsed by what runs it; this is for the rest, too.
_PARSERS: dict[str, t.Callable[[str], t.Any]] = {
    "yaml": lambda text: list(yaml.safe_load_all(text)),
    "python": ast.parse,
    "toml": lambda text: importlib.import_module("tomllib").loads(text),
}
_WITHOUT_PARSER = {"sh", "hcl", "js"}
_SHOWN = [block for page in PAGES for block in blocks(page)]


def _calls(function: str) -> list[tuple[str, str]]:
    """Return the arguments of each call of the function in the integration tests."""
    calls = []
    for path in sorted((ROOT / "tests" / "integration").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == function:
                page, words = (ast.literal_eval(argument) for argument in node.args)
                calls.append((page, words))
    return calls


def _texts(pairs: t.Collection[tuple[str, str]]) -> set[str]:
    """Return the text of each block that a page and words stand for. Some are on several pages."""
    return {block.text for block in _SHOWN for page, words in pairs if block.page == page and words in block.text}


_RUN = _texts(_calls("shown"))
_LISTED = _texts([(page, words) for page, words, _reason in NOT_RUN])


def test_each_block_is_run_by_a_test_or_listed() -> None:
    left = [f"{block.page}:\n{block.text}" for block in _SHOWN if block.text not in _RUN | _LISTED]
    assert not left, "no test runs this, and tests/shown.py does not say why:\n" + "\n".join(left)
    assert not _RUN & _LISTED, "a test runs this after all"


def test_each_command_in_a_sentence_is_run_by_a_test_or_only_named() -> None:
    # A test may run it as a block of another page.
    run = {command for _page, command in _calls("inline")} | {text.strip() for text in _RUN}
    on_pages = {command for page in PAGES for command in inlines(page)}
    assert on_pages - run - NAMED == set(), "no test runs this, and it is not in NAMED of tests/shown.py"
    assert on_pages >= NAMED
    assert not NAMED & run


@pytest.mark.parametrize(("page", "words"), [*_calls("shown"), *(listed[:2] for listed in NOT_RUN)])
def test_what_a_test_or_the_list_names_is_one_block(page: str, words: str) -> None:
    assert shown(page, words)


@pytest.mark.parametrize(("page", "command"), _calls("inline"))
def test_what_a_test_runs_is_on_the_page(page: str, command: str) -> None:
    assert inline(page, command) == command


@pytest.mark.parametrize("block", _SHOWN, ids=lambda block: f"{block.page} {block.text[:30]!r}")
def test_each_block_can_be_parsed(block: Block) -> None:
    assert block.language in {*_PARSERS, *_WITHOUT_PARSER}
    if block.language in _PARSERS:
        assert _PARSERS[block.language](block.text)


@pytest.mark.parametrize("page", PAGES)
def test_nothing_that_looks_like_code_is_passed_over(page: str) -> None:
    """Whatever is fenced, or indented by four, is in a block."""
    text = (ROOT / page).read_text(encoding="utf-8")
    lines = [line.strip() for line in text.splitlines() if line.startswith("    ") and line.strip()]
    inside = {line.strip() for block in blocks(page) for line in block.text.splitlines()}
    assert [line for line in lines if line not in inside] == []
    assert text.count("```") == 2 * sum(block.language != "sh" for block in blocks(page)), "a shell's is indented"
