# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Findings about a daemon's settings."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._probe.findings.settings import find_settings, listeners_in

#: As dockerd says it of itself when everything is as it should be.
SAFE: dict[str, t.Any] = {
    "LiveRestoreEnabled": True,
    "ExperimentalBuild": False,
    "Debug": False,
    "Driver": "overlay2",
    "OSType": "linux",
    "Plugins": {"Authorization": ["opa"], "Volume": ["local"]},
    "SecurityOptions": ["name=seccomp,profile=builtin", "name=userns", "name=no-new-privileges"],
    "RegistryConfig": {
        "InsecureRegistryCIDRs": ["::1/128", "127.0.0.0/8"],
        "IndexConfigs": {"docker.io": {"Name": "docker.io", "Secure": True}},
    },
    "ServerVersion": "28.5.2",
    "Swarm": {"LocalNodeState": "inactive"},
    "Warnings": None,
}
_PLAIN = (
    "[DEPRECATION NOTICE]: API is accessible on http://0.0.0.0:2375 without encryption.\n"
    "         Access to the remote API is equivalent to root access on the host."
)


def _keys(**changes: t.Any) -> list[str]:
    return [finding.key for finding in find_settings({**SAFE, **changes})]


def test_nothing_is_wrong() -> None:
    assert _keys() == []


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"LiveRestoreEnabled": False}, "no_live_restore"),
        ({"ExperimentalBuild": True}, "experimental"),
        ({"Debug": True}, "debug"),
        ({"Driver": "aufs"}, "aufs"),
        ({"Plugins": {"Authorization": None}}, "no_authorization"),
        ({"SecurityOptions": ["name=userns", "name=no-new-privileges"]}, "no_seccomp"),
        ({"SecurityOptions": ["name=seccomp,profile=unconfined", *SAFE["SecurityOptions"][1:]]}, "no_seccomp"),
        ({"SecurityOptions": ["name=seccomp,profile=builtin", "name=no-new-privileges"]}, "no_userns"),
        ({"SecurityOptions": ["name=seccomp,profile=builtin", "name=rootless"]}, "new_privileges"),
        ({"RegistryConfig": {"InsecureRegistryCIDRs": ["10.0.0.0/8"]}}, "insecure_registry"),
        ({"RegistryConfig": {"IndexConfigs": {"reg:5000": {"Secure": False}}}}, "insecure_registry"),
        ({"Warnings": ["WARNING: No swap limit support"]}, "daemon_warning"),
        ({"Warnings": [_PLAIN]}, "open_listener"),
    ],
)
def test_one_thing_is_wrong(changes: dict[str, t.Any], key: str) -> None:
    assert _keys(**changes) == [key]


def test_an_engine_that_does_not_tell_is_not_suspected() -> None:
    lacking = {"SecurityOptions": ["name=seccomp,profile=builtin", "name=userns"]}
    assert _keys(**lacking, ServerVersion="20.10.24+dfsg1") == []
    assert _keys(**lacking, ServerVersion="26.1.5+dfsg1") == ["new_privileges"]


def test_swarm_mode_does_not_support_live_restore() -> None:
    assert _keys(LiveRestoreEnabled=False, Swarm={"LocalNodeState": "active"}) == []


@pytest.mark.parametrize(
    "info",
    [
        {},
        {"Warnings": "x", "SecurityOptions": None, "RegistryConfig": None, "Plugins": [], "Swarm": None},
        {"Warnings": [None, 3, ""], "RegistryConfig": {"InsecureRegistryCIDRs": None, "IndexConfigs": []}},
    ],
)
def test_an_answer_that_lacks_things_is_no_finding(info: dict[str, t.Any]) -> None:
    assert list(find_settings(info)) == []


def test_listeners_that_dockerd_warns_of() -> None:
    https = "WARNING: API is accessible on https://0.0.0.0:2376 without TLS client verification."
    info = {"Warnings": [_PLAIN, https, "WARNING: No swap limit support"]}
    assert listeners_in(info) == ["http://0.0.0.0:2375", "https://0.0.0.0:2376"]
    assert listeners_in({}) == []
