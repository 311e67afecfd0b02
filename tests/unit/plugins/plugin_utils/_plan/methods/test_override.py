# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Method override: the ExecStart that is there, with our flags behind it only while the guard agrees."""

from __future__ import annotations

import dataclasses
import shlex
import typing as t

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._guard.dockerd_flags import DaemonFlags
from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.host.observed import Observed
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.listener.listener import Listener
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.methods.flags import listener_flags
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.methods.override import Override

from .conftest import FIREWALLS

Host = t.Callable[[str], Observed]
MakeListener = t.Callable[..., Listener]
OfService = t.Callable[[str, str], t.List[str]]


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("docker-ce", "/usr/bin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock"),
        ("debian", "/usr/sbin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock $DOCKER_OPTS"),
        ("fedora", "/usr/bin/dockerd --host=fd:// --exec-opt native.cgroupdriver=systemd $OPTIONS"),
        (
            "opensuse",
            "/usr/bin/dockerd --add-runtime oci=/usr/sbin/docker-runc $DOCKER_NETWORK_OPTIONS $DOCKER_OPTS",
        ),
        ("own socket", '/usr/bin/dockerd --host fd:// -H=unix:///run/x.sock --label "a b"'),
    ],
)
@pytest.mark.parametrize("tls", [True, False])
@pytest.mark.parametrize("firewall", FIREWALLS)
def test_exec_start_is_cleared_and_set_to_what_it_was_with_our_variable_behind_it(
    host: Host, make_listener: MakeListener, of_service: OfService, name: str, line: str, tls: bool, firewall: str
) -> None:
    observed, asked = host(name), make_listener(tls=tls, firewall=firewall)
    assert Override.unsuitable(observed) is None
    rendered = Override.render(observed, asked)
    drop_in = rendered.files[layout.EXEC_DROP_IN]
    assert of_service(drop_in, "ExecStart") == ["", f"{line} $GANGWAY_LISTENER"]
    assert of_service(drop_in, "EnvironmentFile") == [f"-{layout.LISTENER_FLAGS_IN_FORCE}"]
    assert rendered.files[layout.LISTENER_FLAGS] == f'GANGWAY_LISTENER="{listener_flags(observed, asked)}"\n'
    assert (set(rendered.files), rendered.settings, rendered.block) == (
        {layout.EXEC_DROP_IN, layout.LISTENER_FLAGS},
        {},
        None,
    )


@pytest.mark.parametrize("prefix", ["-", "@", "!!"])
def test_systemds_prefixes_stay(host: Host, make_listener: MakeListener, of_service: OfService, prefix: str) -> None:
    observed = dataclasses.replace(host("docker-ce"), exec_start=f"{prefix}/usr/bin/dockerd -H fd://")
    drop_in = Override.render(observed, make_listener()).files[layout.EXEC_DROP_IN]
    assert of_service(drop_in, "ExecStart")[-1] == f"{prefix}/usr/bin/dockerd -H fd:// $GANGWAY_LISTENER"


@pytest.mark.parametrize("tls", [True, False])
@pytest.mark.parametrize("firewall", FIREWALLS)
@pytest.mark.parametrize("fails", ["", "python", "rules"])
def test_each_start_has_our_flags_only_while_the_guard_and_the_rules_agree(
    host: Host, make_listener: MakeListener, site: t.Any, tls: bool, firewall: str, fails: str
) -> None:
    site.in_force.write_text("of the start before\n")
    program = FIREWALLS[firewall] if fails == "rules" else fails
    if program:
        site.says(program, 1)
    asked = dataclasses.replace(make_listener(tls=tls, firewall=firewall), python=site.python)
    rendered = Override.render(host("debian"), asked)
    assert site.start(rendered) == 0, "whatever the guard says, dockerd starts"
    is_open = fails != "python" and not (fails == "rules" and program)
    assert site.in_force.exists() is is_open
    if is_open:
        assert site.in_force.read_text() == rendered.files[layout.LISTENER_FLAGS]
        assert any(" -m guard flags " in words for words in site.called) is tls
        # As the shell reads the checks' quotes.
        checks = [" ".join(shlex.split(check)) for check in asked.checks]
        assert [words for words in site.called if words in checks] == checks


def test_a_guard_that_is_gone_closes_the_port(host: Host, make_listener: MakeListener, site: t.Any) -> None:
    site.in_force.write_text("of the start before\n")
    rendered = Override.render(host("debian"), dataclasses.replace(make_listener(), python="/no/such/python"))
    assert site.start(rendered) == 0
    assert not site.in_force.exists()


@pytest.mark.parametrize(
    ("name", "changes", "words"),
    [
        ("sysvinit", {}, "sysvinit"),
        ("openrc", {}, "openrc"),
        (
            "debian",
            {"flags": DaemonFlags("/usr/local/bin/start-docker", ("fd://",), (), None, False)},
            "docker.service",
        ),
        ("debian", {"flags": DaemonFlags("", (), (), None, False)}, "docker.service"),
    ],
)
def test_without_drop_ins_or_dockerd_it_does_not_fit(
    host: Host, name: str, changes: dict[str, t.Any], words: str
) -> None:
    reason = Override.unsuitable(dataclasses.replace(host(name), **changes))
    assert reason is not None
    assert words in reason
