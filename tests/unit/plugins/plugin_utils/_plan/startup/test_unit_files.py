# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading systemd units: which flags dockerd is started with, however they are written."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._guard.dockerd_flags import DaemonFlags
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.startup.command_line import read_startup
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.startup.environment_file import (
    environment_assignments,
)
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.startup.sources import Source
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.startup.startup import (
    exec_start_line,
    split_hosts,
    startup_of,
)


def _flags(text: str, variables: t.Mapping[str, str] | None = None) -> DaemonFlags:
    section = "" if text.startswith("[") else "[Service]\n"
    options = "".join(f"{name}='{value}'\n" for name, value in (variables or {}).items())
    return startup_of([Source("", section + text, "unit"), Source("/options", options, "options")]).flags


def _variables(text: str) -> dict[str, str]:
    return {assignment.name: assignment.value.text for assignment in environment_assignments(text)}


# The units as the packages have them, cut to what matters.
DOCKER_CE = """[Unit]
Description=Docker Application Container Engine

[Service]
Type=notify
# the default is not to use systemd for cgroups because the delegate issues still
ExecStart=/usr/bin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock
ExecReload=/bin/kill -s HUP $MAINPID
"""
DEBIAN = """[Service]
EnvironmentFile=-/etc/default/docker
ExecStart=/usr/sbin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock $DOCKER_OPTS
"""
FEDORA = """[Service]
EnvironmentFile=-/etc/sysconfig/docker
EnvironmentFile=-/etc/sysconfig/docker-storage
ExecStart=/usr/bin/dockerd \\
          --host=fd:// \\
          --exec-opt native.cgroupdriver=systemd \\
          $OPTIONS \\
          $DOCKER_STORAGE_OPTIONS
"""
OPENSUSE = """[Service]
EnvironmentFile=/etc/sysconfig/docker
ExecStart=/usr/bin/dockerd --add-runtime oci=/usr/sbin/docker-runc $DOCKER_NETWORK_OPTIONS $DOCKER_OPTS
"""


@pytest.mark.parametrize(
    ("text", "program", "hosts"),
    [
        pytest.param(DOCKER_CE, "/usr/bin/dockerd", ("fd://",), id="docker-ce"),
        pytest.param(DEBIAN, "/usr/sbin/dockerd", ("fd://",), id="Debian"),
        pytest.param(FEDORA, "/usr/bin/dockerd", ("fd://",), id="Fedora"),
        pytest.param(OPENSUSE, "/usr/bin/dockerd", (), id="openSUSE"),
    ],
)
def test_the_packages_lines_are_read(text: str, program: str, hosts: tuple[str, ...]) -> None:
    assert _flags(text) == DaemonFlags(program, hosts, (), None, False)


@pytest.mark.parametrize(
    ("words", "hosts"),
    [
        ("-H fd://", ("fd://",)),
        ("-H=fd://", ("fd://",)),
        ("-Hfd://", ("fd://",)),
        ("--host fd://", ("fd://",)),
        ("--host=fd://", ("fd://",)),
        ('-H "fd://"', ("fd://",)),
        ("'--host=fd://'", ("fd://",)),
        ("-H fd:// -H tcp://0.0.0.0:2375", ("fd://", "tcp://0.0.0.0:2375")),
        ("-D -H=unix:///a --host=tcp://b -Hc", ("unix:///a", "tcp://b", "c")),
        ("--debug", ()),
        ("--hostname-of-something=x", ()),
        ("-H", ("",)),
    ],
)
def test_each_form_of_the_host_flag_is_read(words: str, hosts: tuple[str, ...]) -> None:
    assert _flags(f"ExecStart=/usr/bin/dockerd {words}\n").hosts == hosts


@pytest.mark.parametrize(
    ("words", "tls"),
    [
        ("--tls", ("--tls",)),
        ("--tls=false", ("--tls=false",)),
        ("--tlsverify --tlscacert=/ca --tlscert /cert", ("--tlsverify", "--tlscacert=/ca", "--tlscert")),
        ("--tlskey=/k", ("--tlskey=/k",)),
        ("--tlsunheard-of", ()),
    ],
)
def test_tls_flags_are_read(words: str, tls: tuple[str, ...]) -> None:
    assert _flags(f"ExecStart=/usr/bin/dockerd {words}\n").tls == tls


@pytest.mark.parametrize(
    ("words", "config_file", "live_restore"),
    [
        ("--config-file /etc/d.json", "/etc/d.json", False),
        ("--config-file=/etc/d.json", "/etc/d.json", False),
        ("--live-restore", None, True),
        ("--live-restore=false", None, True),
        ("--live-restore-not", None, False),
    ],
)
def test_flags_that_collide_with_daemon_json_are_read(words: str, config_file: str | None, live_restore: bool) -> None:
    flags = _flags(f"ExecStart=/usr/bin/dockerd {words}\n")
    assert (flags.config_file, flags.live_restore) == (config_file, live_restore)


