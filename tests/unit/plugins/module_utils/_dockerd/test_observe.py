# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading a host through systemctl and files, without changing anything."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._dockerd import layout
from ansible_collections.gangway.docker.plugins.module_utils._dockerd import observe as observe_module
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.host import Host
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.observe import Observed, observe, text_of
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure


def _blocks(tmp_path: Path, **service: str) -> str:
    """What systemctl show prints for docker.service, docker.socket and docker-gangway.socket."""
    properties = {
        "Id": "docker.service",
        "LoadState": "loaded",
        "ActiveState": "active",
        "MainPID": "42",
        "FragmentPath": str(tmp_path / "docker.service"),
        "DropInPaths": f"{tmp_path / '10.conf'} {tmp_path / '50.conf'}",
        "EnvironmentFiles": f"{tmp_path / 'options'} (ignore_errors=yes)",
        "TriggeredBy": "docker.socket docker-gangway.socket",
        "NeedDaemonReload": "no",
        **service,
    }
    text = "".join(f"{key}={value}\n" for key, value in properties.items())
    docker_socket = "Id=docker.socket\nLoadState=loaded\nActiveState=active\nListen=/run/docker.sock (Stream)\n"
    return f"{text}\n{docker_socket}\nId=docker-gangway.socket\nLoadState=not-found\nActiveState=inactive\n" + (
        "\nId=-.slice\nIPAddressAllow=\n\nId=system.slice\nIPAddressAllow=\n"
    )


def _observe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shown: str, other: str = "") -> Observed:
    monkeypatch.setattr(observe_module, "read_engine", lambda: None)
    monkeypatch.setattr(observe_module, "_UNIT_FOLDERS", (str(tmp_path / "etc"), str(tmp_path / "run")))
    # Not those of the machine that the tests run on.
    monkeypatch.setattr(layout, "FOLDERS", {str(tmp_path / "loose"): 0o700, str(tmp_path / "no-such-folder"): 0o700})

    def run(words: t.Sequence[str]) -> tuple[int, str, str]:
        assert words[:2] == ["systemctl", "show"]
        return 0, shown if "docker.service" in words else other, ""

    return observe(Host(run), [str(tmp_path / "options"), str(tmp_path / "absent")])


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """docker.service as Debian has it, with a drop-in of the user's."""
    dockerd = tmp_path / "dockerd"
    dockerd.touch()
    (tmp_path / "docker.service").write_text(f"[Service]\nExecStart={dockerd} -H fd:// $DOCKER_OPTS\n")
    (tmp_path / "10.conf").write_text(f"[Service]\nExecStart=\nExecStart={dockerd} -H fd:// --debug $DOCKER_OPTS")
    (tmp_path / "50.conf").write_text("[Service]\nSockets=docker-gangway.socket\n")
    (tmp_path / "options").write_text('DOCKER_OPTS="-H tcp://0.0.0.0:2375"\n')
    return tmp_path


