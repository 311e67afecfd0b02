# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command that signs belongs to the fleet: no host brings another one."""

from __future__ import annotations

import stat
import typing as t
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared.dependency import x509
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.ensure import ensure_bundles
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.fleet import Fleet, Settings
from ansible_collections.gangway.docker.plugins.plugin_utils._pki import clock
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.chain import as_pem
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.profile import Signer, client_certificate


class Company:
    """A CA elsewhere, and what it was asked by."""

    def __init__(self, folder: Path, signer: Signer) -> None:
        self.signer = signer
        self.folder = folder
        self.commands: list[str] = []
        self.ca = folder / "company.pem"
        self.ca.write_bytes(as_pem([signer.certificate]))

    @property
    def file(self) -> Path:
        return self.folder / "fleets" / "default" / "sign_command"

    def sign(self, words: t.Sequence[str], stdin: bytes, environment: t.Mapping[str, str]) -> tuple[int, bytes, bytes]:
        self.commands.append(" ".join(words))
        if words[0] != "ask":
            return 1, b"", b"no such command"
        certificate = client_certificate(
            x509.load_pem_x509_csr(stdin).public_key(),
            common_name=environment["GANGWAY_NAME"],
            signer=self.signer,
            validity=Settings().validity,
            now=clock.now(),
        )
        return 0, as_pem([certificate]), b""

    def ensure(self, *clients: str, check_mode: bool = False, **settings: t.Any) -> list[str]:
        """Make these clients; return the commands that were run."""
        self.commands.clear()
        fleet = Fleet(
            str(self.folder / "fleets"), "default", Settings(**settings), check_mode=check_mode, run=self.sign
        )
        ensure_bundles(fleet, clients, [])
        return self.commands

    def refuse(self, *clients: str, **settings: t.Any) -> str:
        with pytest.raises(Failure) as failure:
            self.ensure(*clients, **settings)
        return failure.value.key


@pytest.fixture
def company(tmp_path: Path, make_signer: t.Callable[..., Signer]) -> Company:
    return Company(tmp_path, make_signer(common_name="company"))


@pytest.fixture
def exposed(company: Company) -> Company:
    """One whose first client is there."""
    company.ensure("ci", authority_certificate=str(company.ca), sign_command="ask one")
    return company


def test_the_first_run_that_names_one_records_it(exposed: Company) -> None:
    assert exposed.file.read_text() == "ask one\n"
    assert stat.S_IMODE(exposed.file.stat().st_mode) == 0o600


def test_from_then_on_nobody_has_to_name_it(exposed: Company) -> None:
    assert exposed.ensure("bob") == ["ask one"]
    assert exposed.ensure("eve", authority_certificate=str(exposed.ca)) == ["ask one"]
    assert exposed.ensure("eve", sign_command="ask one") == []


@pytest.mark.parametrize("clients", [["ci"], ["bob"]], ids=["nothing due", "one due"])
def test_another_one_is_refused_and_not_run(exposed: Company, clients: list[str]) -> None:
    for check_mode in (True, False):
        given = {"sign_command": "ask two", "authority_certificate": str(exposed.ca), "check_mode": check_mode}
        assert exposed.refuse(*clients, **given) == "sign_command_differs"
    assert exposed.commands == []
    assert exposed.file.read_text() == "ask one\n"


def test_one_that_has_changed_is_recorded_once_the_file_is_gone(exposed: Company) -> None:
    exposed.file.unlink()
    assert exposed.ensure("bob", sign_command="ask two") == ["ask two"]
    assert exposed.file.read_text() == "ask two\n"


def test_a_fleet_of_an_earlier_release_records_it_though_nothing_is_due(exposed: Company) -> None:
    exposed.file.unlink()
    assert exposed.ensure("ci", sign_command="ask one", check_mode=True) == []
    assert not exposed.file.exists()
    assert exposed.ensure("ci", sign_command="ask one") == []
    assert exposed.file.read_text() == "ask one\n"


def test_one_that_does_not_work_is_not_recorded(company: Company) -> None:
    mine = {"authority_certificate": str(company.ca)}
    assert company.refuse("ci", sign_command="typo", **mine) == "sign_command_failed"
    assert company.ensure("ci", sign_command="ask one", **mine) == ["ask one"]


def test_an_authority_whose_key_is_here_has_none(company: Company) -> None:
    company.ensure("ci")
    company.file.write_text("ask one\n")
    assert company.ensure("bob") == []
