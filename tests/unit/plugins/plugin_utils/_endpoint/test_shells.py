# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The text for each shell. test_real_shells.py runs it; PowerShell and cmd have only this."""

from __future__ import annotations

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.module_utils._shared.formats import Connection
from ansible_collections.gangway.docker.plugins.plugin_utils._endpoint.shells import (
    SHELLS,
    render_for_shell,
    render_unset,
)

CONNECTION = Connection("tcp://web1:2376", "/home/me/.docker/certs")
VARIABLES = ("DOCKER_TLS_VERIFY", "DOCKER_HOST", "DOCKER_CERT_PATH", "DOCKER_MACHINE_NAME")


@pytest.mark.parametrize(
    ("shell", "rendered"),
    [
        ("sh", "export DOCKER_HOST=tcp://web1:2376\n"),
        ("fish", "set -gx DOCKER_HOST 'tcp://web1:2376';\n"),
        ("tcsh", "setenv DOCKER_HOST 'tcp://web1:2376';\n"),
        ("powershell", "$Env:DOCKER_HOST = 'tcp://web1:2376'\n"),
        ("cmd", '@SET "DOCKER_HOST=tcp://web1:2376"\r\n'),
        ("emacs", '(setenv "DOCKER_HOST" "tcp://web1:2376")\n'),
    ],
)
def test_each_shell_has_its_own_form(shell: str, rendered: str) -> None:
    lines = render_for_shell(CONNECTION, "web1", shell).splitlines(keepends=True)
    assert lines[1] == rendered
    assert [name in line for name, line in zip(VARIABLES, lines)] == [True] * 4


@pytest.mark.parametrize(
    ("shell", "value", "rendered"),
    [
        ("powershell", "C:\\a b\\$x`y", "'C:\\a b\\$x`y'"),
        ("powershell", "it's", "'it''s'"),
        # Each of these ends a string in single quotes, too.
        ("powershell", "a\u2018b\u2019c\u201ad\u201be", "'a\u2018\u2018b\u2019\u2019c\u201a\u201ad\u201b\u201be'"),
        ("powershell", "größe\u20ac", "'größe\u20ac'"),
        ("cmd", "C:\\a b\\c", "C:\\a b\\c"),
        ("cmd", "100%TEMP%", "100%%TEMP%%"),
        ("cmd", "a^b&c|d<e>f(g)!h", "a^b&c|d<e>f(g)!h"),
    ],
)
def test_values_in_shells_that_no_test_runs(shell: str, value: str, rendered: str) -> None:
    line = render_for_shell(Connection("tcp://web1:2376", value), "web1", shell).splitlines()[2]
    assert (
        line
        == {
            "powershell": f"$Env:DOCKER_CERT_PATH = {rendered}",
            "cmd": f'@SET "DOCKER_CERT_PATH={rendered}"',
        }[shell]
    )


@pytest.mark.parametrize(
    ("shell", "value"), [("cmd", 'a"b'), ("cmd", "a\nb"), ("cmd", "a\rb"), ("tcsh", "a\nb"), ("tcsh", "a\rb")]
)
def test_what_a_shell_can_not_be_given_is_refused(shell: str, value: str) -> None:
    with pytest.raises(Failure) as error:
        render_for_shell(Connection("tcp://web1:2376", value), "web1", shell)
    assert error.value.key == "value_unquotable"


@pytest.mark.parametrize(
    ("shell", "rendered"),
    [
        ("sh", "unset {}\n"),
        ("fish", "set -eg {};\n"),
        ("tcsh", "unsetenv {};\n"),
        ("powershell", "$Env:{} = $null\n"),
        ("cmd", '@SET "{}="\r\n'),
        ("emacs", '(setenv "{}" nil)\n'),
    ],
)
def test_undoing_removes_every_variable(shell: str, rendered: str) -> None:
    assert render_unset(shell) == "".join(rendered.format(name) for name in VARIABLES)


@pytest.mark.parametrize("shell", SHELLS)
def test_without_tls_what_another_endpoint_has_set_is_removed(shell: str) -> None:
    lines = render_for_shell(Connection("tcp://web1:2375", None), "web1", shell).splitlines()
    removed = render_unset(shell).splitlines()
    assert (lines[0], lines[2]) == (removed[0], removed[2])
    assert lines[1] != removed[1]


@pytest.mark.parametrize("shell", SHELLS)
def test_nothing_sets_tls_verify_to_anything_but_1(shell: str) -> None:
    """The docker CLI takes 0 as on, too, and some shells an empty value as set."""
    for connection in (CONNECTION, Connection("tcp://web1:2375", None)):
        line = render_for_shell(connection, "web1", shell).splitlines()[0]
        assert "0" not in line
        assert ("1" in line) is (connection.cert_path is not None)
