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
  - Everything that is changed is put back as it was when any step fails. Containers keep running.
  - O(state=absent) takes everything away again, to the byte.
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
    description: Has an action plugin, which signs and verifies on the controller.
    support: full
options:
  state:
    description:
      - Whether the listener is to be there.
      - V(renewed) is like V(present), but leaves a host alone, without asking it anything, unless the endpoint record
        says that its certificate is due or that it has to trust other clients than it does. Then the host also has to
        work afterwards if it worked before.
    type: str
    choices: [present, absent, renewed]
    default: present
  listen:
    description:
      - Where to listen, each as C(ADDRESS:PORT), C([IPV6]:PORT), C(NAME:PORT), or C(any:PORT) for all addresses of the
        host. Without a port it is 2376.
      - A name is that of a network interface of the host (C(eth1:2376)), for all its addresses, or of a host, and
        resolved there. Each run resolves it anew and follows.
      - Left out, it is the address of the host that Ansible connects to by SSH, with port 2376.
    type: list
    elements: str
    default: []
  allow:
    description:
      - Who may connect, as IP addresses and networks in CIDR form; V(any) is everyone. Others' packets are dropped.
      - Left out, it is the machine that Ansible connects from, as the host sees it.
      - Connections from the host itself, to its own listening addresses, are always let through to TLS.
    type: list
    elements: str
    default: []
  names:
    description:
      - Further DNS names and IP addresses that clients connect to, for the server's certificate.
      - The listening addresses, C(ansible_host) and C(inventory_hostname) are always in it.
    type: list
    elements: str
    default: []
  advertise:
    description:
      - The name or address that goes into the clients' C(DOCKER_HOST).
      - Left out, it is the first entry of O(listen) (the first address of a network interface), or C(ansible_host)
        where that is a wildcard or left out.
    type: str
  method:
    description:
      - How the listener is put in place.
      - V(socket) adds a systemd socket unit. It needs a docker.service that starts dockerd with C(-H fd://), as the
        packages docker-ce, docker.io (Debian, Ubuntu) and moby-engine do. The port stays open while dockerd restarts.
      - V(override) is a drop-in that sets ExecStart to the package's own line with the listener behind it.
      - V(daemon_json) puts C(hosts) into C(daemon.json).
      - V(options_file) adds a block to the file that the package keeps for dockerd's options,
        C(/etc/default/docker), C(/etc/sysconfig/docker) or C(/etc/conf.d/docker).
      - V(auto) stays with the method that is in place. On a host that is not exposed it takes V(socket) where systemd
        starts dockerd with C(-H fd://), V(override) on other hosts with systemd, and V(options_file) on those without.
    type: str
    choices: [auto, socket, override, daemon_json, options_file]
    default: auto
  firewall:
    description:
      - What keeps machines that are not in O(allow) from the port.
      - V(systemd) is the socket unit's own list, for O(method=socket) only.
      - V(nftables) is a table of our own, loaded by a unit of our own before dockerd starts.
      - V(firewalld) and V(ufw) say that the role, or another task, keeps that firewall's rules; this module sets none.
      - V(none) leaves it to TLS alone.
      - V(auto) is V(systemd) with O(method=socket), and V(nftables) with every other method.
    type: str
    choices: [auto, systemd, nftables, firewalld, ufw, none]
    default: auto
  adopt:
    description:
      - Take over a TCP listener that dockerd has already, perhaps one in the clear. The files that set it up are
        changed or put aside, and O(state=absent) brings them back as they were.
    type: bool
    default: false
  tls:
    description:
      - V(false) is plain TCP, without any certificates. Whoever reaches the port is root on the host.
      - It needs O(insecure=true) as well, and an O(allow) that is not everyone.
    type: bool
    default: true
  insecure:
    description: Says again that O(tls=false) is meant.
    type: bool
    default: false
  live_restore:
    description:
      - Leave C(live-restore) on in C(daemon.json), so that containers live through later restarts of dockerd, too.
      - With V(false), the setting stays as it is; containers live through the restart that this task needs all the
        same.
    type: bool
    default: true
  client:
    description: The client identity that the endpoint is verified with, and that lookups take when none is named.
    type: str
    default: admin
  key_origin:
    description:
      - V(host) makes the server's key on the host, with the C(openssl) command or the Python package cryptography.
      - V(controller) makes it on the controller, below O(home), and copies it to the host.
    type: str
    choices: [host, controller]
    default: host
  key_type:
    description: The type of the server's key.
    type: str
    choices: [ecdsa_p256, ecdsa_p384, rsa_2048, rsa_3072, rsa_4096, ed25519]
    default: ecdsa_p256
  validity:
    description: Days that a new server certificate is valid.
    type: int
    default: 365
  renew_before:
    description:
      - When the server's certificate is renewed, as days before it expires (V(30), V(30d)) or as the share of its life
        that is left (V(25%)). Left out, it is one third of its life.
    type: str
  sign_command:
    description:
      - A command on the controller that signs instead of the authority's key. See
        O(gangway.docker.tls_bundle#module:sign_command).
    type: str
  certificate:
    description:
      - A file on the controller with a server certificate of your own, its chain behind it, in PEM.
      - Together with O(key) and O(client_ca), no authority of ours is needed.
    type: path
  key:
    description: A file on the controller with the key of O(certificate), not encrypted. It is copied to the host.
    type: path
  client_ca:
    description:
      - A file on the controller with the certificates of the CAs whose clients are let in, in PEM, or of single
        clients.
      - Left out, they are those of the fleet.
    type: path
  take_over:
    description: Expose the host anew though another controller has exposed it; that one's clients are locked out.
    type: bool
    default: false
  allow_downtime:
    description: Go on where the restart of dockerd stops containers, as it does in swarm mode.
    type: bool
    default: false
  exchange:
    description: What the controller tells the host between planning and applying. Not for use in playbooks.
    type: dict
    suboptions:
      phase:
        description: What to do.
        type: str
        choices: [plan, apply]
        default: plan
      ca:
        description: The clients' CA, in PEM.
        type: str
      certificate:
        description: The server's certificate to put in place, in PEM.
        type: str
      key_sha256:
        description: The digest of that key's file.
        type: str
      expected:
        description: The fingerprint of the certificate that should be there.
        type: str
      request_names:
        description: Names that have to stand in the certificate request.
        type: list
        elements: str
        default: []
      covers:
        description: The names in that certificate.
        type: list
        elements: str
        default: []
      renew:
        description: The certificate is to be made anew.
        type: bool
        default: false
      new_key:
        description: With a new key, too.
        type: bool
        default: false
      pending:
        description: Names the key that waits on the host for its certificate.
        type: str
  exchange_key:
    description: The server's key to put in place, where it is not made on the host. Not for use in playbooks.
    type: str
extends_documentation_fragment:
  - gangway.docker.fleet
requirements:
  - systemd, Python 3.9 or later and Docker Engine 20.10 or later on the host
seealso:
  - module: gangway.docker.tls_bundle
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

- name: Bring certificates of the company's own PKI
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

- name: Take everything away again
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
  description: What was done (in check mode, would be done) on the host, in order.
  returned: success
  type: list
  elements: str
  sample: [switch live-restore on, write /etc/docker/daemon.json, restart docker.service]
restarted:
  description: Whether dockerd was (would be) restarted.
  returned: success
  type: bool
reason:
  description: Why the server's certificate was (would be) made; empty where it was not.
  returned: success
  type: str
  sample: lacks 10.20.0.5
listen:
  description: Where dockerd listens, names resolved.
  returned: when O(state=present)
  type: list
  elements: str
  sample: ["10.20.0.5:2376"]
interfaces:
  description: Those names in O(listen) that are network interfaces of the host.
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
  description: How the listener is (with O(state=absent), was) put in place.
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
    engine_version: 28.5.2
    method: socket
    verified: true
    refused: []
    tls: true
    interfaces: []
    asked: {listen: ["10.20.0.5:2376"], method: auto, firewall: auto, live_restore: true}
failure:
  description: A stable key for what went wrong, for scripts.
  returned: failure
  type: str
  sample: port_taken
rolled_back:
  description: The host had been changed and is as before again.
  returned: failure
  type: bool
"""

import functools
import shutil

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.gangway.docker.plugins.module_utils._dockerd.host import Host
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.listener import run_listener
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.options import ARGUMENT_SPEC, REQUIRED_BY
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.request import Identity, Request
from ansible_collections.gangway.docker.plugins.module_utils._host.keys import check_means, make_key, make_request
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure


def main() -> None:
    module = AnsibleModule(
        argument_spec=ARGUMENT_SPEC,
        required_by=REQUIRED_BY,
        supports_check_mode=True,
    )
    params = module.params
    openssl = shutil.which("openssl", path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
    run = functools.partial(module.run_command, handle_exceptions=False, environ_update={"LC_ALL": "C.UTF-8"})
    exchange = dict(params["exchange"] or {})
    phase = exchange.pop("phase", "plan")
    for option in ("covers", "request_names"):
        exchange[option] = tuple(exchange.get(option, ()))
    request = Request(
        state=params["state"],
        phase=phase,
        check_mode=module.check_mode,
        listen=tuple(params["listen"]),
        allow=tuple(params["allow"]),
        key_origin=params["key_origin"],
        allow_downtime=params["allow_downtime"],
        method=params["method"],
        firewall=params["firewall"],
        adopt=params["adopt"],
        tls=params["tls"],
        insecure=params["insecure"],
        live_restore=params["live_restore"],
        identity=Identity(**exchange, key=params["exchange_key"]),
        make_key=functools.partial(make_key, run, openssl, params["key_type"]),
        make_request=functools.partial(make_request, run, openssl),
        check_means=functools.partial(check_means, openssl),
    )
    try:
        result = run_listener(Host(run), request)
    except Failure as exc:
        module.fail_json(**exc.as_result())
    for warning in result.pop("warnings"):
        module.warn(warning)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
