# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Accidents with fleets' folders and with snapshots: nobody loses access by one, and nobody gets it back."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.attack import ADMIN, attack
from tests.integration.controller import Controller
from tests.integration.port import ask
from tests.lab.hosts import Host

ETC = "find /etc /var/lib/gangway-docker -type f -exec sha256sum {} +"
NAMES = ["admin", "bob"]


def _files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@attack(
    "Runs with a typo in `expose_fleet`, or after the folder of the fleet was renamed",
    by=ADMIN,
    expected="Refused, with the clients that would lose their access; no authority is made",
)
@pytest.mark.one_host
def test_a_typo_and_a_renamed_folder_lock_out_nobody(host: Host, controller: Controller) -> None:
    assert controller.expose(expose_clients=NAMES).code == 0
    etc, files = host.run(ETC).stdout, _files(controller.fleets_dir)
    for words in (["--check"], []):
        outcome = controller.expose(*words, expose_clients=NAMES, expose_fleet="defualt")
        assert outcome.failures == ["other_fleet"]
        assert outcome.named("failure", "other_fleet")["clients"] == NAMES
    assert (host.run(ETC).stdout, _files(controller.fleets_dir)) == (etc, files)

    away = controller.fleet.rename(controller.fleets_dir / "away")
    files = _files(controller.fleets_dir)
    for words in (["--check"], []):
        assert controller.expose(*words, expose_clients=NAMES).failures == ["other_fleet"]
    assert (host.run(ETC).stdout, _files(controller.fleets_dir)) == (etc, files)
    assert ask(host.address, bundle=away / "clients" / "bob") == "answered"

    away.rename(controller.fleet)
    assert controller.expose(expose_clients=NAMES).changed(host.name) == 0
    # A change that is wanted is still possible.
    moved = controller.expose(expose_clients=NAMES, expose_fleet="other", expose_replace_controller=True)
    assert moved.code == 0, moved.failures
    assert ask(host.address, bundle=controller.fleets_dir / "other" / "clients" / "bob") == "answered"
    assert ask(host.address, bundle=controller.client("bob")) == "refused"
    assert controller.expose(expose_clients=NAMES, expose_fleet="other").changed(host.name) == 0


@attack(
    "Restores a backup of the fleet from before a revocation, or the snapshot of a host",
    by=ADMIN,
    expected="The older folder is refused (`trust_outdated`); the host refuses the client from its next run on",
)
@pytest.mark.flavours("bookworm", "sid")
def test_a_revoked_client_gets_in_neither_by_a_backup_nor_by_a_snapshot(
    host: Host, controller: Controller, tmp_path: Path
) -> None:
    assert controller.expose(expose_clients=NAMES).code == 0
    bob = shutil.copytree(controller.client("bob"), tmp_path / "bob")
    backup = shutil.copytree(controller.fleet, tmp_path / "backup")
    host.run("tar -C / -cf /root/snapshot.tar etc/docker/gangway var/lib/gangway-docker")
    revoked = controller.playbook("revoke", revoke_clients=["bob"], expose_clients=["admin"])
    assert revoked.code == 0, revoked.failures
    assert ask(host.address, bundle=bob) == "refused"

    # The controller's backup.
    etc, newest = host.run(ETC).stdout, controller.fleet.rename(tmp_path / "newest")
    shutil.copytree(backup, controller.fleet)
    for words in (["--check"], []):
        outdated = controller.expose(*words, expose_clients=NAMES)
        assert outdated.failures == ["trust_outdated"]
        told = outdated.named("failure", "trust_outdated")
        assert (told["generation"], told["host_generation"]) == (1, 2)
    assert host.run(ETC).stdout == etc
    assert ask(host.address, bundle=bob) == "refused"
    shutil.rmtree(controller.fleet)
    newest.rename(controller.fleet)
    assert controller.expose(expose_clients=["admin"]).changed(host.name) == 0

    # The host's snapshot: by the record, it knows better.
    host.run("tar -C / -xf /root/snapshot.tar && systemctl restart docker")
    assert ask(host.address, bundle=bob) == "answered"
    again = controller.playbook("revoke", revoke_clients=["bob"], expose_clients=["admin"])
    assert again.code == 0, again.failures
    assert again.changed(host.name) == 1
    assert ask(host.address, bundle=bob) == "refused"
    assert host.run(ETC).stdout == etc

    # The record is no proof.
    host.run("tar -C / -xf /root/snapshot.tar && systemctl restart docker")
    enforced = {
        "hosts": "localhost",
        "gather_facts": False,
        "tasks": [
            {
                "gangway.docker.client_revocation": {
                    "fleets_dir": str(controller.fleets_dir),
                    "clients": ["bob"],
                    "state": "enforced",
                }
            }
        ],
    }
    assert controller.play([enforced]).failures == ["revocation_incomplete"]
    # An ordinary run brings it up to date as well.
    assert controller.expose(expose_clients=["admin"]).changed(host.name) == 1
    assert ask(host.address, bundle=bob) == "refused"
    assert controller.play([enforced]).failures == []
