# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lookup, found and run as templates do it."""

from __future__ import annotations

import shutil
import typing as t
from pathlib import Path

import pytest
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import lookup_loader
from ansible.template import Templar

from ansible_collections.gangway.docker.plugins.module_utils._shared.formats import FORMATS, Connection, render
from ansible_collections.gangway.docker.plugins.plugin_utils._endpoint.record import EndpointRecord, write_record
from ansible_collections.gangway.docker.plugins.plugin_utils._endpoint.shells import (
    SHELLS,
    render_for_shell,
    render_unset,
)
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.authority_making import ensure_authority
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.ensure import ensure_client
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.fleet import Fleet
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.chain import try_chain
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.freshness import not_after_of


@pytest.fixture(scope="module")
def fleets_dir(tmp_path_factory: pytest.TempPathFactory, make_record: t.Callable[..., EndpointRecord]) -> Path:
    """Fleet default: web1 and web2 are exposed, clients admin and ci exist. Fleet lab: web1, at another address."""
    fleets_dir = tmp_path_factory.mktemp("fleets")
    for fleet_name, host, url in (
        ("default", "web1", "tcp://10.0.0.1:2376"),
        ("default", "web 2", "tcp://10.0.0.2:12376"),
        ("lab", "web1", "tcp://[2001:db8::1]:2376"),
    ):
        fleet = Fleet(str(fleets_dir), fleet_name)
        ensure_authority(fleet)
        for client in ("admin", "ci"):
            ensure_client(fleet, client)
        record = make_record(name=host, url=url, fleet=fleet_name, client="admin")
        write_record(fleet.endpoints_folder, record)
    return fleets_dir


def _look_up(*terms: str, fleets_dir: Path, **options: t.Any) -> list[t.Any]:
    return _run(list(terms), {}, fleets_dir=str(fleets_dir), **options)


def _run(terms: list[str], variables: dict[str, t.Any], **options: t.Any) -> list[t.Any]:
    loader = DataLoader()
    plugin = lookup_loader.get("gangway.docker.docker_host", loader, Templar(loader, variables=variables))
    found: list[t.Any] = plugin.run(terms, variables=variables, **options)
    return found


def test_home_and_fleet_come_from_the_roles_variables(fleets_dir: Path) -> None:
    variables = {"expose_fleets_dir": str(fleets_dir), "expose_fleet": "default"}
    assert _run(["web1"], variables, format="url") == _look_up("web1", fleets_dir=fleets_dir, format="url")


def test_a_host_does_not_say_where_the_fleets_are(fleets_dir: Path) -> None:
    facts = {"expose_fleets_dir": str(fleets_dir)}
    with pytest.raises(AnsibleError, match="option_from_facts"):
        _run(["web1"], {**facts, "ansible_facts": facts}, format="url")


def test_the_environment_is_given_unless_said_otherwise(fleets_dir: Path) -> None:
    assert _look_up("web1", fleets_dir=fleets_dir) == [
        {
            "DOCKER_HOST": "tcp://10.0.0.1:2376",
            "DOCKER_TLS_VERIFY": "1",
            "DOCKER_CERT_PATH": str(fleets_dir / "default" / "clients" / "admin"),
        }
    ]


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("env", {"DOCKER_HOST": "tcp://10.0.0.1:2376", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "{ci}"}),
        (
            "module_defaults",
            {
                "docker_host": "tcp://10.0.0.1:2376",
                "tls": True,
                "validate_certs": True,
                "ca_path": "{ci}/ca.pem",
                "client_cert": "{ci}/cert.pem",
                "client_key": "{ci}/key.pem",
            },
        ),
        (
            "argv",
            [
                "--host=tcp://10.0.0.1:2376",
                "--tlsverify",
                "--tlscacert={ci}/ca.pem",
                "--tlscert={ci}/cert.pem",
                "--tlskey={ci}/key.pem",
            ],
        ),
        ("url", "tcp://10.0.0.1:2376"),
        ("https_url", "https://10.0.0.1:2376"),
        ("files", {"ca": "{ci}/ca.pem", "cert": "{ci}/cert.pem", "key": "{ci}/key.pem"}),
    ],
)
def test_each_format_is_given_for_the_client_named(fleets_dir: Path, form: str, expected: t.Any) -> None:
    folder = str(fleets_dir / "default" / "clients" / "ci")
    if isinstance(expected, dict):
        expected = {k: v.replace("{ci}", folder) if isinstance(v, str) else v for k, v in expected.items()}
    elif isinstance(expected, list):
        expected = [word.replace("{ci}", folder) for word in expected]
    assert _look_up("web1", fleets_dir=fleets_dir, client="ci", format=form) == [expected]


