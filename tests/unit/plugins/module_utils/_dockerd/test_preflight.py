# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What collides with a listener of ours is refused, by name, before anything is touched."""

from __future__ import annotations

import dataclasses
import os
import typing as t
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._dockerd import layout, preflight
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.engine import EngineState
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.host import Attributes, Host
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.observe import Observed
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.preflight import (
    check_daemon,
    check_daemon_json,
    check_exec_start,
    check_filtering,
    check_swarm,
    resolve_firewall,
)
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.sources import Source
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.unit import DaemonFlags
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

FLAGS = DaemonFlags("/usr/bin/dockerd", ("fd://",), (), None, False)


def _observed(daemon_json: bytes | None = None, streams: tuple[str, ...] = (), **flags: t.Any) -> Observed:
    return Observed(
        flags=dataclasses.replace(FLAGS, **flags),
        main_pid=1,
        service_active=True,
        socket_active=False,
        running_hosts=(),
        exec_start_pre="",
        slices_allow="",
        foreign_streams=streams,
        files={} if daemon_json is None else {layout.DAEMON_JSON: (daemon_json, Attributes(0o644))},
        missing_folders=(),
        loose_folders=(),
        engine=EngineState("28.5.2", live_restore=True, swarm=False),
    )


def _without_live_restore(observed: Observed) -> Observed:
    return dataclasses.replace(observed, engine=EngineState("28.5.2", live_restore=False, swarm=False))


@pytest.mark.parametrize(
    "observed",
    [
        _observed(),
        _observed(b""),
        _observed(b'{"mtu": 1400}'),
        _observed(hosts=("fd://", "unix:///run/other.sock")),
        _observed(b'{"live-restore": false}'),
        _observed(config_file="/etc/docker/daemon.json"),
        _observed(live_restore=True),
    ],
)
def test_what_gets_along_with_us_is_let_through(observed: Observed) -> None:
    check_daemon_json(observed)
    check_daemon(observed)
    check_exec_start(observed)


@pytest.mark.parametrize(
    ("observed", "key", "told"),
    [
        (_observed(b"{"), "daemon_json_malformed", "line 1, column 2"),
        (_observed(b'{"a": 1, "a": 2}'), "daemon_json_malformed", "'a'"),
        (_observed(b"\xff\xfe"), "daemon_json_malformed", "UTF-8"),
        (_without_live_restore(_observed(live_restore=True)), "live_restore_flag", "--live-restore"),
        (_observed(config_file="/etc/d.json"), "config_file_elsewhere", "/etc/d.json"),
    ],
)
def test_what_collides_is_refused_by_name(observed: Observed, key: str, told: str) -> None:
    check = check_daemon_json if key == "daemon_json_malformed" else check_daemon
    with pytest.raises(Failure) as failure:
        check(observed)
    assert failure.value.key == key
    assert told in str(failure.value)


def test_a_drop_in_that_is_read_after_ours_is_named() -> None:
    later = Source(
        "/etc/systemd/system/docker.service.d/zzz.conf", "[Service]\nExecStart=\nExecStart=/x/dockerd\n", "drop_in"
    )
    ours = {
        layout.EXEC_DROP_IN: (
            b"[Service]\nExecStart=\nExecStart=/usr/bin/dockerd $GANGWAY_LISTENER\n",
            Attributes(0o644),
        )
    }
    observed = dataclasses.replace(_observed(), files=ours, sources=(later,), exec_start_in_force="/x/dockerd")
    with pytest.raises(Failure) as failure:
        check_exec_start(observed)
    assert failure.value.key == "exec_start_overridden"
    assert "zzz.conf:3" in str(failure.value)
    check_exec_start(dataclasses.replace(observed, exec_start_in_force="/usr/bin/dockerd $GANGWAY_LISTENER"))


@pytest.mark.parametrize(
    ("asked", "method", "firewall"),
    [
        ("auto", "socket", "systemd"),
        ("auto", "override", "nftables"),
        ("auto", "options_file", "nftables"),
        ("systemd", "socket", "systemd"),
        ("nftables", "socket", "nftables"),
        ("none", "daemon_json", "none"),
        ("ufw", "daemon_json", "ufw"),
    ],
)
def test_the_firewall_fits_the_method(asked: str, method: str, firewall: str) -> None:
    assert resolve_firewall(asked, method) == firewall


def test_systemd_filters_for_socket_units_only() -> None:
    with pytest.raises(Failure) as failure:
        resolve_firewall("systemd", "override")
    assert failure.value.key == "firewall_unsupported"


def test_swarm_mode_is_refused_unless_downtime_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "running_containers", lambda: {"1": ("web", "t"), "2": ("db", "t")})
    observed = dataclasses.replace(_observed(), engine=EngineState("28.5.2", live_restore=False, swarm=True))
    with pytest.raises(Failure) as failure:
        check_swarm(observed, allow_downtime=False)
    assert failure.value.key == "swarm_mode"
    assert "would stop db, web" in str(failure.value)
    check_swarm(observed, allow_downtime=True)
    check_swarm(_observed(), allow_downtime=False)


@pytest.mark.parametrize("code", [1, 9, 203])
def test_an_access_list_that_would_not_be_in_force_is_refused(
    code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layout, "FILTERS", str(tmp_path / "filters"))
    with pytest.raises(Failure) as failure:
        check_filtering(Host(lambda _words: (code, "", "no BPF")), _observed(), remember=True)
    assert not (tmp_path / "filters").exists()
    assert failure.value.key == "filtering_unsupported"
    assert "no BPF" in str(failure.value)


def test_an_access_list_below_a_slice_that_allows_is_refused() -> None:
    observed = dataclasses.replace(_observed(), slices_allow="0.0.0.0/0 ::/0")
    with pytest.raises(Failure) as failure:
        check_filtering(Host(lambda _words: (0, "", "")), observed, remember=False)
    assert failure.value.key == "filtering_unsupported"


def test_an_access_list_is_tried_with_everything_denied_once_in_a_boot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layout, "FILTERS", str(tmp_path / "filters"))
    monkeypatch.setattr(os, "fchown", lambda *_words: None)
    seen: list[t.Sequence[str]] = []

    def run(words: t.Sequence[str]) -> tuple[int, str, str]:
        seen.append(words)
        return 0, "", ""

    check_filtering(Host(run), _observed(), remember=False)
    assert "--property=IPAddressDeny=any" in seen[0]
    check_filtering(Host(run), _observed(), remember=True)
    check_filtering(Host(run), _observed(), remember=True)
    assert len(seen) == 2
