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
  - Includes daemons that others have exposed, if M(gangway.docker.endpoint) has recorded them.
  - For a daemon without TLS, V(env) is C(DOCKER_HOST) alone, V(argv) is C(--host) alone, V(files) and V(pem) have null
    values, a shell's commands remove the variables that are for TLS, and no client identity is needed. If
    C(DOCKER_TLS_VERIFY) is set in the environment, clients use TLS nevertheless, and fail. For the docker command and
    SDKs, add C(DOCKER_TLS_VERIFY) and C(DOCKER_CERT_PATH) with empty values, which they take as unset. Modules of
    community.docker refuse empty values; with V(module_defaults) they work in any case.
options:
  _terms:
    description: Inventory names of hosts. With O(unset), none is needed.
    type: list
    elements: str
    required: true
  client:
    description:
      - The client identity to connect with. The default is the first one that the host was exposed for.
      - An endpoint that M(gangway.docker.endpoint) has recorded has its own bundle, and takes no other.
    type: str
  format:
    description:
      - V(env) is C(DOCKER_HOST), C(DOCKER_TLS_VERIFY) and C(DOCKER_CERT_PATH), for C(environment).
      - V(module_defaults) is for C(group/community.docker.docker).
      - V(argv) are options of the docker command.
      - V(url) is the URL alone, as in C(tcp://10.0.0.5:2376).
      - V(https_url) is the same with C(https://), without TLS C(http://), for HTTP clients, and for Prometheus, which
        ignores its TLS settings with C(tcp://).
      - V(files) is a dictionary with the paths of the bundle, C(ca), C(cert) and C(key).
      - V(pem) is a dictionary with their contents, for tools that take certificates and key as text, such as Jenkins,
        Terraform and Portainer. It contains the B(private key). Set C(no_log) to V(true) in each task that uses it,
        and keep it out of facts and of registered results.
      - V(sh) (also for bash and zsh), V(fish), V(tcsh), V(powershell), V(cmd) and V(emacs) are commands that set the
        variables of V(env), and C(DOCKER_MACHINE_NAME) to the host's name. The values are quoted as each shell wants
        it. V(cmd) is for a batch file.
      - V(facts) is the whole endpoint record, as in the fact C(gangway_endpoint), with C(not_after),
        C(client), C(client_not_after) and C(cert_path); for a daemon without TLS, these are null.
    type: str
    choices:
      - env
      - module_defaults
      - argv
      - url
      - https_url
      - files
      - pem
      - sh
      - fish
      - tcsh
      - powershell
      - cmd
      - emacs
      - facts
    default: env
  unset:
    description: With a shell's O(format), return the commands that remove the variables again, whatever the host.
    type: bool
    default: false
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
notes:
  - The commands for sh, bash, zsh, fish, tcsh and Emacs were run in these programs. Those for PowerShell and cmd follow
    their documentation and were not run.
  - In tcsh, a command's output keeps its blanks with C(eval "`command`"), and not without the double quotes.
seealso:
  - module: gangway.docker.dockerd_listener
  - module: gangway.docker.endpoint
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

    - name: Write a file that a shell can source
      ansible.builtin.copy:
        content: "{{ lookup('gangway.docker.docker_host', 'web1', format='sh') }}"
        dest: "{{ playbook_dir }}/web1.sh"
        mode: "0644"

    - name: Write one that removes the variables again
      ansible.builtin.copy:
        content: "{{ lookup('gangway.docker.docker_host', format='sh', unset=true) }}"
        dest: "{{ playbook_dir }}/unset.sh"
        mode: "0644"
"""

RETURN = r"""
_raw:
  description:
    - For each host, a dictionary (V(env), V(module_defaults), V(files), V(pem), V(facts)), a list (V(argv)) or a
      string (all others).
    - With O(unset), one string.
  type: list
  elements: raw
"""

import functools
import typing as t

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible.utils.display import Display

from ansible_collections.gangway.docker.plugins.module_utils._shared.dependency import require_cryptography, x509
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.module_utils._shared.formats import Connection, as_files, render
from ansible_collections.gangway.docker.plugins.plugin_utils._endpoint.connection import (
    bundle_of,
    client_of,
    not_exposed,
)
from ansible_collections.gangway.docker.plugins.plugin_utils._endpoint.record import EndpointRecord, read_record
from ansible_collections.gangway.docker.plugins.plugin_utils._endpoint.shells import (
    SHELLS,
    render_for_shell,
    render_unset,
)
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.on_disk.folders import Folders
from ansible_collections.gangway.docker.plugins.plugin_utils._options.facts import check_facts
from ansible_collections.gangway.docker.plugins.plugin_utils._pki import clock
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.brought import read_file
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.chain import Chain, try_chain
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.freshness import not_after_of
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.renewal import describe_expiry, expires_soon

_display = Display()
#: By what is in the file, so that a certificate that was renewed meanwhile is another one.
_chain_of = functools.lru_cache(maxsize=4096)(try_chain)


class LookupModule(LookupBase):
    """See DOCUMENTATION."""

    def run(self, terms: list[str], variables: dict[str, t.Any] | None = None, **kwargs: t.Any) -> list[t.Any]:
        self.set_options(var_options=variables, direct=kwargs)
        try:
            check_facts(variables or {})
            if self.get_option("unset"):
                return [self._unset()]
            # Values that come from variables arrive as they were written.
            fleets_dir, name = (self._templar.template(self.get_option(option)) for option in ("fleets_dir", "fleet"))
            require_cryptography()
            fleet = Folders(fleets_dir, name)
            return [self._look_up(fleet, name) for name in terms]
        except Failure as exc:
            raise AnsibleLookupError(f"{exc} [{exc.key}]") from exc

    def _unset(self) -> str:
        form = self.get_option("format")
        if form not in SHELLS:
            raise Failure(
                "unset_unsupported",
                thing="unset",
                reason=f"the format {form} is not one of commands that could be undone",
                cure=f"Set format to one of {', '.join(SHELLS)}",
            )
        return render_unset(form)

    def _look_up(self, fleet: Folders, name: str) -> t.Any:
        record = read_record(fleet.endpoints_folder, name)
        if record is None:
            raise not_exposed(fleet, name)
        client = self.get_option("client")
        folder = bundle_of(fleet, record, client)
        chain: Chain = ()
        if folder is not None:
            chain = _chain_of((folder / "cert.pem").read_bytes())
            _warn(record, f"The certificate of {name}", _chain_of(record.certificate.encode()))
            used = client_of(record, client)
            _warn(
                record, f"The certificate of client {used}" if used else f"The client's certificate for {name}", chain
            )
        connection = Connection(record.url, None if folder is None else str(folder))
        form = self.get_option("format")
        if form in SHELLS:
            return render_for_shell(connection, name, form)
        if form == "pem":
            return {each: path and read_file(path).decode() for each, path in as_files(connection).items()}
        if form != "facts":
            return render(connection, form)
        return {
            **record.as_facts(),
            "client": client_of(record, client),
            "client_not_after": not_after_of(chain[0]) if chain else None,
            "cert_path": connection.cert_path,
        }


def _warn(record: EndpointRecord, whose: str, chain: t.Sequence[x509.Certificate]) -> None:
    """The display shows the same warning once."""
    if chain and expires_soon(chain[0], clock.now()):
        cure = (
            "Those who expose the daemon have to renew it."
            if record.foreign
            else "ansible-playbook gangway.docker.renew renews it."
        )
        _display.warning(f"{whose} {describe_expiry(chain[0], clock.now())}. {cure}")
