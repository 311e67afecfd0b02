# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""tls_bundle's work: many identities in one call, and a result for each."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.ensure import BUNDLE_ARGUMENTS, ensure_bundles
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.fleet import Fleet, Settings

SERVERS = [{"name": "build1", "tls_sans": ["build1.example.com", "10.0.0.5"]}, {"name": "build2", "tls_sans": []}]


def test_everything_is_made_in_one_call_and_told_of(tmp_path: Path) -> None:
    result = ensure_bundles(Fleet(str(tmp_path), "default"), ["ci", "alice"], SERVERS)
    assert result["changed"] is True
    assert result["authority"]["kind"] == "authority"
    assert [(i["kind"], i["name"], i["tls_sans"], i["reason"]) for i in result["identities"]] == [
        ("client", "ci", [], "missing"),
        ("client", "alice", [], "missing"),
        ("server", "build1", ["build1.example.com", "10.0.0.5"], "missing"),
        ("server", "build2", ["build2"], "missing"),
    ]
    assert len(result["diff"]) == 5
    assert all(Path(identity["path"], "cert.pem").is_file() for identity in result["identities"])


def test_a_second_call_changes_nothing_and_shows_no_diff(tmp_path: Path) -> None:
    first = ensure_bundles(Fleet(str(tmp_path), "default"), ["ci"], SERVERS)
    second = ensure_bundles(Fleet(str(tmp_path), "default"), ["ci"], SERVERS)
    assert (second["changed"], second["diff"]) == (False, [])
    assert [i["fingerprint"] for i in first["identities"]] == [i["fingerprint"] for i in second["identities"]]


def test_one_new_client_is_the_only_change(tmp_path: Path) -> None:
    ensure_bundles(Fleet(str(tmp_path), "default"), ["ci"], [])
    result = ensure_bundles(Fleet(str(tmp_path), "default"), ["ci", "alice"], [])
    assert [identity["changed"] for identity in result["identities"]] == [False, True]
    assert [entry["after_header"] for entry in result["diff"]] == [str(tmp_path / "default" / "clients" / "alice")]


def test_check_mode_predicts_the_diff_and_makes_nothing(tmp_path: Path) -> None:
    fleets_dir = tmp_path / "fleets"
    predicted = ensure_bundles(Fleet(str(fleets_dir), "default", check_mode=True), ["ci"], SERVERS)
    assert not fleets_dir.exists()
    made = ensure_bundles(Fleet(str(fleets_dir), "default"), ["ci"], SERVERS)
    assert predicted["diff"] == made["diff"]
    assert predicted["changed"] is made["changed"] is True


def test_results_can_be_sent_and_hold_no_secret(tmp_path: Path) -> None:
    fleet = Fleet(str(tmp_path), "default", Settings(passphrase="correct-horse"))
    told = json.dumps(ensure_bundles(fleet, ["ci"], SERVERS))
    assert "correct-horse" not in told
    assert "PRIVATE KEY" not in told


def test_a_wrong_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Failure) as failure:
        ensure_bundles(Fleet(str(tmp_path), "default"), ["../ci"], [])
    assert failure.value.key == "invalid_name"


def test_the_passphrase_is_never_logged() -> None:
    assert BUNDLE_ARGUMENTS["passphrase"]["no_log"] is True


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_client_whose_name_differs_by_case_only_is_refused(tmp_path: Path, check_mode: bool) -> None:
    """On every file system, as fleets move from one to another."""
    ensure_bundles(Fleet(str(tmp_path), "default"), ["Bob"], [])
    with pytest.raises(Failure) as failure:
        ensure_bundles(Fleet(str(tmp_path), "default", check_mode=check_mode), ["Bob", "bob"], [])
    assert failure.value.key == "client_name_taken"
    assert "'bob'" in str(failure.value)
    assert "'Bob'" in str(failure.value)
    assert [path.name for path in (tmp_path / "default" / "clients").iterdir()] == ["Bob"]


@pytest.mark.parametrize("place", ["clients/Bob", "revoked/Bob", "machines/laptop/Bob.pem", "machines/laptop/BOB.pem"])
def test_names_of_clients_elsewhere_count_as_well(tmp_path: Path, place: str) -> None:
    ensure_bundles(Fleet(str(tmp_path), "default"), ["ci"], [])
    taken = tmp_path / "default" / place
    taken.parent.mkdir(parents=True, exist_ok=True)
    taken.touch() if taken.suffix else taken.mkdir()
    with pytest.raises(Failure) as failure:
        ensure_bundles(Fleet(str(tmp_path), "default"), ["bob"], [])
    assert failure.value.key == "client_name_taken"
    assert ensure_bundles(Fleet(str(tmp_path), "default"), ["ci"], [])["changed"] is False


def test_two_new_clients_that_differ_by_case_only_are_refused_before_either_is_made(tmp_path: Path) -> None:
    with pytest.raises(Failure) as failure:
        ensure_bundles(Fleet(str(tmp_path), "default"), ["CI", "ci"], [])
    assert failure.value.key == "client_name_taken"
    assert not (tmp_path / "default" / "clients").exists()


def test_two_such_clients_that_were_made_long_ago_stay(tmp_path: Path) -> None:
    ensure_bundles(Fleet(str(tmp_path), "default"), ["Bob", "ci"], [])
    clients = tmp_path / "default" / "clients"
    (clients / "ci").rename(clients / "bob")
    ensure_bundles(Fleet(str(tmp_path), "default"), ["Bob", "bob"], [])
    assert sorted(path.name for path in clients.iterdir()) == ["Bob", "bob"]
