#!/usr/bin/python
# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: client_revocation
short_description: Revoke clients of a fleet
version_added: 0.1.0
description:
  - Marks clients of a fleet as revoked and makes a new list of the clients that daemons accept. Each daemon takes it at
    its next visit by M(gangway.docker.dockerd_listener); the playbook C(gangway.docker.revoke) visits them all.
  - All other clients keep working with the certificates that they have.
  - The client's bundle is moved to C(revoked/) in the fleet's folder; it is used to verify that each daemon refuses it.
  - Runs on the controller, in Ansible's own process, whatever host the task is for.
attributes:
  check_mode:
    description: Can run in check mode and predict the run exactly, without touching anything.
    support: full
  diff_mode:
    description: There is nothing to show; RV(revoked) has everything.
    support: full
  idempotent:
    description: A second run changes nothing.
    support: full
  action:
    description: Is an action plugin, so it runs on the controller.
    support: full
options:
  clients:
    description: Names of clients.
    type: list
    elements: str
    required: true
  state:
    description:
      - V(revoked) revokes them.
      - V(enforced) changes nothing, and fails unless each endpoint of the fleet refuses them now. It tries their
        certificates at each endpoint from the controller, and relies on no record.
    type: str
    choices: [revoked, enforced]
    default: revoked
extends_documentation_fragment:
  - gangway.docker.fleet
seealso:
  - module: gangway.docker.dockerd_listener
  - module: gangway.docker.tls_bundle
author:
  - The gangway.docker authors (@gangway-docker)
"""

EXAMPLES = r"""
- name: Bob has left
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Make sure that two clients exist
      gangway.docker.tls_bundle:
        fleet: example
        clients: [alice, bob]

    - name: Revoke one of them
      gangway.docker.client_revocation:
        fleet: example
        clients: [bob]
"""

RETURN = r"""
revoked:
  description: The clients that daemons accepted until now.
  returned: success
  type: list
  elements: str
  sample: [bob]
endpoints:
  description: The fleet's endpoints, all of which need the new list.
  returned: success
  type: list
  elements: str
  sample: [web1, web2]
foreign:
  description:
    - Endpoints that M(gangway.docker.endpoint) has recorded. Others expose them, so they never accepted the fleet's
      clients, and a revocation does not change them.
  returned: success
  type: list
  elements: str
  sample: []
waiting:
  description: Endpoints that were not seen refusing them.
  returned: when RV(failure) is V(revocation_incomplete)
  type: list
  elements: str
  sample: [web2]
failure:
  description: A stable key for the error, for scripts.
  returned: failure
  type: str
  sample: client_missing
"""
