# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The states that an endpoint can be in for a client, whether waiting helps, and what else does. Pure."""

from __future__ import annotations

__all__ = ("ANSWERS", "CURES", "STATES", "WAITING_HELPS", "Problem")

ANSWERS = "answers"

#: What to do, by state.
CURES = {
    "name_unresolved": "Correct the name in docker_host, or the DNS of this machine",
    "nothing_listens": "Start or expose the daemon there; check the port",
    "unreachable": "Check the address, the route to it, and the firewalls on the way",
    "filtered": "Add this machine's address, as the host sees it, to the access list (expose_allow in the role) and to "
    "other firewalls on the way",
    "silent": "Look at dockerd's journal on the host, and at what else has the port",
    "broken_off": "Look at dockerd's journal on the host; a proxy on the way may have no daemon behind it",
    "unhealthy": "Look at dockerd's journal on the host",
    "not_tls": "Expose the daemon with TLS; without it, anyone who reaches the port has root on the host",
    "tls_required": "Set validate_certs: true, with ca_path, client_cert and client_key (DOCKER_TLS_VERIFY=1 and "
    "DOCKER_CERT_PATH)",
    "tls_too_old": "Update what answers there; clients of Docker need TLS 1.2",
    "tls_failed": "Find out what answers on the port; dockerd's journal has its side of the error",
    "unknown_ca": "Use the ca.pem of the authority that signed the server's certificate; the bundle may be an old one, "
    "or of another fleet",
    "wrong_name": "Connect by one of the names of the certificate, or add the name to it (expose_tls_sans in the role)",
    "server_expired": "Renew the server's certificate (playbook gangway.docker.renew), or set the clock that is wrong",
    "server_not_yet_valid": "Set the clock that is wrong: the daemon's, this machine's, or the one of the machine that "
    "signed the certificate",
    "authority_expired": "Rotate the authority (playbook gangway.docker.rotate_authority)",
    "certificate_invalid": "Replace the server's certificate",
    "client_missing": "Set client_cert and client_key, or cert_path",
    "client_expired": "Renew the client's certificate (playbook gangway.docker.renew)",
    "client_not_yet_valid": "Set the clock that is wrong: the daemon's, or the one of the machine that signed the "
    "certificate",
    "client_unknown": "Use a client of the authority that the daemon trusts; if it was revoked, make another one",
    "client_wrong_usage": "Use a certificate for clients (extended key usage clientAuth)",
    "rights_refused": "Have the authorization plugin of the daemon, or the proxy before it, allow the request",
    "not_docker": "Correct docker_host",
    "api_too_old": "Update the engine, or use an older client",
    "api_too_new": "Update the client, or lower DOCKER_MIN_API_VERSION in the environment of dockerd",
}
STATES = (ANSWERS, *CURES)
#: What may be over in a moment. A name may be new in the DNS; a daemon may be starting, or its firewall.
WAITING_HELPS = frozenset(
    ("name_unresolved", "nothing_listens", "unreachable", "filtered", "silent", "broken_off", "unhealthy")
)


class Problem(Exception):
    """Why the endpoint can't be used: one of C(CURES), and a reason for people, without a full stop."""

    def __init__(self, state: str, reason: str) -> None:
        super().__init__(reason)
        self.state = state
        self.reason = reason
