# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What others add to our units, or run after the guard."""

from __future__ import annotations

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.decision import must_close

from ..hosts import HOSTS, Host
from ..planning import after, close, expose, exposed_by, observed_of

_ANYONE = "[Socket]\nIPAddressAllow=any\n"
_SERVICE = "/etc/systemd/system/docker.service.d"


@pytest.fixture(scope="module")
def exposed() -> Host:
    return exposed_by(HOSTS["docker-ce"], "socket", firewall="auto")


def _refused(host: Host) -> Failure:
    with pytest.raises(Failure) as caught:
        expose(host, "socket", firewall="auto")
    return caught.value


@pytest.mark.parametrize(
    "path",
    [
        "/etc/systemd/system.control/docker-gangway.socket.d/50-IPAddressAllow.conf",
        "/etc/systemd/system/docker-gangway.socket.d/override.conf",
        "/run/systemd/system.control/docker-gangway.socket.d/50-Slice.conf",
        "/etc/systemd/system/docker-gangway.service.d/x.conf",
    ],
)
def test_a_drop_in_of_one_of_them_is_named_and_the_port_has_to_close(exposed: Host, path: str) -> None:
    host = exposed.write(path, _ANYONE)
    failure = _refused(host)
    assert (failure.key, str(failure).startswith(f"{path}: ")) == ("unit_changed_by_others", True)
    assert must_close(failure, observed_of(host).observation)


@pytest.mark.parametrize("unit", [layout.GATEWAY_SERVICE, layout.GANGWAY_SOCKET])
def test_a_drop_in_of_haproxys_unit_is_named_too(unit: str) -> None:
    path = f"/etc/systemd/system/{unit}.d/override.conf"
    host = exposed_by(HOSTS["docker-ce"], "gateway", firewall="auto").write(path, "[Unit]\n")
    with pytest.raises(Failure) as caught:
        expose(host, "gateway", firewall="auto")
    assert (caught.value.key, str(caught.value).startswith(f"{path}: ")) == ("unit_changed_by_others", True)
    closed = after(host, close(host))
    assert closed.gateway.listening == []
    assert closed.is_running


@pytest.mark.parametrize("path", layout.RUNTIME_DROP_INS)
def test_what_the_gate_itself_leaves_is_ours(exposed: Host, path: str) -> None:
    assert not expose(exposed.write(path, _ANYONE), "socket", firewall="auto").changed


@pytest.mark.parametrize("name", ["zzz-site.conf", "zz.conf"])
def test_what_runs_after_the_guard_is_named(exposed: Host, name: str) -> None:
    failure = _refused(exposed.write(f"{_SERVICE}/{name}", "[Service]\nExecStartPre=/bin/true\n"))
    assert (failure.key, str(failure).startswith(f"{_SERVICE}/{name}: ")) == ("guard_not_last", True)


@pytest.mark.parametrize(
    ("name", "text"),
    [("60-site.conf", "[Service]\nExecStartPre=/bin/true\n"), ("zzz-site.conf", "[Service]\nLimitNOFILE=4096\n")],
)
def test_what_runs_before_it_or_not_at_all_stays(exposed: Host, name: str, text: str) -> None:
    expose(exposed.write(f"{_SERVICE}/{name}", text), "socket", firewall="auto")
