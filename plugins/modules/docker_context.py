#!/usr/bin/python
# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: docker_context
short_description: Manage contexts of the docker command, without the docker command
version_added: 0.1.0
description:
  - Creates, updates, uses, exports, imports and removes docker contexts, as C(docker context) does. It needs neither
    the docker command nor a daemon.
  - A context holds copies of the client's certificates. Each run copies them again if they have changed.
  - Works on the machine that the task runs on. All files belong to O(user), and are read and written with that user's
    own rights even if the module runs as root.
  - M(gangway.docker.dockerd_listener) can keep one context for each exposed host on the controller, see
    O(gangway.docker.dockerd_listener#module:contexts).
attributes:
  check_mode:
    description: Can run in check mode and predict the run exactly, without touching anything.
    support: full
  diff_mode:
    description: Shows a context's C(meta.json), and certificates by fingerprint; keys are never shown.
    support: full
  idempotent:
    description: A second run changes nothing.
    support: full
options:
  state:
    description: Whether the context exists.
    type: str
    choices: [present, absent]
    default: present
  name:
    description:
      - The context's name, two or more of letters, digits and C(_.+-), beginning with a letter or digit.
      - V(default) is the docker command's own. It can only be made O(current).
    type: str
    required: true
  docker_host:
    description:
      - The URL of the daemon, for example V(tcp://10.20.0.5:2376). Write the port; without it the docker command takes
        2375 even with TLS.
      - With it, the context has exactly the TLS settings of the task. Without it, an existing context keeps both.
    type: str
  description:
    description: The context's description. The default is to leave it as it is.
    type: str
  tls:
    description:
      - Use TLS. The default is to use it if O(ca_path), O(client_cert) or O(validate_certs=true) is set.
      - Unlike in community.docker, the server is verified unless O(validate_certs=false).
    type: bool
  validate_certs:
    description: Verify the server's certificate by O(ca_path). The default with TLS is V(true).
    type: bool
  ca_path:
    description: The file with the CA's certificate. Needed to verify the server.
    type: str
  client_cert:
    description: The file with the client's certificate.
    type: str
  client_key:
    description: The file with the client's key, not encrypted.
    type: str
  current:
    description:
      - V(true) makes it the context that the docker command uses, like C(docker context use). V(false) makes sure that
        it is not; then V(default) is.
      - The environment variables C(DOCKER_HOST) and C(DOCKER_CONTEXT) override it.
      - Other settings in C(config.json) stay as they are written.
    type: bool
  force:
    description:
      - With O(state=absent), remove a context that is the current one. Then V(default) is the current one.
      - Also replace or remove a context whose C(meta.json) is damaged.
    type: bool
    default: false
  import_from:
    description:
      - A file that C(docker context export) or O(export_to) has written, or a zip archive with the same content. The
        context becomes what the file describes, under the name O(name).
    type: str
  export_to:
    description:
      - A file to write the context to, for C(docker context import). It contains the client's key; its mode is 0600.
      - An existing file is overwritten only if it is an exported context. Ignored with O(state=absent).
    type: str
  user:
    description:
      - The account whose context it is. The default is the one that the module runs as. Another one needs
        C(become=true).
    type: str
  config_dir:
    description:
      - The docker command's folder. The default is C(DOCKER_CONFIG) in the environment of the module, unless O(user) is
        another account, and C(~/.docker) otherwise.
    type: str
notes:
  - All paths begin with C(/) or C(~/), where C(~) is the home folder of O(user), and C(HOME) if O(user) is not set.
requirements:
  - Python 3.9 or later
seealso:
  - module: community.docker.docker_context_info
  - plugin: gangway.docker.docker_host
    plugin_type: lookup
author:
  - The gangway.docker authors (@gangway-docker)
"""

EXAMPLES = r"""
- name: Use the daemon of web1 from the controller, with docker --context web1
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Create the context, or refresh it
      gangway.docker.docker_context:
        name: web1
        description: Web server, production
      module_defaults:
        gangway.docker.docker_context: "{{ lookup('gangway.docker.docker_host', 'web1', format='module_defaults') }}"

    - name: Make it the current one
      gangway.docker.docker_context:
        name: web1
        current: true

    - name: Export it, for somebody else's docker context import
      gangway.docker.docker_context:
        name: web1
        export_to: ~/web1.dockercontext

    - name: Import it under another name
      gangway.docker.docker_context:
        name: production
        import_from: ~/web1.dockercontext

    - name: Remove both again
      gangway.docker.docker_context:
        name: "{{ item }}"
        state: absent
        force: true
      loop: [web1, production]
"""

RETURN = r"""
actions:
  description: What was done (in check mode, would be done), in order.
  returned: success
  type: list
  elements: str
  sample: [make the folder /home/alice/.docker, write /home/alice/.docker/config.json]
context:
  description: The context, as M(community.docker.docker_context_info) returns it.
  returned: success
  type: dict
  contains:
    name:
      description: The name.
      type: str
      returned: success
      sample: web1
    current:
      description: Whether it is the current context.
      type: bool
      returned: success
    description:
      description: The description.
      type: str
      returned: if it exists
      sample: Web server, production
    meta_path:
      description: The folder with its C(meta.json).
      type: str
      returned: if it exists
      sample: /home/alice/.docker/contexts/meta/0b2c0f
    tls_path:
      description: The folder with the copies of the certificates; null if there are none.
      type: str
      returned: if it exists
      sample: /home/alice/.docker/contexts/tls/0b2c0f
    config:
      description: Option values for the modules of community.docker.
      type: dict
      returned: if it exists
      sample: {docker_host: "tcp://10.20.0.5:2376", tls: true, validate_certs: true}
    fingerprint:
      description: SHA-256 of the client's certificate, in hex; null if there is none.
      type: str
      returned: if it exists
      sample: 8b2d6c1e77aa
failure:
  description: A stable key for the error, for scripts.
  returned: failure
  type: str
  sample: context_in_use
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.gangway.docker.plugins.module_utils._context.request import (
    ARGUMENT_SPEC,
    MUTUALLY_EXCLUSIVE,
    REQUIRED_BY,
    run_docker_context,
)
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure


def main() -> None:
    module = AnsibleModule(
        argument_spec=ARGUMENT_SPEC,
        mutually_exclusive=MUTUALLY_EXCLUSIVE,
        required_by=REQUIRED_BY,
        supports_check_mode=True,
    )
    try:
        result = run_docker_context(module.params, check_mode=module.check_mode)
    except Failure as exc:
        module.fail_json(**exc.as_result())
    module.exit_json(**result)


if __name__ == "__main__":
    main()
