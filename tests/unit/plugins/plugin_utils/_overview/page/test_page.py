# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page as text: nothing that records say becomes markup, and nothing is loaded."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import html.parser
import re
import typing as t

import pytest

from ansible_collections.gangway.docker.plugins.plugin_utils._overview.model import Overview
from ansible_collections.gangway.docker.plugins.plugin_utils._overview.page.page import make_page

MakeOverview = t.Callable[..., Overview]

ATTACKS = (
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(1)>",
    "</style><svg onload=alert(1)>",
    "\" onmouseover=\"alert(1)' onfocus='alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "javascript:alert(1)",
    "--><!--",
)
_VOID = ("meta", "input", "link", "img", "br")


class _Page(html.parser.HTMLParser):
    """Collects elements, and insists that they are nested as they should be."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def _read(page: str) -> _Page:
    parser = _Page()
    parser.feed(page)
    parser.close()
    assert parser.open == []
    return parser


def _everywhere(overview: Overview, text: str) -> Overview:
    """The same, with this text wherever a record or a daemon can put one."""
    rights = {text: "full"}
    return dataclasses.replace(
        overview,
        authorities=tuple(dataclasses.replace(each, fleet=text) for each in overview.authorities[:1]),
        endpoints=tuple(
            dataclasses.replace(
                each,
                fleet=text,
                name=text,
                url=text,
                engine_version=text,
                allow=(text,),
                listen=(text,),
                client=text,
                method=text,
                state=text,
                reason=text,
            )
            for each in overview.endpoints
        ),
        clients=tuple(
            dataclasses.replace(each, fleet=text, name=text, places=(text,), rights=rights) for each in overview.clients
        ),
        findings=tuple(
            dataclasses.replace(each, fleet=text, name=text, key=text, cis=text, text=text, fix=text)
            for each in overview.findings
        ),
    )


@pytest.mark.parametrize("number", [3, 20])
@pytest.mark.parametrize("text", ATTACKS)
def test_no_text_of_a_record_becomes_markup(make_overview: MakeOverview, text: str, number: int) -> None:
    page = _read(make_page(_everywhere(make_overview(number), text)))
    kinds = [tag for tag, _attributes in page.elements]
    assert kinds.count("script") == 1
    assert kinds.count("style") == 1
    assert not {"img", "svg", "iframe", "object", "link", "base", "form"}.intersection(kinds)
    for _tag, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on")]
        assert (attributes.get("href") or "#").startswith("#")
        # Nothing but numbers of ours.
        assert re.fullmatch(r"[a-z:;.\-%0-9]*", attributes.get("style") or "")


def test_only_the_page_s_own_script_may_run(make_overview: MakeOverview) -> None:
    page = make_page(make_overview(3))
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none';")


@pytest.mark.parametrize("number", [0, 1, 3, 500])
def test_nothing_is_loaded(make_overview: MakeOverview, number: int) -> None:
    text = make_page(make_overview(number))
    page = _read(text)
    assert not [attributes for _tag, attributes in page.elements if attributes.get("src")]
    style = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)[0]
    assert "url(" not in style
    assert "@import" not in style


def test_every_endpoint_client_and_finding_is_on_it(make_overview: MakeOverview) -> None:
    overview = make_overview(500)
    page = make_page(overview)
    for endpoint in overview.endpoints:
        assert f"<code>{endpoint.url}</code>" in page
    assert all(f">{client.name}<" in page for client in overview.clients)
    items = len(re.findall(r"<li data-e=", page))
    assert items == len(overview.findings)


def test_text_that_no_encoding_has_is_shown_all_the_same(make_overview: MakeOverview) -> None:
    overview = make_overview(1)
    odd = dataclasses.replace(overview.endpoints[0], url="tcp://a\ud800b")
    make_page(dataclasses.replace(overview, endpoints=(odd,))).encode()


def test_a_page_without_endpoints_says_so(make_overview: MakeOverview) -> None:
    overview = dataclasses.replace(make_overview(1), endpoints=(), clients=(), findings=(), authorities=())
    assert "No daemon is exposed." in make_page(overview)


def test_500_endpoints_fit_into_a_page_that_can_be_mailed(make_overview: MakeOverview) -> None:
    assert len(make_page(make_overview(500, clients=10))) < 2_000_000
