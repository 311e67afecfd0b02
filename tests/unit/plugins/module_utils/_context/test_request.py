# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docker_context from end to end, in a folder: what is made, kept, refreshed and removed, and what a diff shows."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import typing as t
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._account.account import Account
from ansible_collections.gangway.docker.plugins.module_utils._context import machine as machine_module
from ansible_collections.gangway.docker.plugins.module_utils._context import request
from ansible_collections.gangway.docker.plugins.module_utils._context.request import ARGUMENT_SPEC, run_docker_context
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.ensure import ensure_bundles, ensure_client
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.fleet import Fleet

DEFAULTS = {name: option.get("default") for name, option in ARGUMENT_SPEC.items()}
URL = "tcp://10.0.0.5:2376"


@dataclass
class Machine:
    """A docker command's folder, and two clients of a fleet."""

    folder: Path
    fleet: Fleet

    @property
    def config(self) -> Path:
        return self.folder / ".docker"

    @property
    def config_json(self) -> Path:
        return self.config / "config.json"

    def meta(self, name: str = "web1") -> Path:
        return self.config / "contexts" / "meta" / hashlib.sha256(name.encode()).hexdigest() / "meta.json"

    def tls(self, name: str = "web1") -> Path:
        return self.config / "contexts" / "tls" / hashlib.sha256(name.encode()).hexdigest() / "docker"

    def bundle(self, client: str = "ci") -> dict[str, str]:
        folder = self.fleet.client_folder(client)
        options = {"ca_path": "ca.pem", "client_cert": "cert.pem", "client_key": "key.pem"}
        return {option: str(folder / file) for option, file in options.items()}

    def run(self, name: str = "web1", *, check_mode: bool = False, **options: t.Any) -> dict[str, t.Any]:
        return run_docker_context(
            {**DEFAULTS, "name": name, "config_dir": str(self.config), **options}, check_mode=check_mode
        )

    def twice(self, name: str = "web1", **options: t.Any) -> dict[str, t.Any]:
        """Predict, run, and run again: the prediction holds, and the second run changes nothing."""
        before = self.listing()
        predicted = self.run(name, check_mode=True, **options)
        assert self.listing() == before
        done = self.run(name, **options)
        assert done == predicted
        again = self.run(name, **options)
        assert (again["changed"], again["actions"], again["diff"]) == (False, [], [])
        return done

    def listing(self) -> dict[str, tuple[int, bytes]]:
        paths = sorted(self.folder.rglob("*"))
        return {
            str(path): (stat.S_IMODE(path.lstat().st_mode), path.read_bytes() if path.is_file() else b"")
            for path in paths
            if "fleets" not in path.parts
        }


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    fleet = Fleet(str(tmp_path / "fleets"), "default")
    ensure_bundles(fleet, ["ci", "alice"], [])
    return Machine(tmp_path, fleet)


def test_a_context_is_made_refreshed_and_removed(machine: Machine) -> None:
    made = machine.twice(docker_host=URL, description="d", **machine.bundle())
    meta = json.loads(machine.meta().read_bytes())
    assert meta["Endpoints"] == {"docker": {"Host": URL, "SkipTLSVerify": False}}
    assert meta["Metadata"] == {"Description": "d"}
    modes = {path: mode for path, (mode, _content) in machine.listing().items() if "contexts" in path}
    assert {modes[str(machine.tls() / file)] for file in ("ca.pem", "cert.pem", "key.pem")} == {0o600}
    assert {mode for path, mode in modes.items() if Path(path).is_dir()} == {0o700}
    assert made["context"]["config"] == {
        "docker_host": URL,
        "tls": True,
        "validate_certs": True,
        "ca_path": f"{machine.tls()}/ca.pem",
        "client_cert": f"{machine.tls()}/cert.pem",
        "client_key": f"{machine.tls()}/key.pem",
    }

    refreshed = machine.twice(docker_host=URL, **machine.bundle("alice"))
    assert [action.rpartition("/")[2] for action in refreshed["actions"]] == ["key.pem", "cert.pem"]
    assert refreshed["context"]["fingerprint"] != made["context"]["fingerprint"]
    assert refreshed["context"]["description"] == "d", "what is not requested stays"
    moved = machine.twice(docker_host="tcp://10.0.0.6:2376", **machine.bundle("alice"))
    assert [action.rpartition("/")[2] for action in moved["actions"]] == ["meta.json"]

    removed = machine.twice(state="absent")
    assert len(removed["actions"]) == 2
    assert not any(path.is_file() for path in machine.config.rglob("*"))


