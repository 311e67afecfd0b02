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

from ansible_collections.gangway.docker.plugins.module_utils._dockerd import layout
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.engine import EngineState
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.host import Attributes, Host
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.observe import Observed
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.plan import TLS_SETTINGS
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.preflight import (
    check_daemon,
    check_filtering,
    check_swarm,
)
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.unit import DaemonFlags
from ansible_collections.gangway.docker.plugins.module_utils._failure import Failure

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


@pytest.mark.parametrize(
    "observed",
    [
        _observed(),
        _observed(b""),
        _observed(b'{"mtu": 1400}'),
        _observed(hosts=("fd://", "unix:///run/other.sock")),
        _observed(b'{"live-restore": false}'),
        _observed(config_file="/etc/docker/daemon.json"),
        _observed(b'{"tlsverify": true, "tlscacert": "/etc/docker/gangway/ca.pem"}'),
    ],
)
def test_what_gets_along_with_us_is_let_through(observed: Observed) -> None:
    check_daemon(observed, TLS_SETTINGS)


@pytest.mark.parametrize(
    ("observed", "key", "told"),
    [
        (_observed(b"{"), "daemon_json_malformed", "line 1, column 2"),
        (_observed(b'{"a": 1, "a": 2}'), "daemon_json_malformed", "'a'"),
        (_observed(b"\xff\xfe"), "daemon_json_malformed", "UTF-8"),
        (_observed(b'{"hosts": ["fd://"]}'), "hosts_in_daemon_json", "hosts"),
        (_observed(b'{"hosts": []}'), "hosts_in_daemon_json", "hosts"),
        (_observed(b'{"tlsverify": false}'), "tls_in_daemon_json", "tlsverify"),
        (_observed(b'{"tls": true}'), "tls_in_daemon_json", "tls"),
        (_observed(b'{"tlscert": "/etc/theirs.pem"}'), "tls_in_daemon_json", "tlscert"),
        (_observed(tls=("--tlsverify", "--tlscert=/x")), "tls_flags", "--tlsverify --tlscert=/x"),
        (_observed(live_restore=True), "live_restore_flag", "--live-restore"),
        (_observed(config_file="/etc/d.json"), "config_file_elsewhere", "/etc/d.json"),
        (_observed(hosts=("fd://", "tcp://0.0.0.0:2375")), "other_listener", "tcp://0.0.0.0:2375"),
        (_observed(hosts=("fd://", "0.0.0.0:2375")), "other_listener", "0.0.0.0:2375"),
        (_observed(streams=("[::]:2375",)), "other_listener", "[::]:2375"),
        (_observed(hosts=()), "method_unsupported", "-H fd://"),
        (_observed(hosts=("unix:///run/docker.sock",)), "method_unsupported", "-H fd://"),
    ],
)
def test_what_collides_is_refused_by_name(observed: Observed, key: str, told: str) -> None:
    with pytest.raises(Failure) as failure:
        check_daemon(observed, TLS_SETTINGS)
    assert failure.value.key == key
    assert told in str(failure.value)


def test_tls_settings_that_drifted_since_they_were_ours_are_let_through_to_be_mended() -> None:
    observed = _observed(b'{"tlsverify": false, "tlscacert": "/etc/docker/gangway/ca.pem"}')
    ours = {**observed.files, layout.WHAT_WAS: (b"{}", Attributes(0o600))}
    check_daemon(dataclasses.replace(observed, files=ours), TLS_SETTINGS)


def test_swarm_mode_is_refused_unless_downtime_is_allowed() -> None:
    observed = dataclasses.replace(_observed(), engine=EngineState("28.5.2", live_restore=False, swarm=True))
    with pytest.raises(Failure) as failure:
        check_swarm(observed, allow_downtime=False)
    assert failure.value.key == "swarm_mode"
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
