# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Endpoint records as an inventory."""

from __future__ import annotations

import datetime
import json
import sys
import typing as t
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import pytest
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import inventory_loader
from ansible.utils.display import Display

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.plugin_utils._endpoint.record import EndpointRecord, write_record
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.ensure import ensure_bundles
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.fleet import Fleet
from ansible_collections.gangway.docker.plugins.plugin_utils._inventory import containers as containers_module
from ansible_collections.gangway.docker.plugins.plugin_utils._inventory.containers import Container, read_containers
from ansible_collections.gangway.docker.plugins.plugin_utils._inventory.endpoints import read_endpoints
from ansible_collections.gangway.docker.plugins.plugin_utils._pki import clock

MakeRecord = t.Callable[..., EndpointRecord]


@dataclass
class Site:
    """A controller's fleets, and an inventory file."""

    folder: Path
    warnings: list[str]

    @property
    def fleets_dir(self) -> Path:
        return self.folder / "fleets"

    def fleet(self, name: str = "default") -> Fleet:
        return Fleet(str(self.fleets_dir), name)

    def save(self, *records: EndpointRecord) -> None:
        for record in records:
            write_record(self.fleet(record.fleet).endpoints_folder, record)

    def read(self, **options: t.Any) -> InventoryManager:
        """Read the inventory as ansible-playbook does."""
        self.warnings.clear()
        path = self.folder / "site.daemons.yml"
        path.write_text(json.dumps({"plugin": "gangway.docker.daemons", "fleets_dir": str(self.fleets_dir), **options}))
        return InventoryManager(loader=DataLoader(), sources=[str(path)])

    def groups(self, name: str, **options: t.Any) -> set[str]:
        host = self.read(**options).get_host(name)
        assert host is not None
        return {group.name for group in host.get_groups()} - {"all"}

    def variables(self, name: str, **options: t.Any) -> dict[str, t.Any]:
        host = self.read(**options).get_host(name)
        assert host is not None
        found: dict[str, t.Any] = host.get_vars()
        return found


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    site = Site(tmp_path, [])
    monkeypatch.setattr(Display, "warning", lambda _self, message, **_more: site.warnings.append(message))
    ensure_bundles(site.fleet(), ["ci", "alice"], [])
    return site


def test_a_daemon_is_a_host_with_its_groups_and_connection(site: Site, make_record: MakeRecord) -> None:
    site.save(make_record())
    assert site.groups("web1") == {"fleet_default", "engine_28_5", "state_tls", "state_verified"}
    variables = site.variables("web1")
    folder = site.fleet().client_folder("ci")
    expected = {
        "docker_host": "tcp://10.0.0.5:2376",
        "tls": True,
        "validate_certs": True,
        "ca_path": f"{folder}/ca.pem",
        "client_cert": f"{folder}/cert.pem",
        "client_key": f"{folder}/key.pem",
    }
    assert variables["gangway_module_defaults"] == expected
    assert {name: variables[f"ansible_docker_{name}"] for name in expected} == expected
    assert variables["gangway_env"]["DOCKER_CERT_PATH"] == str(folder)
    assert variables["gangway_endpoint"]["method"] == "socket"
    assert variables["gangway_endpoint"]["cert_path"] == str(folder)
    assert variables["gangway_endpoint"]["client_not_after"].endswith("Z")
    assert "certificate" not in variables["gangway_endpoint"]
    assert site.warnings == []


def test_a_daemon_of_others_has_its_own_bundle_whichever_client_is_named(site: Site, make_record: MakeRecord) -> None:
    folder = str(site.fleet().client_folder("alice"))
    foreign = make_record(
        name="build1", client="", foreign=True, bundle=folder, method="", engine_version=None, verified=None
    )
    site.save(foreign)
    for options in ({}, {"client": "ci"}):
        variables = site.variables("build1", **options)
        assert variables["gangway_env"]["DOCKER_CERT_PATH"] == folder
        assert variables["gangway_endpoint"]["client"] is None
        assert site.warnings == []


def test_a_daemon_of_others_whose_bundle_is_gone_is_named(site: Site, make_record: MakeRecord) -> None:
    site.save(make_record(name="build1", client="", foreign=True, bundle="/nowhere"))
    assert "ansible_docker_docker_host" not in site.variables("build1")
    assert "no bundle in /nowhere" in site.warnings[0]


