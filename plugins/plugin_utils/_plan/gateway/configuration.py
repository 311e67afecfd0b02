# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HAProxy's configuration for method C(gateway): one port with mutual TLS, and a backend for each client.

A connection of a client with the right C(full) is passed on as raw bytes, so that all that dockerd and its clients
ever upgrade to works: C(exec) and C(attach), BuildKit's sessions, HTTP/2, a half-closed connection. A client with the
right C(read) speaks HTTP with HAProxy, which judges each request.
"""

from __future__ import annotations

__all__ = ("backend_of", "render_clients", "render_configuration")

import re
import typing as t

from ansible_collections.gangway.docker.plugins.module_utils._shared import layout

from ..._options.clients import Client
from ..listener.listener import HEADER
from .read_paths import INFO_PATTERN, READ_PATTERN
from .units import SERVER_PEM
from .worker import FOR_DOCKERD, Worker

#: The first descriptor that systemd hands over, sd_listen_fds(3).
_FIRST_DESCRIPTOR = 3
#: HAProxy's longest, in days: a C(docker events) that says nothing is no dead connection.
_PATIENCE = "24d"


def backend_of(client: Client) -> str:
    """Return the name of the client's backend, which C(show sess) has for each connection."""
    # Of what a client's name may hold, HAProxy takes neither @ nor +.
    return f"{client.rights}-" + re.sub(r"[@+:]", lambda found: f":{ord(found[0]):02x}", client.name)


def render_clients(clients: t.Sequence[Client]) -> str:
    """Return the map from the certificate's CN to the backend; whoever is not in it is rejected."""
    return HEADER + "".join(f"{client.name} {backend_of(client)}\n" for client in clients)


def render_configuration(
    clients: t.Sequence[Client],
    sockets: int,
    *,
    engine: str,
    worker: Worker = FOR_DOCKERD,
    log: str = "connections",
) -> str:
    """Return haproxy.cfg.

    C(sockets): how many systemd hands over; C(engine): the path of the engine's; C(log): C(none), C(connections) or
    C(requests).
    """
    binds = "".join(
        f"    bind fd@{_FIRST_DESCRIPTOR + number} ssl crt {SERVER_PEM} ca-file {layout.CA} crl-file {layout.CRL} "
        "verify required\n"
        for number in range(sockets)
    )
    backend = f"ssl_c_s_dn(cn),map_str({layout.GATEWAY_CLIENTS})"
    return (
        f"{HEADER}"
        "global\n"
        f"    {worker.user}\n"
        f"    {worker.group}\n"
        f"{'' if log == 'none' else _LOG_TARGET}"
        "    # A session that is resumed would not be asked for its certificate again.\n"
        "    tune.ssl.cachesize 0\n"
        "    ssl-default-bind-options ssl-min-ver TLSv1.2 no-tls-tickets\n"
        "\n"
        "defaults\n"
        f"{'' if log == 'none' else '    log global' + chr(10)}"
        "    # dockerd may be restarting: its socket takes connections meanwhile.\n"
        "    timeout connect 60s\n"
        "    # Of a TLS handshake, so that strangers keep no connections; and of a request's head.\n"
        "    timeout client 30s\n"
        "    timeout http-request 30s\n"
        "    # Of a connection that is passed on, in place of the client's.\n"
        f"    timeout tunnel {_PATIENCE}\n"
        f"    timeout server {_PATIENCE}\n"
        "    option clitcpka\n"
        "\n"
        "frontend docker\n"
        "    mode tcp\n"
        f"{binds}"
        f"{'' if log == 'none' else _log_format(log)}"
        f"    tcp-request content reject unless {{ {backend} -m found }}\n"
        f"    use_backend %[{backend}]\n"
        f"{''.join(_render_backend(client, engine, log) for client in clients)}"
    )


#: To the journal, by systemd.
_LOG_TARGET = "    log stderr format raw daemon\n"


def _log_format(log: str) -> str:
    who = {"client": _quoted("ssl_c_s_dn(cn)"), "address": '"%ci"', "port": "%cp"}
    fields = {**who, "milliseconds": "%Tt", "received": "%U", "sent": "%B"}
    if log == "requests":
        fields |= {"method": _quoted("var(txn.method)"), "path": _quoted("var(txn.path)"), "status": '"%ST"'}
    return (
        f"    log-format '{_as_json(fields)}'\n"
        f"    error-log-format '{_as_json({**who, 'refused': _quoted('ssl_fc_err_str')})}'\n"
    )


def _quoted(sample: str) -> str:
    return f'"%[{sample},json(utf8s)]"'


def _as_json(fields: t.Mapping[str, str]) -> str:
    return "{" + ",".join(f'"{name}":{value}' for name, value in fields.items()) + "}"


def _render_backend(client: Client, engine: str, log: str) -> str:
    head = f"\nbackend {backend_of(client)}\n"
    server = f"    server engine unix@{engine}\n"
    if client.rights == "full":
        return f"{head}    mode tcp\n{server}"
    allowed = (
        # HTTP/2 has no request target to judge: HAProxy would put one together.
        f"{{ method GET HEAD }} {{ req.ver 1.0 1.1 }} {{ url -m reg {READ_PATTERN} }} "
        "!{ req.hdr_cnt(content-length) gt 0 } !{ req.hdr_cnt(transfer-encoding) gt 0 }"
    )
    names = "    http-request set-var(txn.method) method\n    http-request set-var(txn.path) path\n"
    return (
        f"{head}"
        "    mode http\n"
        f"{names if log == 'requests' else ''}"
        f"    {_refuse('request', f'client {client.name} may only read, and not this')} unless {allowed}\n"
        "    # A connection that changes its protocol is judged no more.\n"
        "    http-request del-header upgrade\n"
        f"{_JUDGE_INFO}"
        f"{server}"
    )


def _refuse(when: str, message: str) -> str:
    """Return the rule that answers as dockerd would, so that the docker CLI shows the message."""
    return f'http-{when} return status 403 content-type application/json string \'{{"message":"{message}"}}\''


#: Of a proxy's URL without a scheme dockerd masks nothing (20.10 to 28.5). NoProxy comes after both proxies: with it in
#: the buffer, they were seen.
_JUDGE_INFO = f"""\
    http-request set-var(txn.info) path if {{ path -m reg {INFO_PATTERN} }}
    acl is_info var(txn.info) -m found
    http-response wait-for-body time 10s if is_info {{ status 200 }}
    {_refuse("response", "the answer has the password of a proxy: write http:// before the proxy of dockerd")} \
if is_info {{ status 200 }} {{ res.body -m reg '"Https?Proxy":"[^"/]*@' }}
    {_refuse("response", "the answer is too long to look for passwords")} \
if is_info {{ status 200 }} !{{ res.body -m sub '"NoProxy":' }}
"""
