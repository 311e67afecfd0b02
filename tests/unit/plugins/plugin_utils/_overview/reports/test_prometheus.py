# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The metrics, read by the format's own rules.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

import pytest

from ansible_collections.gangway.docker.plugins.plugin_utils._overview.model import Overview
from ansible_collections.gangway.docker.plugins.plugin_utils._overview.reports.prometheus import make_metrics

MakeOverview = t.Callable[..., Overview]

_LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
_SAMPLE = re.compile(rf"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{{({_LABEL}(?:,{_LABEL})*)\}})? (-?[0-9.]+(?:e[+-]?[0-9]+)?)\Z")
_PAIR = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"')
_COMMENT = re.compile(r"# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)\Z")
Samples = t.Dict[t.Tuple[str, t.FrozenSet[t.Tuple[str, str]]], float]


def read(text: str) -> Samples:
    """Read the format strictly; anything that the collector would refuse fails."""
    assert text.endswith("\n")
    samples: Samples = {}
    families: list[str] = []
    for line in text[:-1].split("\n"):
        comment = _COMMENT.match(line)
        if comment is not None:
            kind, name, said = comment.groups()
            if kind == "HELP":
                assert name not in families, f"{name} comes in two pieces"
                families.append(name)
            else:
                assert (name, said) == (families[-1], "gauge")
            continue
        sample = _SAMPLE.match(line)
        assert sample is not None, line
        name, pairs, value = sample.groups()
        assert name == families[-1], f"{name} is outside its family"
        labels = frozenset((key, _unescape(text)) for key, text in _PAIR.findall(pairs or ""))
        assert (name, labels) not in samples, f"{line} comes twice"
        samples[name, labels] = float(value)
    return samples


def _unescape(text: str) -> str:
    return re.sub(r"\\(.)", lambda match: {"n": "\n"}.get(match[1], match[1]), text)


def value_of(samples: Samples, metric: str, /, **labels: str) -> float | None:
    return samples.get((metric, frozenset(labels.items())))


@pytest.mark.parametrize("number", [1, 3, 500])
@pytest.mark.parametrize("live", [False, True])
def test_a_collector_reads_all_of_it(make_overview: MakeOverview, number: int, live: bool) -> None:
    samples = read(make_metrics(make_overview(number, live=live)))
    assert len([name for name, _labels in samples if name == "gangway_endpoint_info"]) == number
    assert len([name for name, _labels in samples if name == "gangway_endpoint_up"]) == (number if live else 0)


def test_values_are_what_the_overview_says(make_overview: MakeOverview) -> None:
    overview = make_overview(3, live=True)
    samples = read(make_metrics(overview))
    end = overview.endpoints[0].server
    assert end is not None
    name = "gangway_certificate_not_after_timestamp_seconds"
    assert value_of(samples, name, fleet="default", kind="server", name="web1") == end.not_after.timestamp()
    assert value_of(samples, "gangway_report_timestamp_seconds") == overview.now.timestamp()
    assert value_of(samples, "gangway_endpoint_up", fleet="default", endpoint="web1") == 1
    assert value_of(samples, "gangway_endpoint_up", fleet="default", endpoint="web3") == 0
    assert value_of(samples, "gangway_findings", fleet="default", severity="critical") == 1
    # An alert on it must see 0, not nothing.
    assert value_of(samples, "gangway_findings", fleet="default", severity="high") == 0


HOSTILE = ['a"b', "a\\", "a\nb", '\\"} 1\ngangway_evil 1', "\ud800", "", "gr\u00f6\u00dfe", "\r", "\u2028"]


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_breaks_the_format(make_overview: MakeOverview, name: str) -> None:
    overview = make_overview(2)
    first = dataclasses.replace(overview.endpoints[0], name=name, url=name, state=name)
    text = make_metrics(dataclasses.replace(overview, endpoints=(first, overview.endpoints[1])))
    text.encode()
    samples = read(text)
    names = {dict(labels)["endpoint"] for kind, labels in samples if kind == "gangway_endpoint_info"}
    assert names == {name.replace("\ud800", "?"), "web2"}


def test_the_same_labels_twice_are_one_sample(make_overview: MakeOverview) -> None:
    overview = make_overview(1)
    read(make_metrics(dataclasses.replace(overview, endpoints=overview.endpoints * 2, findings=overview.findings * 2)))
