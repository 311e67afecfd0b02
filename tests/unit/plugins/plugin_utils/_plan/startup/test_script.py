# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How dockerd is started on hosts where a script starts it, and a shell reads its options file."""

from __future__ import annotations

import pytest

from ansible_collections.gangway.docker.plugins.plugin_utils._plan.startup.options_file import OptionsFile
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.startup.script import script_startup
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.startup.sources import Source

SYSVINIT = "#!/bin/sh\nDOCKERD=/usr/sbin/dockerd\nstart-stop-daemon --start --exec $DOCKERD -- $DOCKER_OPTS\n"
OPENRC = '#!/sbin/openrc-run\ncommand="${DOCKERD_BINARY:-/usr/bin/dockerd}"\ncommand_args="${DOCKER_OPTS}"\n'
SUPERVISED = f"{OPENRC}supervisor=supervise-daemon\n"
PATH = "/etc/default/docker"


def _options(script: str, text: str = "") -> OptionsFile | None:
    return script_startup(script, Source(PATH, text, "options"), "/usr/sbin/dockerd")[0]


def test_flags_are_those_of_the_options_file() -> None:
    text = 'DOCKER_OPTS="--live-restore -H unix:///x"\n'
    options, flags = script_startup(SYSVINIT, Source(PATH, text, "options"), "/usr/sbin/dockerd")
    assert options == OptionsFile(PATH, "DOCKER_OPTS", "--live-restore -H unix:///x", is_shell=True)
    assert (flags.program, flags.hosts, flags.live_restore) == ("/usr/sbin/dockerd", ("unix:///x",), True)


@pytest.mark.parametrize(
    ("script", "supervised", "program_variable"),
    [(SYSVINIT, False, ""), (OPENRC, False, "DOCKERD_BINARY"), (SUPERVISED, True, "DOCKERD_BINARY")],
)
def test_the_script_says_what_restarts_dockerd(script: str, supervised: bool, program_variable: str) -> None:
    options = _options(script)
    assert options is not None
    assert (options.is_supervised, options.program_variable) == (supervised, program_variable)


@pytest.mark.parametrize(
    ("text", "supervised"), [("supervisor=supervise-daemon\n", True), ("# supervise-daemon\n", False)]
)
def test_the_options_file_may_name_a_supervisor(text: str, supervised: bool) -> None:
    """openrc-run(8) reads it before the script."""
    options = _options(OPENRC, text)
    assert options is not None
    assert options.is_supervised is supervised


def test_a_script_that_takes_no_options_has_no_options_file() -> None:
    assert _options("#!/bin/sh\ndockerd &\n") is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", ""),
        ("#DOCKER_OPTS=-D\n", ""),
        ("DOCKER_OPTS=-D\nDOCKER_OPTS=--tls\n", "--tls"),
        ('export DOCKER_OPTS="-D"\n', "-D"),
        ('DOCKER_OPTS="-D" # was -H tcp://0.0.0.0:2375\n', "-D"),
        ('DOCKER_OPTS="-D \\\n --tls"\n', "-D  --tls"),
        ('DOCKER_OPTS="-H unix:///x"\nDOCKER_OPTS="$DOCKER_OPTS -D"\n', "-H unix:///x -D"),
        ('A=unix\nDOCKER_OPTS="-H ${A}:///x"\n', "-H unix:///x"),
        ('DOCKER_OPTS="-D"\nDOCKER_OPTS+=" --tls"\n', "-D --tls"),
        ('DOCKER_OPTS="$NOWHERE -D"\n', "-D"),
        ('DOCKER_OPTS="-D $(hostname)"\n', "-D $(hostname)"),
    ],
)
def test_the_value_is_the_one_after_a_shell_has_read_the_file(text: str, value: str) -> None:
    options = _options(SYSVINIT, text)
    assert options is not None
    assert options.value == value
