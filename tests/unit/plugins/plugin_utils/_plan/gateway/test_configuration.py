# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HAProxy's configuration: who is known, and what each may do."""

from __future__ import annotations

import itertools
import json
import re

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.plugin_utils._options.clients import Client
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.gateway.configuration import (
    backend_of,
    render_clients,
    render_configuration,
)
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.gateway.read_paths import READ_PATTERN
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.gateway.units import SERVER_PEM

ADMIN, GRAFANA = Client("admin"), Client("grafana", "read")
#: All that a client's name may hold.
NAMES = ["alice", "a", "a.b", "a-b", "a_b", "a@b", "a+b", "a:b", "a:40b", "a:2bb", "a:3ab", "a:3a40b", "a::b", "A", "9"]


def _render(*clients: Client, sockets: int = 1, log: str = "connections") -> str:
    return render_configuration(clients, sockets, engine="/run/docker.sock", log=log)


def _section(text: str, head: str) -> list[str]:
    """The settings of a section, in order."""
    body = text.partition(f"\n{head}\n")[2].partition("\n\n")[0]
    return [line.strip() for line in body.splitlines() if not line.strip().startswith("#")]


def test_names_do_not_collide_and_are_those_that_haproxy_takes() -> None:
    clients = [Client(name, rights) for name, rights in itertools.product(NAMES, ("full", "read"))]
    backends = [backend_of(client) for client in clients]
    assert len(set(backends)) == len(clients)
    assert all(re.fullmatch(r"[A-Za-z0-9_.:-]+", backend) for backend in backends)
    assert backend_of(Client("a@b+c:d.e-f")) == "full-a:40b:2bc:3ad.e-f"


def test_a_client_with_two_kinds_of_rights_has_two_backends() -> None:
    assert backend_of(Client("ci", "full")) != backend_of(Client("ci", "read"))


def test_the_map_has_each_client_as_its_certificate_names_it() -> None:
    lines = render_clients([ADMIN, GRAFANA, Client("a@b", "read")]).splitlines()
    assert lines[0].startswith("#")
    assert lines[1:] == ["admin full-admin", "grafana read-grafana", "a@b read-a:40b"]
    assert len(render_clients([]).splitlines()) == 1


@pytest.mark.parametrize("sockets", [1, 3])
def test_each_port_demands_a_certificate_that_is_not_revoked(sockets: int) -> None:
    binds = [line for line in _section(_render(ADMIN, sockets=sockets), "frontend docker") if line.startswith("bind")]
    rest = f"ssl crt {SERVER_PEM} ca-file {layout.CA} crl-file {layout.CRL} verify required"
    assert binds == [f"bind fd@{3 + number} {rest}" for number in range(sockets)]


def test_whoever_is_not_in_the_map_is_rejected_before_anything_is_passed_on() -> None:
    lines = _section(_render(ADMIN), "frontend docker")
    lookup = f"ssl_c_s_dn(cn),map_str({layout.GATEWAY_CLIENTS})"
    assert lines[-2:] == [f"tcp-request content reject unless {{ {lookup} -m found }}", f"use_backend %[{lookup}]"]
    assert "default_backend" not in _render(ADMIN)


def test_a_session_is_never_resumed_without_its_certificate() -> None:
    settings = _section(_render(ADMIN), "global") or _render(ADMIN).split("\n\n")[0].splitlines()
    text = "\n".join(settings)
    assert "tune.ssl.cachesize 0" in text
    assert "no-tls-tickets" in text
    assert "ssl-min-ver TLSv1.2" in text


def test_full_rights_are_raw_bytes_and_reading_is_judged_request_by_request() -> None:
    text = _render(ADMIN, GRAFANA)
    assert _section(text + "\n", "backend full-admin") == ["mode tcp", "server engine unix@/run/docker.sock"]
    mode, refuse, upgrade, *judged, server = _section(text + "\n", "backend read-grafana")
    assert len(judged) == 5, "the answer to /info"
    assert (mode, server) == ("mode http", "server engine unix@/run/docker.sock")
    assert upgrade == "http-request del-header upgrade"
    assert refuse.startswith("http-request return status 403 content-type application/json ")
    condition = refuse.partition(" unless ")[2]
    assert condition.startswith(f"{{ method GET HEAD }} {{ req.ver 1.0 1.1 }} {{ url -m reg {READ_PATTERN} }} ")
    assert "!{ req.hdr_cnt(content-length) gt 0 } !{ req.hdr_cnt(transfer-encoding) gt 0 }" in condition
    said = re.search(r"string '(.*?)' unless", refuse)
    assert said
    assert "grafana" in json.loads(said[1])["message"]


def test_there_is_a_backend_for_each_line_of_the_map_and_no_other() -> None:
    clients = [Client(name, rights) for name, rights in zip(NAMES, itertools.cycle(("full", "read")))]
    mapped = [line.split()[1] for line in render_clients(clients).splitlines()[1:]]
    assert re.findall("^backend (.*)$", _render(*clients), re.M) == mapped


@pytest.mark.parametrize("log", ["none", "connections", "requests"])
def test_the_log_has_as_much_as_it_is_to_have(log: str) -> None:
    text = _render(ADMIN, GRAFANA, log=log)
    assert ("log stderr" in text) is ("log global" in text) is ("log-format" in text) is (log != "none")
    assert ("txn.path" in text) is (log == "requests")
    for found in re.findall("log-format '(.*)'", text):
        line = re.sub(r'"%\[.*?json\(utf8s\)\]"|"%\w+"', '"x"', found)
        assert {"client", "address", "port"} <= json.loads(re.sub(r"%\w+", "0", line)).keys()


@pytest.mark.parametrize(
    "target",
    [
        "/_ping",
        "/v1.43/containers/json?all=1&size=1",
        "/containers/json",
        "/v1.47/events?filters=%7B%7D",
        "/networks/bridge",
        "/v1.43/containers/web-1.a_b/stats?stream=0",
    ],
)
def test_what_may_be_read(target: str) -> None:
    assert re.search(READ_PATTERN, target)


@pytest.mark.parametrize(
    "target",
    [
        "/containers/web/json",
        "/containers/web/logs",
        "/containers/web/attach/ws",
        "/containers/web/top?ps_args=e",
        "/v1.43/containers/../secrets",
        "/containers/a/b/stats",
        "//containers/json",
        "/containers/json/",
        "/containers/json#x",
        "/%63ontainers/json",
        "http://x/containers/json",
        "/v1.43/v1.43/info",
        "/v1/info",
        "/info/x",
        "/images/x/json",
        "/volumes",
        "/swarm",
        "/containers/json\n",
        "*",
        "",
    ],
)
def test_what_may_not(target: str) -> None:
    assert not re.fullmatch(READ_PATTERN.removeprefix("^").removesuffix("$"), target)
