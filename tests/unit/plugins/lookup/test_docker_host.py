# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lookup, found and run as templates do it."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import lookup_loader
from ansible.template import Templar

from ansible_collections.gangway.docker.plugins.plugin_utils._endpoint.record import EndpointRecord, write_record
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.authority_making import ensure_authority
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.ensure import ensure_client
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.fleet import Fleet


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
    ],
)
def test_each_format_is_given_for_the_client_named(fleets_dir: Path, form: str, expected: t.Any) -> None:
    folder = str(fleets_dir / "default" / "clients" / "ci")
    if isinstance(expected, dict):
        expected = {k: v.replace("{ci}", folder) if isinstance(v, str) else v for k, v in expected.items()}
    elif isinstance(expected, list):
        expected = [word.replace("{ci}", folder) for word in expected]
    assert _look_up("web1", fleets_dir=fleets_dir, client="ci", format=form) == [expected]


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
    ],
)
def test_what_can_not_be_given_is_refused_with_its_key(
    fleets_dir: Path, terms: list[str], options: dict[str, str], failure_key: str, told: str
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
