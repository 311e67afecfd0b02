# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table for the terminal."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.gangway.docker.plugins.plugin_utils._overview.model import Overview
from ansible_collections.gangway.docker.plugins.plugin_utils._overview.reports.table import make_table
from ansible_collections.gangway.docker.plugins.plugin_utils._overview.text import width_of
from tests.attack import HOST, attack

MakeOverview = t.Callable[..., Overview]


def test_each_endpoint_has_its_line_with_what_people_look_for(make_overview: MakeOverview) -> None:
    lines = [line.text for line in make_table(make_overview(3))]
    heads = lines[0].split()
    assert heads == [
        "NAME",
        "ACTIVE",
        "URL",
        "ENGINE",
        "ALLOWED",
        "SERVER",
        "CLIENTS",
        "AUTHORITY",
        "VERIFIED",
        "STATE",
    ]
    assert lines[1].split() == [
        "web1",
        "*",
        "tcp://10.20.0.1:2376",
        "28.5.2",
        "10.20.0.0/16",
        "130",
        "d",
        "95",
        "d",
        "10.0",
        "y",
        "yes",
        "recorded",
    ]
    assert lines[3].split()[-1] == "expired"
    # The columns are in line.
    at = lines[0].index("STATE")
    assert [line[at:] for line in lines[1:4]] == ["recorded", "recorded", "expired"]


def test_the_worst_findings_are_below_it_with_their_fix(make_overview: MakeOverview) -> None:
    lines = [line.text for line in make_table(make_overview(3))]
    at = next(i for i, line in enumerate(lines) if line.startswith("critical: web3: The certificate of the server"))
    assert lines[at + 1] == "    Fix: Renew it (playbook gangway.docker.renew)"
    assert lines[-1] == "3 endpoints (from the records), findings: 1 critical, 1 medium, 4 low"


def test_many_findings_are_counted_instead(make_overview: MakeOverview) -> None:
    lines = [line.text for line in make_table(make_overview(500))]
    assert len([line for line in lines if line.startswith("    Fix:")]) == 20
    assert any(line.endswith("more findings of this kind are in the reports.") for line in lines)


def test_the_fleet_is_named_if_there_are_several(make_overview: MakeOverview) -> None:
    assert make_table(make_overview(60))[0].text.split()[0] == "FLEET"


@attack(
    "Answers with control sequences of terminals where the table of `status` shows its text",
    by=HOST,
    expected="Each such character becomes a question mark",
)
def test_what_a_record_says_does_not_reach_the_terminal_as_a_command(make_overview: MakeOverview) -> None:
    overview = make_overview(1)
    evil = dataclasses.replace(overview.endpoints[0], name="web\x1b[2J\u202e1\r", engine_version="28\x07")
    text = "\n".join(line.text for line in make_table(dataclasses.replace(overview, endpoints=(evil,))))
    assert "web?[2J?1?" in text
    assert not any(char in text for char in "\x1b\x07\r\u202e")


def test_wide_characters_keep_columns_in_line(make_overview: MakeOverview) -> None:
    overview = make_overview(2)
    wide = dataclasses.replace(overview.endpoints[0], name="\u65e5\u672c")
    lines = make_table(dataclasses.replace(overview, endpoints=(wide, overview.endpoints[1])))
    ends = {width_of(line.text[: line.text.index(url)]) for line, url in zip(lines, ("URL", "tcp://", "tcp://"))}
    assert len(ends) == 1


def test_no_endpoints_are_no_error(make_overview: MakeOverview) -> None:
    overview = dataclasses.replace(make_overview(1), endpoints=(), clients=(), findings=(), authorities=())
    assert make_table(overview)[-1].text == "0 endpoints (from the records), no findings"
