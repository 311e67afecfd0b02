# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading a host that is a folder, with a systemctl of our own."""

from __future__ import annotations

import json
import os
import typing as t
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._host import keys
from ansible_collections.gangway.docker.plugins.module_utils._observe import observe as observe_module
from ansible_collections.gangway.docker.plugins.module_utils._observe import scripts
from ansible_collections.gangway.docker.plugins.module_utils._observe.files import Files
from ansible_collections.gangway.docker.plugins.module_utils._observe.observe import observe
from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

from .conftest import FIREWALLS, UNIT, Site


def test_a_run_that_changes_nothing_starts_one_process(site: Site) -> None:
    for path in (layout.SOCKET_UNIT, layout.DROP_IN, layout.CA, layout.CERTIFICATE, layout.KEY, layout.FILTERING_SEEN):
        site.write(path, "x")
    key = {"name": "0123456789abcdef", "key_type": "ecdsa_p256", "names": [], "new": False, "csr": False}
    observation = site.observe(firewall="systemd", filtering=True, ports=[2376], key=key)
    assert [words[:2] for words in site.ran] == [["systemctl", "show"]]
    assert observation["request"] is None
    assert observation["filtering"] is True


def test_files_come_with_what_a_plan_needs(site: Site) -> None:
    site.write(layout.DAEMON_JSON, "{}\n", mode=0o600)
    site.write(f"{layout.GUARD}/guard.py", "program")
    (site.root / "etc/default/docker").write_bytes(b"\xff")
    files = site.observe()["files"]
    assert files[layout.DAEMON_JSON]["content"] == "{}\n"
    assert (files[layout.DAEMON_JSON]["mode"], files[layout.DAEMON_JSON]["link"]) == (0o600, False)
    assert files["/etc/default/docker"]["content"] == {"base64": "/w=="}
    assert files[f"{layout.GUARD}/guard.py"]["content"] is None
    assert layout.SOCKET_UNIT not in files


def test_a_key_is_never_read(site: Site) -> None:
    for path in (layout.KEY, layout.JOURNAL):
        site.write(path, "PRIVATE")
    observation = site.observe()
    assert "PRIVATE" not in json.dumps(observation)
    assert len(observation["files"][layout.KEY]["sha256"]) == 64
    assert observation["interrupted"]


def test_files_of_others_that_we_changed_are_read(site: Site) -> None:
    site.write(layout.ORIGINALS, json.dumps({"files": {"/etc/systemd/system/tcp.socket": {}}}))
    site.write(f"/etc/systemd/system/tcp.socket{layout.BACKUP_SUFFIX}", "[Socket]\n")
    assert f"/etc/systemd/system/tcp.socket{layout.BACKUP_SUFFIX}" in site.observe()["files"]
    site.write(layout.ORIGINALS, '{"files": [1]}')
    assert layout.ORIGINALS in site.observe()["files"]


def test_drop_ins_come_in_systemds_order_also_those_not_read_yet(site: Site) -> None:
    folder = "docker.service.d"
    for path in (
        f"/usr/lib/systemd/system/{folder}/50.conf",
        f"/etc/systemd/system/{folder}/90.conf",
        f"/etc/systemd/system/{folder}/10.conf",
        f"/run/systemd/system/{folder}/10.conf",
        "/etc/systemd/system.control/docker.service.d/60.conf",
    ):
        site.write(path, "[Service]\nEnvironmentFile=/etc/extra.env\n")
    site.service["DropInPaths"] = (
        f"/run/systemd/system/{folder}/10.conf /etc/systemd/system.control/{folder}/60.conf /gone/70.conf"
    )
    observation = site.observe()
    assert observation["unit_files"]["docker.service"] == [
        UNIT,
        f"/etc/systemd/system/{folder}/10.conf",
        f"/usr/lib/systemd/system/{folder}/50.conf",
        f"/etc/systemd/system.control/{folder}/60.conf",
        f"/etc/systemd/system/{folder}/90.conf",
    ]
    assert observation["environment_files"] == ["/etc/default/docker", "/etc/extra.env"]


