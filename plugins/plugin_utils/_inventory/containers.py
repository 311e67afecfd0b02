# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The containers of exposed daemons, by community.docker's inventory plugin docker_containers."""

from __future__ import annotations

__all__ = ("Container", "read_containers")

import json
import tempfile
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from ansible.errors import AnsibleError
from ansible.inventory.data import InventoryData
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import inventory_loader

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.module_utils._shared.formats import as_module_defaults

from .endpoints import Endpoint

_PLUGIN = "community.docker.docker_containers"
#: Seconds for an answer, unless the options have another timeout. community.docker waits for 60.
_TIMEOUT = 10
#: Daemons that are asked at the same time; those that are down take seconds.
_AT_ONCE = 16


@dataclass(frozen=True)
class Container:
    """One container; C(name) is the host's in the inventory."""

    name: str
    daemon: str
    variables: dict[str, t.Any]
    groups: list[str]

    def as_data(self) -> dict[str, t.Any]:
        return asdict(self)


def read_containers(
    endpoints: t.Sequence[Endpoint],
    options: t.Mapping[str, t.Any],
    loader: DataLoader,
    warn: t.Callable[[str], object],
) -> list[Container]:
    """Return the containers of these daemons; that one of them does not answer is a warning.

    C(options): of docker_containers. Failure: C(community_docker_missing).
    """
    # Ansible can't load plugins in several threads at once.
    asked = [(endpoint, _plugin()) for endpoint in endpoints if endpoint.connection is not None]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = pool.map(lambda each: _containers_of(each[0], each[1], options, loader, warn), asked)
        return [container for containers in found for container in containers]


def _plugin() -> t.Any:
    plugin = inventory_loader.get(_PLUGIN)
    if plugin is None:
        raise Failure(
            "community_docker_missing",
            thing=f"the inventory plugin {_PLUGIN}",
            reason="the collection community.docker is not installed, or the Python package requests is missing",
            cure="Install it: ansible-galaxy collection install community.docker; or set containers: false",
        )
    return plugin


def _containers_of(
    endpoint: Endpoint,
    plugin: t.Any,
    options: t.Mapping[str, t.Any],
    loader: DataLoader,
    warn: t.Callable[[str], object],
) -> list[Container]:
    connection = endpoint.connection
    if connection is None:
        return []
    config = {"timeout": _TIMEOUT, **options, "plugin": _PLUGIN, **as_module_defaults(connection)}
    found = InventoryData()
    # It has options from files only; these contain paths, and no secrets.
    with tempfile.TemporaryDirectory(prefix="gangway-") as folder:
        path = Path(folder) / "docker.yml"
        path.write_text(json.dumps(config), encoding="utf-8")
        try:
            plugin.parse(found, loader, str(path), cache=False)
        except AnsibleError as exc:
            warn(f"The containers of {endpoint.name} are left out of the inventory: {exc}")
            return []
    return [_container(endpoint, host) for host in found.hosts.values()]


def _container(endpoint: Endpoint, host: t.Any) -> Container:
    variables = {**host.vars, "gangway_daemon": endpoint.name}
    if endpoint.facts["tls"]:
        # Over TLS, the connection can't end what it sends to a command (community.docker#605), as pipelining has to.
        variables["ansible_pipelining"] = False
    groups = [group.name for group in host.groups if group.name not in ("all", "ungrouped")]
    # Containers on several daemons may have the same name.
    return Container(f"{host.name}@{endpoint.name}", endpoint.name, variables, groups)
