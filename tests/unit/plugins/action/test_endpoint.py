# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action plugin endpoint, and what the others do about daemons that others expose."""

from __future__ import annotations

import json
import shutil
import stat
import typing as t
from pathlib import Path

import pytest
from ansible.errors import AnsibleError

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.plugin_utils._endpoint.connection import bundle_of
from ansible_collections.gangway.docker.plugins.plugin_utils._endpoint.ownership import remove_records
from ansible_collections.gangway.docker.plugins.plugin_utils._endpoint.record import (
    EndpointRecord,
    read_own_record,
    read_record,
    read_records,
    record_path,
)
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.authority_making import ensure_authority
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.ensure import ensure_client
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.fleet import Fleet
from ansible_collections.gangway.docker.plugins.plugin_utils._identity.other_hosts import OtherHosts

from .listener_site import EXPOSED, Site

MACHINES = Path(__file__).parents[1] / "plugin_utils" / "_foreign" / "machines"
URL = "tcp://build1:2376"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A client's bundle that another authority has signed, as another tool left it."""
    other = Fleet(str(tmp_path / "other"), "theirs")
    ensure_authority(other)
    ensure_client(other, "ci")
    return Path(shutil.copytree(other.client_folder("ci"), tmp_path / "bundle"))


@pytest.fixture
def machines(tmp_path: Path, bundle: Path) -> Path:
    """docker-machine's folder: generic with a bundle of its own, none without, and one that was stopped."""
    folder = tmp_path / "machines"
    for name in ("generic", "none", "stopped"):
        (folder / name).mkdir(parents=True)
        config = json.loads((MACHINES / f"{name}.json").read_bytes())
        paths = zip(("CaCertPath", "ClientCertPath", "ClientKeyPath"), ("ca.pem", "cert.pem", "key.pem"))
        config["HostOptions"]["AuthOptions"].update({option: str(bundle / file) for option, file in paths})
        config["HostOptions"]["AuthOptions"]["ServerCertPath"] = str(folder / name / "server.pem")
        (folder / name / "config.json").write_text(json.dumps(config))
    for file in bundle.iterdir():
        shutil.copy(file, folder / "generic")
    shutil.copy(bundle / "cert.pem", folder / "generic" / "server.pem")
    return folder


def _record(site: Site, *, check_mode: bool = False, **options: t.Any) -> dict[str, t.Any]:
    return site.act("endpoint", check_mode=check_mode, **options)


def _by_url(bundle: Path, **options: t.Any) -> dict[str, t.Any]:
    return {"name": "build1", "url": URL, "cert_path": str(bundle), **options}


def _image(folder: Path) -> dict[str, tuple[int, bytes]]:
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != ".lock"]
    return {str(path): (path.stat().st_mode, path.read_bytes()) for path in files}


