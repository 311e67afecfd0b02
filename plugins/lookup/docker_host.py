# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: docker_host
author:
  - The gangway.docker authors (@gangway-docker)
version_added: 0.1.0
short_description: How to connect to an exposed Docker daemon
description:
  - Gives the connection facts of daemons that M(gangway.docker.dockerd_listener) has exposed, for the docker CLI, for
    modules of community.docker, or for SDKs.
  - Reads the endpoint records on the controller; it connects to no host.
  - Warns if the certificate of the server or of the client has expired, or is about to (30 days, or a third of its
    life if that is less).
  - For a daemon without TLS, V(env) is C(DOCKER_HOST) alone, V(argv) is C(--host) alone, and no client identity is
    needed. If C(DOCKER_TLS_VERIFY) is set in the environment, clients use TLS nevertheless, and fail. For the docker
    command and SDKs, add C(DOCKER_TLS_VERIFY) and C(DOCKER_CERT_PATH) with empty values, which they take as unset.
    Modules of community.docker refuse empty values; with V(module_defaults) they work in any case.
options:
  _terms:
    description: Inventory names of hosts.
    type: list
    elements: str
    required: true
  client:
    description: The client identity to connect with. The default is the first one that the host was exposed for.
    type: str
  format:
    description:
      - V(env) is C(DOCKER_HOST), C(DOCKER_TLS_VERIFY) and C(DOCKER_CERT_PATH), for C(environment).
      - V(module_defaults) is for C(group/community.docker.docker).
      - V(argv) are options of the docker command.
      - V(url) is the URL alone.
      - V(facts) is the whole endpoint record, as in the fact C(gangway_endpoint), with C(not_after),
        C(client), C(client_not_after) and C(cert_path); for a daemon without TLS, these are null.
    type: str
    choices: [env, module_defaults, argv, url, facts]
    default: env
  fleet:
    description: The fleet that the daemons belong to.
    type: str
    default: default
    vars:
      - name: expose_fleet
  fleets_dir:
    description: The folder that holds the fleets.
    type: path
    default: ~/.docker/gangway
    vars:
      - name: expose_fleets_dir
seealso:
  - module: gangway.docker.dockerd_listener
"""

EXAMPLES = r"""
- name: Use an exposed daemon from the controller
  hosts: localhost
  gather_facts: false
  tasks:
    - name: List containers with the docker command
      ansible.builtin.command: docker ps
      environment: "{{ lookup('gangway.docker.docker_host', 'web1') }}"
      changed_when: false

    - name: Start a container with community.docker, as the client named ci
      community.docker.docker_container:
        name: app
        image: app
      module_defaults:
        group/community.docker.docker:
          "{{ lookup('gangway.docker.docker_host', 'web1', client='ci', format='module_defaults') }}"
"""

RETURN = r"""
_raw:
  description:
    - For each host, a dictionary (V(env), V(module_defaults), V(facts)), a list (V(argv)) or a string (V(url)).
  type: list
  elements: raw
"""

import typing as t
from pathlib import Path

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible.utils.display import Display

from ansible_collections.gangway.docker.plugins.module_utils._shared.dependency import x509
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.module_utils._shared.formats import Connection, render
from ansible_collections.gangway.docker.plugins.plugin_utils._endpoint.record import read_record
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.fleet import Fleet
from ansible_collections.gangway.docker.plugins.plugin_utils._options.facts import check_facts
from ansible_collections.gangway.docker.plugins.plugin_utils._pki import clock
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.chain import try_chain
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.freshness import not_after_of
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.renewal import describe_expiry, expires_soon

_display = Display()


class LookupModule(LookupBase):
    """See DOCUMENTATION."""

    def run(self, terms: list[str], variables: dict[str, t.Any] | None = None, **kwargs: t.Any) -> list[t.Any]:
        self.set_options(var_options=variables, direct=kwargs)
        try:
            check_facts(variables or {})
            # Values that come from variables arrive as they were written.
            fleets_dir, name = (self._templar.template(self.get_option(option)) for option in ("fleets_dir", "fleet"))
            fleet = Fleet(fleets_dir, name)
            return [self._look_up(fleet, name) for name in terms]
        except Failure as exc:
            raise AnsibleLookupError(f"{exc} [{exc.key}]") from exc

    def _look_up(self, fleet: Fleet, name: str) -> t.Any:
        record = read_record(fleet.endpoints_folder, name)
        if record is None:
            raise Failure(
                "not_exposed",
                thing=f"host {name!r}",
                reason=f"its Docker daemon is not exposed in fleet {fleet.name!r} (no record in "
                f"{fleet.endpoints_folder})",
                cure=f"Expose it: ansible-playbook gangway.docker.expose_docker --limit {name}",
            )
        form = self.get_option("format")
        if not record.tls:
            if form != "facts":
                return render(Connection(record.url, None), form)
            return {**record.as_facts(), "client": None, "client_not_after": None, "cert_path": None}
        client = self.get_option("client") or record.client
        folder: Path = fleet.client_folder(client)
        if not (folder / "cert.pem").is_file():
            raise Failure(
                "client_missing",
                thing=f"client {client!r}",
                reason=f"fleet {fleet.name!r} has no such identity ({folder})",
                cure="Add it to expose_clients and run the playbook again; with certificates of your own, put "
                "the client's ca.pem, cert.pem and key.pem there",
            )
        chain = try_chain((folder / "cert.pem").read_bytes())
        _warn(f"The certificate of {name}", try_chain(record.certificate.encode()))
        _warn(f"The certificate of client {client}", chain)
        if form != "facts":
            return render(Connection(record.url, str(folder)), form)
        expiry = not_after_of(chain[0]) if chain else None
        return {**record.as_facts(), "client": client, "client_not_after": expiry, "cert_path": str(folder)}


def _warn(whose: str, chain: t.Sequence[x509.Certificate]) -> None:
    """The display shows the same warning once."""
    if chain and expires_soon(chain[0], clock.now()):
        _display.warning(
            f"{whose} {describe_expiry(chain[0], clock.now())}. ansible-playbook gangway.docker.renew renews it."
        )
