# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A listener that is there already is refused with file and line, or adopted so that withdrawing brings it back."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.files.originals import Originals
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.files.shared_files import read_originals
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.refusals.existing_listener import (
    Adoption,
    adopt_listener,
)

from ..hosts import FITS, HOSTS, UNIT, Host
from ..planning import after, expose, exposed_by, observed_of, withdraw
from ..starts import started

DROP_IN = "/etc/systemd/system/docker.service.d/override.conf"
SOCKET = "/etc/systemd/system/docker-tcp.socket"
SOCKET_DROP_IN = "/etc/systemd/system/docker.socket.d/tcp.conf"
OPTIONS = "/etc/default/docker"
Files = t.Dict[str, str]

OPEN = "[Service]\nExecStart=\nExecStart=/usr/bin/dockerd -H fd:// -H tcp://0.0.0.0:2375 --debug\n"
OPEN_WITHOUT = "[Service]\nExecStart=\nExecStart=/usr/bin/dockerd -H fd:// --debug\n"
VERIFIED = OPEN.replace("--debug", "--tlsverify --tlscacert=/ca --tlscert=/c --tlskey=/k --debug")
OWN_SOCKET = "[Service]\nExecStart=\nExecStart=/usr/bin/dockerd -H unix:///var/run/docker.sock -H tcp://0.0.0.0:2375\n"
TLS = '{"tlsverify": true,\n "tlscacert": "/ca", "tlscert": "/c", "tlskey": "/k"}'


def _with(host: Host, files: Files) -> Host:
    for path, text in files.items():
        host = host.write(path, text, 0o600, 3, 4)
    return host


def _adopt(host: Host, *, allowed: bool) -> Adoption:
    observed = observed_of(host)
    return adopt_listener(observed, read_originals(observed), allowed=allowed)


def _refused(host: Host, *, allowed: bool = False) -> Failure:
    with pytest.raises(Failure) as failure:
        _adopt(host, allowed=allowed)
    return failure.value


@pytest.mark.parametrize("name", HOSTS)
@pytest.mark.parametrize("allowed", [True, False])
def test_a_host_as_it_comes_is_left_as_it_is(name: str, allowed: bool) -> None:
    observed = observed_of(HOSTS[name])
    found = adopt_listener(observed, read_originals(observed), allowed=allowed)
    assert found.observed is observed
    assert (found.texts, found.ports, found.sockets) == ({}, frozenset(), ())


@pytest.mark.parametrize(
    ("files", "key", "things"),
    [
        ({DROP_IN: OPEN}, "other_listener", [f"-H tcp://0.0.0.0:2375 ({DROP_IN}:3)"]),
        (
            {OPTIONS: "# mine\nDOCKER_OPTS='-H tcp://1.2.3.4:2376'\n"},
            "other_listener",
            [f"-H tcp://1.2.3.4:2376 ({OPTIONS}:2)"],
        ),
        ({SOCKET: "[Socket]\nListenStream=2375\n"}, "other_listener", [f"ListenStream=2375 ({SOCKET}:2)"]),
        # Of several, the listener is what matters.
        (
            {DROP_IN: VERIFIED, layout.DAEMON_JSON: TLS},
            "other_listener",
            [f"-H tcp://0.0.0.0:2375 ({DROP_IN}:3)"],
        ),
        (
            {layout.DAEMON_JSON: '{\n  "hosts": [\n    "unix:///run/x.sock",\n    "tcp://0.0.0.0:2375"\n  ]\n}'},
            "hosts_in_daemon_json",
            [f"({layout.DAEMON_JSON}:3)", f"({layout.DAEMON_JSON}:4)"],
        ),
        (
            {DROP_IN: VERIFIED.replace(" -H tcp://0.0.0.0:2375", ""), layout.DAEMON_JSON: TLS},
            "tls_flags",
            [f"--tlsverify ({DROP_IN}:3)", f"--tlscacert=/ca ({DROP_IN}:3)"],
        ),
        (
            {layout.DAEMON_JSON: TLS},
            "tls_in_daemon_json",
            [f"({layout.DAEMON_JSON}:1)", f"({layout.DAEMON_JSON}:2)"],
        ),
    ],
)
def test_without_adopt_it_is_refused_by_file_and_line(files: Files, key: str, things: list[str]) -> None:
    failure = _refused(_with(HOSTS["debian"], files))
    assert failure.key == key
    for thing in things:
        assert thing in str(failure).partition(": dockerd ")[0]
    assert "expose_adopt" in str(failure)


@pytest.mark.parametrize(
    ("text", "is_open"), [(OPEN, True), (VERIFIED, False), (VERIFIED.replace("--tlsv", "--x"), True)]
)
def test_it_says_whether_anyone_who_reaches_it_has_root(text: str, is_open: bool) -> None:
    said = str(_refused(_with(HOSTS["debian"], {DROP_IN: text})))
    assert ("has root on this host" in said) is is_open
    assert ("with its own certificates" in said) is not is_open


@pytest.mark.parametrize("allowed", [True, False])
def test_one_that_no_file_explains_is_refused(allowed: bool) -> None:
    runs = HOSTS["debian"].but(command_line=["/usr/bin/dockerd", "-H", "fd://", "-H", "tcp://0.0.0.0:2375"])
    units = HOSTS["debian"].observation()["units"]
    units[layout.DOCKER_SOCKET]["Listen"] = "/run/docker.sock (Stream) 0.0.0.0:2375 (Stream)"
    for host in (runs, HOSTS["debian"].reporting(units=units)):
        failure = _refused(host, allowed=allowed)
        assert failure.key == "other_listener"
        assert "0.0.0.0:2375" in str(failure)
        assert "Restart dockerd" in str(failure)


