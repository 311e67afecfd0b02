# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options that a host would like to choose: as facts, or through templates that use facts."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible.template import trust_as_template

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.authority_making import ensure_authority
from ansible_collections.gangway.docker.plugins.plugin_utils._options.facts import check_facts

from .listener_site import EXPOSED, Site

ROOT = Path(__file__).parents[4]
ACTIONS: dict[str, dict[str, t.Any]] = {
    "authority_rotation": {"step": "begin"},
    "client_bundle": {"name": "ci"},
    "client_revocation": {"clients": ["ci"]},
    "dockerd_listener": EXPOSED,
    "endpoint": {"name": "build1"},
    "tls_bundle": {},
}


def _facts(**facts: t.Any) -> dict[str, t.Any]:
    """The variables of a host that has returned these facts."""
    return {**{f"ansible_{name}": value for name, value in facts.items()}, **facts, "ansible_facts": facts}


def _variables_of_roles_and_playbooks() -> set[str]:
    found: set[str] = set()
    for path in ROOT.glob("roles/*/meta/argument_specs.yml"):
        found |= yaml.safe_load(path.read_text())["argument_specs"]["main"]["options"].keys()
    for path in (*ROOT.glob("playbooks/*.yml"), *ROOT.glob("roles/*/tasks/*.yml"), *ROOT.glob("roles/*/vars/*.yml")):
        found |= set(
            re.findall(r"\b(?:__)?(?:expose|docker_client|env|revoke|rotate|renew)_[a-z_]+\b", path.read_text())
        )
    return found - {"expose_docker", "rotate_authority"}


@pytest.mark.parametrize("name", sorted(_variables_of_roles_and_playbooks()))
def test_no_variable_of_a_role_or_playbook_may_be_a_fact(name: str) -> None:
    with pytest.raises(Failure, match=f"{name} of web1") as failure:
        check_facts({"inventory_hostname": "web1", **_facts(**{name: "x"})})
    assert failure.value.key == "option_from_facts"


def test_variables_are_no_facts_and_other_facts_no_options() -> None:
    check_facts({"expose_sign_command": "x", "ansible_facts": {"fqdn": "web1", "gangway_endpoint": {}, "expose": 1}})
    check_facts({})


@pytest.mark.parametrize("action", ACTIONS)
def test_every_action_refuses_them_before_it_does_anything(site: Site, action: str) -> None:
    site.variables = _facts(expose_sign_command="touch /tmp/x")
    result = site.act(action, site.host.execute, **ACTIONS[action])
    assert (result["failed"], result["failure"]) == (True, "option_from_facts")
    assert (site.host.modules, site.fleets_dir.exists()) == ([], False)


@pytest.mark.parametrize("name", ["my_sign_command", "ansible_docker_sign_command"])
def test_with_a_prefix_of_ones_own_too(site: Site, name: str) -> None:
    prefix = name[: -len("sign_command")]
    site.variables = {name: "x", "ansible_facts": {name.removeprefix("ansible_"): "x"}}
    assert site.run(**EXPOSED, variables_prefix=prefix)["failure"] == "option_from_facts"
    assert not site.run(**EXPOSED, variables_prefix="mine_").get("failed")


class TestTemplates:
    @pytest.mark.parametrize("option", ["sign_command", "certificate", "key", "fleet", "client_ca"])
    @pytest.mark.parametrize("template", ["/pki/{{ ansible_facts['fqdn'] }}", "/pki/{{ ansible_fqdn | default('x') }}"])
    def test_what_is_used_on_the_controller_does_not_come_from_facts(
        self, site: Site, option: str, template: str
    ) -> None:
        site.variables = {**_facts(fqdn="web2"), f"expose_{option}": trust_as_template(template)}
        assert site.run(**EXPOSED, variables_prefix="expose_")["failure"] == "option_from_facts"
        assert site.host.modules == []

    def test_a_template_without_facts_is_the_users_word(self, site: Site) -> None:
        site.variables = {
            **_facts(fqdn="web2", distribution="Debian"),
            # A variable of the user's that has a fact's name without its prefix.
            "distribution": "pki",
            "expose_fleet": trust_as_template("{{ distribution }}-{{ inventory_hostname }}"),
        }
        result = site.run(**EXPOSED, variables_prefix="expose_")
        assert not result.get("failed"), result
        assert result["endpoint"]["fleet"] == "pki-web1"

    @pytest.mark.parametrize("option", ["listen", "tls_sans"])
    def test_a_name_from_facts_is_the_hosts_word(
        self, site: Site, make_record: t.Callable[..., t.Any], option: str
    ) -> None:
        """It may have any but those of others; one that the user wrote may be shared."""
        entry = {"listen": "{}:2376", "tls_sans": "{}"}[option]
        site.host.names["lb.example.com"] = ["10.0.0.5"]
        ensure_authority(site.fleet)
        site.save(make_record(name="web2", server_names=["lb.example.com"], url="tcp://web2:2376", listen=[]))
        arguments = {**EXPOSED, "variables_prefix": "expose_"}
        if option == "listen":
            del arguments["listen"]
        written = {f"expose_{option}": [entry.format("lb.example.com")]}
        claimed = {f"expose_{option}": [trust_as_template(entry.format("{{ ansible_facts.fqdn }}"))]}
        site.variables = {**_facts(fqdn="lb.example.com"), **claimed}
        assert site.run(**arguments)["failure"] == "name_of_other_host"
        site.variables = {**_facts(fqdn="lb.example.com"), **written}
        result = site.run(**arguments)
        assert not result.get("failed"), result
        assert "lb.example.com" in site.names_shown
