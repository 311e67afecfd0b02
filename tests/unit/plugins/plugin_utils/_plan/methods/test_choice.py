# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which method a host gets: the one that is in place, or else the first that fits; a reason where none does."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._guard.dockerd_flags import DaemonFlags
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.host.observed import Observed
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.methods.choice import METHODS, choose_method

Host = t.Callable[[str], Observed]

ALL = ["socket", "override", "options_file", "daemon_json"]
#: docs/methods.md has this table, too.
FITS = [
    ("docker-ce", ["socket", "override", "daemon_json"]),
    ("debian", ALL),
    ("fedora", ALL),
    ("opensuse", ["override", "options_file", "daemon_json"]),
    ("own socket", ["socket", "override", "daemon_json"]),
    ("sysvinit", ["options_file", "daemon_json"]),
    ("openrc", ["options_file", "daemon_json"]),
]


def _wrapped(observed: Observed) -> Observed:
    return dataclasses.replace(observed, flags=DaemonFlags("/usr/local/bin/start", ("fd://",), (), None, False))


def test_auto_tries_them_in_this_order() -> None:
    assert [method.name for method in METHODS] == ALL


@pytest.mark.parametrize(("name", "fits"), FITS)
def test_auto_takes_the_first_that_fits(host: Host, name: str, fits: list[str]) -> None:
    observed = host(name)
    assert [method.name for method in METHODS if method.unsuitable(observed) is None] == fits
    assert choose_method(observed, "auto", "").name == fits[0]


@pytest.mark.parametrize(("name", "fits"), FITS)
def test_auto_stays_with_the_method_that_is_in_place_while_it_fits(host: Host, name: str, fits: list[str]) -> None:
    for current in ALL:
        assert choose_method(host(name), "auto", current).name == (current if current in fits else fits[0])


@pytest.mark.parametrize(("name", "fits"), FITS)
@pytest.mark.parametrize("asked", ALL)
def test_a_method_that_is_asked_for_is_taken_or_refused(host: Host, name: str, fits: list[str], asked: str) -> None:
    observed = host(name)
    if asked in fits:
        # Whatever is in place.
        assert [choose_method(observed, asked, current).name for current in ("", *ALL)] == [asked] * 5
        return
    with pytest.raises(Failure) as failure:
        choose_method(observed, asked, asked)
    assert failure.value.key == "method_unsupported"
    reason = next(method for method in METHODS if method.name == asked).unsuitable(observed)
    assert str(failure.value).startswith(f"method {asked}: {reason}. ")


def test_a_program_of_the_admins_that_takes_options_gets_the_options_file(host: Host) -> None:
    assert choose_method(_wrapped(host("debian")), "auto", "socket").name == "options_file"


def test_where_none_fits_each_reason_is_told(host: Host) -> None:
    observed = _wrapped(host("docker-ce"))
    with pytest.raises(Failure) as failure:
        choose_method(observed, "auto", "override")
    assert failure.value.key == "method_unsupported"
    for method in METHODS:
        assert f"{method.name}: {method.unsuitable(observed)}" in str(failure.value)


def test_no_method_fits_a_supervisor_that_would_start_dockerd_past_the_guard(host: Host) -> None:
    observed = host("openrc")
    assert observed.options is not None
    unnamed = dataclasses.replace(observed, options=dataclasses.replace(observed.options, program_variable=""))
    for asked in ("auto", "options_file", "daemon_json"):
        with pytest.raises(Failure) as failure:
            choose_method(unnamed, asked, "options_file")
        assert failure.value.key == "method_unsupported"
        assert "nothing could run the guard before that" in str(failure.value)
