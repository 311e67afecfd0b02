#!/usr/bin/python
# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: authority_rotation
short_description: Take one step of changing a fleet's authority without an outage
version_added: 0.1.0
description:
  - The playbook C(gangway.docker.rotate_authority) takes all the steps in order; it may be interrupted anywhere and run
    again.
  - Between the steps, each daemon of the fleet has to be visited by M(gangway.docker.dockerd_listener). Daemons of
    others, which M(gangway.docker.endpoint) has recorded, are not waited for.
  - Runs on the controller, in Ansible's own process, whatever host the task is for.
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
  step:
    description:
      - V(begin) makes a new authority, unless a rotation is under way, and signs with it all clients and servers whose
        bundles are on the controller. Daemons and clients trust both authorities from then on.
      - V(drop) drops the old authority, once every endpoint of the fleet was seen working with a certificate of the new
        one (from the controller or, if the access list does not contain it, from the host itself), and every client has
        one. Until the O(grace) is over, it changes nothing, and a warning has the date.
      - V(end) closes the rotation, once every daemon trusts the new authority alone.
      - A step that is done already changes nothing.
    type: str
    choices: [begin, drop, end]
    required: true
  without_cross:
    description:
      - Begin even if the old authority may not sign the new one (path length 0). Until every daemon was visited and
        every client has its new C(ca.pem), some of them refuse each other.
    type: bool
    default: false
  leave_behind:
    description: Hosts and clients to proceed without. They are locked out.
    type: list
    elements: str
    default: []
  grace:
    description:
      - How long the old authority stays trusted, counted from the beginning of the rotation, in days (V(7), V(7d)) or
        hours (V(12h)). Clients that read C(ca.pem) at their start only have to be restarted meanwhile.
      - The fleet keeps it. Once it is over, O(step=drop) drops the old authority, and so does
        M(gangway.docker.tls_bundle) with O(gangway.docker.tls_bundle#module:finish_rotation).
      - In a rotation that is under way, another value changes its grace; V(0) ends it. Without a value, it stays.
      - The default for a new rotation is none.
    type: str
extends_documentation_fragment:
  - gangway.docker.fleet
  - gangway.docker.fleet.identity
  - gangway.docker.fleet.authority
seealso:
  - module: gangway.docker.dockerd_listener
  - module: gangway.docker.tls_bundle
author:
  - The gangway.docker authors (@gangway-docker)
"""

EXAMPLES = r"""
- name: Begin with a new authority
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Make sure that there is an authority
      gangway.docker.tls_bundle:
        clients: [ci]

    - name: Make the next one, and sign everything here with it
      gangway.docker.authority_rotation:
        step: begin
"""

RETURN = r"""
phase:
  description: V(overlap) while both authorities are trusted, V(dropping) while daemons lose the old one, else empty.
  returned: success
  type: str
  sample: overlap
trusted_until:
  description: When the O(grace) is over, so that the old authority can be dropped.
  returned: while both authorities are trusted, in a rotation with a grace
  type: str
  sample: "2026-11-28T22:00:00Z"
fingerprint:
  description: The fingerprint of the authority that signs, SHA-256 in hex.
  returned: success
  type: str
  sample: 1f6c8f5a4f0e
not_after:
  description: When that authority expires.
  returned: success
  type: str
  sample: "2036-11-17T22:00:00Z"
identities:
  description: The identities on the controller, with whether and why each was (would be) made or corrected.
  returned: success
  type: list
  elements: dict
waiting:
  description: Hosts and clients that do not have the new authority yet.
  returned: when RV(failure) is V(rotation_unfinished)
  type: list
  elements: str
  sample: [web2]
failure:
  description: A stable key for the error, for scripts.
  returned: failure
  type: str
  sample: rotation_unfinished
"""
