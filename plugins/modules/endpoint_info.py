#!/usr/bin/python
# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: endpoint_info
short_description: Probe a Docker endpoint from where clients are, and report what is wrong
version_added: 0.1.0
description:
  - Connects to a Docker daemon over TCP as a client would, and reports whether it answers, or in one word why not, with
    the reason and the cure.
  - Then it connects as intruders would, without TLS, without a client certificate, and with a certificate of a foreign
    CA, and reports who is answered. An intruder's connection asks for C(/_ping) only.
  - Reports findings with a severity about access, certificates and the daemon's settings.
  - Works for any Docker daemon, also for those that were not exposed with this collection.
  - Run it on a machine where clients are, for example with C(delegate_to). It needs no privileges.
  - Changes nothing.
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
options:
  docker_host:
    description:
      - The endpoint, as C(tcp://HOST:PORT) or C(HOST:PORT). The port is required, since clients differ in what they
        take instead.
      - The default is the environment variable E(DOCKER_HOST) of the machine where the module runs.
    type: str
  validate_certs:
    description:
      - Connect with TLS, and verify the server.
      - The default is V(true) if O(cert_path), O(ca_path) or O(client_cert) is set, if the URL begins with
        C(https://), or if the environment variable E(DOCKER_TLS_VERIFY) is not empty, unless O(tls) is set.
    type: bool
    aliases: [tls_verify]
  tls:
    description:
      - Connect with TLS. Without O(validate_certs=true), the server is not verified, which is a finding.
    type: bool
  cert_path:
    description:
      - A folder with the client's C(ca.pem), C(cert.pem) and C(key.pem), in place of O(ca_path), O(client_cert) and
        O(client_key).
      - The default is the environment variable E(DOCKER_CERT_PATH). On its own, that variable does not switch TLS on.
    type: path
  ca_path:
    description: A file with the CAs that the client trusts, in PEM. Without it, the CAs of the system are trusted.
    type: path
  client_cert:
    description: A file with the client's certificate, in PEM.
    type: path
  client_key:
    description: A file with the key of O(client_cert), in PEM, not encrypted.
    type: path
  tls_hostname:
    description: The name that the server's certificate must have. The default is the host in O(docker_host).
    type: str
  timeout:
    description:
      - Seconds for the whole probe. An endpoint that accepts connections and stays silent takes this long, and no
        longer.
    type: float
    default: 10
  wait:
    description:
      - Wait up to this many seconds until the endpoint answers. The task then fails unless it does.
      - Waiting ends at once in a state that waiting can't change, for example RV(state=unknown_ca). It continues while
        the state is V(name_unresolved), V(nothing_listens), V(unreachable), V(filtered), V(silent), V(broken_off) or
        V(unhealthy).
      - With V(0), the task does not fail whatever the state is.
    type: float
    default: 0
  api_versions:
    description:
      - The versions of the Engine API that your client speaks, as C(OLDEST-NEWEST), for RV(state=api_too_old) and
        RV(state=api_too_new).
      - The default is what the installed Docker SDK for Python speaks. C(docker version) shows the newest one of the
        docker command.
    type: str
requirements:
  - Python 3.9 or later
  - Docker SDK for Python (the Python package docker), 5.0.0 or later
  - The Python package cryptography
notes:
  - Of the environment, only E(DOCKER_HOST), E(DOCKER_TLS_VERIFY) and E(DOCKER_CERT_PATH) are read.
    E(REQUESTS_CA_BUNDLE), E(CURL_CA_BUNDLE), E(SSL_CERT_FILE), proxies and C(.netrc) are ignored.
  - The API version is negotiated for each probe, and never pinned.
  - The state of an endpoint is not an error of the task. Use C(failed_when), or O(wait).
  - If the first addresses of a name fail, the next ones are tried, as clients do.
  - On Python 3.9, RV(chain) lacks intermediate certificates that the server sends.
seealso:
  - module: gangway.docker.dockerd_info
  - plugin: gangway.docker.docker_host
    plugin_type: lookup
author:
  - The gangway.docker authors (@gangway-docker)
"""

EXAMPLES = r"""
- name: Look at a daemon with the bundle of a client
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Probe the endpoint
      gangway.docker.endpoint_info:
        docker_host: tcp://10.20.0.5:2376
        cert_path: ~/.docker
      register: endpoint
      failed_when: endpoint.state != 'answers'

    - name: Fail on serious findings
      ansible.builtin.assert:
        that: serious | length == 0
        fail_msg: "{{ serious | map(attribute='text') | join(' ') }}"
      vars:
        serious: "{{ endpoint.findings | selectattr('severity', 'in', ['high', 'critical']) }}"

- name: Wait for a daemon that was exposed with this collection
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Wait up to a minute
      gangway.docker.endpoint_info:
        wait: 60
      args: "{{ lookup('gangway.docker.docker_host', 'web1', format='module_defaults') }}"

- name: See whether the CI runners get through to a daemon
  hosts: runners
  gather_facts: false
  tasks:
    - name: Probe from each runner, with the identity of the role client
      gangway.docker.endpoint_info:
        docker_host: tcp://10.20.0.5:2376
        cert_path: /home/runner/.docker
      become: true
      register: endpoint

    - name: Say what is wrong
      ansible.builtin.debug:
        msg: "{{ endpoint.state }}: {{ endpoint.reason }}. {{ endpoint.cure }}"
      when: endpoint.state != 'answers'
"""

RETURN = r"""
state:
  description:
    - What the endpoint is for this client, in one word.
    - V(answers) - dockerd answers.
    - V(name_unresolved) - the name does not resolve.
    - V(nothing_listens) - the connection is refused.
    - V(unreachable) - there is no route, or a firewall rejects the packets.
    - V(filtered) - packets are dropped.
    - V(silent) - the port accepts connections, and nothing comes.
    - V(broken_off) - the connection ends without an answer.
    - V(unhealthy) - the daemon, or a proxy before it, reports an error.
    - V(not_tls) - the client has TLS, and the port does not.
    - V(tls_required) - the port has TLS, and the client does not.
    - V(tls_too_old) - the port speaks no TLS 1.2.
    - V(tls_failed) - the handshake fails for another reason.
    - V(unknown_ca) - the server's certificate is of a CA that the client does not trust.
    - V(wrong_name) - the server's certificate is for other names.
    - V(server_expired), V(server_not_yet_valid) - by this machine's clock, see RV(clock_skew).
    - V(authority_expired) - the certificate of the CA has expired.
    - V(certificate_invalid) - the server's certificate is not acceptable for another reason.
    - V(client_missing) - the server wants a client certificate.
    - V(client_expired), V(client_not_yet_valid) - the server refuses the client's certificate, by its dates.
    - V(client_wrong_usage) - the server refuses the client's certificate, which is not for clients.
    - V(client_unknown) - the server refuses the client's certificate, which it does not know, or which was revoked.
    - V(rights_refused) - the client is known, and may not use the API.
    - V(not_docker) - something else answers.
    - V(api_too_old), V(api_too_new) - the daemon's API is too old, or too new, for this client.
  returned: success, and if O(wait) ends without an answer
  type: str
  sample: wrong_name
reason:
  description: What was seen.
  returned: success, and if O(wait) ends without an answer
  type: str
  sample: the certificate is for web1, 10.20.0.5, not for docker.example.com
cure:
  description: What to do; null if the state is V(answers).
  returned: success, and if O(wait) ends without an answer
  type: str
  sample: Connect by one of the names of the certificate, or add the name to it (expose_tls_sans in the role)
url:
  description: The endpoint.
  returned: success, and if O(wait) ends without an answer
  type: str
  sample: tcp://10.20.0.5:2376
address:
  description: The IP address that took the connection; null if none did.
  returned: success, and if O(wait) ends without an answer
  type: str
  sample: 10.20.0.5
engine_version:
  description: The version of the engine; null if it did not answer.
  returned: success, and if O(wait) ends without an answer
  type: str
  sample: 28.5.2
api:
  description: Versions of the Engine API; null if the engine did not answer.
  returned: success, and if O(wait) ends without an answer
  type: dict
  contains:
    version:
      description: The newest version that the daemon speaks.
      type: str
    min_version:
      description: The oldest version that the daemon speaks.
      type: str
    negotiated:
      description: The newest version that both speak.
      type: str
  sample: {version: "1.51", min_version: "1.24", negotiated: "1.45"}
tls:
  description: The connection of the client; null without TLS.
  returned: success, and if O(wait) ends without an answer
  type: dict
  contains:
    version:
      description: The version of TLS.
      type: str
    cipher:
      description: The cipher suite.
      type: str
    verified:
      description: Whether the server's certificate was verified.
      type: bool
  sample: {version: TLSv1.3, cipher: TLS_AES_128_GCM_SHA256, verified: true}
chain:
  description:
    - The certificates of the server, its own first, up to the CA that the client trusts.
    - Empty without TLS.
  returned: success, and if O(wait) ends without an answer
  type: list
  elements: dict
  contains:
    role:
      description: V(server), V(intermediate) or V(authority).
      type: str
    subject:
      description: The subject (RFC 4514).
      type: str
    issuer:
      description: The subject of the CA that signed it.
      type: str
    names:
      description: The DNS names and addresses that it is for.
      type: list
      elements: str
    not_before:
      description: When it becomes valid, in UTC.
      type: str
    not_after:
      description: When it expires, in UTC.
      type: str
    days_left:
      description: Days until it expires, by this machine's clock.
      type: float
    key:
      description: The type of its key.
      type: str
    fingerprint:
      description: SHA-256 in hex.
      type: str
  sample:
    - role: server
      subject: CN=web1
      issuer: CN=gangway default
      names: [web1, 10.20.0.5]
      not_before: "2026-11-20T21:50:00Z"
      not_after: "2027-11-20T22:00:00Z"
      days_left: 364.9
      key: secp256r1
      fingerprint: 8b2d6c1e77aa0f0c5d4f1f0fb2f7d3c2a7a8e0f4b8f2ed5d5e2d5a1e0c9b8a76
client:
  description: The client's own certificate, as in RV(chain); null if there is none.
  returned: success, and if O(wait) ends without an answer
  type: dict
days_left:
  description: Days until the server's certificate expires; null without TLS.
  returned: success, and if O(wait) ends without an answer
  type: float
  sample: 364.9
clock_skew:
  description: How many seconds the daemon's clock is ahead of this machine's; null if it did not answer.
  returned: success, and if O(wait) ends without an answer
  type: int
  sample: 0
strangers:
  description:
    - What intruders get, each V(answered), V(refused), or V(unknown) if nothing is proved, for example because the time
      is over. Null if it was not tried, for example because nobody gets an answer.
  returned: success, and if O(wait) ends without an answer
  type: dict
  contains:
    plain:
      description: Without TLS.
      type: str
    no_certificate:
      description: With TLS, without a client certificate.
      type: str
    foreign_certificate:
      description: With TLS, and a client certificate of a CA that was made for this.
      type: str
  sample: {plain: refused, no_certificate: refused, foreign_certificate: refused}
findings:
  description: What is unsafe or will break, the worst first.
  returned: success, and if O(wait) ends without an answer
  type: list
  elements: dict
  contains:
    key:
      description: A stable key, for scripts.
      type: str
    severity:
      description: V(low), V(medium), V(high) or V(critical).
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
  sample:
    - key: plain
      severity: critical
      cis: "2.7"
      text: The API answers without TLS. Anyone who can reach the port has root on the host.
      fix: Expose the daemon with TLS and client certificates (role gangway.docker.expose)
attempts:
  description: How often the endpoint was probed.
  returned: success, and if O(wait) ends without an answer
  type: int
  sample: 1
failure:
  description: A stable key for the error, for scripts.
  returned: failure
  type: str
  sample: wait_timeout
"""

import dataclasses
import datetime
import os
import ssl
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.gangway.docker.plugins.module_utils._probe.api.sdk import ask_api, require_sdk, sdk_versions
from ansible_collections.gangway.docker.plugins.module_utils._probe.api.versions import parse_range
from ansible_collections.gangway.docker.plugins.module_utils._probe.deadline import Deadline
from ansible_collections.gangway.docker.plugins.module_utils._probe.options import ENDPOINT_ARGUMENTS, parse_request
from ansible_collections.gangway.docker.plugins.module_utils._probe.probe import probe
from ansible_collections.gangway.docker.plugins.module_utils._probe.request import Api, Result
from ansible_collections.gangway.docker.plugins.module_utils._probe.target import Target
from ansible_collections.gangway.docker.plugins.module_utils._probe.waiting import check_waited, wait_for_answer
from ansible_collections.gangway.docker.plugins.module_utils._shared.dependency import require_cryptography
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure


def main() -> None:
    module = AnsibleModule(argument_spec=ENDPOINT_ARGUMENTS, supports_check_mode=True)
    params = module.params
    seen: t.Dict[str, t.Any] = {}
    try:
        require_cryptography()
        require_sdk()
        request = parse_request(params, os.environ)
        versions = parse_range(params["api_versions"]) if params["api_versions"] else sdk_versions()

        def ask(target: Target, context: t.Optional[ssl.SSLContext], name: str, deadline: Deadline) -> t.Iterator[Api]:
            return ask_api(target, context, name, versions, deadline)

        def attempt(seconds: float) -> Result:
            return probe(dataclasses.replace(request, timeout=seconds), ask)

        result, attempts = wait_for_answer(attempt, wait=params["wait"], timeout=request.timeout)
        seen = {**result.as_result(datetime.datetime.now(datetime.timezone.utc)), "attempts": attempts}
        check_waited(result, params["wait"])
    except Failure as exc:
        module.fail_json(**{**seen, **exc.as_result()})
    module.exit_json(changed=False, **seen)


if __name__ == "__main__":
    main()
