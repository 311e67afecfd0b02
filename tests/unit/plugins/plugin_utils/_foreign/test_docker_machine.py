# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Machines of docker-machine. The recorded files have the fields that docker-machine 0.16 writes for each driver."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.plugin_utils._foreign.docker_machine import (
    machine_names,
    parse_machine,
    read_machine,
)
from ansible_collections.gangway.docker.plugins.plugin_utils._foreign.endpoint import BundleFiles
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.chain import as_pem
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.profile import Signer

RECORDED = Path(__file__).parent / "machines"
STORE = Path("/home/ci/.docker/machine")


@pytest.mark.parametrize(
    ("driver", "url"),
    [
        ("none", "tcp://10.0.0.7:2376"),
        ("generic", "tcp://10.0.0.8:9002"),
        ("azure", "tcp://10.0.0.9:2377"),
        ("virtualbox", "tcp://192.168.99.100:2376"),
        ("digitalocean", "tcp://[2001:db8::5]:2376"),
    ],
)
def test_the_url_is_the_one_that_the_driver_would_give(driver: str, url: str) -> None:
    machine = parse_machine((RECORDED / f"{driver}.json").read_bytes())
    assert machine.url == url
    assert machine.files == BundleFiles.in_folder(STORE / "certs")
    assert machine.server == STORE / "machines" / driver / "server.pem"


def _changed(**changes: t.Any) -> bytes:
    return json.dumps({**json.loads((RECORDED / "generic.json").read_bytes()), **changes}).encode()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ((RECORDED / "stopped.json").read_bytes(), "no address"),
        (b"", "not JSON"),
        (b"[]", "ConfigVersion"),
        (_changed(ConfigVersion=1), "ConfigVersion"),
        (_changed(ConfigVersion=4), "ConfigVersion"),
        (_changed(Driver="generic"), "Driver"),
        (_changed(HostOptions=None), "HostOptions"),
        (_changed(HostOptions={"AuthOptions": {"CaCertPath": 1}}), "CaCertPath"),
        (_changed(Driver={"IPAddress": ["hunter2"]}), "no address"),
    ],
)
def test_what_is_no_machine_is_refused(content: bytes, told: str) -> None:
    with pytest.raises(ValueError, match=told) as error:
        parse_machine(content)
    # What drivers keep there, some of it to pay with.
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize(
    "driver", [{"URL": "unix:///var/run/docker.sock"}, {"IPAddress": "10.0.0.8", "EnginePort": "hunter2"}]
)
def test_a_url_that_is_none_is_refused(driver: dict[str, t.Any]) -> None:
    with pytest.raises(Failure) as error:
        parse_machine(_changed(Driver=driver))
    assert error.value.key == "invalid_url"


def test_the_machines_own_bundle_comes_first(tmp_path: Path, signer: Signer) -> None:
    """docker-machine env names the machine's folder, too. With the driver none, it has no files there."""
    folder = tmp_path / "generic"
    folder.mkdir()
    content = json.loads((RECORDED / "generic.json").read_bytes())
    content["HostOptions"]["AuthOptions"]["ServerCertPath"] = str(folder / "server.pem")
    (folder / "config.json").write_text(json.dumps(content))
    (folder / "server.pem").write_bytes(as_pem((signer.certificate,)))
    before = read_machine(folder)
    assert before.files == BundleFiles.in_folder(STORE / "certs")
    assert before.server == (signer.certificate,)
    for name in ("ca.pem", "cert.pem", "key.pem"):
        (folder / name).touch()
    assert read_machine(folder).files == BundleFiles.in_folder(folder)


def test_a_machine_without_its_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "web1").mkdir()
    with pytest.raises(Failure, match="No such file") as error:
        read_machine(tmp_path / "web1")
    assert error.value.key == "machine_unreadable"


def test_machines_are_the_folders_that_docker_machine_lists(tmp_path: Path) -> None:
    for name in ("web2", "web1", ".hidden"):
        (tmp_path / name).mkdir()
    (tmp_path / "file").touch()
    assert machine_names(tmp_path) == ["web1", "web2"]
    with pytest.raises(Failure) as error:
        machine_names(tmp_path / "nowhere")
    assert error.value.key == "machines_missing"
