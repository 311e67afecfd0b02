#!/usr/bin/python
# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: endpoint
short_description: Record Docker daemons that others expose
version_added: 0.1.0
description:
  - Records the URL of a daemon and the bundle that its clients use, so that P(gangway.docker.docker_host#lookup) and
    whatever else reads endpoint records includes it. It is what docker-machine's driver C(none) was for.
  - Imports all the machines of docker-machine with O(machines).
  - The bundle stays where it is; the record names its folder. No key is copied unless O(copy) is V(true).
  - The daemon is used and not changed. Renewal, rotation, revocation and withdrawal do not count it, since it trusts
    another authority. Other hosts may have its address in their certificates.
  - Connects to no daemon.
  - Runs on the controller, in Ansible's own process, whatever host the task is for.
attributes:
  check_mode:
    description: Can run in check mode and predict the run exactly, without touching anything.
    support: full
  diff_mode:
    description: Shows URLs, folders and fingerprints, and no key.
    support: full
  idempotent:
    description: A second run changes nothing.
    support: full
  action:
    description: Is an action plugin, so it runs on the controller.
    support: full
options:
  state:
    description:
      - V(absent) removes the record, and a copy of the bundle. The bundle from which it was copied stays.
      - With O(machines), V(absent) does so for each machine that is in that folder.
    type: str
    choices: [present, absent]
    default: present
  name:
    description: The endpoint's name. It is used like the inventory name of a host that is exposed.
    type: str
  url:
    description: Where the daemon listens, as in V(tcp://docker.example.com:2376). The port is required.
    type: str
  cert_path:
    description: The folder of the client's bundle, with the files C(ca.pem), C(cert.pem) and C(key.pem).
    type: path
  ca_path:
    description:
      - The CA of the daemon's certificate, if the bundle is not in one folder or its files have other names.
      - Such files need O(copy), since clients look for a bundle in one folder.
    type: path
  client_cert:
    description: The client's certificate, see O(ca_path).
    type: path
  client_key:
    description: The client's key, see O(ca_path).
    type: path
  tls:
    description: V(false) is for a daemon without TLS, which has no bundle.
    type: bool
    default: true
  copy:
    description:
      - Copy the bundle, key included, into the fleet's folder. Each run copies it again if it has changed.
      - Without it, the bundle has to stay where it is.
    type: bool
    default: false
  machines:
    description:
      - docker-machine's folder of machines, by default V(~/.docker/machine/machines). Each machine is recorded under
        its name, with the address that its C(config.json) has and the expiry of its server's certificate.
      - A machine that can't be recorded is left out, with a warning.
    type: path
extends_documentation_fragment:
  - gangway.docker.fleet
seealso:
  - plugin: gangway.docker.docker_host
    plugin_type: lookup
  - module: gangway.docker.dockerd_listener
author:
  - The gangway.docker authors (@gangway-docker)
"""

EXAMPLES = r"""
- name: Use daemons that others expose
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Record one by its URL and bundle
      gangway.docker.endpoint:
        name: build1
        url: tcp://build1.example.com:2376
        cert_path: ~/certs/build1

    - name: Record all the machines of docker-machine
      gangway.docker.endpoint:
        machines: ~/.docker/machine/machines

    - name: Show the URL that clients are given
      ansible.builtin.debug:
        msg: "{{ lookup('gangway.docker.docker_host', 'build1', format='url') }}"

    - name: Forget it again
      gangway.docker.endpoint:
        name: build1
        state: absent
"""

RETURN = r"""
endpoints:
  description: The endpoint records, as P(gangway.docker.docker_host#lookup) gives them with the format C(facts).
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The endpoint's name.
      type: str
      sample: build1
    url:
      description: What clients put into C(DOCKER_HOST).
      type: str
      sample: tcp://build1.example.com:2376
    bundle:
      description: The folder of the client's bundle; null without TLS.
      type: str
      sample: /home/ci/certs/build1
    foreign:
      description: Always V(true).
      type: bool
    not_after:
      description: When the server's certificate expires, if docker-machine has kept it, else empty.
      type: str
      sample: "2027-11-17T22:00:00Z"
skipped_machines:
  description: Machines of docker-machine that could not be recorded, with C(name), C(failure) and C(msg).
  returned: success
  type: list
  elements: dict
failure:
  description: A stable key for the error, for scripts.
  returned: failure
  type: str
  sample: bundle_missing
"""
