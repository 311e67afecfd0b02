# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Method options_file: the user's own value and our flags behind it, or where the guard refuses the user's alone."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.host.observed import Observed
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.listener.listener import Listener
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.methods.flags import listener_flags
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.methods.options_file import OptionsFileMethod
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.startup.environment_file import (
    environment_assignments,
)

from .conftest import FIREWALLS

Host = t.Callable[[str], Observed]
MakeListener = t.Callable[..., Listener]
OfService = t.Callable[[str, str], t.List[str]]


def _with_value(observed: Observed, value: str) -> Observed:
    assert observed.options is not None
    return dataclasses.replace(observed, options=dataclasses.replace(observed.options, value=value))


@pytest.mark.parametrize(
    ("name", "variable", "value", "own"),
    [
        ("debian", "DOCKER_OPTS", "--dns 8.8.8.8", "--dns 8.8.8.8 "),
        ("fedora", "OPTIONS", "--log-driver=journald --live-restore", "--log-driver=journald --live-restore "),
        ("opensuse", "DOCKER_OPTS", "", ""),
    ],
)
@pytest.mark.parametrize("tls", [True, False])
@pytest.mark.parametrize("firewall", FIREWALLS)
def test_under_systemd_the_variable_is_set_anew_and_the_users_own_value_kept_for_the_guard(
    host: Host,
    make_listener: MakeListener,
    of_service: OfService,
    name: str,
    variable: str,
    value: str,
    own: str,
    tls: bool,
    firewall: str,
) -> None:
    observed, asked = host(name), make_listener(tls=tls, firewall=firewall)
    assert OptionsFileMethod.unsuitable(observed) is None
    rendered = OptionsFileMethod.render(observed, asked)
    assert rendered.block == f'{variable}="{own}{listener_flags(observed, asked)}"\n'
    drop_in = rendered.files[layout.EXEC_DROP_IN]
    # The file that is read later wins, and ExecStart stays the package's.
    assert of_service(drop_in, "EnvironmentFile") == [f"-{layout.LISTENER_FLAGS_IN_FORCE}"]
    assert of_service(drop_in, "ExecStart") == []
    assert f'echo "{variable}={value}" > {layout.LISTENER_FLAGS_IN_FORCE}' in of_service(drop_in, "ExecStartPre")[0]
    assert (set(rendered.files), rendered.settings) == ({layout.EXEC_DROP_IN}, {})


@pytest.mark.parametrize("tls", [True, False])
@pytest.mark.parametrize("firewall", FIREWALLS)
@pytest.mark.parametrize("fails", ["", "python", "rules"])
def test_each_start_gives_the_users_own_value_back_where_guard_or_rules_refuse(
    host: Host, make_listener: MakeListener, site: t.Any, tls: bool, firewall: str, fails: str
) -> None:
    site.in_force.write_text("of the start before\n")
    program = FIREWALLS[firewall] if fails == "rules" else fails
    if program:
        site.says(program, 1)
    asked = dataclasses.replace(make_listener(tls=tls, firewall=firewall), python=site.python)
    observed = _with_value(host("debian"), "--dns 8.8.8.8 --log-opt tag=%x")
    assert site.start(OptionsFileMethod.render(observed, asked)) == 0
    refused = fails == "python" or (fails == "rules" and program != "")
    assert site.in_force.exists() is refused
    if refused:
        assigned = environment_assignments(site.in_force.read_text())
        variables = {assignment.name: assignment.value.text for assignment in assigned}
        assert variables == {"DOCKER_OPTS": "--dns 8.8.8.8 --log-opt tag=%x"}
    assert any(" -m guard flags-in DOCKER_OPTS " in words for words in site.called) is tls


def test_where_the_users_own_value_can_not_be_given_back_dockerd_does_not_start(
    host: Host, make_listener: MakeListener, site: t.Any
) -> None:
    site.says("python", 1)
    asked = dataclasses.replace(make_listener(), python=site.python)
    site.in_force.mkdir()
    assert site.start(OptionsFileMethod.render(host("debian"), asked)) != 0


@pytest.mark.parametrize("tls", [True, False])
@pytest.mark.parametrize("firewall", FIREWALLS)
def test_a_shell_adds_our_flags_by_itself(host: Host, make_listener: MakeListener, tls: bool, firewall: str) -> None:
    observed, asked = host("sysvinit"), make_listener(tls=tls, firewall=firewall)
    assert OptionsFileMethod.unsuitable(observed) is None
    rendered = OptionsFileMethod.render(observed, asked)
    assert (rendered.files, rendered.settings) == ({}, {})
    assert rendered.block is not None
    assert f'then DOCKER_OPTS="$DOCKER_OPTS {listener_flags(observed, asked)}"; ' in rendered.block
    assert (" -m guard flags " in rendered.block) is tls
    assert all(check in rendered.block for check in asked.checks)


@pytest.mark.parametrize("tls", [True, False])
@pytest.mark.parametrize("firewall", FIREWALLS)
def test_a_supervisor_starts_what_adds_our_flags(
    host: Host, make_listener: MakeListener, tls: bool, firewall: str
) -> None:
    observed, asked = host("openrc"), make_listener(tls=tls, firewall=firewall)
    assert OptionsFileMethod.unsuitable(observed) is None
    rendered = OptionsFileMethod.render(observed, asked)
    assert (set(rendered.files), rendered.settings) == ({layout.FLAGS_WRAPPER}, {})
    wrapper, flags = rendered.files[layout.FLAGS_WRAPPER], listener_flags(observed, asked)
    assert f'set -- "$@" {flags}\n' in wrapper
    assert flags not in (rendered.block or "")
    assert (" -m guard flags " in wrapper) is tls
    assert all(check in wrapper for check in asked.checks)


def test_a_supervisor_that_can_start_nothing_but_dockerd_gets_no_port(host: Host) -> None:
    observed = host("openrc")
    assert observed.options is not None
    options = dataclasses.replace(observed.options, program_variable="")
    reason = OptionsFileMethod.unsuitable(dataclasses.replace(observed, options=options))
    assert reason is not None
    assert "supervisor" in reason


@pytest.mark.parametrize("value", ["--label 'a b'", '--label "a b"', "--dns $DNS", "--x `y`", "--x \\"])
def test_a_value_that_only_systemd_can_tell_is_left_alone(host: Host, value: str) -> None:
    reason = OptionsFileMethod.unsuitable(_with_value(host("debian"), value))
    assert reason is not None
    assert "DOCKER_OPTS in /etc/default/docker" in reason
    # The shell puts ours behind it without a look at it.
    assert OptionsFileMethod.unsuitable(_with_value(host("sysvinit"), value)) is None


@pytest.mark.parametrize("name", ["docker-ce", "own socket"])
def test_without_an_options_file_it_does_not_fit(host: Host, name: str) -> None:
    assert "no options file" in (OptionsFileMethod.unsuitable(host(name)) or "")
