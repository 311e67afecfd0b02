# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each path that the Engine API can read is allowed or left out for a reason, and the pattern says the same."""

from __future__ import annotations

import re

import pytest

pytest.importorskip("docker", reason="integration tests are with .venv only")

from ansible_collections.gangway.docker.plugins.plugin_utils._options.clients import Client
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.gateway.configuration import render_configuration
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.gateway.read_paths import (
    INFO_PATTERN,
    LEFT_OUT,
    READ_PATHS,
    READ_PATTERN,
)
from tests.integration.gateway.engine_api import is_documented, operations, paths
from tests.integration.gateway.spellings import malformed_spellings_of, spellings_of
from tests.read_paths import PAGE, documented, page_of

_READABLE = {path for method, path in operations() if method in ("GET", "HEAD")}


def test_each_readable_path_is_allowed_or_left_out() -> None:
    assert {*READ_PATHS} | {*LEFT_OUT} == _READABLE
    assert not {*READ_PATHS} & {*LEFT_OUT}


def test_the_page_has_the_paths_of_the_code() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page_of(page) == page, "run python -m tests.read_paths"
    assert documented() == READ_PATHS


def test_the_pattern_matches_the_documented_targets_only() -> None:
    written = [spell(path) for spell in (spellings_of, malformed_spellings_of) for path in paths()]
    # A line feed is in no target: HTTP ends the line there.
    targets = {target for by_name in written for target in by_name.values() if "\n" not in target}
    matched = {target for target in targets if re.search(READ_PATTERN, target)}
    assert matched == {target for target in targets if is_documented("GET", target)}
    assert {"/info", "/v1.41/info", "/info?all=1", "/containers/witness/stats", "/networks/bridge"} <= matched


@pytest.mark.parametrize("name", ["", ".", "..", "-x", "x/y", "x%2fy", "x;y", "x y", "x\\y", "é"])
def test_what_is_no_name_does_not_match(name: str) -> None:
    assert not re.search(READ_PATTERN, f"/containers/{name}/stats")
    assert not re.search(READ_PATTERN, f"/networks/{name}")


@pytest.mark.parametrize("path", ["/libpod/containers/json", "/v5.0.0/libpod/containers/x/export", "/libpod/info"])
def test_podmans_own_api_does_not_match(path: str) -> None:
    assert not re.search(READ_PATTERN, path)


@pytest.mark.parametrize("pattern", [READ_PATTERN, INFO_PATTERN])
def test_haproxy_takes_a_pattern_as_one_word(pattern: str) -> None:
    assert not {*pattern} & {*" \t\\\"'#{}"}


def test_each_way_to_ask_for_info_that_is_allowed_has_its_answer_judged() -> None:
    targets = {target for target in spellings_of("/info").values() if is_documented("GET", target)}
    judged = {target for target in targets if re.search(INFO_PATTERN, target.partition("?")[0])}
    assert judged == {target for target in targets if target.partition("?")[0].startswith(("/info", "/v"))}
    assert {"/info", "/v1.41/info", "/info?all=1"} <= judged
    assert not re.search(INFO_PATTERN, "/networks/info")


def test_only_the_backend_of_a_client_with_the_right_to_read_judges_requests() -> None:
    clients = (Client("admin"), Client("grafana", "read"))
    _frontend, admin, grafana = re.split(
        r"^backend ", render_configuration(clients, 1, engine="/s"), flags=re.MULTILINE
    )
    assert "http-request" not in admin
    (rule,) = re.findall(r"http-request return status 403 .* unless (.*)", grafana)
    assert rule == (
        f"{{ method GET HEAD }} {{ req.ver 1.0 1.1 }} {{ url -m reg {READ_PATTERN} }} "
        "!{ req.hdr_cnt(content-length) gt 0 } !{ req.hdr_cnt(transfer-encoding) gt 0 }"
    )