def test_pem_is_what_is_in_the_files(fleets_dir: Path) -> None:
    (paths,) = _look_up("web1", fleets_dir=fleets_dir, client="ci", format="files")
    (contents,) = _look_up("web1", fleets_dir=fleets_dir, client="ci", format="pem")
    assert contents == {name: Path(path).read_text() for name, path in paths.items()}
    assert contents["key"].startswith("-----BEGIN PRIVATE KEY-----")


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shells_format_is_its_commands(fleets_dir: Path, shell: str) -> None:
    folder = str(fleets_dir / "default" / "clients" / "ci")
    (text,) = _look_up("web1", fleets_dir=fleets_dir, client="ci", format=shell)
    assert text == render_for_shell(Connection("tcp://10.0.0.1:2376", folder), "web1", shell)


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("terms", [(), ("web1",), ("nowhere",)])
def test_undoing_needs_no_host(tmp_path: Path, shell: str, terms: tuple[str, ...]) -> None:
    assert _look_up(*terms, fleets_dir=tmp_path, format=shell, unset=True) == [render_unset(shell)]


def test_what_changes_between_two_lookups_is_seen(tmp_path: Path, make_record: t.Callable[..., EndpointRecord]) -> None:
    """In one process, and within one tick of the clock by which files get their times."""
    fleet = Fleet(str(tmp_path), "default")
    ensure_authority(fleet)
    for client in ("ci", "bob"):
        ensure_client(fleet, client)
    certificates = [(fleet.client_folder(client) / "cert.pem").read_bytes() for client in ("ci", "bob")]
    for port in (2376, 2377, 2378):
        write_record(fleet.endpoints_folder, make_record(name="web1", url=f"tcp://10.0.0.1:{port}", client="ci"))
        (fleet.client_folder("ci") / "cert.pem").write_bytes(certificates[port % 2])
        (facts,) = _look_up("web1", fleets_dir=tmp_path, format="facts")
        assert facts["url"] == f"tcp://10.0.0.1:{port}"
        assert facts["client_not_after"] == not_after_of(try_chain(certificates[port % 2])[0])


class TestEndpointsOfOthers:
    @pytest.fixture
    def folder(self, tmp_path: Path, fleets_dir: Path, make_record: t.Callable[..., EndpointRecord]) -> Path:
        """The bundle of the only endpoint in these fleets."""
        folder = Path(shutil.copytree(fleets_dir / "lab" / "clients" / "ci", tmp_path / "bundle"))
        record = make_record(
            name="build1", url="tcp://build1:9002", client="", foreign=True, bundle=str(folder), issuer=None
        )
        write_record(Fleet(str(tmp_path), "default").endpoints_folder, record)
        return folder

    def test_their_own_bundle_is_in_each_format(self, tmp_path: Path, folder: Path) -> None:
        found = {form: _look_up("build1", fleets_dir=tmp_path, format=form)[0] for form in FORMATS}
        connection = Connection("tcp://build1:9002", str(folder))
        assert found == {form: render(connection, form) for form in FORMATS}
        for shell in SHELLS:
            rendered = render_for_shell(connection, "build1", shell)
            assert _look_up("build1", fleets_dir=tmp_path, format=shell) == [rendered]

    def test_their_facts_have_no_client_of_the_fleet(self, tmp_path: Path, folder: Path) -> None:
        (facts,) = _look_up("build1", fleets_dir=tmp_path, format="facts")
        assert (facts["client"], facts["cert_path"], facts["foreign"]) == (None, str(folder), True)
        assert facts["client_not_after"]

    @pytest.mark.parametrize(
        ("options", "failure"), [({"client": "ci"}, "endpoint_foreign"), ({"fleet": "other"}, "not_exposed")]
    )
    @pytest.mark.usefixtures("folder")
    def test_another_client_is_refused(self, tmp_path: Path, options: dict[str, str], failure: str) -> None:
        with pytest.raises(AnsibleError, match=rf"\[{failure}\]"):
            _look_up("build1", fleets_dir=tmp_path, **options)

    def test_a_bundle_that_is_gone_is_named(self, tmp_path: Path, folder: Path) -> None:
        shutil.rmtree(folder)
        with pytest.raises(AnsibleError, match=r"\[client_missing\]") as error:
            _look_up("build1", fleets_dir=tmp_path)
        assert str(folder) in str(error.value)


