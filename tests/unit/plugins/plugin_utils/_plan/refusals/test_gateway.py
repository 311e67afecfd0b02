# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What method gateway needs, and what the other methods can't do."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.plugin_utils._options.clients import Client

from ..hosts import FITS, HOSTS, Host
from ..planning import after, expose, withdraw

CLEAN = HOSTS["docker-ce"]
TOOLS = CLEAN.observation()["tools"]
GRAFANA = Client("grafana", "read")


def _refusal(host: Host, method: str = "gateway", **options: t.Any) -> Failure:
    with pytest.raises(Failure) as caught:
        expose(host, method, **options)
    return caught.value


def test_haproxy_has_to_be_there() -> None:
    failure = _refusal(CLEAN.reporting(tools={**TOOLS, "haproxy": None}))
    assert failure.key == "haproxy_missing"
    assert "expose_install" in str(failure)


def test_haproxy_that_is_gone_does_not_keep_the_rest_from_being_removed() -> None:
    exposed = after(CLEAN, expose(CLEAN, "gateway")).reporting(tools={**TOOLS, "haproxy": None})
    assert _refusal(exposed).key == "haproxy_missing"
    assert after(exposed, withdraw(exposed)).files == CLEAN.files
    assert expose(exposed, "socket").restarted


def test_it_is_there_for_certificates() -> None:
    assert _refusal(CLEAN, tls=False, firewall="nftables").key == "gateway_without_tls"


@pytest.mark.parametrize("name", ["sysvinit", "openrc"])
def test_it_needs_systemd(name: str) -> None:
    failure = _refusal(HOSTS[name])
    assert failure.key == "method_unsupported"
    assert name in str(failure)


@pytest.mark.parametrize(("name", "method"), [(name, method) for name in FITS for method in (*FITS[name], "auto")])
def test_dockerd_can_not_let_anyone_only_read(name: str, method: str) -> None:
    failure = _refusal(HOSTS[name], method, clients=(Client("admin"), GRAFANA))
    assert failure.key == "rights_unsupported"
    assert "grafana" in str(failure)
    assert "admin" not in failure.thing
    assert expose(HOSTS[name], method, clients=(Client("admin"), Client("ci"))).changed


def test_a_method_of_dockerd_for_a_host_where_someone_may_only_read_is_refused() -> None:
    exposed = after(CLEAN, expose(CLEAN, "gateway", clients=(GRAFANA,)))
    assert _refusal(exposed, "socket", clients=(GRAFANA,)).key == "rights_unsupported"


def test_a_port_of_others_is_refused_and_haproxys_own_is_not() -> None:
    taken = CLEAN.but(listening=[("0.0.0.0", 2376, "haproxy")])
    failure = _refusal(taken)
    assert failure.key == "port_taken"
    assert "haproxy" in str(failure)
    exposed = after(CLEAN, expose(CLEAN, "gateway"))
    assert expose(exposed, "gateway", clients=(Client("ci"),)).changed
    assert expose(exposed, "gateway", listen=("10.20.0.5:2376",)).changed


@pytest.mark.parametrize("options", [{"firewall": "systemd"}, {"firewall": "auto"}])
def test_an_access_list_that_systemd_can_not_enforce_is_refused(options: dict[str, str]) -> None:
    assert _refusal(CLEAN.reporting(filtering=False), **options).key == "filtering_unsupported"
    assert expose(CLEAN.reporting(filtering=False), "gateway", firewall="nftables").changed
