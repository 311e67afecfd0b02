# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How dockerd is started, read from unit, drop-ins and environment files."""

from __future__ import annotations

import pytest

from ansible_collections.gangway.docker.plugins.plugin_utils._plan.startup.options_file import OptionsFile
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.startup.sources import Source
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.startup.startup import startup_of

DEBIAN = "[Service]\nExecStart=/usr/sbin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock $DOCKER_OPTS\n"
FEDORA = (
    "[Service]\nExecStart=/usr/bin/dockerd \\\n  --host=fd:// \\\n  $OPTIONS \\\n  $DOCKER_STORAGE_OPTIONS \\\n"
    "  $DOCKER_NETWORK_OPTIONS\n"
)
#: As Fedora ships it: several lines, the last of which is empty.
OVER_LINES = (
    '# For example\n#OPTIONS="-H tcp://0.0.0.0:2375"\nOPTIONS="--log-driver=journald \\\n  --live-restore \\\n"\n'
)


def _unit(text: str) -> Source:
    return Source("/usr/lib/systemd/system/docker.service", text, "unit")


def _options(path: str, text: str) -> Source:
    return Source(path, text, "options")


def test_a_variable_over_several_lines_is_one_list_of_flags() -> None:
    startup = startup_of([_unit(FEDORA), _options("/etc/sysconfig/docker", OVER_LINES)])
    assert startup.flags.hosts == ("fd://",)
    assert startup.flags.live_restore
    assert startup.options == OptionsFile(
        "/etc/sysconfig/docker", "OPTIONS", "--log-driver=journald --live-restore", is_shell=False
    )
    assert startup.exec_start.startswith("/usr/bin/dockerd --host=fd:// $OPTIONS")


@pytest.mark.parametrize(
    ("first", "second", "place"),
    [
        ('OPTIONS="--debug"\n', "", "first"),
        ('OPTIONS="--debug"\n', 'OTHER="x"\n', "first"),
        ('OPTIONS="--debug"\n', 'OPTIONS="--tls"\n', "second"),
        ("# none\n", 'OTHER="x"\n', "second"),
        ("", "", "first"),
    ],
)
def test_the_options_file_is_the_one_whose_assignment_is_in_force(first: str, second: str, place: str) -> None:
    """Fedora's unit names files as well that are not there."""
    startup = startup_of([_unit(FEDORA), _options("first", first), _options("second", second)])
    assert startup.options is not None
    assert startup.options.path == place


@pytest.mark.parametrize(
    ("line", "variable"),
    [
        ("/usr/bin/dockerd $DOCKER_NETWORK_OPTIONS $DOCKER_OPTS", "DOCKER_OPTS"),
        ("/usr/bin/dockerd $STORAGE $OPTIONS", "OPTIONS"),
        ("/usr/bin/dockerd $MORE", "MORE"),
    ],
)
def test_of_several_variables_the_one_for_options_is_taken(line: str, variable: str) -> None:
    startup = startup_of([_unit(f"[Service]\nExecStart={line}\n"), _options("/etc/sysconfig/docker", "")])
    assert startup.options is not None
    assert startup.options.variable == variable


@pytest.mark.parametrize(
    "sources",
    [
        [_unit(DEBIAN)],
        [_unit("[Service]\nExecStart=/usr/bin/dockerd -H fd://\n"), _options("/etc/default/docker", "")],
        # Within a word, systemd does not split it into words.
        [_unit("[Service]\nExecStart=/usr/bin/dockerd ${OPTIONS}\n"), _options("/etc/default/docker", "")],
    ],
    ids=["no file", "no variable", "no list"],
)
def test_without_a_file_and_a_variable_there_is_no_options_file(sources: list[Source]) -> None:
    assert startup_of(sources).options is None


def test_a_file_beats_the_units_own_environment() -> None:
    units = [_unit(DEBIAN), Source("/etc/x.conf", '[Service]\nEnvironment="DOCKER_OPTS=-H tcp://a:1"\n', "drop_in")]
    assert startup_of(units).flags.hosts == ("fd://", "tcp://a:1")
    units.append(_options("/etc/default/docker", "DOCKER_OPTS=--debug\n"))
    assert startup_of(units).flags.hosts == ("fd://",)


def test_an_empty_environment_clears_what_stood_before() -> None:
    cleared = "[Service]\nEnvironment=DOCKER_OPTS=--tls\nEnvironment=\n"
    assert startup_of([_unit(DEBIAN), Source("/etc/x.conf", cleared, "drop_in")]).flags.tls == ()