def test_the_variables_are_those_that_community_docker_reads(site: Site, make_record: MakeRecord) -> None:
    fragment = pytest.importorskip("ansible_collections.community.docker.plugins.doc_fragments.docker")
    site.save(make_record())
    for name in site.variables("web1"):
        if name.startswith("ansible_docker_"):
            assert f"- name: {name}\n" in fragment.ModuleDocFragment.VAR_NAMES


def test_plain_tcp_needs_no_client(site: Site, make_record: MakeRecord) -> None:
    site.save(make_record(tls=False, client="", certificate="", verified=None, engine_version=None))
    assert site.groups("web1") == {"fleet_default", "engine_unknown", "state_plain", "state_unverified"}
    variables = site.variables("web1")
    assert (variables["ansible_docker_tls"], variables["ansible_docker_validate_certs"]) == (False, False)
    assert variables["gangway_endpoint"]["client"] is None


def test_another_client_and_one_that_is_not_here(site: Site, make_record: MakeRecord) -> None:
    site.save(make_record())
    assert site.variables("web1", client="alice")["gangway_env"]["DOCKER_CERT_PATH"].endswith("/clients/alice")
    variables = site.variables("web1", client="bob")
    assert "ansible_docker_docker_host" not in variables
    assert variables["gangway_endpoint"]["client"] == "bob"
    (warning,) = site.warnings
    assert "no client 'bob'" in warning


def test_what_expires_is_in_a_group(site: Site, make_record: MakeRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    site.save(make_record())
    now = clock.now()
    for days, state in ((340, "state_expiring"), (366, "state_expired")):
        monkeypatch.setattr(clock, "now", lambda days=days: now + datetime.timedelta(days=days))
        assert state in site.groups("web1")
    monkeypatch.setattr(clock, "now", lambda: now)
    assert site.groups("web1") & {"state_expiring", "state_expired"} == set()
    site.save(make_record(verified=False))
    assert "state_failing" in site.groups("web1")


def test_one_unreadable_record_is_a_warning(site: Site, make_record: MakeRecord) -> None:
    site.save(make_record(), make_record(name="web 2"))
    folder = site.fleet().endpoints_folder
    (folder / "broken.json").write_text("{")
    (folder / "other.json").write_text('{"name": "other"}')
    assert sorted(site.read().hosts) == ["web 2", "web1"]
    assert len(site.warnings) == 2
    assert all("record_unreadable" in warning for warning in site.warnings)


def test_fleets_are_chosen_and_a_name_in_two_is_taken_once(site: Site, make_record: MakeRecord) -> None:
    site.save(make_record(), make_record(name="db1", fleet="other"), make_record(fleet="other"))
    inventory = site.read(client="ci")
    assert sorted(inventory.hosts) == ["db1", "web1"]
    assert any("in fleets default and other" in warning for warning in site.warnings)
    assert sorted(site.read(fleets=["default"]).hosts) == ["web1"]
    assert sorted(site.read(fleets=["none"]).hosts) == []
    assert sorted(site.read(fleets=[]).hosts) == []


def test_constructed_options(site: Site, make_record: MakeRecord) -> None:
    site.save(make_record())
    options = {
        "compose": {"ansible_host": "gangway_endpoint.server_names[1]"},
        "groups": {"modern": "gangway_endpoint.engine_version is version('28', '>=')"},
        "keyed_groups": [{"prefix": "method", "key": "gangway_endpoint.method"}],
    }
    assert {"modern", "method_socket"} <= site.groups("web1", **options)
    assert site.variables("web1", **options)["ansible_host"] == "10.0.0.5"


def test_what_a_host_says_is_no_template(site: Site, make_record: MakeRecord) -> None:
    site.save(make_record(engine_version="{{ 1 / 0 }}"))
    assert "engine_unknown" in site.groups("web1")
    assert site.variables("web1")["gangway_endpoint"]["engine_version"] == "{{ 1 / 0 }}"


def test_the_cache_keeps_records_and_not_what_has_expired(
    site: Site, make_record: MakeRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"cache": True, "cache_plugin": "jsonfile", "cache_connection": str(site.folder / "cache")}
    site.save(make_record())
    assert sorted(site.read(**options).hosts) == ["web1"]
    site.save(make_record(name="web2"))
    inventory = site.read(**options)
    assert sorted(inventory.hosts) == ["web1"], "from the cache"
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + datetime.timedelta(days=366))
    assert "state_expired" in site.groups("web1", **options)
    inventory.refresh_inventory()
    assert sorted(inventory.hosts) == ["web1", "web2"]
    cached = "".join(path.read_text() for path in (site.folder / "cache").iterdir())
    assert "PRIVATE KEY" not in cached