def test_variables_are_split_into_words_as_systemd_does() -> None:
    variables = {"DOCKER_OPTS": "-H tcp://10.0.0.1:2375  --tls=false", "EMPTY": ""}
    flags = _flags("ExecStart=/usr/bin/dockerd $EMPTY -H fd:// $DOCKER_OPTS $UNSET", variables)
    assert (flags.hosts, flags.tls) == (("fd://", "tcp://10.0.0.1:2375"), ("--tls=false",))


@pytest.mark.parametrize("word", ["$OPTIONS", "${OPTIONS}"])
def test_both_ways_to_write_a_variable_are_read(word: str) -> None:
    assert _flags(f"ExecStart=/usr/bin/dockerd {word}", {"OPTIONS": "-Hfd://"}).hosts == ("fd://",)


@pytest.mark.parametrize(
    ("drop_ins", "words"),
    [
        ("", ["/usr/bin/dockerd", "-H", "fd://"]),
        ("ExecStart=\nExecStart=/usr/bin/dockerd --debug\n", ["/usr/bin/dockerd", "--debug"]),
        ("ExecStart=\n", []),
        ("ExecStart =\n ExecStart = /opt/dockerd\n", ["/opt/dockerd"]),
        ("#ExecStart=\n;ExecStart=/opt/dockerd\n", ["/usr/bin/dockerd", "-H", "fd://"]),
        ("ExecStartPre=/bin/true\nExecStartPost=/bin/false\n", ["/usr/bin/dockerd", "-H", "fd://"]),
        ("ExecStart=\nExecStart=-/opt/dockerd\n", ["/opt/dockerd"]),
        ("ExecStart=\nExecStart=-+/opt/dockerd --x\n", ["/opt/dockerd", "--x"]),
        ("ExecStart=\nExecStart=/a \\\n  -H \\\n\t fd://\n", ["/a", "-H", "fd://"]),
        ("ExecStart=\nExecStart=/a \"b c\" 'd e' --f=g=h\n", ["/a", "b c", "d e", "--f=g=h"]),
    ],
)
def test_the_exec_start_in_force_is_found(drop_ins: str, words: list[str]) -> None:
    text = f"[Service]\nExecStart=/usr/bin/dockerd -H fd://\n\n[Service]\n{drop_ins}"
    lines = read_startup([Source("", text, "unit")]).command_lines
    assert [word for line in lines for word in line.argv] == words


@pytest.mark.parametrize("text", ["", "ExecStart=dockerd -H fd://\n", "ExecStart=\n"])
def test_a_program_without_a_path_is_not_made_up(text: str) -> None:
    assert _flags(text).program == ""


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ('DOCKER_OPTS="-H tcp://0.0.0.0:2375 --dns 8.8.8.8"\n', {"DOCKER_OPTS": "-H tcp://0.0.0.0:2375 --dns 8.8.8.8"}),
        ("DOCKER_OPTS='-D'\n", {"DOCKER_OPTS": "-D"}),
        ("A=1\nB=2\nA=3\n", {"A": "3", "B": "2"}),
        ("# A=1\n  ; B=2\n\nnothing\nC=\n", {"C": ""}),
        (' A = "x y" \n', {"A": "x y"}),
        ('A="unclosed\nB=fine\n', {"A": "unclosed\nB=fine\n"}),
        ('A="-H fd:// \\\n  -D"\n', {"A": "-H fd://   -D"}),
        ("A=--opt=b=c\n", {"A": "--opt=b=c"}),
    ],
)
def test_environment_files_are_read(text: str, variables: dict[str, str]) -> None:
    assert _variables(text) == variables


@pytest.mark.parametrize(
    ("line", "left", "hosts"),
    [
        ("/usr/bin/dockerd -H fd:// --x", "/usr/bin/dockerd --x", ["fd://"]),
        ("/usr/bin/dockerd --host=a -Hb -H=c --host d", "/usr/bin/dockerd", ["a", "b", "c", "d"]),
        ("/usr/bin/dockerd -H", "/usr/bin/dockerd", [""]),
        ("-/usr/bin/dockerd  --label='a -H b' $OPTS", "-/usr/bin/dockerd --label='a -H b' $OPTS", []),
        ("/usr/bin/dockerd '-H' fd://", "/usr/bin/dockerd '-H' fd://", []),
        ("/usr/bin/dockerd -DH fd://", "/usr/bin/dockerd -DH fd://", []),
        ("/usr/bin/dockerd -H fd:// 'open", "/usr/bin/dockerd -H fd:// 'open", []),
    ],
)
def test_hosts_are_taken_off_a_line(line: str, left: str, hosts: list[str]) -> None:
    assert split_hosts(line) == (left, hosts)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[Service]\nExecStart=/a \\\n  -H \\\n# no\n\t fd://\n", "/a -H fd://"),
        ("[Service]\nExecStart=/a '-H  x' \\x2dD $$A %%n \\;\n", "/a '-H  x' \\x2dD $$A %%n \\;"),
        ("[Service]\nExecStart=-@/a b\n[X-Old]\nExecStart=/c\n", "-@/a b"),
        ("", ""),
    ],
)
def test_the_line_in_force_is_kept_as_it_is_written(text: str, line: str) -> None:
    assert exec_start_line(text) == line