def test_no_key_is_in_a_result_or_a_diff(machine: Machine) -> None:
    for options in ({"docker_host": URL, **machine.bundle()}, {"docker_host": URL, **machine.bundle("alice")}):
        shown = json.dumps(machine.run(export_to=str(machine.folder / "x"), **options))
        for client in ("ci", "alice"):
            key = (machine.fleet.client_folder(client) / "key.pem").read_text().splitlines()[1]
            assert key not in shown
            assert "PRIVATE" not in shown
    assert "certificate: " in shown


def test_plain_tcp_leaves_no_certificates(machine: Machine) -> None:
    machine.run(docker_host=URL, **machine.bundle())
    plain = machine.twice(docker_host="tcp://10.0.0.5:2375")
    assert not machine.tls().exists()
    assert plain["context"]["config"] == {"docker_host": "tcp://10.0.0.5:2375", "tls": False, "validate_certs": False}
    explicit = {"docker_host": "tcp://10.0.0.5:2375", "tls": False, "validate_certs": False}
    assert not machine.run(**explicit)["changed"]


def test_a_file_that_is_no_longer_requested_goes(machine: Machine) -> None:
    machine.run(docker_host=URL, **machine.bundle())
    machine.twice(docker_host=URL, ca_path=machine.bundle()["ca_path"])
    assert os.listdir(machine.tls()) == ["ca.pem"]
    unverified = machine.twice(docker_host=URL, tls=True, validate_certs=False)
    assert not machine.tls().exists()
    assert json.loads(machine.meta().read_bytes())["Endpoints"]["docker"]["SkipTLSVerify"] is True
    assert unverified["context"]["config"]["validate_certs"] is False


def test_the_current_context_is_set_and_the_rest_of_config_json_stays(machine: Machine) -> None:
    machine.config.mkdir()
    machine.config_json.write_text('{\n\t"auths": {"r": {"auth": "c2VjcmV0"}}\n}')
    machine.config_json.chmod(0o640)
    machine.run(docker_host=URL, **machine.bundle())
    used = machine.twice(current=True)
    assert machine.config_json.read_text() == (
        '{\n\t"auths": {"r": {"auth": "c2VjcmV0"}},\n\t"currentContext": "web1"\n}'
    )
    assert stat.S_IMODE(machine.config_json.stat().st_mode) == 0o640
    assert "c2VjcmV0" not in json.dumps(used), "logins of registries are nobody's business"
    assert used["diff"][0]["after"] == "currentContext: web1\n"

    with pytest.raises(Failure) as error:
        machine.run(state="absent")
    assert error.value.key == "context_in_use"
    assert machine.meta().exists()
    machine.twice("default", current=True)
    assert machine.config_json.read_text() == '{\n\t"auths": {"r": {"auth": "c2VjcmV0"}}\n}'
    machine.run(current=True)
    machine.twice(current=False)
    machine.run(current=True)
    machine.twice(state="absent", force=True)
    assert machine.config_json.read_text() == '{\n\t"auths": {"r": {"auth": "c2VjcmV0"}}\n}'


def test_a_config_json_that_is_a_link_stays_one(machine: Machine) -> None:
    machine.config.mkdir()
    (machine.folder / "dotfiles").mkdir()
    (machine.folder / "dotfiles" / "docker.json").write_text("{}")
    machine.config_json.symlink_to("../dotfiles/docker.json")
    machine.twice(docker_host=URL, current=True)
    assert machine.config_json.is_symlink()
    assert json.loads((machine.folder / "dotfiles" / "docker.json").read_text()) == {"currentContext": "web1"}