@pytest.mark.parametrize(
    ("name", "taken"),
    [("daemons.yml", True), ("x.daemons.yaml", True), ("hosts.yml", False), ("daemons.json", False)],
)
def test_files_are_known_by_their_names(tmp_path: Path, name: str, taken: bool) -> None:
    (tmp_path / name).write_text("plugin: gangway.docker.daemons\n")
    plugin = inventory_loader.get("gangway.docker.daemons")
    assert plugin.verify_file(str(tmp_path / name)) is taken


def test_containers_have_the_daemon_in_their_names(site: Site, make_record: MakeRecord) -> None:
    """The real plugin, asked about two daemons of which one is down."""
    plugin = "ansible_collections.community.docker.plugins.inventory.docker_containers"
    pytest.importorskip(plugin)
    site.save(make_record(), make_record(name="web 2", url="tcp://10.0.0.6:2376", tls=False, client=""))

    def answer(self: t.Any) -> t.Any:
        from ansible.errors import AnsibleConnectionFailure

        if self.get_option("docker_host") == "tcp://10.0.0.6:2376":
            raise AnsibleConnectionFailure("Error connecting: timed out")
        assert self.get_option("timeout") == 10
        assert self.get_option("client_key").endswith("/clients/ci/key.pem")
        client = mock.Mock()
        client.get_json.side_effect = [
            [{"Id": "a" * 64, "Names": ["/app"]}],
            {"State": {"Running": True}, "Config": {"Image": "bb"}},
        ]
        return client

    options = {
        "containers": True,
        "container_options": {"keyed_groups": [{"prefix": "image", "key": "docker_config.Image"}]},
    }
    with mock.patch(f"{plugin}.InventoryModule._create_client", answer):
        inventory = site.read(**options)
    assert sorted(inventory.hosts) == ["app@web1", "web 2", "web1"]
    host = inventory.get_host("app@web1")
    assert {group.name for group in host.get_groups()} == {"all", "containers", "containers_of_web1", "image_bb"}
    variables = host.get_vars()
    assert variables["ansible_host"] == "app"
    assert variables["ansible_connection"] == "community.docker.docker_api"
    assert variables["ansible_docker_docker_host"] == "tcp://10.0.0.5:2376"
    assert (variables["gangway_daemon"], variables["ansible_pipelining"]) == ("web1", False)
    (warning,) = site.warnings
    assert "web 2" in warning


def test_containers_are_in_the_cache(site: Site, make_record: MakeRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    site.save(make_record())
    asked: list[str] = []

    def read(endpoints: t.Any, *_args: t.Any) -> list[Container]:
        asked.extend(endpoint.name for endpoint in endpoints)
        return [Container("app@web1", "web1", {"docker_name": "app"}, [])]

    plugin = type(inventory_loader.get("gangway.docker.daemons"))
    monkeypatch.setattr(sys.modules[plugin.__module__], "read_containers", read)
    options = {
        "containers": True,
        "cache": True,
        "cache_plugin": "jsonfile",
        "cache_connection": str(site.folder / "c"),
    }
    for _run in range(2):
        assert "app@web1" in site.read(**options).hosts
    assert asked == ["web1"]


def test_without_community_docker_there_are_no_containers(
    site: Site, make_record: MakeRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.save(make_record())
    endpoints = read_endpoints(site.fleets_dir, ["default"], None, site.warnings.append)
    monkeypatch.setattr(containers_module, "inventory_loader", mock.Mock(get=lambda _name: None))
    with pytest.raises(Failure) as error:
        read_containers(endpoints, {}, DataLoader(), site.warnings.append)
    assert error.value.key == "community_docker_missing"