class TestRecording:
    def test_the_bundle_stays_where_it_is(self, site: Site, bundle: Path) -> None:
        result = _record(site, **_by_url(bundle))
        assert result["changed"]
        (facts,) = result["endpoints"]
        assert (facts["name"], facts["url"], facts["bundle"]) == ("build1", URL, str(bundle))
        record = read_record(site.fleet.endpoints_folder, "build1")
        assert record is not None
        assert record.foreign
        assert bundle_of(site.fleet, record) == bundle
        assert [name for name in site.files if name.endswith(".pem")] == []

    @pytest.mark.parametrize("copy", [False, True])
    def test_check_mode_predicts_and_a_second_run_changes_nothing(self, site: Site, bundle: Path, copy: bool) -> None:
        predicted = _record(site, check_mode=True, **_by_url(bundle, copy=copy))
        assert not site.fleets_dir.exists()
        done = _record(site, **_by_url(bundle, copy=copy))
        assert {**predicted, "invocation": 0} == {**done, "invocation": 0}
        before = _image(site.fleets_dir)
        again = _record(site, **_by_url(bundle, copy=copy))
        assert (again["changed"], again["diff"]) == (False, [])
        assert _image(site.fleets_dir) == before

    def test_a_copy_is_private_and_follows_the_original(self, site: Site, bundle: Path) -> None:
        result = _record(site, **_by_url(bundle, copy=True))
        folder = site.fleet.other_folder("build1")
        assert result["endpoints"][0]["bundle"] == str(folder)
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
            path.name: path.read_bytes() for path in bundle.iterdir()
        }
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE((folder / "key.pem").stat().st_mode) == 0o600
        assert (site.fleet.folder / ".gitignore").read_text() == "*\n"
        (folder / "key.pem").chmod(0o644)
        assert "key.pem is 0644" in _record(site, **_by_url(bundle, copy=True))["diff"][0]["after"]
        assert stat.S_IMODE((folder / "key.pem").stat().st_mode) == 0o600
        shutil.copy(bundle / "ca.pem", bundle / "cert.pem")
        assert _record(site, **_by_url(bundle, copy=True))["changed"]
        assert (folder / "cert.pem").read_bytes() == (bundle / "ca.pem").read_bytes()

    def test_no_key_is_in_what_is_returned_or_recorded(self, site: Site, bundle: Path) -> None:
        key = (bundle / "key.pem").read_text().splitlines()[1]
        result = _record(site, **_by_url(bundle, copy=True))
        assert key not in repr(result)
        assert key not in (site.fleet.endpoints_folder / "build1.json").read_text()

    def test_without_copy_the_copy_goes_and_the_original_stays(self, site: Site, bundle: Path) -> None:
        _record(site, **_by_url(bundle, copy=True))
        assert _record(site, **_by_url(bundle))["changed"]
        assert not site.fleet.other_folder("build1").exists()
        assert (bundle / "key.pem").exists()

    def test_the_copy_itself_can_be_named(self, site: Site, bundle: Path) -> None:
        """Else it would be removed as one that is not wanted any more."""
        _record(site, **_by_url(bundle, copy=True))
        folder = site.fleet.other_folder("build1")
        shutil.rmtree(bundle)
        assert not _record(site, **_by_url(folder))["changed"]
        assert (folder / "key.pem").exists()

    def test_files_of_other_names_need_a_copy(self, site: Site, bundle: Path) -> None:
        for name in ("ca", "cert", "key"):
            (bundle / f"{name}.pem").rename(bundle / f"my-{name}.pem")
        files = {"ca_path": "my-ca.pem", "client_cert": "my-cert.pem", "client_key": "my-key.pem"}
        options = {"name": "build1", "url": URL, **{name: str(bundle / file) for name, file in files.items()}}
        assert _record(site, **options)["failure"] == "bundle_scattered"
        assert _record(site, **options, copy=True)["changed"]
        copied = {path.name for path in site.fleet.other_folder("build1").iterdir()}
        assert copied == {"ca.pem", "cert.pem", "key.pem"}

    def test_a_daemon_without_tls_has_no_bundle(self, site: Site) -> None:
        result = _record(site, name="lab", url="tcp://lab:2375", tls=False)
        assert (result["endpoints"][0]["tls"], result["endpoints"][0]["bundle"]) == (False, None)

    def test_a_change_is_shown_as_before_and_after(self, site: Site, bundle: Path) -> None:
        _record(site, **_by_url(bundle))
        (diff,) = _record(site, **_by_url(bundle, url="tcp://build1:9002"))["diff"]
        assert f"url: {URL}\n" in diff["before"]
        assert "url: tcp://build1:9002\n" in diff["after"]

    @pytest.mark.parametrize(
        ("options", "failure"),
        [
            ({"url": "tcp://build1"}, "invalid_url"),
            ({"url": None}, "invalid_url"),
            ({"name": "../x"}, "invalid_name"),
            ({"cert_path": None}, "bundle_missing"),
            ({"tls": False}, "bundle_unneeded"),
            ({"cert_path": "/nowhere"}, "file_unreadable"),
        ],
    )
    def test_what_could_not_work_is_refused(
        self, site: Site, bundle: Path, options: dict[str, t.Any], failure: str
    ) -> None:
        given = {name: value for name, value in _by_url(bundle, **options).items() if value is not None}
        result = _record(site, **given)
        assert (result["failed"], result["failure"]) == (True, failure)
        assert not site.fleet.endpoints_folder.exists()

    def test_a_certificate_that_is_none_is_refused(self, site: Site, bundle: Path) -> None:
        (bundle / "ca.pem").write_text("no certificate")
        assert _record(site, **_by_url(bundle))["failure"] == "certificate_unreadable"

    @pytest.mark.parametrize(
        "options",
        [{}, {"name": "x", "machines": "/x"}, {"machines": "/x", "cert_path": "/x"}, {"name": "x", "ca_path": "/x"}],
    )
    def test_options_that_do_not_go_together_are_refused(self, site: Site, options: dict[str, t.Any]) -> None:
        with pytest.raises(AnsibleError):
            _record(site, **options)


class TestForgetting:
    @pytest.mark.parametrize("copy", [False, True])
    def test_the_record_and_the_copy_go(self, site: Site, bundle: Path, copy: bool) -> None:
        _record(site, **_by_url(bundle, copy=copy))
        predicted = _record(site, check_mode=True, name="build1", state="absent")
        assert read_record(site.fleet.endpoints_folder, "build1") is not None
        done = _record(site, name="build1", state="absent")
        assert (predicted["diff"], predicted["changed"]) == (done["diff"], True)
        assert read_record(site.fleet.endpoints_folder, "build1") is None
        assert not site.fleet.other_folder("build1").exists()
        assert (bundle / "key.pem").exists()
        assert not _record(site, name="build1", state="absent")["changed"]

    def test_a_daemon_that_the_fleet_exposes_is_no_other(self, site: Site, bundle: Path) -> None:
        site.run(**EXPOSED)
        before = _image(site.fleets_dir)
        assert _record(site, name="web1", state="absent")["failure"] == "endpoint_exposed"
        assert _record(site, **_by_url(bundle, name="web1"))["failure"] == "endpoint_exposed"
        assert _image(site.fleets_dir) == before


