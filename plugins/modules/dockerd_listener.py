#!/usr/bin/python
# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dockerd_listener
short_description: Make dockerd listen on TCP with mutual TLS, as a transaction
version_added: 0.1.0
description:
  - Opens a host's Docker daemon to the network, so that clients with a certificate of the fleet can use it with
    C(DOCKER_HOST=tcp://host:2376), and nobody else can.
  - The server's key is made on the host and never leaves it; its certificate is signed on the controller.
  - If any step fails, everything that was changed is restored. Containers keep running.
  - A run that loses its controller completes or rolls back on the host. The next run reports what was restored.
  - O(state=absent) removes everything again and restores every file byte for byte.
attributes:
  check_mode:
    description: Can run in check mode and predict the run exactly, without touching anything.
    support: full
  diff_mode:
    description: Shows units and C(daemon.json) as they were and as they will be, and certificates by description.
    support: full
  idempotent:
    description: A second run changes nothing and restarts nothing.
    support: full
  action:
    description: Has an action plugin, which plans, signs and verifies on the controller.
    support: full
options:
  state:
    description:
      - Whether the host has the listener.
      - V(renewed) is like V(present), but does not connect to a host unless the endpoint record says that its
        certificate is due, or that its list of clients has changed. It fails if the endpoint worked before and does not
        afterwards.
    type: str
    choices: [present, absent, renewed]
    default: present
  listen:
    description:
      - Where to listen, each as C(ADDRESS:PORT), C([IPV6]:PORT), C(NAME:PORT), or C(any:PORT) for all addresses of the
        host. Without a port it is 2376, or 2375 with O(tls=false), as clients assume.
      - A name is that of a network interface of the host (C(eth1:2376)), for all its addresses, or of a host, and
        resolved there, for those of its addresses that the host has. Each run resolves it again and follows.
      - The default is the address of the host that Ansible connects to by SSH, with that port.
    type: list
    elements: str
    default: []
  allow:
    description:
      - Who may connect, as IP addresses and networks in CIDR form; V(any) is everyone. Others' packets are dropped.
      - The default is the machine that Ansible connects from, as the host sees it.
      - Connections from the host itself, to its own listening addresses, always reach TLS.
    type: list
    elements: str
    default: []
  tls_sans:
    description:
      - Additional DNS names and IP addresses for the server's certificate.
      - The listening addresses, C(ansible_host) and C(inventory_hostname) are always in it.
      - Names and addresses of other hosts in the inventory are refused.
    type: list
    elements: str
    default: []
  advertise:
    description:
      - The name or address that goes into the clients' C(DOCKER_HOST).
      - The default is the first entry of O(listen) (the first address of a network interface), or C(ansible_host)
        if that is a wildcard or not set.
    type: str
  method:
    description:
      - How the listener is put in place.
      - V(socket) adds a systemd socket unit. It needs a docker.service that starts dockerd with C(-H fd://), as the
        packages docker-ce, docker.io (Debian, Ubuntu) and moby-engine do. The port stays open while dockerd restarts.
      - V(override) is a drop-in that sets ExecStart to the package's own line followed by the listener.
      - V(daemon_json) puts C(hosts) into C(daemon.json).
      - V(options_file) adds a block to the file that the package keeps for dockerd's options,
        C(/etc/default/docker), C(/etc/sysconfig/docker) or C(/etc/conf.d/docker).
      - V(gateway) has HAProxy take the connections and pass them on to dockerd's unix socket. dockerd is neither
        changed nor restarted, and clients can have the right to read only. It needs systemd, and HAProxy on the host.
      - V(auto) keeps the method that is in place. On a host that is not exposed it takes V(socket) if systemd starts
        dockerd with C(-H fd://), V(override) on other hosts with systemd, and V(options_file) on those without.
    type: str
    choices: [auto, socket, override, daemon_json, options_file, gateway]
    default: auto
  socket:
    description:
      - The unix socket of the engine that clients get, for O(method=gateway). The default is dockerd's.
      - Another engine's needs no docker.service, for example Podman's C(/run/podman/podman.sock) or that of rootless
        Docker, C(/run/user/1000/docker.sock). See docs/gateway.md.
    type: path
    default: /run/docker.sock
  firewall:
    description:
      - What keeps machines that are not in O(allow) from the port.
      - V(systemd) is the socket unit's own list, for O(method=socket) and O(method=gateway) only.
      - V(nftables) is a separate table, loaded by a separate unit before dockerd starts.
      - V(firewalld) is a policy in firewalld, 0.9 or newer, which has to be running.
      - V(ufw) are rules in front of all others in ufw, 0.36 or newer, which has to be enabled.
      - V(none) leaves the port to TLS alone.
      - With every method but V(socket) and V(gateway), a table in nftables lies underneath all of these. It has the
        access list, too.
      - Rules cover exactly the addresses and ports that dockerd listens on. Rules of another firewall that an earlier
        run set are found and removed, also with O(state=absent).
      - V(auto) is V(systemd) with O(method=socket) and O(method=gateway), and V(nftables) with every other method.
    type: str
    choices: [auto, systemd, nftables, firewalld, ufw, none]
    default: auto
  adopt:
    description:
      - Replace a TCP listener that dockerd has already, with or without TLS. The files that set it up are changed or
        set aside, and O(state=absent) restores them. A file of a package is never changed; a drop-in replaces its
        ExecStart.
    type: bool
    default: false
  tls:
    description:
      - V(false) is plain TCP, without any certificates. Anyone who reaches the port has root on the host, which
        includes every local user of the host.
      - It also needs O(insecure=true), and an O(allow) that is not everyone.
    type: bool
    default: true
  insecure:
    description: Confirms O(tls=false).
    type: bool
    default: false
  live_restore:
    description:
      - Leave C(live-restore) on in C(daemon.json), so that containers keep running during later restarts of dockerd.
      - With V(false), the setting stays as it is. Containers still keep running during the restart that this task
        needs.
    type: bool
    default: true
  client:
    description: The client identity that verifies the endpoint, and that lookups use by default.
    type: str
    default: admin
  clients:
    description:
      - Client identities to make together with a new authority. M(gangway.docker.tls_bundle) makes and renews all
        others.
      - If the fleet has no authority, it is made once the host has been seen, so that none is made for a host of
        another fleet or controller.
      - Each is a name, or a mapping with C(name), C(rights), C(validity) and C(state). C(state=revoked) only keeps it
        from having access; M(gangway.docker.tls_bundle) and M(gangway.docker.client_revocation) revoke it.
      - With O(method=gateway), these clients and no others have access to the host. C(rights=read) lets a client ask
        what runs and how it does, see docs/gateway.md; C(rights=full), the default, is root on the host.
      - With every other method, each client of the fleet has full rights, and C(rights=read) is refused. If a name is
        no longer there and was not revoked, a warning says how long it has access.
    type: list
    elements: raw
    default: []
  install:
    description:
      - With O(method=gateway), check mode takes HAProxy as installed. The role expose installs it, this module does
        not.
    type: bool
    default: false
  log:
    description:
      - What HAProxy writes into the journal of C(docker-gangway-gateway.service), with O(method=gateway).
      - V(connections) is a line of JSON for each connection, with the client's name, V(requests) adds method and path
        of each request of clients that may only read, V(none) is nothing.
    type: str
    choices: [none, connections, requests]
    default: connections
  contexts:
    description:
      - Keep a docker context for the host on the controller, for C(docker --context NAME). It has the name of the host,
        with C(-) in place of characters that context names can't have, and copies of the bundle of O(client).
      - Each run refreshes it, also with O(state=renewed) if the host itself is not due. O(state=absent) removes it.
      - With V(false), a context that was made for the host earlier is removed; O(state=renewed) refreshes it.
      - Contexts are in C(~/.docker) of the user who runs Ansible, or in C(DOCKER_CONFIG). Contexts that were not made
        for the host by this module are never changed.
    type: bool
    default: false
  authority_validity:
    description: See O(gangway.docker.tls_bundle#module:authority_validity), for a new authority.
    type: str
    default: 3650d
  authority_certificate:
    description: See O(gangway.docker.tls_bundle#module:authority_certificate), for a new authority.
    type: path
  authority_key:
    description: See O(gangway.docker.tls_bundle#module:authority_key), for a new authority.
    type: path
  key_origin:
    description:
      - V(host) makes the server's key on the host, with the C(openssl) command or the Python package cryptography.
      - V(controller) makes it on the controller, below O(fleets_dir), and copies it to the host.
    type: str
    choices: [host, controller]
    default: host
  key_type:
    description: The type of the server's key, and of the keys of a new authority and its clients.
    type: str
    choices: [ecdsa_p256, ecdsa_p384, rsa_2048, rsa_3072, rsa_4096, ed25519]
    default: ecdsa_p256
  validity:
    description: How long a new server certificate is valid, in days (V(365), V(365d)) or hours (V(12h)).
    type: str
    default: 365d
  renew_before:
    description:
      - When the server's certificate is renewed, as a duration before it expires (V(30), V(30d), V(12h)) or as the
        share of its life that is left (V(25%)). The default is one third of its life.
    type: str
  sign_command:
    description:
      - A command on the controller that signs instead of the authority's key. See
        O(gangway.docker.tls_bundle#module:sign_command).
    type: str
  certificate:
    description:
      - A file on the controller with a server certificate of your own, followed by its chain, in PEM.
      - With O(certificate), O(key) and O(client_ca), the fleet needs no authority.
      - It must be valid for servers, and for no clients that O(client_ca) accepts. A CA's, and one with the key of an
        authority or a client of a fleet, are refused.
    type: path
  key:
    description: A file on the controller with the key of O(certificate), not encrypted. It is copied to the host.
    type: path
  client_ca:
    description:
      - A file on the controller with the certificates of the CAs whose clients are accepted, in PEM, or of single
        clients.
      - The default is those of the fleet.
    type: path
  replace_controller:
    description:
      - Replace the controller or the fleet that has exposed the host. Its clients lose their access.
    type: bool
    default: false
  accept_older_trust:
    description:
      - Accept a fleet's folder that is older than the trust that the host was given, for example a restored backup.
        Clients that were revoked since get access again.
    type: bool
    default: false
  allow_downtime:
    description: Proceed even if restarting dockerd stops containers, as it does in swarm mode.
    type: bool
    default: false
  carry_out:
    description:
      - The plan that the action plugin sends to the host, as JSON. Internal; not for use in playbooks.
      - It may contain a private key, so it is one option that is never logged.
    type: str
extends_documentation_fragment:
  - gangway.docker.fleet
requirements:
  - systemd, Python 3.9 or later and Docker Engine 20.10 or later on the host; with O(method=gateway), another engine
    will do
seealso:
  - module: gangway.docker.tls_bundle
  - module: gangway.docker.docker_context
  - plugin: gangway.docker.docker_host
    plugin_type: lookup
author:
  - The gangway.docker authors (@gangway-docker)
"""

EXAMPLES = r"""
- name: Let the office's network use the Docker daemons, with certificates
  hosts: docker_hosts
  gather_facts: false
  become: true
  tasks:
    - name: Make sure that the authority and two clients exist
      gangway.docker.tls_bundle:
        clients: [ci, alice]
      run_once: true
      become: false

    - name: Expose the daemon
      gangway.docker.dockerd_listener:
        listen: ["{{ ansible_host }}:2376"]
        allow: [10.20.0.0/24]
        client: ci

- name: Use certificates of the company's own PKI
  hosts: docker_hosts
  gather_facts: false
  become: true
  tasks:
    - name: Expose the daemon
      gangway.docker.dockerd_listener:
        listen: ["{{ ansible_host }}:2376"]
        allow: [10.20.0.0/24]
        certificate: "pki/{{ inventory_hostname }}.pem"
        key: "pki/{{ inventory_hostname }}-key.pem"
        client_ca: pki/clients-ca.pem

- name: Remove everything again
  hosts: docker_hosts
  gather_facts: false
  become: true
  tasks:
    - name: Withdraw the daemon
      gangway.docker.dockerd_listener:
        state: absent
"""

RETURN = r"""
actions:
  description: What was done (in check mode, would be done) on the host, and last on the controller, in order.
  returned: success
  type: list
  elements: str
  sample: [switch live-restore on, write /etc/docker/daemon.json, restart docker.service]
restarted:
  description: Whether dockerd was (would be) restarted.
  returned: success
  type: bool
reason:
  description: Why the server's certificate was (would be) made; empty if it was not.
  returned: success
  type: str
  sample: lacks 10.20.0.5
identity_changed:
  description: Whether the daemon has (would have) another certificate than before.
  returned: when O(state=present) or O(state=renewed)
  type: bool
listen:
  description: Where dockerd listens, names resolved.
  returned: when O(state=present)
  type: list
  elements: str
  sample: ["10.20.0.5:2376"]
interfaces:
  description: The names in O(listen) that are network interfaces of the host.
  returned: when O(state=present)
  type: list
  elements: str
  sample: [eth1]
firewall:
  description: What keeps others from the port.
  returned: when O(state=present)
  type: str
  sample: systemd
method:
  description: The method that put (with O(state=absent), had put) the listener in place.
  returned: success
  type: str
  sample: socket
allow:
  description: Who may connect.
  returned: when O(state=present)
  type: list
  elements: str
  sample: [10.20.0.0/24]
endpoint:
  description: The endpoint as clients see it; also set as the fact C(gangway_endpoint).
  returned: when O(state=present), not in check mode
  type: dict
  sample:
    name: web1
    url: tcp://10.20.0.5:2376
    fleet: default
    client: ci
    server_names: [web1, 10.20.0.5]
    not_after: "2027-11-20T22:00:00Z"
    fingerprint: 1f6c8f5a4f0e
    engine: Docker Engine
    engine_version: 28.5.2
    method: socket
    verified: true
    refused: []
    tls: true
    interfaces: []
    options: {listen: ["10.20.0.5:2376"], method: auto, firewall: auto, live_restore: true}
    foreign: false
    bundle: null
context:
  description: The host's docker context on the controller.
  returned: when O(contexts=true)
  type: str
  sample: web1
failure:
  description: A stable key for the error, for scripts.
  returned: failure
  type: str
  sample: port_taken
clients:
  description: The clients that would have lost their access, as far as they are known here.
  returned: when RV(failure) is V(other_fleet) or V(other_controller)
  type: list
  elements: str
  sample: [alice, ci]
generation:
  description: The generation of trust that the fleet's folder has.
  returned: when RV(failure) is V(trust_outdated)
  type: int
  sample: 3
host_generation:
  description: The generation of trust that the host was given.
  returned: when RV(failure) is V(trust_outdated)
  type: int
  sample: 4
rolled_back:
  description: The host had been changed, and everything was restored.
  returned: failure
  type: bool
"""

import functools
import json

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.gangway.docker.plugins.module_utils._host.runner import Host
from ansible_collections.gangway.docker.plugins.module_utils._run.run import carry_out
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.module_utils._shared.listener_options import (
    LISTENER_ARGUMENTS,
    LISTENER_REQUIRED_BY,
)


def main() -> None:
    module = AnsibleModule(
        argument_spec=LISTENER_ARGUMENTS,
        required_by=LISTENER_REQUIRED_BY,
        supports_check_mode=True,
    )
    order = module.params["carry_out"]
    if order is None:
        module.fail_json(msg="dockerd_listener runs by its action plugin only", failure="action_plugin_missing")
    run = functools.partial(module.run_command, handle_exceptions=False, environ_update={"LC_ALL": "C.UTF-8"})
    host = Host(run)
    try:
        result = carry_out(host, order)
        # After an interrupted run, the next plan needs no further execution.
        params = json.loads(order).get("observe")
        if params is not None:
            # Other runs need not compile it: modules travel without bytecode.
            from ansible_collections.gangway.docker.plugins.module_utils._observe.observe import observe

            result["observation"] = observe(run, params)
    except Failure as exc:
        module.fail_json(**exc.as_result())
    module.exit_json(**result)


if __name__ == "__main__":
    main()
