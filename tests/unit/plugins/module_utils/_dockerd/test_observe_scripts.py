# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading a host where a script starts dockerd."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._dockerd import layout, observe_scripts
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.host import Host
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.init import Scripts
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.observe import Observed
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.observe_scripts import value_in_shell
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.options_block import with_block
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

SYSVINIT = "#!/bin/sh\nDOCKERD=/usr/sbin/dockerd\nstart-stop-daemon --start --exec $DOCKERD -- $DOCKER_OPTS\n"
OPENRC = '#!/sbin/openrc-run\ncommand="${DOCKERD_BINARY:-/usr/bin/dockerd}"\ncommand_args="${DOCKER_OPTS}"\n'
SUPERVISED = f"{OPENRC}supervisor=supervise-daemon\n"


class _Stopped(Scripts):
    """dockerd does not run."""

    def main_pid(self) -> int:
        return 0


@pytest.fixture
def observe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> t.Callable[..., Observed]:
    """Read a host that has this script and these options files."""
    dockerd = tmp_path / "dockerd"
    dockerd.touch(mode=0o755)
    files = {"sysvinit": str(tmp_path / "default"), "openrc": str(tmp_path / "conf.d")}
    monkeypatch.setattr(observe_scripts, "_SCRIPT", str(tmp_path / "script"))
    monkeypatch.setattr(observe_scripts, "_OPTIONS_FILES", files)
    monkeypatch.setattr(observe_scripts, "_PATH", str(tmp_path))
    monkeypatch.setattr(layout, "FOLDERS", {})

    def run(words: t.Sequence[str]) -> tuple[int, str, str]:
        raise AssertionError(f"{words} would change something")

    def read(init: str, script: str | None, **options: str) -> Observed:
        if script is not None:
            (tmp_path / "script").write_text(script)
        for name, text in options.items():
            Path(files[name]).write_text(text)
        host = Host(run)
        return observe_scripts.observe_scripts(host, [], _Stopped(host, init))

    return read


def test_flags_are_those_of_the_options_file_without_our_block(
    observe: t.Callable[..., Observed], tmp_path: Path
) -> None:
    text = with_block(b'DOCKER_OPTS="--live-restore -H unix:///x"\n', 'DOCKER_OPTS="-H tcp://0.0.0.0:2376"\n').decode()
    observed = observe("sysvinit", SYSVINIT, sysvinit=text)
    assert (observed.init, observed.service_active, observed.engine) == ("sysvinit", False, None)
    assert observed.flags.program == str(tmp_path / "dockerd")
    assert observed.flags.hosts == ("unix:///x",)
    assert observed.flags.live_restore
    assert observed.options is not None
    assert observed.options.is_shell
    assert "tcp://" not in observed.sources[0].text
    assert observed.content(str(tmp_path / "default")) == text.encode()


@pytest.mark.parametrize(
    ("init", "script", "name", "supervised", "program_variable"),
    [
        ("sysvinit", SYSVINIT, "default", False, ""),
        ("openrc", OPENRC, "conf.d", False, "DOCKERD_BINARY"),
        ("openrc", SUPERVISED, "conf.d", True, "DOCKERD_BINARY"),
        # OpenRC runs Debian's script, too.
        ("openrc", SYSVINIT, "default", False, ""),
    ],
)
def test_the_script_tells_which_file_it_reads_and_what_starts_dockerd_again(
    observe: t.Callable[..., Observed], init: str, script: str, name: str, supervised: bool, program_variable: str
) -> None:
    options = observe(init, script).options
    assert options is not None
    assert options.path.endswith(name)
    assert (options.is_supervised, options.program_variable) == (supervised, program_variable)


def test_a_script_that_takes_no_options_has_no_options_file(observe: t.Callable[..., Observed]) -> None:
    assert observe("sysvinit", "#!/bin/sh\ndockerd &\n").options is None


def test_a_host_without_a_script_is_told_so(observe: t.Callable[..., Observed]) -> None:
    with pytest.raises(Failure) as failure:
        observe("openrc", None)
    assert failure.value.key == "dockerd_missing"


def test_a_host_without_dockerd_is_told_so(observe: t.Callable[..., Observed], tmp_path: Path) -> None:
    (tmp_path / "dockerd").unlink()
    with pytest.raises(Failure) as failure:
        observe("sysvinit", SYSVINIT)
    assert failure.value.key == "dockerd_missing"


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
def test_the_value_is_what_a_shell_makes_of_the_assignments(text: str, value: str) -> None:
    assert value_in_shell(text, "DOCKER_OPTS") == value
