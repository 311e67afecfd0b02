# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host gets a certificate for itself: whatever it answers, no name or address of another host is in it."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from ansible.template import trust_as_template

from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.plugin_utils._endpoint.record import EndpointRecord
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.authority_making import ensure_authority

from .listener_site import EXPOSED, Site

ALLOW: dict[str, t.Any] = {"allow": ["10.0.0.0/24"]}
#: Of web2.
FOREIGN = "10.0.0.6"
#: How a host may come to another's address: the option, and what of the host says so.
WAYS: dict[str, list[str]] = {"interface": ["eth1:2376"], "name": ["docker.example.com:2376"], "connection": []}

MakeRecord = t.Callable[..., EndpointRecord]


@pytest.fixture
def claiming(site: Site) -> Site:
    """A host that says that web2's address is its own, wherever it can."""
    ensure_authority(site.fleet)
    site.host.interfaces = {"eth0": ["10.0.0.5"], "eth1": [FOREIGN]}
    site.host.names["docker.example.com"] = [FOREIGN]

    def connect(answer: dict[str, t.Any]) -> dict[str, t.Any]:
        if "observation" in answer:
            answer["observation"]["connection"] = {"client": "10.0.0.1", "server": FOREIGN}
        return answer

    site.host.lie = connect
    return site


def _inventory(**hosts: dict[str, t.Any]) -> dict[str, t.Any]:
    everyone = {"web1": {}, **hosts}
    return {"groups": {"all": list(everyone)}, "hostvars": everyone}


def _web2(make_record: MakeRecord, **changes: t.Any) -> EndpointRecord:
    own = {"name": "web2", "url": f"tcp://{FOREIGN}:2376", "server_names": ["web2", FOREIGN]}
    return make_record(**{**own, "listen": [f"{FOREIGN}:2376"], **changes})


def _assert_refused(site: Site, **arguments: t.Any) -> None:
    for check_mode in (True, False):
        result = site.run(check_mode=check_mode, **arguments)
        assert (result.get("failure"), site.host.modules[:1]) == ("name_of_other_host", ["observe"]), result
        assert not site.host.real(layout.CERTIFICATE).exists()
    assert site.host.pending_keys == []


@pytest.mark.parametrize("way", WAYS)
class TestAddressesThatAHostReports:
    def test_those_in_the_inventory_are_refused(self, claiming: Site, way: str) -> None:
        claiming.variables = _inventory(web2={"ansible_host": FOREIGN})
        _assert_refused(claiming, **ALLOW, listen=WAYS[way])

    @pytest.mark.parametrize(
        "changes",
        [{}, {"listen": [], "url": "tcp://web2:2376"}, {"server_names": [], "url": "tcp://web2:2376"}, {"tls": False}],
        ids=str,
    )
    def test_those_in_a_record_are_refused(
        self, claiming: Site, make_record: MakeRecord, way: str, changes: dict[str, t.Any]
    ) -> None:
        claiming.save(_web2(make_record, **changes))
        _assert_refused(claiming, **ALLOW, listen=WAYS[way])

    def test_the_hosts_own_are_taken(self, claiming: Site, make_record: MakeRecord, way: str) -> None:
        """Its own record and inventory entry say nothing against it, nor do those of others with other addresses."""
        claiming.variables = _inventory(web2={"ansible_host": "10.0.0.66"}, web3={})
        claiming.save(_web2(make_record, url="tcp://10.0.0.66:2376", server_names=["10.0.0.66"], listen=[]))
        for changed in (True, False):
            result = claiming.run(**ALLOW, listen=WAYS[way])
            assert result.get("changed") is changed, result
        assert FOREIGN in claiming.names_shown


class TestNamesThatTheUserWrites:
    @pytest.mark.parametrize(
        "option", [{"tls_sans": ["web2"]}, {"tls_sans": [FOREIGN]}, {"advertise": "Web2"}], ids=str
    )
    def test_those_of_another_host_in_the_inventory_are_refused(self, site: Site, option: dict[str, t.Any]) -> None:
        site.variables = _inventory(web2={"ansible_host": FOREIGN})
        ensure_authority(site.fleet)
        _assert_refused(site, **EXPOSED, **option)

    def test_those_in_a_record_may_be_shared(self, site: Site, make_record: MakeRecord) -> None:
        ensure_authority(site.fleet)
        site.save(_web2(make_record, server_names=["web2", "lb.example.com", "10.0.0.5"]))
        result = site.run(**EXPOSED, tls_sans=["lb.example.com"])
        assert not result.get("failed"), result
        assert site.names_shown == ["lb.example.com", "web1", "10.0.0.5"]

    def test_two_entries_for_one_host_share_all(self, site: Site) -> None:
        site.variables = _inventory(web1={"ansible_host": "10.0.0.5"}, alias={"ansible_host": "10.0.0.5"})
        assert not site.run(**EXPOSED, tls_sans=["alias"]).get("failed")

    def test_hosts_behind_one_address_do_not_share_their_names(self, site: Site) -> None:
        """As with Vagrant, where all have 127.0.0.1, each with a port."""
        here: dict[str, t.Any] = {"ansible_host": "203.0.113.9", "ansible_port": 2222}
        site.variables = {"ansible_host": "203.0.113.9", **_inventory(web1=here, web2={**here, "ansible_port": 2200})}
        assert not site.run(**EXPOSED).get("failed")
        assert "203.0.113.9" in site.names_shown
        assert site.run(**EXPOSED, tls_sans=["web2"])["failure"] == "name_of_other_host"

    def test_loopback_is_everyones(self, site: Site) -> None:
        site.variables = _inventory(localhost={"ansible_host": "127.0.0.1"})
        assert not site.run(**EXPOSED, tls_sans=["localhost", "127.0.0.1", "::1"]).get("failed")