def test_a_context_goes_out_and_comes_back(machine: Machine) -> None:
    archive = machine.folder / "web1.dockercontext"
    machine.twice(docker_host=URL, description="d", export_to=str(archive), **machine.bundle())
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    content = archive.read_bytes()
    machine.twice("copy", import_from=str(archive))
    assert (machine.tls("copy") / "key.pem").read_bytes() == (machine.tls() / "key.pem").read_bytes()
    assert json.loads(machine.meta("copy").read_bytes())["Name"] == "copy"
    assert json.loads(machine.meta("copy").read_bytes())["Metadata"] == {"Description": "d"}

    machine.run(docker_host=URL, export_to=str(archive), **machine.bundle("alice"))
    assert archive.read_bytes() != content, "an export follows its context"
    archive.write_text("my notes")
    with pytest.raises(Failure) as error:
        machine.run(export_to=str(archive))
    assert error.value.key == "export_taken"
    assert archive.read_text() == "my notes"


def test_fields_of_others_stay(machine: Machine) -> None:
    machine.run(docker_host=URL)
    meta = json.loads(machine.meta().read_bytes())
    meta["Metadata"]["Other"] = {"a": 1}
    meta["Endpoints"]["kubernetes"] = {"x": "y"}
    machine.meta().write_text(json.dumps(meta, indent=2))
    assert not machine.run(docker_host=URL)["changed"], "however it is written"
    machine.twice(docker_host="tcp://other:2376", description="new")
    after = json.loads(machine.meta().read_bytes())
    assert after["Metadata"] == {"Other": {"a": 1}, "Description": "new"}
    assert after["Endpoints"]["kubernetes"] == {"x": "y"}
    machine.twice(description="")
    assert json.loads(machine.meta().read_bytes())["Metadata"] == {"Other": {"a": 1}}


@pytest.mark.parametrize(
    ("options", "failure"),
    [
        ({"name": "w"}, "context_name_invalid"),
        ({"name": "default", "state": "absent"}, "context_name_invalid"),
        ({"name": "default", "docker_host": URL}, "context_name_invalid"),
        ({"description": "d"}, "context_missing"),
        ({"current": True}, "context_missing"),
        ({"docker_host": URL, "validate_certs": True}, "context_without_ca"),
        ({"docker_host": URL, "tls": True}, "context_without_ca"),
        ({"docker_host": URL, "ca_path": "/nonexistent"}, "file_unreadable"),
        ({"docker_host": URL, "ca_path": "/dev/null"}, "file_unreadable"),
        ({"docker_host": URL, "ca_path": "ca.pem"}, "invalid_path"),
        ({"docker_host": URL, "ca_path": "/etc/hostname"}, "certificate_unreadable"),
        ({"import_from": "/etc/hostname"}, "context_archive_invalid"),
        ({"user": "nobody-has-this-name"}, "user_missing"),
    ],
)
@pytest.mark.parametrize("check_mode", [True, False])
def test_what_is_refused_and_nothing_is_made(
    machine: Machine, options: dict[str, t.Any], failure: str, check_mode: bool
) -> None:
    with pytest.raises(Failure) as error:
        machine.run(check_mode=check_mode, **options)
    assert error.value.key == failure
    assert not machine.config.exists()


@pytest.mark.parametrize("check_mode", [True, False])
def test_certificate_and_key_of_two_clients_are_refused(machine: Machine, check_mode: bool) -> None:
    mixed = {**machine.bundle(), "client_key": machine.bundle("alice")["client_key"]}
    with pytest.raises(Failure) as error:
        machine.run(check_mode=check_mode, docker_host=URL, **mixed)
    assert error.value.key == "bundle_mismatch"
    assert not machine.config.exists()


