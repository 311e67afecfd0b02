# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What C(./dev lab-down) reports as left behind."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("docker", reason="the lab runs with .venv only")

from tests.lab.engine import RUN, belongs_to_engine, cgroups_of

_HOSTS = {"it-sid": "ab" * 32}
_OTHER = "cd" * 32


@pytest.mark.parametrize(
    "folder",
    [
        f"memory/docker/{_HOSTS['it-sid']}",
        f"unified/docker/{_HOSTS['it-sid']}",
        f"docker/{_HOSTS['it-sid']}",
        "unified/it-sid",
    ],
    ids=["controller of v1", "beside v1", "v2", "a host's own tree"],
)
def test_a_cgroup_of_a_host_is_left_behind(tmp_path: Path, folder: str) -> None:
    (tmp_path / folder).mkdir(parents=True)
    assert cgroups_of(_HOSTS, tmp_path) == [tmp_path / folder]


def test_cgroups_of_other_containers_are_not_reported(tmp_path: Path) -> None:
    for folder in (f"memory/docker/{_OTHER}", f"docker/{_OTHER}", "unified/web", "unified/it-sid-2", "memory/it-sid"):
        (tmp_path / folder).mkdir(parents=True)
    assert cgroups_of(_HOSTS, tmp_path) == []


@pytest.mark.parametrize(
    ("line", "ours"),
    [
        (f"dockerd --host=unix://{RUN}/docker.sock", True),
        (f"containerd --config {RUN}/exec/containerd/containerd.toml", True),
        (f"/usr/bin/containerd-shim-runc-v2 -namespace moby -address {RUN}/exec/containerd.sock", True),
        ("/usr/bin/dockerd -H fd://", False),
        (f"tail -f {RUN}/engine.log", False),
    ],
)
def test_the_processes_of_the_private_engine_are_known_by_its_folder(line: str, ours: bool) -> None:
    assert belongs_to_engine([word.encode() for word in line.split()]) is ours
