#!/usr/bin/python
# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dockerd_info
short_description: Report what a host's dockerd listens on
version_added: 0.1.0
description:
  - Reports what each Docker daemon listens on, with the file and line that set it up, and whether a client without a
    certificate can use it.
  - Works on every host, also on hosts that were never exposed with this collection, and on hosts without Docker.
  - Changes nothing. It never starts a dockerd that is down.
  - Passwords and other secrets in unit files, environment files and C(daemon.json) are not part of the result.
attributes:
  check_mode:
    description: Can run in check mode; it changes nothing.
    support: full
  diff_mode:
    description: Shows what it would change; it changes nothing.
    support: N/A
  idempotent:
    description: Changes nothing.
    support: full
  action:
    description: Has an action plugin, which derives the result on the controller.
    support: full
options:
  resolve:
    description: Names to resolve on the host. Used by M(gangway.docker.dockerd_listener). Not for use in playbooks.
    type: list
    elements: str
  ports:
    description: Ports to find the holders of. Used by M(gangway.docker.dockerd_listener). Not for use in playbooks.
    type: list
    elements: int
  probe:
    description:
      - Addresses with ports to connect to without a certificate, beside those that dockerd listens on. Used by
        M(gangway.docker.dockerd_listener). Not for use in playbooks.
    type: list
    elements: str
  firewall:
    description: The firewall to read. Used by M(gangway.docker.dockerd_listener). Not for use in playbooks.
    type: str
  filtering:
    description:
      - Try whether systemd can filter packets. Used by M(gangway.docker.dockerd_listener). Not for use in playbooks.
    type: bool
    default: false
  socket:
    description: A unix socket to look at. Used by M(gangway.docker.dockerd_listener). Not for use in playbooks.
    type: str
  key:
    description: Make a certificate request. Used by M(gangway.docker.dockerd_listener). Not for use in playbooks.
    type: dict
    suboptions:
      name:
        description: The name under which a new key waits for its certificate.
        type: str
        required: true
      key_type:
        description: The type of a new key.
        type: str
        required: true
      names:
        description: The names in the request.
        type: list
        elements: str
        default: []
      new:
        description: Make a new key.
        type: bool
        default: false
      csr:
        description: Make a request for the key that is in place.
        type: bool
        default: false
requirements:
  - Python 3.9 or later on the host
  - "C(become: true), or a connection as root"
seealso:
  - module: gangway.docker.dockerd_listener
author:
  - The gangway.docker authors (@gangway-docker)
"""

EXAMPLES = r"""
# On the command line:
# ansible docker_hosts -b -m gangway.docker.dockerd_info

- name: Refuse hosts whose Docker API is open
  hosts: docker_hosts
  gather_facts: false
  become: true
  tasks:
    - name: Look at what dockerd listens on
      gangway.docker.dockerd_info:
      register: daemon

    - name: Name each listener that needs no certificate
      ansible.builtin.assert:
        that: open | length == 0
        fail_msg: "{{ open | map(attribute='address') | join(', ') }}"
      vars:
        open: "{{ daemon.listeners | selectattr('open_without_certificate', 'true') }}"
"""

RETURN = r"""
engine_version:
  description: The version of the running engine; null if it does not answer.
  returned: success
  type: str
  sample: 28.5.2
init:
  description: The init system, which starts dockerd.
  returned: success
  type: str
  sample: systemd
dockerd:
  description: The daemon.
  returned: success
  type: dict
  contains:
    running:
      description: Whether it runs.
      type: bool
    pid:
      description: Its process id; null if it does not run.
      type: int
    started_by:
      description: The unit or script that starts it; null if the host has none.
      type: str
  sample: {running: true, pid: 812, started_by: docker.service}
listeners:
  description: Everything that dockerd listens on, or will listen on when it is started.
  returned: success
  type: list
  elements: dict
  contains:
    address:
      description:
        - For TCP the address and port, or the path of a unix socket. V(fd://) stands for the sockets that systemd hands
          over; those of TCP are listed on their own.
      type: str
    kind:
      description: V(tcp), V(unix), V(fd) or V(vsock).
      type: str
    place:
      description: The file and line that set it up. Null if no file does (any more).
      type: str
    written:
      description: The words in that file. Null if there is none.
      type: str
    tls:
      description:
        - V(mutual) asks clients for a certificate. V(server_only) is TLS for everyone. V(none) is neither.
        - V(unknown) if dockerd does not run or does not answer there.
        - Null for sockets other than TCP.
      type: str
    open_without_certificate:
      description: Whether a client without a certificate was answered. Null if dockerd was not asked.
      type: bool
  sample:
    - address: 0.0.0.0:2375
      kind: tcp
      place: /etc/systemd/system/docker.service.d/override.conf:3
      written: -H tcp://0.0.0.0:2375
      tls: none
      open_without_certificate: true
daemon_json:
  description: The keys C(hosts), C(tls), C(tlsverify), C(tlscacert), C(tlscert) and C(tlskey) in C(daemon.json).
  returned: success
  type: list
  elements: dict
  contains:
    key:
      description: The key.
      type: str
    place:
      description: The file and line.
      type: str
    written:
      description: The words in that file.
      type: str
live_restore:
  description: Whether containers keep running while dockerd restarts. Null if the engine does not answer.
  returned: success
  type: bool
swarm:
  description: Whether the engine is in swarm mode. Null if the engine does not answer.
  returned: success
  type: bool
exposed:
  description: The method by which this collection has exposed the daemon; null if it has not.
  returned: success
  type: str
  sample: socket
interfaces:
  description: The addresses of each network interface that clients can use.
  returned: success
  type: dict
  sample: {eth0: [10.20.0.5], lo: [127.0.0.1, "::1"]}
connection:
  description: The two ends of Ansible's SSH connection, as the host sees them. Null for other connections.
  returned: success
  type: dict
  sample: {client: 10.20.0.2, server: 10.20.0.5}
interrupted:
  description: Whether a run of this collection was interrupted on the host and has not been rolled back yet.
  returned: success
  type: bool
failure:
  description: A stable key for the error, for scripts.
  returned: failure
  type: str
  sample: not_root
"""

import functools

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.gangway.docker.plugins.module_utils._observe.observe import observe
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "resolve": {"type": "list", "elements": "str"},
            "ports": {"type": "list", "elements": "int"},
            "probe": {"type": "list", "elements": "str"},
            "firewall": {"type": "str"},
            "filtering": {"type": "bool", "default": False},
            "socket": {"type": "str"},
            "key": {
                "type": "dict",
                "no_log": False,
                "options": {
                    "name": {"type": "str", "required": True},
                    "key_type": {"type": "str", "required": True},
                    "names": {"type": "list", "elements": "str", "default": []},
                    "new": {"type": "bool", "default": False},
                    "csr": {"type": "bool", "default": False},
                },
            },
        },
        supports_check_mode=True,
    )
    run = functools.partial(module.run_command, handle_exceptions=False, environ_update={"LC_ALL": "C.UTF-8"})
    try:
        observation = observe(run, module.params, check_mode=module.check_mode)
    except Failure as exc:
        module.fail_json(**exc.as_result())
    module.exit_json(changed=False, observation=observation)


if __name__ == "__main__":
    main()