def test_a_damaged_context_goes_by_force_only(machine: Machine) -> None:
    machine.run(docker_host=URL, **machine.bundle())
    machine.meta().write_text("{")
    for options in ({"docker_host": URL}, {"state": "absent"}):
        with pytest.raises(Failure) as error:
            machine.run(**options)
        assert error.value.key == "context_unreadable"
    machine.twice(docker_host=URL, force=True, **machine.bundle())
    machine.meta().write_text("{")
    machine.twice(state="absent", force=True)
    assert not machine.meta().parent.exists()


def test_a_link_in_the_store_is_not_followed(machine: Machine) -> None:
    machine.run(docker_host=URL, **machine.bundle())
    precious = machine.folder / "precious"
    precious.mkdir()
    (precious / "file").write_text("theirs")
    (machine.tls() / "key.pem").unlink()
    (machine.tls() / "key.pem").symlink_to(precious / "file")
    machine.twice(docker_host=URL, **machine.bundle())
    assert not (machine.tls() / "key.pem").is_symlink()
    for path in machine.tls().iterdir():
        path.unlink()
    machine.tls().rmdir()
    machine.tls().parent.rmdir()
    machine.tls().parent.symlink_to(precious)
    machine.run(state="absent")
    assert not machine.tls().parent.is_symlink()
    assert (precious / "file").read_text() == "theirs"


def test_the_folder_is_as_the_docker_command_finds_it(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(machine.folder / "elsewhere"))
    machine.run(docker_host=URL, config_dir=None)
    assert (machine.folder / "elsewhere" / "contexts" / "meta").is_dir()
    monkeypatch.chdir(machine.folder)
    monkeypatch.setenv("DOCKER_CONFIG", "beside")
    machine.run(docker_host=URL, config_dir=None)
    assert (machine.folder / "beside" / "contexts" / "meta").is_dir()
    monkeypatch.delenv("DOCKER_CONFIG")
    monkeypatch.setenv("HOME", str(machine.folder))
    machine.run(docker_host=URL, config_dir=None)
    assert machine.meta().exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")
def test_root_reads_and_writes_as_the_user(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in (machine.folder, *machine.folder.parents):
        if folder != Path("/tmp") and str(folder).startswith("/tmp/"):
            folder.chmod(0o755)
    home, roots = machine.folder / "home", machine.folder / "roots"
    home.mkdir()
    roots.mkdir()
    os.chown(home, 65534, 65534)
    # DOCKER_CONFIG is root's, and of no meaning to another user.
    monkeypatch.setenv("DOCKER_CONFIG", str(roots))
    account = Account("nobody", 65534, 65534, str(home))
    with mock.patch.object(request, "context_account", return_value=account):
        with pytest.raises(Failure) as error:
            machine.run(docker_host=URL, config_dir=None, ca_path="/etc/shadow")
        assert error.value.key == "file_unreadable"
        machine.run(docker_host=URL, config_dir=None, current=True)
        assert {path.stat().st_uid for path in (home / ".docker").rglob("*")} == {65534}
        # What would lead root into a folder of root's.
        machine.run(state="absent", force=True, config_dir=None)
        (home / ".docker" / "contexts" / "meta").rmdir()
        (home / ".docker" / "contexts" / "meta").symlink_to(roots)
        with pytest.raises(Failure) as error:
            machine.run(docker_host=URL, config_dir=None)
    assert error.value.key == "folder_not_writable"
    assert os.listdir(roots) == []


def test_folders_that_another_task_makes_meanwhile_are_no_trouble(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = machine_module.make_folder

    def make_as_another_did(path: str, account: Account) -> None:
        os.makedirs(path, exist_ok=True)
        make(path, account)

    monkeypatch.setattr(machine_module, "make_folder", make_as_another_did)
    assert machine.run(docker_host=URL)["changed"]
    assert machine.meta().exists()


def test_a_renewed_bundle_is_copied_again(machine: Machine) -> None:
    machine.run(docker_host=URL, **machine.bundle())
    (machine.fleet.client_folder("ci") / "cert.pem").unlink()
    ensure_client(machine.fleet, "ci")
    assert machine.twice(docker_host=URL, **machine.bundle())["changed"]