def test_several_hosts_give_one_answer_each_in_order(fleets_dir: Path) -> None:
    urls = _look_up("web 2", "web1", fleets_dir=fleets_dir, format="url")
    assert urls == ["tcp://10.0.0.2:12376", "tcp://10.0.0.1:2376"]
    assert _look_up(fleets_dir=fleets_dir) == []


def test_another_fleet_has_its_own_daemons_and_clients(fleets_dir: Path) -> None:
    (found,) = _look_up("web1", fleets_dir=fleets_dir, fleet="lab")
    assert found["DOCKER_HOST"] == "tcp://[2001:db8::1]:2376"
    assert found["DOCKER_CERT_PATH"] == str(fleets_dir / "lab" / "clients" / "admin")


@pytest.mark.parametrize("client", [{}, {"client": "mallory"}])
@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("env", {"DOCKER_HOST": "tcp://10.0.0.3:2375"}),
        ("module_defaults", {"docker_host": "tcp://10.0.0.3:2375", "tls": False, "validate_certs": False}),
        ("argv", ["--host=tcp://10.0.0.3:2375"]),
        ("url", "tcp://10.0.0.3:2375"),
        ("https_url", "http://10.0.0.3:2375"),
        ("files", {"ca": None, "cert": None, "key": None}),
        ("pem", {"ca": None, "cert": None, "key": None}),
    ],
)
def test_a_daemon_without_tls_needs_no_client(
    tmp_path: Path, plain: EndpointRecord, form: str, expected: t.Any, client: dict[str, str]
) -> None:
    assert _look_up("lab", fleets_dir=tmp_path, format=form, **client) == [expected]


def test_the_facts_of_a_daemon_without_tls_name_no_certificate(tmp_path: Path, plain: EndpointRecord) -> None:
    (facts,) = _look_up("lab", fleets_dir=tmp_path, format="facts")
    assert facts == {**plain.as_facts(), "client": None, "client_not_after": None, "cert_path": None}
    assert (facts["tls"], facts["url"]) == (False, "tcp://10.0.0.3:2375")


@pytest.fixture
def plain(tmp_path: Path, make_record: t.Callable[..., EndpointRecord]) -> EndpointRecord:
    """The only daemon of a fleet that has nothing else, no authority either."""
    record = make_record(name="lab", url="tcp://10.0.0.3:2375", tls=False, certificate="", client="")
    write_record(Fleet(str(tmp_path), "default").endpoints_folder, record)
    return record


@pytest.mark.parametrize(
    ("terms", "options", "failure_key", "told"),
    [
        (["web9"], {}, "not_exposed", "web9"),
        (["web1", "web9"], {}, "not_exposed", "web9"),
        (["web 2"], {"fleet": "lab"}, "not_exposed", "lab"),
        (["web1"], {"client": "mallory"}, "client_missing", "mallory"),
        (["web1"], {"client": "../ci"}, "invalid_name", "../ci"),
        (["web1"], {"fleet": "../default"}, "invalid_name", "../default"),
        (["web1"], {"unset": True}, "unset_unsupported", "env"),
    ],
)
def test_what_can_not_be_given_is_refused_with_its_key(
    fleets_dir: Path, terms: list[str], options: dict[str, t.Any], failure_key: str, told: str
) -> None:
    with pytest.raises(AnsibleError) as error:
        _look_up(*terms, fleets_dir=fleets_dir, **options)
    assert f"[{failure_key}]" in str(error.value)
    assert told in str(error.value)


def test_a_record_that_can_not_be_read_is_refused(tmp_path: Path) -> None:
    fleet = Fleet(str(tmp_path), "default")
    fleet.endpoints_folder.mkdir(parents=True)
    (fleet.endpoints_folder / "web1.json").write_text("{")
    with pytest.raises(AnsibleError, match=r"\[record_unreadable\]"):
        _look_up("web1", fleets_dir=tmp_path)


def test_a_format_that_is_none_is_refused(fleets_dir: Path) -> None:
    with pytest.raises(AnsibleError, match="yaml"):
        _look_up("web1", fleets_dir=fleets_dir, format="yaml")


def test_looking_up_writes_nothing(fleets_dir: Path) -> None:
    before = {path: path.lstat().st_mtime_ns for path in fleets_dir.rglob("*")}
    _look_up("web1", fleets_dir=fleets_dir)
    assert {path: path.lstat().st_mtime_ns for path in fleets_dir.rglob("*")} == before
