# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: daemons
author:
  - The gangway.docker authors (@gangway-docker)
version_added: 0.1.0
short_description: The exposed Docker daemons, and their containers, as inventory
description:
  - Reads the endpoint records that M(gangway.docker.dockerd_listener) writes on the controller. Each daemon is a host,
    under the name that it was exposed with. Without O(containers), it connects to no host.
  - Each host is in the groups C(fleet_NAME), C(engine_MAJOR_MINOR), C(state_tls) or C(state_plain), and
    C(state_verified), C(state_failing) or C(state_unverified), by what the last run saw from the controller. It is also
    in C(state_expired) or C(state_expiring) if the certificate of the server or of the client has expired, or is about
    to (30 days, or a third of its life if that is less).
  - The variable C(gangway_endpoint) has the endpoint record, with C(client), C(client_not_after) and C(cert_path).
    C(gangway_module_defaults) is for C(group/community.docker.docker), and C(gangway_env) for C(environment).
  - The variables C(ansible_docker_docker_host), C(ansible_docker_tls), C(ansible_docker_validate_certs),
    C(ansible_docker_ca_path), C(ansible_docker_client_cert) and C(ansible_docker_client_key) are what the connection
    plugin P(community.docker.docker_api#connection) reads. Modules of community.docker read no variables; for them, one
    C(module_defaults) in the play is enough, see the examples.
  - A record that can't be read, or a daemon that does not answer, only causes a warning.
  - The file's name has to end with C(daemons.yml) or C(daemons.yaml).
options:
  plugin:
    description: Always V(gangway.docker.daemons).
    type: str
    required: true
    choices: [gangway.docker.daemons]
  fleets:
    description: The fleets whose daemons to read. The default is all that have one.
    type: list
    elements: str
  fleets_dir:
    description: The folder that holds the fleets.
    type: path
    default: ~/.docker/gangway
  client:
    description: The client identity to connect with. The default is the first one that each host was exposed for.
    type: str
  containers:
    description:
      - Add the containers of each daemon as hosts C(CONTAINER@DAEMON), by asking all daemons through
        P(community.docker.docker_containers#inventory). They are in the groups C(containers) and
        C(containers_of_DAEMON), and C(gangway_daemon) has the daemon's name.
      - Tasks run in them without further configuration. Over TLS, C(ansible_pipelining) is off for them, and become
        methods can't ask for a password, since the connection plugin can't do that over TLS.
    type: bool
    default: false
  container_options:
    description:
      - Options of P(community.docker.docker_containers#inventory) for O(containers), such as C(filters),
        C(keyed_groups) or C(verbose_output). How to connect is determined by the daemons.
    type: dict
    default: {}
extends_documentation_fragment:
  - ansible.builtin.constructed
  - ansible.builtin.inventory_cache
notes:
  - O(compose), O(groups) and O(keyed_groups) apply to the daemons; those for containers are in O(container_options).
  - The cache keeps records and containers. Each run checks again which certificates have expired.
requirements:
  - cryptography on the controller
  - community.docker on the controller, for O(containers)
seealso:
  - module: gangway.docker.dockerd_listener
  - plugin: gangway.docker.docker_host
    plugin_type: lookup
"""

EXAMPLES = r"""
# daemons.yml: all exposed daemons
plugin: gangway.docker.daemons

---
# production.daemons.yml: those of one fleet and their containers, as the client ci
plugin: gangway.docker.daemons
fleets: [production]
client: ci
containers: true
container_options:
  keyed_groups:
    - prefix: image
      key: docker_config.Image
keyed_groups:
  - prefix: method
    key: gangway_endpoint.method
groups:
  legacy: gangway_endpoint.engine_version is version('24', '<')

---
# In a play for the daemons, community.docker's modules run on the controller:
#
# - hosts: fleet_production
#   connection: local
#   gather_facts: false
#   vars:
#     ansible_python_interpreter: "{{ ansible_playbook_python }}"
#   module_defaults:
#     group/community.docker.docker: "{{ gangway_module_defaults }}"
#   tasks:
#     - community.docker.docker_container:
#         name: app
#         image: app
plugin: gangway.docker.daemons
fleets: [production]
"""

import typing as t
from pathlib import Path

from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.plugin_utils._inventory.containers import Container, read_containers
from ansible_collections.gangway.docker.plugins.plugin_utils._inventory.endpoints import (
    Endpoint,
    fleet_names,
    read_endpoints,
)
from ansible_collections.gangway.docker.plugins.plugin_utils._inventory.host import groups_of, variables_of
from ansible_collections.gangway.docker.plugins.plugin_utils._pki import clock


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    """See DOCUMENTATION."""

    NAME = "gangway.docker.daemons"

    def verify_file(self, path: str) -> bool:
        return super().verify_file(path) and path.endswith(("daemons.yml", "daemons.yaml"))

    def parse(self, inventory: t.Any, loader: t.Any, path: str, cache: bool = True) -> None:
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        try:
            data = self._data(path, cache=cache)
        except Failure as exc:
            raise AnsibleParserError(f"{exc} [{exc.key}]") from exc
        for each in data["endpoints"]:
            self._add_daemon(Endpoint(**each))
        for each in data["containers"]:
            self._add_container(Container(**each))

    def _data(self, path: str, *, cache: bool) -> dict[str, list[dict[str, t.Any]]]:
        """Return what the cache has, or what is there."""
        key, cached = self.get_cache_key(path), self.get_option("cache")
        if cached and cache and key in self._cache:
            found: dict[str, list[dict[str, t.Any]]] = self._cache[key]
            return found
        data = self._read()
        if cached:
            self._cache[key] = data
        return data

    def _read(self) -> dict[str, list[dict[str, t.Any]]]:
        fleets_dir = Path(self.get_option("fleets_dir")).expanduser()
        fleets = self.get_option("fleets")
        names = fleet_names(fleets_dir) if fleets is None else list(map(str, fleets))
        endpoints = read_endpoints(fleets_dir, names, self.get_option("client"), self.display.warning)
        return {
            "endpoints": [endpoint.as_data() for endpoint in endpoints],
            "containers": self._read_containers(endpoints) if self.get_option("containers") else [],
        }

    def _read_containers(self, endpoints: list[Endpoint]) -> list[dict[str, t.Any]]:
        found = read_containers(endpoints, self.get_option("container_options"), self.loader, self.display.warning)
        return [container.as_data() for container in found]

    def _add_daemon(self, endpoint: Endpoint) -> None:
        name, strict = endpoint.name, self.get_option("strict")
        self.inventory.add_host(name)
        for group in groups_of(endpoint, clock.now()):
            self._add_to(name, group)
        for variable, value in variables_of(endpoint).items():
            self.inventory.set_variable(name, variable, value)
        variables = self.inventory.get_host(name).get_vars()
        self._set_composite_vars(self.get_option("compose"), variables, name, strict=strict)
        variables = self.inventory.get_host(name).get_vars()
        self._add_host_to_composed_groups(self.get_option("groups"), variables, name, strict=strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), variables, name, strict=strict)

    def _add_container(self, container: Container) -> None:
        self.inventory.add_host(container.name)
        for variable, value in container.variables.items():
            self.inventory.set_variable(container.name, variable, value)
        for group in ("containers", f"containers_of_{container.daemon}", *container.groups):
            self._add_to(container.name, group)

    def _add_to(self, name: str, group: str) -> None:
        self.inventory.add_host(name, group=self.inventory.add_group(self._sanitize_group_name(group)))
