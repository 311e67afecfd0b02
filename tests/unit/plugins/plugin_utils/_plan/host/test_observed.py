# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How dockerd is started on a host, derived from the units and files that the host reports."""

from __future__ import annotations

import os

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.module_utils._shared.options_block import with_block
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.host.observed import decoded

from ..hosts import HOSTS, SCRIPT, UNIT, Host
from ..planning import observed_of

OPTIONS = "/etc/default/docker"
TCP_SOCKET = "/etc/systemd/system/docker-tcp.socket"
DROP_INS = "/etc/systemd/system/docker.service.d"


def _with_drop_in(host: Host, name: str, line: str) -> Host:
    return host.write(f"{DROP_INS}/{name}", f"[Service]\nExecStart=\nExecStart={line}\n")


def test_flags_come_from_unit_drop_ins_and_options_file() -> None:
    host = _with_drop_in(HOSTS["debian"], "10.conf", "/usr/sbin/dockerd -H fd:// --debug $DOCKER_OPTS")
    host = host.write(OPTIONS, 'DOCKER_OPTS="-H tcp://0.0.0.0:2375"\n')
    observed = observed_of(host)
    assert observed.flags.program == "/usr/sbin/dockerd"
    assert observed.flags.hosts == ("fd://", "tcp://0.0.0.0:2375")
    assert (observed.is_running, observed.is_socket_active, observed.foreign_streams) == (True, False, ())
    assert observed.exec_start == "/usr/sbin/dockerd -H fd:// --debug $DOCKER_OPTS"
    assert observed.content(OPTIONS) == b'DOCKER_OPTS="-H tcp://0.0.0.0:2375"\n'
    assert observed.content("/etc/absent") is None


def test_drop_ins_count_in_the_order_that_they_are_reported_in() -> None:
    host = HOSTS["docker-ce"]
    for name in ("90.conf", "05.conf", "10.conf"):
        host = _with_drop_in(host, name, f"/usr/bin/dockerd -H tcp://{name}")
    observed = observed_of(host)
    assert observed.flags.hosts == ("tcp://90.conf",)
    names = [source.path.rpartition("/")[2] for source in observed.sources if source.kind == "drop_in"]
    assert names == ["05.conf", "10.conf", "90.conf"]


def test_what_we_added_is_left_out() -> None:
    host = _with_drop_in(HOSTS["docker-ce"], "zz-gangway.conf", "/usr/bin/dockerd -H tcp://0.0.0.0:2376 --tlsverify")
    host = host.write(layout.DROP_IN, "[Service]\nSockets=docker-gangway.socket\n")
    observed = observed_of(host)
    assert (observed.flags.hosts, observed.flags.tls) == (("fd://",), ())
    assert "2376" in observed.exec_start_in_force
    assert "2376" not in observed.exec_start


def test_our_block_in_an_options_file_is_left_out() -> None:
    text = with_block(b'DOCKER_OPTS="--live-restore -H unix:///x"\n', 'DOCKER_OPTS="-H tcp://0.0.0.0:2376"\n')
    host = HOSTS["sysvinit"].write(OPTIONS, text)
    observed = observed_of(host.but(is_running=False))
    assert (observed.init, observed.is_running, observed.engine) == ("sysvinit", False, None)
    assert observed.flags.program == "/usr/bin/dockerd"
    assert (observed.flags.hosts, observed.flags.live_restore) == (("unix:///x",), True)
    assert observed.options is not None
    assert observed.options.is_shell
    assert "tcp://" not in observed.sources[0].text
    assert observed.content(OPTIONS) == text


@pytest.mark.parametrize(
    ("init", "script", "path"),
    [
        ("sysvinit", "sysvinit", "/etc/default/docker"),
        ("openrc", "openrc", "/etc/conf.d/docker"),
        # OpenRC runs Debian's script, too.
        ("openrc", "sysvinit", "/etc/default/docker"),
    ],
)
def test_the_script_says_which_file_it_reads(init: str, script: str, path: str) -> None:
    host = HOSTS[init].write(SCRIPT, HOSTS[script].text(SCRIPT))
    options = observed_of(host).options
    assert options is not None
    assert options.path == path