class TestListening:
    def test_an_address_in_the_inventory_may_be_a_template(self, site: Site) -> None:
        site.variables = {"ansible_host": trust_as_template("{{ prefix }}.5"), "prefix": "10.0.0"}
        assert site.run(listen=["any:2376"], **ALLOW)["endpoint"]["url"] == "tcp://10.0.0.5:2376"
        assert site.names_shown == ["web1", "10.0.0.5"]

    def test_an_address_stays_whatever_the_host_says(self, site: Site) -> None:
        """Also if it has an interface of that name, or resolves the address to another one."""
        site.host.interfaces["10.0.0.5"] = ["10.0.0.77"]
        site.host.names["10.0.0.5"] = ["10.0.0.78"]
        result = site.run(**EXPOSED)
        assert (result["listen"], result["interfaces"]) == (["10.0.0.5:2376"], [])
        assert site.names_shown == ["web1", "10.0.0.5"]

    def test_interfaces_are_those_that_were_asked_for(self, site: Site) -> None:
        site.host.interfaces.update({"eth1": ["10.0.0.8"], "docker0": ["172.17.0.1"]})
        assert site.run(**ALLOW, listen=["eth1:2376", "10.0.0.5:2376"])["interfaces"] == ["eth1"]
        assert site.record.interfaces == ["eth1"]
        assert site.names_shown == ["web1", "10.0.0.5", "10.0.0.8"]


class TestPoisonedRecords:
    """Of an earlier release, which took the host's word."""

    @pytest.fixture
    def poisoned(self, site: Site, make_record: MakeRecord) -> Site:
        site.host.interfaces["eth1"] = [FOREIGN]
        site.run(**ALLOW, listen=["10.0.0.5:2376", "eth1:2376"], tls_sans=["web2"])
        assert {"web2", FOREIGN} <= set(site.names_shown)
        # Now the host tells the truth.
        site.host.interfaces["eth1"] = ["10.0.0.8"]
        return site

    @pytest.mark.parametrize("by", ["inventory", "record"])
    @pytest.mark.parametrize("options", [True, False])
    def test_a_renewal_heals_them(self, poisoned: Site, make_record: MakeRecord, by: str, options: bool) -> None:
        if not options:
            record = dataclasses.replace(poisoned.record, options={}, interfaces=[], url=f"tcp://{FOREIGN}:2376")
            poisoned.save(record)
        if by == "inventory":
            poisoned.variables = _inventory(web2={"ansible_host": FOREIGN})
        else:
            poisoned.save(_web2(make_record))
        result = poisoned.run(state="renewed")
        assert not result.get("failed"), result
        assert result["changed"]
        assert not {"web2", FOREIGN} & {*poisoned.names_shown, *poisoned.record.server_names}
        assert FOREIGN not in poisoned.record.url
        assert not poisoned.run(state="renewed")["changed"]

    def test_an_interfaces_address_alone_is_a_reason(self, site: Site) -> None:
        site.host.interfaces["eth1"] = [FOREIGN]
        site.run(**ALLOW, listen=["eth1:2376"])
        site.host.interfaces["eth1"] = ["10.0.0.8"]
        site.variables = _inventory(web2={"ansible_host": FOREIGN})
        result = site.run(state="renewed")
        assert result["reason"] == f"lacks 10.0.0.8 and contains {FOREIGN}, which is no longer requested"
        assert site.names_shown == ["web1", "10.0.0.8"]

    def test_so_does_the_sites_playbook(self, poisoned: Site) -> None:
        poisoned.variables = _inventory(web2={"ansible_host": FOREIGN})
        assert poisoned.run(**ALLOW, listen=["10.0.0.5:2376", "eth1:2376"])["changed"]
        assert poisoned.names_shown == ["web1", "10.0.0.5", "10.0.0.8"]