def test_flags_come_from_unit_drop_ins_and_options_file(units: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    observed = _observe(units, monkeypatch, _blocks(units))
    assert observed.flags.program == str(units / "dockerd")
    assert observed.flags.hosts == ("fd://", "tcp://0.0.0.0:2375")
    assert (observed.main_pid, observed.service_active, observed.socket_active) == (42, True, False)
    assert observed.foreign_streams == ()
    assert observed.content(str(units / "options")) == b'DOCKER_OPTS="-H tcp://0.0.0.0:2375"\n'
    assert observed.content(str(units / "absent")) is None


def test_a_foreign_socket_unit_that_hands_dockerd_a_port_is_seen(units: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = _blocks(units, TriggeredBy="docker.socket docker-gangway.socket docker-tcp.socket")
    observed = _observe(units, monkeypatch, shown, other="Listen=[::]:2375 (Stream)\n")
    assert observed.foreign_streams == ("[::]:2375",)


@pytest.mark.parametrize(("state", "active"), [("active", ("docker-tcp.socket",)), ("inactive", ())])
def test_a_foreign_socket_unit_that_is_down_is_told_from_one_that_is_up(
    units: Path, monkeypatch: pytest.MonkeyPatch, state: str, active: tuple[str, ...]
) -> None:
    shown = _blocks(units, TriggeredBy="docker.socket docker-tcp.socket")
    observed = _observe(units, monkeypatch, shown, other=f"Listen=[::]:2375 (Stream)\nActiveState={state}\n")
    assert observed.active_sockets == active


def test_a_drop_in_that_systemd_has_not_read_yet_is_read(units: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the order of the names; one of the same name counts where it stands first."""
    for folder, name, host in (
        ("etc", "90.conf", "tcp://1"),
        ("run", "90.conf", "tcp://2"),
        ("run", "05.conf", "tcp://3"),
    ):
        drop_ins = units / folder / "docker.service.d"
        drop_ins.mkdir(parents=True, exist_ok=True)
        (drop_ins / name).write_text(f"[Service]\nExecStart=\nExecStart={units / 'dockerd'} -H {host}\n")
    observed = _observe(units, monkeypatch, _blocks(units))
    assert observed.flags.hosts == ("tcp://1",)
    assert [Path(source.path).name for source in observed.sources if source.kind == "drop_in"] == [
        *("05.conf", "10.conf", "50.conf", "90.conf"),
    ]


@pytest.mark.parametrize(
    ("key", "folders", "sockets"),
    [
        ("docker_snap", ["/snap/docker"], []),
        ("docker_rootless", [], ["/run/user/1000/docker.sock"]),
        ("dockerd_missing", [], []),
    ],
)
def test_another_kind_of_docker_is_named(
    units: Path, monkeypatch: pytest.MonkeyPatch, key: str, folders: list[str], sockets: list[str]
) -> None:
    monkeypatch.setattr(observe_module.os.path, "isdir", lambda path: path in folders)
    monkeypatch.setattr(
        observe_module.glob, "glob", lambda pattern: sockets if pattern.startswith("/run/user/") else []
    )
    with pytest.raises(Failure) as failure:
        _observe(units, monkeypatch, _blocks(units, LoadState="not-found"))
    assert failure.value.key == key


def test_a_port_in_docker_socket_itself_is_seen(units: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = _blocks(units).replace("/run/docker.sock (Stream)", "/run/docker.sock (Stream) 10.0.0.1:2375 (Stream)")
    assert _observe(units, monkeypatch, shown).foreign_streams == ("10.0.0.1:2375",)


def test_a_folder_of_ours_that_others_can_look_into_is_seen(units: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _observe(units, monkeypatch, _blocks(units)).loose_folders == ()
    (units / "loose").mkdir()
    (units / "loose").chmod(0o755)
    assert _observe(units, monkeypatch, _blocks(units)).loose_folders == (str(units / "loose"),)


@pytest.mark.parametrize(
    ("load_state", "key"),
    [("not-found", "dockerd_missing"), ("masked", "dockerd_masked"), ("error", "dockerd_missing")],
)
def test_a_host_without_docker_is_told_so(
    units: Path, monkeypatch: pytest.MonkeyPatch, load_state: str, key: str
) -> None:
    with pytest.raises(Failure) as failure:
        _observe(units, monkeypatch, _blocks(units, LoadState=load_state))
    assert failure.value.key == key


def test_a_unit_whose_program_is_gone_is_told_so(units: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (units / "dockerd").unlink()
    with pytest.raises(Failure) as failure:
        _observe(units, monkeypatch, _blocks(units))
    assert failure.value.key == "dockerd_missing"


@pytest.mark.parametrize("outcome", [(1, "", "System has not been booted with systemd"), (0, "", ""), None])
def test_a_host_without_systemd_is_told_so(outcome: tuple[int, str, str] | None) -> None:
    def run(_words: t.Sequence[str]) -> tuple[int, str, str]:
        if outcome is None:
            raise FileNotFoundError(2, "No such file or directory", "systemctl")
        return outcome

    with pytest.raises(Failure) as failure:
        observe(Host(run), [])
    assert failure.value.key == "systemd_missing"


def test_text_that_is_no_utf8_is_refused() -> None:
    assert text_of(None, "x") == ""
    assert text_of("ä".encode(), "x") == "ä"
    with pytest.raises(Failure) as failure:
        text_of(b"\xe4", "/etc/docker/daemon.json")
    assert failure.value.key == "daemon_json_malformed"
