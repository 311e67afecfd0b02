#!/usr/bin/python
# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: client_bundle
short_description: Put a client identity of a fleet on another machine
version_added: 0.1.0
description:
  - Gives an account on a machine (a CI runner, a laptop, an application's host) a bundle with C(ca.pem), C(cert.pem)
    and C(key.pem), an env file and a docker context for each exposed daemon, and keeps all of them fresh.
  - The key is made on that machine and never leaves it; its certificate is signed on the controller.
  - All files belong to the account, and are written with its own rights even if the module runs as root.
  - O(state=absent) removes what was installed, and nothing else.
attributes:
  check_mode:
    description: Can run in check mode and predict the run exactly, without touching anything.
    support: full
  diff_mode:
    description: Shows env files and contexts, and certificates by fingerprint; keys are never shown.
    support: full
  idempotent:
    description: A second run changes nothing.
    support: full
  action:
    description: Has an action plugin, which signs on the controller.
    support: full
options:
  state:
    description:
      - Whether the machine has the identity.
      - V(absent) removes the key and its certificate, but daemons still accept anyone who has a copy of both. If there
        may be one, revoke the client, see M(gangway.docker.client_revocation).
    type: str
    choices: [present, absent]
    default: present
  name:
    description:
      - The client's name, which becomes the certificate's CN. Give each account and each O(path) of a machine its own
        name, since a client is revoked by its name.
      - A client of that name that was revoked is refused.
    type: str
    required: true
  user:
    description:
      - The account on the machine that gets the identity. All files belong to it and its primary group.
      - The default is the account that the module runs as. Another one needs C(become=true).
    type: str
  path:
    description:
      - The folder for the bundle, which is the account's C(DOCKER_CERT_PATH). A C(~) at its beginning is the home
        folder of O(user).
      - A missing folder is made, closed to others. Other files in it stay; a C(ca.pem), C(cert.pem) or
        C(key.pem) that this module did not write is a failure.
      - With the default, the docker command needs no C(DOCKER_CERT_PATH).
    type: str
    default: ~/.docker
  endpoints:
    description:
      - Inventory names of the exposed hosts that this client will use.
      - They must have been exposed from this controller, with the machine in their access list, see
        O(gangway.docker.dockerd_listener#module:allow).
      - If no daemon of the fleet has TLS, there is no authority and clients need no identity. Then env files and
        contexts are all that is installed, and at least one endpoint is required.
    type: list
    elements: str
    default: []
  env_files:
    description:
      - Write a file C(gangway/NAME.env) below O(path) for each of the O(endpoints), with C(DOCKER_HOST),
        C(DOCKER_TLS_VERIFY) and C(DOCKER_CERT_PATH).
      - For shells (C(set -a; . FILE)), for C(EnvironmentFile=) of systemd, and for C(docker run --env-file) as long as
        O(path) has no blanks or quotes.
    type: bool
    default: true
  contexts:
    description:
      - Make a docker context for each of the O(endpoints), for C(docker --context NAME). It has the name of the
        endpoint, with C(-) in place of characters that context names can't have.
      - Contexts are made in C(~/.docker) of O(user), wherever O(path) is. They hold copies of the bundle.
    type: bool
    default: true
  instructions:
    description: What the controller sends between planning and applying. Internal; not for use in playbooks.
    type: dict
    suboptions:
      phase:
        description: What to do.
        type: str
        choices: [plan, apply, forget]
        default: plan
      ca:
        description: The authorities by which clients know the servers, in PEM. Without them, no identity is needed.
        type: str
      certificate:
        description: The client's certificate, in PEM.
        type: str
      renew:
        description: Make the certificate again.
        type: bool
        default: false
      new_key:
        description: With a new key, too.
        type: bool
        default: false
      csr_name:
        description: The name that the certificate request (CSR) must contain.
        type: str
      pending:
        description: Names the key that waits on the machine for its certificate.
        type: str
      urls:
        description: The URLs of the endpoints.
        type: dict
        default: {}
      plain:
        description: The endpoints without TLS.
        type: list
        elements: str
        default: []
extends_documentation_fragment:
  - gangway.docker.fleet
  - gangway.docker.fleet.identity
requirements:
  - Python 3.9 or later, and the C(openssl) command or the Python package cryptography, on the machine
seealso:
  - module: gangway.docker.dockerd_listener
  - module: gangway.docker.client_revocation
  - plugin: gangway.docker.docker_host
    plugin_type: lookup
author:
  - The gangway.docker authors (@gangway-docker)
"""

EXAMPLES = r"""
- name: Let the CI runners use the Docker daemons
  hosts: runners
  gather_facts: false
  become: true
  tasks:
    - name: Put an identity on each runner, with a docker context and an env file for each daemon
      gangway.docker.client_bundle:
        name: "ci-{{ inventory_hostname }}"
        user: runner
        endpoints: "{{ groups['docker_hosts'] }}"

- name: Let an application use one of them
  hosts: app1
  gather_facts: false
  become: true
  tasks:
    - name: Put the identity where the unit of systemd finds it, as EnvironmentFile=/opt/app/docker/gangway/web1.env
      gangway.docker.client_bundle:
        name: app1
        user: app
        path: /opt/app/docker
        endpoints: [web1]
        contexts: false

- name: Remove an identity again
  hosts: runners
  gather_facts: false
  become: true
  tasks:
    - name: Remove the bundle, the contexts and the env files
      gangway.docker.client_bundle:
        name: "ci-{{ inventory_hostname }}"
        user: runner
        state: absent
"""

RETURN = r"""
actions:
  description: What was done (in check mode, would be done) on the machine, in order.
  returned: success
  type: list
  elements: str
  sample: [make the folder /home/runner/.docker, write /home/runner/.docker/ca.pem]
reason:
  description: Why the certificate was (would be) made; empty if it was not.
  returned: when O(state=present)
  type: str
  sample: expires in 12 d
identity_changed:
  description:
    - Whether C(cert.pem), C(key.pem) or C(ca.pem) was (would be) written, so that what has read them has to read them
      again.
  returned: when O(state=present)
  type: bool
client:
  description:
    - The identity and what it connects to. In check mode, it omits a certificate that is yet to be made.
    - Without C(fingerprint) and C(not_after) if no daemon of the fleet has TLS, since there is no identity then.
  returned: when O(state=present)
  type: dict
  sample:
    name: ci-runner1
    fleet: default
    user: runner
    path: /home/runner/.docker
    endpoints:
      - name: web1
        url: tcp://10.20.0.5:2376
        env_file: /home/runner/.docker/gangway/web1.env
        context: web1
    fingerprint: 8b2d6c1e77aa
    not_after: "2027-11-20T22:00:00Z"
failure:
  description: A stable key for the error, for scripts.
  returned: failure
  type: str
  sample: bundle_not_ours
"""

import functools
import shutil
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.gangway.docker.plugins.module_utils._client.machine import run_client_bundle
from ansible_collections.gangway.docker.plugins.module_utils._client.options import ARGUMENT_SPEC
from ansible_collections.gangway.docker.plugins.module_utils._client.task import Instructions, Task
from ansible_collections.gangway.docker.plugins.module_utils._client.wanted import ClientOptions
from ansible_collections.gangway.docker.plugins.module_utils._host.keys import make_csr, make_key
from ansible_collections.gangway.docker.plugins.module_utils._shared.dependency import HAS_CRYPTOGRAPHY
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    params = module.params
    openssl = shutil.which("openssl", path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
    run = functools.partial(module.run_command, handle_exceptions=False, environ_update={"LC_ALL": "C.UTF-8"})

    def csr_for(path: str, client: t.Optional[str]) -> str:
        return make_csr(run, openssl, path, client=client)

    task = Task(
        state=params["state"],
        check_mode=module.check_mode,
        user=params["user"],
        path=params["path"],
        options=ClientOptions(
            client=params["name"],
            fleet=params["fleet"],
            endpoints=tuple(dict.fromkeys(params["endpoints"])),
            env_files=params["env_files"],
            contexts=params["contexts"],
        ),
        instructions=Instructions(**(params["instructions"] or {})),
        make_key=functools.partial(make_key, run, openssl, params["key_type"]),
        make_csr=csr_for,
        can_make_keys=openssl is not None or HAS_CRYPTOGRAPHY,
    )
    try:
        result = run_client_bundle(task)
    except Failure as exc:
        module.fail_json(**exc.as_result())
    module.exit_json(**result)


if __name__ == "__main__":
    main()