def test_environment_files_may_be_patterns(site: Site) -> None:
    site.service["EnvironmentFiles"] = "/etc/d/*.env (ignore_errors=yes) /etc/a b (ignore_errors=no)"
    for name in ("b", "a"):
        site.write(f"/etc/d/{name}.env")
    assert site.observe()["environment_files"] == ["/etc/d/a.env", "/etc/d/b.env", "/etc/a b", "/etc/default/docker"]


def test_socket_units_of_others_are_asked_for_in_one_more_call(site: Site) -> None:
    site.service["TriggeredBy"] = "docker.socket docker-gangway.socket docker-tcp.socket"
    site.write("/etc/systemd/system/docker-tcp.socket", "[Socket]\nListenStream=2375\n")
    site.units["docker-tcp.socket"] = {"FragmentPath": "/etc/systemd/system/docker-tcp.socket", "ActiveState": "active"}
    observation = site.observe()
    assert [words[words.index("--") + 1 :] for words in site.ran[1:]] == [["docker-tcp.socket"]]
    assert observation["unit_files"]["docker-tcp.socket"] == ["/etc/systemd/system/docker-tcp.socket"]


def test_programs_that_units_start_exist_or_not(site: Site) -> None:
    site.write("/etc/systemd/system/docker.service.d/x.conf", "[Service]\nExecStart=\nExecStart=-@/opt/dockerd -D\n")
    assert site.observe()["programs"] == {"/usr/sbin/dockerd": True, "/opt/dockerd": False}


def test_a_dockerd_that_is_down_is_not_asked(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observe_module, "read_engine", lambda: pytest.fail("it would be started"))
    site.service.update(ActiveState="inactive", MainPID="0")
    observation = site.observe(probe=["127.0.0.1:2375"])
    assert (observation["engine"], observation["answers"], observation["dockerd"]["pid"]) == (None, [], 0)
    assert observation["dockerd"]["program"].endswith("/usr/sbin/dockerd")


def test_a_systemd_that_does_not_answer_is_reported(site: Site) -> None:
    site.commands["systemctl"] = (1, "", "Failed to connect to bus")
    observation = site.observe()
    assert (observation["units"], observation["systemd_error"]) == ({}, "Failed to connect to bus")


def test_a_host_without_docker_is_no_error(site: Site) -> None:
    site.service = {"LoadState": "not-found", "ActiveState": "inactive", "MainPID": "0"}
    site.folder("/snap/docker")
    site.write("/run/user/1000/docker.sock")
    observation = site.observe()
    assert observation["unit_files"] == {}
    assert observation["installations"] == {"snap": True, "rootless": ["/run/user/1000/docker.sock"]}