def test_running_hosts_that_are_no_tcp_are_no_listener() -> None:
    host = HOSTS["debian"].but(command_line=["/usr/bin/dockerd", "-H", "fd://", "-H", "unix:///run/x.sock"])
    assert _adopt(host, allowed=False).texts == {}


@pytest.mark.parametrize(
    ("files", "texts", "ports", "sockets"),
    [
        ({DROP_IN: OPEN}, {DROP_IN: OPEN_WITHOUT}, {2375}, ()),
        ({DROP_IN: VERIFIED}, {DROP_IN: OPEN_WITHOUT}, {2375}, ()),
        # It has put a socket of its own in the place of docker.socket's.
        (
            {DROP_IN: OWN_SOCKET},
            {DROP_IN: "[Service]\nExecStart=\nExecStart=/usr/bin/dockerd -H fd://\n"},
            {2375},
            (layout.DOCKER_SOCKET,),
        ),
        (
            {OPTIONS: "DOCKER_OPTS='-H tcp://1.2.3.4:2376 -D'\n"},
            {OPTIONS: "DOCKER_OPTS='-D'\n"},
            {2376},
            (),
        ),
        ({SOCKET: "[Socket]\nListenStream=2375\n"}, {SOCKET: None}, {2375}, ("docker-tcp.socket",)),
        (
            {SOCKET_DROP_IN: "[Socket]\nListenStream=[::]:2375\nNoDelay=yes\n"},
            {SOCKET_DROP_IN: "[Socket]\nNoDelay=yes\n"},
            {2375},
            ("docker.socket",),
        ),
        (
            {DROP_IN: OPEN, layout.DAEMON_JSON: '{"hosts": ["tcp://0.0.0.0:2377"], "mtu": 1}'},
            {DROP_IN: OPEN_WITHOUT, layout.DAEMON_JSON: '{"mtu": 1}'},
            {2375, 2377},
            (),
        ),
    ],
)
def test_after_adoption_the_files_do_not_have_it(
    files: Files, texts: dict[str, str | None], ports: set[int], sockets: tuple[str, ...]
) -> None:
    host = _with(HOSTS["debian"], files)
    runs = host.but(
        active={*host.active, "docker-tcp.socket"}, listening=[("0.0.0.0", port, "dockerd") for port in ports]
    )
    found = _adopt(runs, allowed=True)
    assert (found.texts, found.ports, found.sockets) == (texts, ports, sockets)
    # What follows is planned on a host that never had it.
    left = found.observed
    assert (left.flags.hosts, left.flags.tls, left.running_hosts, left.foreign_streams) == (("fd://",), (), (), ())
    assert {source.path: source.text for source in left.sources if source.path in texts} == {
        path: text for path, text in texts.items() if text is not None and path != layout.DAEMON_JSON
    }
    assert left.files == observed_of(runs).files, "nothing is written yet"
    # Its port may be ours next.
    assert expose(runs, adopt=True, listen=[f"any:{port}" for port in ports]).restarted


def test_a_socket_unit_that_is_down_stays_down() -> None:
    found = _adopt(_with(HOSTS["debian"], {SOCKET: "[Socket]\nListenStream=2375\n"}), allowed=True)
    assert (found.texts, found.sockets) == ({SOCKET: None}, ())


def test_a_packages_own_listener_is_overridden_and_its_file_stays() -> None:
    unit = "[Service]\nExecStart=/usr/bin/dockerd -H fd:// -H tcp://127.0.0.1:2375 -D\n"
    host = started(_with(HOSTS["docker-ce"], {UNIT: unit}))
    for method in FITS["docker-ce"]:
        exposed = exposed_by(host, method, adopt=True)
        assert exposed.files[UNIT] == host.files[UNIT]
        assert not expose(exposed, method).changed
        assert after(exposed, withdraw(exposed)).files == host.files


def test_a_symbolic_link_is_refused() -> None:
    host = _with(HOSTS["debian"], {DROP_IN: OPEN})
    raw = host.observation()["files"]
    raw[DROP_IN]["link"] = True
    failure = _refused(host.reporting(files=raw), allowed=True)
    assert failure.key == "adopt_unsupported"
    assert DROP_IN in str(failure)


@pytest.mark.parametrize("name", HOSTS)
def test_our_own_listener_is_not_one_of_others(name: str) -> None:
    for method in FITS[name]:
        exposed = exposed_by(HOSTS[name], method)
        observed = observed_of(exposed)
        found = adopt_listener(observed, read_originals(observed), allowed=False)
        assert found.observed is observed
        assert found.texts == {}, method


def test_one_that_came_after_us_is_refused() -> None:
    exposed = exposed_by(HOSTS["debian"], "daemon_json")
    failure = _refused(_with(exposed, {DROP_IN: OPEN}))
    assert failure.key == "other_listener"
    assert f"({DROP_IN}:3)" in str(failure)


def test_what_was_adopted_is_remembered() -> None:
    host = started(_with(HOSTS["debian"], {DROP_IN: OWN_SOCKET}))
    originals = Originals.read(exposed_by(host, adopt=True).content(layout.ORIGINALS) or b"")
    assert originals.adopted == (DROP_IN,)
    assert originals.sockets == (layout.DOCKER_SOCKET,)
    assert originals.original_of(DROP_IN) == OWN_SOCKET.encode()
