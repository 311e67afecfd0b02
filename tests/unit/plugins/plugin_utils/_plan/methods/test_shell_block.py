# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Our lines in a file that a shell reads: run by a shell here."""

from __future__ import annotations

import dataclasses
import subprocess
import time
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._guard.dockerd_flags import DaemonFlags
from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.options_block import with_block
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.firewalls.choice import firewall_of
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.firewalls.firewall import Access, FirewallFacts
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.listener.addresses import parse_listen
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.listener.listener import Listener
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.methods.daemon_json import DaemonJson
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.methods.shell_block import (
    render_flags_wrapper,
    render_wrapper,
    shell_block,
    shell_check,
    wrapper_block,
    wrapper_block_for_flags,
)
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.startup.options_file import OptionsFile

from ..hosts import HOSTS
from ..planning import observed_of

OPTIONS = OptionsFile("/etc/default/docker", "DOCKER_OPTS", "", is_shell=True)
OBSERVED = dataclasses.replace(
    observed_of(HOSTS["openrc"]), options=OPTIONS, flags=DaemonFlags("/usr/sbin/dockerd", (), (), None, False)
)
ADDED = "--debug -H tcp://10.0.0.5:2376 --tlsverify"


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Our folder, with a guard that says what it is asked, and ends as the file C(verdict) has it."""
    monkeypatch.setattr(layout, "STATE", str(tmp_path))
    gate = 'case "$*" in *" gate "*) echo "$4 $5 $6" >> gate; exit 0 ;; esac\n'
    (tmp_path / "python").write_text(
        f'#!/bin/sh\n{gate}cat > seen\necho "$@" >> seen\ntest -z "$GANGWAY_UNGUARDED" && exit $(cat verdict)\n'
    )
    (tmp_path / "python").chmod(0o755)
    (tmp_path / "verdict").write_text("0")
    return tmp_path


def _listener(state: Path, firewall: str = "none") -> Listener:
    listen = (parse_listen("10.0.0.5:2376"),)
    checks = firewall_of(firewall, "options_file").checks(FirewallFacts("sysvinit"), Access(listen, ()))
    return Listener(listen, (), str(state / "python"), firewall=firewall, checks=checks)


def _options(state: Path) -> OptionsFile:
    return dataclasses.replace(OPTIONS, path=str(state / "options"))


def _docker(state: Path, block: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a script named docker, as sysvinit does; it reads its options file as a function of OpenRC's would."""
    folder = state / "init.d"
    folder.mkdir(exist_ok=True)
    if block:
        (state / "options").write_text(with_block(b'DOCKER_OPTS="--debug"\n', block).decode())
    script = folder / "docker"
    script.write_text(
        f'set -e\nsourced() {{ . "$1"; }}\nsourced {state}/options\necho "${{DOCKERD_BINARY:-}} $DOCKER_OPTS"\n'
    )
    (state / "seen").unlink(missing_ok=True)
    return subprocess.run(
        ["/bin/sh", str(script), *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


def test_flags_are_added_only_while_the_guard_agrees(state: Path) -> None:
    block = shell_block(_listener(state), _options(state), "-H tcp://10.0.0.5:2376 --tlsverify")
    assert _docker(state, block, "start").stdout.split() == ADDED.split()
    assert "guard flags" in (state / "seen").read_text()
    (state / "verdict").write_text("1")
    done = _docker(state, block, "start")
    assert (done.returncode, done.stdout.split()) == (0, ["--debug"])


def test_the_gate_opens_behind_dockerd(state: Path) -> None:
    """The service does not wait for the proof: that comes once dockerd listens."""
    for text in (
        shell_block(_listener(state), _options(state), "-H tcp://10.0.0.5:2376"),
        shell_check(OBSERVED, _listener(state)),
    ):
        (state / "gate").unlink(missing_ok=True)
        assert _docker(state, text, "start").returncode == 0
        deadline = time.monotonic() + 20
        while not ((state / "gate").exists() and (state / "gate").read_text()) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert (state / "gate").read_text().splitlines() == ["gate open follow"]


def test_what_is_assigned_behind_the_block_takes_the_port_away(state: Path) -> None:
    """The last flag wins: --tlsverify=false, for one."""
    block = shell_block(_listener(state), _options(state), "-H tcp://10.0.0.5:2376 --tlsverify")
    assert _docker(state, block, "start").stdout.split() == ADDED.split()
    with (state / "options").open("a") as stream:
        stream.write('# more\nDOCKER_OPTS="$DOCKER_OPTS --tlsverify=false"\n')
    assert _docker(state, "", "start").stdout.split() == ["--debug", "--tlsverify=false"]


@pytest.mark.parametrize("other", ["-H tcp://10.0.0.5:2377", "-H 10.0.0.5:2377", "--host=db:2377"])
def test_without_our_flags_dockerd_does_not_start_with_another_port(state: Path, other: str) -> None:
    """Which these flags protect as well."""
    block = shell_block(_listener(state), _options(state), "-H tcp://10.0.0.5:2376 --tlsverify")
    (state / "verdict").write_text("1")
    (state / "init.d").mkdir()
    (state / "options").write_text(with_block(f'DOCKER_OPTS="{other}"\n'.encode(), block).decode())
    assert _docker(state, "", "start").returncode == 1
    assert _docker(state, "", "stop").returncode == 0


@pytest.mark.parametrize("firewall", ["nftables", "firewalld", "ufw"])
def test_without_the_access_list_there_is_no_port(state: Path, firewall: str) -> None:
    block = shell_block(_listener(state, firewall), _options(state), "-H tcp://10.0.0.5:2376")
    # There are no such rules here.
    assert _docker(state, block, "start").stdout.split() == ["--debug"]


@pytest.mark.parametrize(
    ("words", "runs"),
    [
        (("start",), True),
        (("restart",), True),
        (("force-reload",), True),
        ((), True),
        # What else it may mean is not known, so it may be a start.
        (("stop", "start"), True),
        (("start", "stop"), True),
        (("stop",), False),
        (("status",), False),
    ],
)
def test_only_what_may_be_a_start_runs_the_guard(state: Path, words: tuple[str, ...], runs: bool) -> None:
    for block in (shell_block(_listener(state), _options(state), "x"), shell_check(OBSERVED, _listener(state))):
        _docker(state, block, *words)
        assert (state / "seen").exists() is runs


def test_a_service_whose_guard_can_not_run_can_still_be_stopped(state: Path) -> None:
    block = shell_check(OBSERVED, _listener(state))
    (state / "python").unlink()
    assert _docker(state, block, "stop").returncode == 0
    assert _docker(state, block, "start").returncode == 1


def test_the_guard_sees_the_command_line_as_systemd_would_show_it(state: Path) -> None:
    assert _docker(state, shell_check(OBSERVED, _listener(state)), "start").returncode == 0
    shown, arguments = (state / "seen").read_text().splitlines()
    assert shown == "argv[]=/usr/sbin/dockerd --debug ; ignore_errors="
    assert arguments == f"-B -m guard hosts {layout.DAEMON_JSON} {layout.GOOD_COPY}"


def test_a_supervisor_starts_our_script_in_dockerds_place(state: Path) -> None:
    block = wrapper_block(OPTIONS_SUPERVISED, "/usr/bin/dockerd")
    assert _docker(state, block).stdout.split() == ["/bin/sh", layout.DOCKERD_WRAPPER, "/usr/bin/dockerd", "--debug"]
    users = f"DOCKERD_BINARY=/opt/dockerd\n{block}"
    assert _docker(state, users).stdout.split() == ["/bin/sh", layout.DOCKERD_WRAPPER, "/opt/dockerd", "--debug"]


def test_what_starts_dockerd_again_runs_the_guard_each_time(state: Path) -> None:
    (state / "starter").write_text(render_wrapper(_listener(state)))
    command = ["/bin/sh", str(state / "starter"), "/bin/echo", "--debug"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.stdout == "--debug\n"
    assert (state / "seen").read_text().startswith("argv[]=/bin/echo --debug ; ignore_errors=\n")
    (state / "verdict").write_text("1")
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")


def _start_again(state: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Start a dockerd that prints its words, as the supervisor does by our script."""
    (state / "starter").write_text(render_flags_wrapper(_listener(state), "-H tcp://10.0.0.5:2376 --tlsverify"))
    command = ["/bin/sh", str(state / "starter"), "/bin/echo", *words]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)


def test_our_script_adds_the_flags_only_while_the_guard_agrees(state: Path) -> None:
    assert _start_again(state, "--debug", "--label", "a b").stdout == f"--debug --label a b {ADDED[8:]}\n"
    (state / "verdict").write_text("1")
    done = _start_again(state, "--debug")
    assert (done.returncode, done.stdout) == (0, "--debug\n")
    # They would protect this port as well.
    assert _start_again(state, "-H", "tcp://10.0.0.5:2377").returncode == 1
    (state / "python").unlink()
    assert _start_again(state, "--debug").stdout == "--debug\n"


def test_without_our_script_or_with_variables_behind_the_block_a_supervisor_starts_dockerd_alone(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    starter = state / "starter"
    starter.touch()
    monkeypatch.setattr(layout, "FLAGS_WRAPPER", str(starter))
    options = dataclasses.replace(OPTIONS_SUPERVISED, path=str(state / "options"))
    block = wrapper_block_for_flags(options, "/usr/bin/dockerd")
    assert _docker(state, block).stdout.split() == ["/bin/sh", str(starter), "/usr/bin/dockerd", "--debug"]
    with (state / "options").open("a") as stream:
        stream.write("DOCKERD_BINARY=/opt/dockerd\n")
    assert _docker(state, "").stdout.split() == ["/opt/dockerd", "--debug"]
    starter.unlink()
    assert _docker(state, block).stdout.split() == ["--debug"]
    assert _docker(state, f'DOCKER_OPTS="-H tcp://10.0.0.5:2377"\n{block}', "start").returncode == 1
    assert _docker(state, f'DOCKER_OPTS="-H tcp://10.0.0.5:2377"\n{block}', "stop").returncode == 0


OPTIONS_SUPERVISED = dataclasses.replace(OPTIONS, is_supervised=True, program_variable="DOCKERD_BINARY")


def test_daemon_json_needs_a_place_for_the_guard(state: Path) -> None:
    supervised = dataclasses.replace(OBSERVED, options=OPTIONS_SUPERVISED)
    rendered = DaemonJson.render(supervised, _listener(state))
    assert list(rendered.files) == [layout.DOCKERD_WRAPPER]
    assert DaemonJson.unsuitable(supervised) is None
    nameless = dataclasses.replace(OPTIONS_SUPERVISED, program_variable="")
    assert "supervisor" in (DaemonJson.unsuitable(dataclasses.replace(OBSERVED, options=nameless)) or "")
    assert DaemonJson.render(OBSERVED, _listener(state)).files == {}