def test_a_script_that_takes_no_options_has_no_options_file() -> None:
    assert observed_of(HOSTS["sysvinit"].write(SCRIPT, "#!/bin/sh\ndockerd &\n")).options is None


@pytest.mark.parametrize(("active", "names"), [(True, ("docker-tcp.socket",)), (False, ())])
def test_a_socket_unit_of_others_is_known_and_whether_it_is_active(active: bool, names: tuple[str, ...]) -> None:
    host = HOSTS["docker-ce"].write(TCP_SOCKET, "[Socket]\nListenStream=[::]:2375\n")
    host = host.but(active={layout.DOCKER_SOCKET, *(["docker-tcp.socket"] if active else [])})
    observed = observed_of(host)
    assert observed.active_sockets == names
    assert observed.foreign_streams == (("[::]:2375",) if active else ())
    assert TCP_SOCKET in [source.path for source in observed.sources if source.kind == "socket"]


def test_a_port_in_docker_socket_itself_is_known() -> None:
    path = UNIT.replace("service", "socket")
    host = HOSTS["docker-ce"].write(path, "[Socket]\nListenStream=/run/docker.sock\nListenStream=10.0.0.1:2375\n")
    assert observed_of(host).foreign_streams == ("10.0.0.1:2375",)


def test_our_own_socket_unit_is_not_anothers() -> None:
    host = HOSTS["docker-ce"].write(layout.SOCKET_UNIT, "[Socket]\nListenStream=10.0.0.1:2376\n")
    observed = observed_of(host.but(active={layout.DOCKER_SOCKET, layout.GANGWAY_SOCKET}))
    assert (observed.foreign_streams, observed.active_sockets, observed.is_socket_active) == ((), (), True)


@pytest.mark.parametrize(
    ("folder", "loose"),
    [([0o700, 0, 0], False), ([0o755, 0, 0], True), ([0o700, 1000, 0], True), ([0o700, 0, 1000], True)],
)
def test_a_folder_of_ours_that_others_can_read_is_loose(folder: list[int], loose: bool) -> None:
    host = HOSTS["docker-ce"]
    observed = observed_of(host.but(folders={**host.folders, layout.BUNDLE: folder}))
    assert observed.loose_folders == ((layout.BUNDLE,) if loose else ())


def test_folders_that_do_not_exist_are_missing() -> None:
    host = HOSTS["docker-ce"]
    others = tuple(map(os.path.dirname, (layout.BOOT_DROP_IN, layout.GATEWAY_BOOT)))
    assert observed_of(host).missing_folders == (DROP_INS, *others)
    assert observed_of(host.but(folders={DROP_INS: [0o755, 0, 0]})).missing_folders == ("/etc/docker", *others)
    assert observed_of(host).loose_folders == ()


def test_the_hosts_of_the_running_dockerd_are_known_but_not_ours() -> None:
    """Files may have been edited since its start."""
    words = ["/usr/bin/dockerd", "-H", "fd://", "-H", "tcp://0.0.0.0:2375", "-H", "tcp://10.20.0.5:2376"]
    host = HOSTS["docker-ce"].but(command_line=words)
    host = host.write(layout.LISTENER_FLAGS, 'GANGWAY_LISTENER="-H tcp://10.20.0.5:2376 --tlsverify"\n')
    assert observed_of(host).running_hosts == ("fd://", "tcp://0.0.0.0:2375")


def test_text_that_is_not_utf8_is_refused() -> None:
    assert decoded(None, "x") == ""
    assert decoded("ä".encode(), "x") == "ä"
    with pytest.raises(Failure) as failure:
        decoded(b"\xe4", "/etc/docker/daemon.json")
    assert failure.value.key == "daemon_json_malformed"