@pytest.mark.parametrize(
    ("init", "script", "options"),
    [
        ("sysvinit", "#!/bin/sh\n", "/etc/default/docker"),
        ("openrc", "#!/sbin/openrc-run\n", "/etc/conf.d/docker"),
        ("openrc", "#!/bin/sh\n", "/etc/default/docker"),
        ("openrc", "", "/etc/conf.d/docker"),
    ],
)
def test_hosts_without_systemd(
    site: Site, init: str, script: str, options: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (site.root / "run/systemd/system").rmdir()
    monkeypatch.setattr(scripts, "listening_pid", lambda: 42)
    if init == "openrc":
        site.folder("/run/openrc")
    if script:
        site.write("/etc/init.d/docker", script)
    site.write(options, "DOCKER_OPTS=\n")
    observation = site.observe()
    assert site.ran == []
    assert (observation["init"], observation["dockerd"]["pid"], observation["units"]) == (init, 42, {})
    assert options in observation["files"]
    assert ("/etc/init.d/docker" in observation["files"]) == bool(script)
    assert layout.UNITS not in observation["writable"]


@pytest.mark.parametrize("firewall", ["nftables", "firewalld", "ufw", "systemd", None])
def test_only_the_firewall_that_is_asked_for_is_read(
    site: Site, firewall: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    def read_firewalls(_files: t.Any, _run: t.Any, **asked: bool) -> dict[str, t.Any]:
        read.extend(name for name, is_asked in asked.items() if is_asked)
        return dict.fromkeys(FIREWALLS)

    monkeypatch.setattr(observe_module, "read_firewalls", read_firewalls)
    site.observe(firewall=firewall)
    assert read == [name for name in ("nft", "firewalld", "ufw") if firewall and firewall.startswith(name)]


@pytest.mark.parametrize(
    ("code", "filtering", "error"), [(0, True, None), (9, False, None), (1, None, "Failed to start transient unit")]
)
def test_filtering_is_tried_only_on_request(site: Site, code: int, filtering: bool | None, error: str | None) -> None:
    site.commands["systemd-run"] = (code, "", error or "")
    assert site.observe()["filtering"] is None
    assert len(site.ran) == 1
    observation = site.observe(filtering=True)
    assert (observation["filtering"], observation["filtering_error"]) == (filtering, error)


def test_names_are_resolved_except_interfaces(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observe_module, "interface_names", lambda: {7: "eth1"})
    monkeypatch.setattr(observe_module, "resolve", lambda name: {"addresses": [f"{name}'s"]})
    observation = observe(site.run, {"resolve": ["ETH1", "db.example"]}, root=str(site.root))
    assert observation["resolved"] == {"db.example": {"addresses": ["db.example's"]}}
    assert observation["interfaces"] == ["eth1"]


class TestKey:
    KEY: t.ClassVar[dict[str, t.Any]] = {
        "name": "0123456789abcdef",
        "key_type": "ecdsa_p256",
        "names": ["web1"],
        "new": False,
        "csr": False,
    }

    @pytest.fixture(autouse=True)
    def keys_made(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """Have no key made in fact; return where the requests' keys are."""
        requested: list[str] = []

        def make_csr(_run: t.Any, _openssl: t.Any, path: str, names: t.Sequence[str] = ()) -> str:
            requested.append(path)
            return f"CSR for {', '.join(names)}"

        monkeypatch.setattr(keys, "check_means", lambda _openssl: None)
        monkeypatch.setattr(keys, "make_key", lambda _run, _openssl, _type, path: Path(path).touch(0o600))
        monkeypatch.setattr(keys, "make_csr", make_csr)
        monkeypatch.setattr(layout, "PENDING_KEYS", str(tmp_path / "pending"))
        return requested

    def test_a_new_key_waits_under_the_name(self, site: Site, keys_made: list[str]) -> None:
        for _time in range(2):
            request = site.observe(key=self.KEY)["request"]
            assert request == {"csr": "CSR for web1", "pending": "0123456789abcdef"}
        assert keys_made == [f"{site.root}/pending/0123456789abcdef.pem"] * 2

    def test_the_key_in_place_is_used_again(self, site: Site, keys_made: list[str]) -> None:
        site.write(layout.KEY)
        site.write(layout.CERTIFICATE)
        assert site.observe(key=self.KEY)["request"] is None
        assert site.observe(key={**self.KEY, "csr": True})["request"] == {"csr": "CSR for web1", "pending": None}
        assert keys_made == [layout.KEY]
        assert site.observe(key={**self.KEY, "new": True})["request"]["pending"]

    def test_check_mode_makes_no_key(self, site: Site, keys_made: list[str]) -> None:
        assert site.observe(check_mode=True, key=self.KEY)["request"] is None
        assert keys_made == []


def test_a_user_without_rights_is_refused(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(Failure) as caught:
        site.observe()
    assert caught.value.key == "not_root"


def test_what_is_no_file_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "null").symlink_to("/dev/null")
    files = Files(str(tmp_path))
    assert [files.read(path) for path in ("/fifo", "/null", "/", "/gone")] == [b"", b"", None, None]
    described = files.describe("/null")
    assert described is not None
    assert described["link"]
