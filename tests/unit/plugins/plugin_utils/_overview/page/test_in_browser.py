# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page in a real browser, as on a phone and on a desk; ./dev installs it."""

from __future__ import annotations

import dataclasses
import typing as t
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.plugin_utils._overview.model import Overview
from ansible_collections.gangway.docker.plugins.plugin_utils._overview.page.page import make_page
from tests.attack import HOST, attack
from tests.browser import Browser

MakeOverview = t.Callable[..., Overview]
SIZES = {"phone": (390, 844), "desktop": (1440, 900)}

_VISIBLE = "e => e.checkVisibility()"
SHOWN = f"[...document.querySelectorAll('.endpoints tbody tr')].filter({_VISIBLE}).map(e => e.id)"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    browser = Browser(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory, make_overview: MakeOverview) -> dict[int, Path]:
    folder = tmp_path_factory.mktemp("pages")
    for number in (3, 500):
        (folder / f"{number}.html").write_text(make_page(make_overview(number, clients=10 if number > 3 else 3)))
    return {number: folder / f"{number}.html" for number in (3, 500)}


@pytest.fixture(params=SIZES.values(), ids=SIZES)
def size(request: pytest.FixtureRequest) -> tuple[int, int]:
    size: tuple[int, int] = request.param
    return size


def _open(browser: Browser, page: Path, size: tuple[int, int], **how: t.Any) -> None:
    browser.open(page, width=size[0], height=size[1], **how)


@pytest.mark.parametrize("number", [3, 500])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_page_fits_its_window_and_has_no_errors(
    browser: Browser, pages: dict[int, Path], size: tuple[int, int], number: int, dark: bool
) -> None:
    _open(browser, pages[number], size, dark=dark)
    assert browser.evaluate("document.documentElement.scrollWidth") <= size[0]
    # Nothing is cut off at the window's edge either, but in the boxes that scroll.
    wide = browser.evaluate(
        "[...document.querySelectorAll('body *')].filter(e => e.checkVisibility() && !e.closest('.scroll, .vh, .skip') "
        "&& e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 200))"
    )
    assert wide == []
    assert browser.evaluate(f"{SHOWN}.length") == number
    background = browser.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == ("rgb(14, 18, 23)" if dark else "rgb(245, 246, 248)")
    assert browser.errors == []


def test_the_search_leaves_what_has_all_the_words(
    browser: Browser, pages: dict[int, Path], size: tuple[int, int]
) -> None:
    _open(browser, pages[500], size)
    browser.click("#query")
    browser.type("web12 ")
    shown = browser.evaluate(SHOWN)
    assert len(shown) == 11
    assert browser.evaluate("document.querySelector('#shown').textContent") == "11 of 500 endpoints"
    assert browser.evaluate(f"[...document.querySelectorAll('.matrix tbody tr')].filter({_VISIBLE}).length") == 11
    browser.type("20.10.24")
    fewer = browser.evaluate(SHOWN)
    assert 0 < len(fewer) < 11
    assert set(fewer) < set(shown)
    browser.type(" nosuchword")
    assert browser.evaluate(SHOWN) == []
    nothing = "[...document.querySelectorAll('.nothing')].map(e => e.checkVisibility())"
    assert browser.evaluate(nothing) == [True, True]
    assert browser.errors == []


def test_a_search_for_a_finding_shows_the_hosts_that_have_it(browser: Browser, pages: dict[int, Path]) -> None:
    _open(browser, pages[500], SIZES["desktop"])
    browser.click("#query")
    browser.type("without TLS")
    assert browser.evaluate(SHOWN) == ["e5"]
    titles = (
        f"[...document.querySelectorAll('.group')].filter({_VISIBLE}).map(e => e.querySelector('.title').textContent)"
    )
    assert browser.evaluate(titles) == ["The API answers without TLS"]


def test_the_buttons_show_what_needs_action(browser: Browser, pages: dict[int, Path], size: tuple[int, int]) -> None:
    _open(browser, pages[500], size)
    every = {"bad": 0, "warn": 0, "good": 0}
    for health in every:
        browser.click(f".buttons [data-health={health}]")
        every[health] = browser.evaluate(f"{SHOWN}.length")
        of_groups = f"[...document.querySelectorAll('.group')].filter({_VISIBLE}).map(e => e.dataset.health)"
        assert set(browser.evaluate(of_groups)) == {health}
        assert browser.evaluate("document.querySelectorAll('.buttons [aria-pressed=true]').length") == 1
    assert all(every.values())
    browser.click(".buttons [data-health='']")
    assert browser.evaluate(f"{SHOWN}.length") == sum(every.values()) == 500
    assert browser.errors == []


def test_a_filter_is_part_of_the_address(browser: Browser, pages: dict[int, Path]) -> None:
    _open(browser, pages[500], SIZES["desktop"], hash="#?q=web1&health=bad&fleet=default")
    shown = browser.evaluate(SHOWN)
    assert shown
    assert browser.evaluate("document.querySelector('#query').value") == "web1"
    fleets = "[...document.querySelectorAll('.endpoints tbody tr')].filter(e => e.checkVisibility())"
    assert browser.evaluate(f"[...new Set({fleets}.map(e => e.dataset.fleet + e.dataset.health))]") == ["defaultbad"]
    browser.evaluate("document.querySelector('#query').value = ''")
    browser.click("#query")
    browser.type("web2")
    assert browser.evaluate("location.hash") == "#?q=web2&fleet=default&health=bad"


