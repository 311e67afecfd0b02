#!/usr/bin/python
# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: fleet_info
short_description: Show the endpoints, clients and certificates of fleets, and what is wrong with them
version_added: 0.1.0
description:
  - Lists the exposed daemons of one fleet or of all fleets, their clients and authorities, when each certificate
    expires, who can do what where, and findings with their fix.
  - By default it reads the records on the controller and connects to nothing. With O(live=true), it probes all
    endpoints side by side, as M(gangway.docker.endpoint_info) does.
  - Reports are for the terminal (O(show_table)), for scripts (O(json_file)), for Prometheus (O(prometheus_file)) and
    for people (O(html_file)). The playbooks C(gangway.docker.status) and C(gangway.docker.audit) are a few lines around
    it.
  - A record or an authority that can't be read is a finding, and no error.
  - Runs on the controller, in Ansible's own process, whatever host the task is for.
attributes:
  check_mode:
    description: Can run in check mode. It then writes no file, and predicts the run exactly.
    support: full
  diff_mode:
    description: There is nothing to show.
    support: N/A
  idempotent:
    description: Reports contain the time of the run, so each run writes them again. Nothing else is changed.
    support: partial
  action:
    description: Is an action plugin, so it runs on the controller.
    support: full
options:
  fleets:
    description: The fleets to show. The default is all of those in O(fleets_dir).
    type: list
    elements: str
    default: []
  fleets_dir:
    description: The folder on the controller that holds the fleets.
    type: path
    default: ~/.docker/gangway
  live:
    description:
      - Probe each endpoint from the controller, as a client and as intruders would.
      - If the Docker SDK for Python is installed on the controller, findings about the daemons' settings are included.
    type: bool
    default: false
  timeout:
    description:
      - Seconds for each probe. 64 endpoints are probed at the same time, so 500 endpoints of which 50 hang take well
        under a minute.
    type: float
    default: 10
  client:
    description:
      - The client identity to probe with. The default is the one that P(gangway.docker.docker_host#lookup) takes for
        the endpoint.
    type: str
  show_table:
    description: Print a table on the terminal, with the worst findings below it.
    type: bool
    default: false
  json_file:
    description: Write what this module returns to this file, as JSON. A new file has mode 0600.
    type: path
  prometheus_file:
    description:
      - Write metrics to this file in the text format of Prometheus, for the textfile collector of node_exporter.
      - The file is replaced as a whole, so the collector never reads half of it. A new file has mode 0644.
    type: path
  html_file:
    description:
      - Write a page to this file. It needs nothing but the file, contains no keys, and works offline.
      - A new file has mode 0600, since the page says where an attacker would begin.
    type: path
  fail_severity:
    description:
      - Fail if there is a finding of this severity or a worse one. The reports are written first.
    type: str
    choices: [never, info, low, medium, high, critical]
    default: never
  variables_prefix:
    description:
      - Takes each option that is not set from the variable of this prefix and the option's name. With V(status_),
        O(live) is the variable C(status_live), if there is one.
      - The playbooks pass on their variables this way.
      - A variable that the host has returned as a fact is refused.
    type: str
notes:
  - An option with an empty value is the same as one that is not set.
  - What it knows of clients is what the controller has issued. With O(live=false), it knows of daemons what the last
    run of M(gangway.docker.dockerd_listener) recorded.
requirements:
  - cryptography on the controller
seealso:
  - module: gangway.docker.endpoint_info
  - module: gangway.docker.dockerd_info
  - plugin: gangway.docker.docker_host
    plugin_type: lookup
author:
  - The gangway.docker authors (@gangway-docker)
"""

EXAMPLES = r"""
- name: Watch the fleets
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Show a table
      gangway.docker.fleet_info:
        show_table: true

    - name: Probe everything, write a page, and fail on what is serious
      gangway.docker.fleet_info:
        live: true
        html_file: gangway-audit.html
        fail_severity: critical
      register: fleets

    - name: Name those that do not answer
      ansible.builtin.debug:
        msg: "{{ fleets.endpoints | rejectattr('state', 'eq', 'answers') | map(attribute='name') | list }}"
"""

RETURN = r"""
files:
  description: The reports that were written, or would be in check mode.
  returned: success
  type: list
  elements: str
  sample: [/home/ops/gangway-audit.html]
time:
  description: When the fleets were looked at, in UTC.
  returned: success
  type: str
  sample: "2026-11-20T22:00:00Z"
live:
  description: Whether the endpoints were probed.
  returned: success
  type: bool
  sample: false
summary:
  description: How many there are.
  returned: success
  type: dict
  contains:
    endpoints:
      description: Endpoints.
      type: int
    clients:
      description: Client identities, revoked ones included.
      type: int
    findings:
      description: Findings by severity.
      type: dict
  sample: {endpoints: 80, clients: 4, findings: {critical: 0, high: 1, medium: 0, low: 1, info: 0}}
authorities:
  description: The authority of each fleet.
  returned: success
  type: list
  elements: dict
  contains:
    fleet:
      description: The fleet.
      type: str
    not_after:
      description: When it expires, in UTC; null if there is none, or it can't be read.
      type: str
    phase:
      description: V(overlap) or V(dropping) during a rotation, else null.
      type: str
  sample: [{fleet: default, not_after: "2036-11-17T22:00:00Z", phase: null}]
endpoints:
  description: The endpoints, by fleet and name.
  returned: success
  type: list
  elements: dict
  contains:
    fleet:
      description: The fleet.
      type: str
    name:
      description: The name of the host in the inventory.
      type: str
    url:
      description: C(DOCKER_HOST) for clients. Empty if the record can't be read.
      type: str
    active:
      description: Whether E(DOCKER_HOST) of the controller points to it.
      type: bool
    engine_version:
      description: The version of the engine.
      type: str
    tls:
      description: Whether it has TLS.
      type: bool
    foreign:
      description: Whether others expose it, under an authority of theirs.
      type: bool
    method:
      description: How the listener was put in place.
      type: str
    listen:
      description: Where dockerd listens.
      type: list
      elements: str
    allow:
      description: Who may connect.
      type: list
      elements: str
    client:
      description: The client identity that lookups take.
      type: str
    not_after:
      description: When the server's certificate expires, in UTC.
      type: str
    clients_not_after:
      description: When the first certificate of the clients that it accepts expires, in UTC.
      type: str
    authority_not_after:
      description: When its authority expires, in UTC.
      type: str
    verified:
      description: Whether the last run got through from the controller; null if it did not try.
      type: bool
    state:
      description:
        - With O(live=true), a state of M(gangway.docker.endpoint_info), or the key of an error about the bundle.
        - Otherwise V(recorded), V(expired) (a certificate of the server, its authority or its clients), V(unverified)
          or V(unreadable) (the record).
      type: str
    reason:
      description: Why it is in this state.
      type: str
    severity:
      description: The severity of its worst finding; null if there are none.
      type: str
clients:
  description: The clients of the fleets.
  returned: success
  type: list
  elements: dict
  contains:
    fleet:
      description: The fleet.
      type: str
    name:
      description: The client.
      type: str
    places:
      description: Where its certificates are, V(controller), names of machines, or V(elsewhere).
      type: list
      elements: str
    revoked:
      description: Whether it was revoked.
      type: bool
    not_after:
      description: When its newest certificate expires, in UTC.
      type: str
    rights:
      description:
        - Lists of endpoints by what it may do there. V(full) is everything, V(anyone) is an endpoint without TLS,
          V(still_accepted) is revoked on the controller and not on the host, and V(revoked), V(expired) and V(refused)
          are nothing. V(unknown) is an endpoint with a client CA of its own, or with an older list.
      type: dict
findings:
  description: What is unsafe or will break, the worst first.
  returned: success
  type: list
  elements: dict
  contains:
    fleet:
      description: The fleet.
      type: str
    kind:
      description: What it is about, V(endpoint), V(client) or V(authority).
      type: str
    name:
      description: The name of what it is about.
      type: str
    key:
      description: A stable key, for scripts.
      type: str
    severity:
      description: V(info), V(low), V(medium), V(high) or V(critical).
      type: str
    cis:
      description: The item of the CIS Docker Benchmark; null if there is none.
      type: str
    text:
      description: What was found.
      type: str
    fix:
      description: What to do.
      type: str
failure:
  description: A stable key for the error, for scripts. With V(findings_severe), everything above is returned as well.
  returned: failure
  type: str
  sample: findings_severe
"""
