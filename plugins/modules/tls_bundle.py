#!/usr/bin/python
# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: tls_bundle
short_description: Make the authority of a fleet and bundles for its clients and servers
version_added: 0.1.0
description:
  - Makes what is missing, renews what is due, corrects what has drifted (names, key type, file modes, C(ca.pem)), and
    leaves the rest alone.
  - A bundle is a folder with C(ca.pem), C(cert.pem) and C(key.pem), as C(DOCKER_CERT_PATH) expects it.
  - Runs on the controller, in Ansible's own process, whatever host the task is for, since the authority's key must be
    there only. In a play with many hosts, add C(run_once=true).
attributes:
  check_mode:
    description: Can run in check mode and predict the run exactly, without touching anything.
    support: full
  diff_mode:
    description: Describes identities; keys are never shown.
    support: full
  idempotent:
    description: A second run changes nothing.
    support: full
  action:
    description: Is an action plugin, so it runs on the controller.
    support: full
options:
  clients:
    description:
      - Client identities by name, which becomes the certificate's CN and a folder C(clients/NAME).
      - An entry can be a mapping with C(name), C(validity) (as O(validity), for this client's certificates) and
        C(state=revoked), which revokes the client if it was ever made, see M(gangway.docker.client_revocation).
        C(rights) is for O(gangway.docker.dockerd_listener#module:clients).
    type: list
    elements: raw
    default: []
  new:
    description: Make clients that are missing. With V(false), O(clients) only says how those that exist are renewed.
    type: bool
    default: true
  existing:
    description:
      - Also renew and correct all clients and servers whose bundles are in the fleet's folder, each with the key that
        it has. A warning names clients on other machines that are due.
      - If there is no such fleet, nothing is made.
    type: bool
    default: false
  finish_rotation:
    description:
      - Drop the old authority of a rotation whose O(gangway.docker.authority_rotation#module:grace) is over, if every
        endpoint and client has the new one. If not, or if it is not over, a warning says so.
      - Afterwards, M(gangway.docker.dockerd_listener) has to visit each daemon of the fleet. The last visit closes the
        rotation.
    type: bool
    default: false
  make_authority:
    description:
      - Make the authority if the fleet has none.
      - With V(false), nothing is made for a fleet without an authority. M(gangway.docker.dockerd_listener) then makes
        the authority and its O(gangway.docker.dockerd_listener#module:clients), once it has seen that the host belongs
        to no other. What can't be made still fails here.
    type: bool
    default: true
  servers:
    description:
      - Server bundles with keys made on the controller. M(gangway.docker.dockerd_listener) needs none of these.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: A folder C(servers/NAME).
        type: str
        required: true
      tls_sans:
        description: DNS names and IP addresses in the certificate. The default is O(servers[].name) alone.
        type: list
        elements: str
        default: []
extends_documentation_fragment:
  - gangway.docker.fleet
  - gangway.docker.fleet.identity
  - gangway.docker.fleet.authority
seealso:
  - module: gangway.docker.dockerd_listener
  - module: gangway.docker.authority_rotation
  - module: gangway.docker.client_revocation
  - plugin: gangway.docker.docker_host
    plugin_type: lookup
author:
  - The gangway.docker authors (@gangway-docker)
"""

EXAMPLES = r"""
- name: An authority, and identities for two people and the CI
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Make sure that they exist and are fresh
      gangway.docker.tls_bundle:
        clients: [alice, bob, ci]

- name: Identities of the company's intermediate CA
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Make sure that they exist and are fresh
      gangway.docker.tls_bundle:
        fleet: company
        clients: [ci]
        authority_certificate: "{{ playbook_dir }}/pki/docker-ca-and-root.pem"
        authority_key: "{{ playbook_dir }}/pki/docker-ca-key.pem"
        passphrase: "{{ vaulted_passphrase }}"
        renew_before: 30d

- name: A server's bundle to carry there by hand, under an authority with a passphrase
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Make sure that it exists and is fresh
      gangway.docker.tls_bundle:
        fleet: lab
        passphrase: "{{ vaulted_passphrase | default('for the example') }}"
        servers:
          - name: build1
            tls_sans: [build1.example.com, 10.20.0.5]
"""

RETURN = r"""
authority:
  description: The authority of the fleet.
  returned: success
  type: dict
  sample:
    kind: authority
    name: default
    path: /home/me/.docker/gangway/default/authority
    changed: false
    reason: ""
    key_type: ecdsa_p256
    fingerprint: 1f6c8f5a4f0e
    not_after: "2036-11-17T22:00:00Z"
identities:
  description:
    - Each requested identity, with whether and why it was (in check mode, would be) made or corrected.
  returned: success
  type: list
  elements: dict
  sample:
    - kind: client
      name: ci
      path: /home/me/.docker/gangway/default/clients/ci
      changed: true
      reason: expires in 12 d
      key_type: ecdsa_p256
      tls_sans: []
      fingerprint: 8b2d6c1e77aa
      not_after: "2027-11-20T22:00:00Z"
failure:
  description: A stable key for the error, for scripts.
  returned: failure
  type: str
  sample: passphrase_wrong
"""