def test_columns_are_sorted_by_their_heads(browser: Browser, pages: dict[int, Path]) -> None:
    _open(browser, pages[500], SIZES["desktop"])
    orders = "[...document.querySelectorAll('.endpoints tbody td[data-head=Server]')].map(e => Number(e.dataset.order))"
    browser.click(".endpoints thead th[data-sort=number] button")
    # What has none comes last.
    ascending = [order for order in browser.evaluate(orders) if order]
    assert ascending == sorted(ascending)
    browser.click(".endpoints thead th[data-sort=number] button")
    descending = [order for order in browser.evaluate(orders) if order]
    assert descending == sorted(descending, reverse=True)
    assert browser.evaluate("document.querySelectorAll('th[aria-sort]').length") == 1


def test_a_bar_of_the_time_line_names_whose_certificates_expire(
    browser: Browser, pages: dict[int, Path], size: tuple[int, int]
) -> None:
    _open(browser, pages[3], size)
    browser.click(".lane[aria-label=Servers] .bar.bad")
    assert "web3: expired on 2026-11-18" in browser.evaluate("document.querySelector('#detail').textContent")


def test_the_heads_of_the_matrix_stay_while_it_scrolls(
    browser: Browser, pages: dict[int, Path], size: tuple[int, int]
) -> None:
    _open(browser, pages[500], size)
    browser.evaluate("document.querySelector('.tall').scrollIntoView()")
    browser.evaluate("document.querySelector('.tall').scrollBy(200, 3000)")
    offsets = browser.evaluate(
        "(() => { const box = document.querySelector('.tall').getBoundingClientRect();"
        " const head = document.querySelector('.matrix thead th').getBoundingClientRect();"
        " const row = document.querySelector('.matrix tbody th').getBoundingClientRect();"
        " return [head.top - box.top, head.left - box.left, row.left - box.left]; })()"
    )
    assert all(abs(offset) <= 2 for offset in offsets)
    assert browser.evaluate("document.querySelector('.tall').scrollTop") == 3000


def test_light_and_dark_can_be_changed(browser: Browser, pages: dict[int, Path]) -> None:
    _open(browser, pages[3], SIZES["desktop"])
    before = browser.evaluate("getComputedStyle(document.body).backgroundColor")
    browser.click("#theme")
    assert browser.evaluate("getComputedStyle(document.body).backgroundColor") != before


def test_a_slash_goes_to_the_search(browser: Browser, pages: dict[int, Path]) -> None:
    _open(browser, pages[3], SIZES["desktop"])
    browser.press("/")
    assert browser.evaluate("document.activeElement.id") == "query"
    assert browser.evaluate("document.querySelector('#query').value") == ""


def test_every_control_has_a_name_and_every_colour_a_word(browser: Browser, pages: dict[int, Path]) -> None:
    _open(browser, pages[500], SIZES["desktop"])
    nameless = browser.evaluate(
        "[...document.querySelectorAll('button, input, select, a, [role=region]')].filter(e => !(e.getAttribute("
        "'aria-label') || e.getAttribute('aria-labelledby') || e.textContent.trim())).length"
    )
    assert nameless == 0
    # Each cell says in a word what its colour says.
    assert (
        browser.evaluate("[...document.querySelectorAll('.matrix td')].filter(e => !e.textContent.trim()).length") == 0
    )
    ids = "[...document.querySelectorAll('[id]')].map(e => e.id)"
    assert browser.evaluate(f"{ids}.length === new Set({ids}).size")


CONTRAST = """
(() => {
  const parse = (colour) => (colour.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const colour = parse(getComputedStyle(e).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const poor = new Map();
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = texts.nextNode(); node; node = texts.nextNode()) {
    const e = node.parentElement;
    if (!node.data.trim() || !e.checkVisibility() || e.closest('script, .vh, .skip, .zero, .tools')) continue;
    const [a, b] = [light(parse(getComputedStyle(e).color)), light(behind(e))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) poor.set(e.className || e.tagName, ratio);
  }
  return [...poor];
})()
"""


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_text_can_be_read_by_weak_eyes(browser: Browser, pages: dict[int, Path], dark: bool) -> None:
    """WCAG 2.2, 1.4.3: a contrast of 4.5 to 1."""
    _open(browser, pages[500], SIZES["desktop"], dark=dark)
    assert browser.evaluate(CONTRAST) == []


ATTACK = "<img src=x onerror=\"document.title='pwned'\"><script>document.title='pwned'</script>"


@attack(
    "Answers with markup or a script where the audit's page shows its text",
    by=HOST,
    expected="It is shown as text; the page's policy runs no script but its own",
)
def test_a_host_with_markup_for_a_name_stays_a_name(
    browser: Browser, tmp_path: Path, make_overview: MakeOverview
) -> None:
    overview = make_overview(3)
    evil = dataclasses.replace(overview.endpoints[0], name=ATTACK)
    page = tmp_path / "page.html"
    page.write_text(make_page(dataclasses.replace(overview, endpoints=(evil, *overview.endpoints[1:]))))
    _open(browser, page, SIZES["desktop"])
    assert "pwned" not in browser.evaluate("document.title")
    assert ATTACK in browser.evaluate("document.querySelector('#e0 th').textContent")
    assert browser.errors == []


def test_the_policy_stops_a_script_that_got_in_all_the_same(
    browser: Browser, pages: dict[int, Path], tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    page.write_text(pages[3].read_text().replace("<main>", f"<main>{ATTACK}"))
    _open(browser, page, SIZES["desktop"])
    assert "pwned" not in browser.evaluate("document.title")
