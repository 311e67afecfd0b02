# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role's own expressions."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

VARIABLES = Path(__file__).parents[3] / "roles" / "expose" / "vars" / "main.yml"


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ({}, {}, True),
        ({"expose_fleet": "lab", "expose_clients": ["ci"]}, {"expose_fleet": "lab", "expose_clients": ["ci"]}, True),
        ({"expose_listen": ["any:2376"], "expose_tls_sans": ["a"]}, {}, True),
        ({"expose_certificate": "/a.pem"}, {"expose_certificate": "/b.pem"}, True),
        ({"expose_certificate": "/a.pem"}, {"expose_certificate": ""}, False),
        ({"expose_certificate": "/a.pem"}, {}, False),
        ({"expose_fleet": "lab"}, {}, False),
        ({"expose_fleet": "lab"}, {"expose_fleet": "LAB"}, False),
        ({"expose_fleets_dir": "/srv/fleets"}, {}, False),
        ({"expose_state": "absent"}, {}, False),
        ({"expose_clients": ["ci"]}, {"expose_clients": ["alice"]}, False),
        ({"expose_key_type": "ed25519"}, {}, False),
        ({"expose_authority_certificate": "/ca.pem"}, {}, False),
        ({"expose_tls": False}, {}, False),
    ],
)
def test_one_host_speaks_for_all_that_have_its_authority_and_clients(
    one: dict[str, t.Any], other: dict[str, t.Any], alike: bool
) -> None:
    expression = yaml.safe_load(VARIABLES.read_text(encoding="utf-8"))["__expose_alike"]
    for hosts in ({"a": one}, {"a": one, "b": one}, {"a": one, "b": other}, {"a": other, "b": other, "c": one}):
        variables = {"ansible_play_hosts": list(hosts), "hostvars": hosts}
        found = Templar(DataLoader(), variables).template(trust_as_template(expression))
        expected = alike or list(hosts.values()).count(one) in (len(hosts), 0)
        assert found is expected