class TestMachines:
    def test_all_that_can_be_used_are_recorded(self, site: Site, machines: Path, bundle: Path) -> None:
        predicted = _record(site, check_mode=True, machines=str(machines))
        done = _record(site, machines=str(machines))
        assert predicted["endpoints"] == done["endpoints"]
        assert [(each["name"], each["url"], each["bundle"]) for each in done["endpoints"]] == [
            ("generic", "tcp://10.0.0.8:9002", str(machines / "generic")),
            ("none", "tcp://10.0.0.7:2376", str(bundle)),
        ]
        assert done["endpoints"][0]["not_after"]
        assert [each["name"] for each in done["skipped_machines"]] == ["stopped"]
        assert "stopped" in done["warnings"][0]
        again = _record(site, machines=str(machines))
        assert (again["changed"], again["diff"]) == (False, [])

    def test_none_of_their_secrets_is_told(self, site: Site, machines: Path) -> None:
        assert "hunter2" not in repr(_record(site, machines=str(machines)))

    def test_they_are_forgotten_together(self, site: Site, machines: Path) -> None:
        _record(site, machines=str(machines))
        assert _record(site, machines=str(machines), state="absent")["changed"]
        assert read_records(site.fleet.endpoints_folder, foreign=True) == []

    def test_one_of_an_exposed_hosts_name_keeps_no_other_away(self, site: Site, machines: Path) -> None:
        site.run(**EXPOSED)
        (machines / "generic").rename(machines / "web1")
        result = _record(site, machines=str(machines))
        assert [each["name"] for each in result["endpoints"]] == ["none"]
        assert result["skipped_machines"][1]["failure"] == "endpoint_exposed"

    def test_a_folder_that_is_not_there_is_an_error(self, site: Site, tmp_path: Path) -> None:
        assert _record(site, machines=str(tmp_path / "nowhere"))["failure"] == "machines_missing"


class TestOthersPassOver:
    """What the fleet does to its own endpoints."""

    @pytest.fixture
    def foreign(self, site: Site, bundle: Path) -> EndpointRecord:
        """Under the name of the host that dockerd_listener is run for, and at its address."""
        _record(site, **_by_url(bundle, name="web1", url="tcp://10.0.0.5:2376", copy=True))
        record = read_record(site.fleet.endpoints_folder, "web1")
        assert record is not None
        return record

    @pytest.mark.usefixtures("foreign")
    def test_a_renewal(self, site: Site) -> None:
        result = site.run(state="renewed")
        assert not result["changed"]
        assert "endpoint of others" in result["warnings"][0]

    def test_a_withdrawal(self, site: Site, foreign: EndpointRecord) -> None:
        result = site.run(state="absent")
        assert "endpoint of others" in result["warnings"][0]
        remove_records(site.fleet, "web1", "10.0.0.5")
        assert read_record(site.fleet.endpoints_folder, "web1") == foreign

    def test_a_record_that_can_not_be_read_stops_no_withdrawal(self, site: Site) -> None:
        site.run(**EXPOSED)
        path = record_path(site.fleet.endpoints_folder, "web1")
        path.write_text("{")
        assert site.run(state="absent")["changed"]
        assert not path.exists()

    @pytest.mark.usefixtures("foreign")
    def test_a_rotation_and_a_revocation(self, site: Site) -> None:
        ensure_authority(site.fleet)
        for name in ("ci", "bob"):
            ensure_client(site.fleet, name)
        for state in ("revoked", "enforced"):
            result = site.act("client_revocation", clients=["bob"], state=state)
            assert (result["endpoints"], result["foreign"]) == ([], ["web1"])
        for step in ("begin", "drop", "end"):
            result = site.act("authority_rotation", step=step)
            assert not result.get("failed"), result
        assert result["phase"] == ""

    def test_other_hosts_may_have_the_address(self, site: Site, foreign: EndpointRecord) -> None:
        others = OtherHosts("web2", site.fleet.endpoints_folder, {})
        others.check([], ["10.0.0.5"])
        assert others.without(["10.0.0.5"]) == ["10.0.0.5"]
        assert read_own_record(site.fleet.endpoints_folder, foreign.name) is None

    def test_an_exposure_replaces_the_record_and_removes_the_copy(self, site: Site, foreign: EndpointRecord) -> None:
        assert foreign.bundle is not None
        result = site.run(**EXPOSED)
        assert any("replaces this record" in warning for warning in result["warnings"])
        assert not site.record.foreign
        assert not Path(foreign.bundle).exists()
        assert site.run(**EXPOSED)["warnings"] == []

    def test_a_client_of_the_fleet_is_not_for_it(self, site: Site, foreign: EndpointRecord) -> None:
        with pytest.raises(Failure) as error:
            bundle_of(site.fleet, foreign, "ci")
        assert error.value.key == "endpoint_foreign"
