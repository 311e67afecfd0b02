# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A listener that is there already is refused with file and line, or taken over so that withdrawing brings it back."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._dockerd import layout
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.existing_listener import take_over
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.files_of_others import remembered
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.host import Attributes
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.methods.choice import METHODS
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.observe import Observed
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.plan import Plan, plan_absent
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.sources import Source
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.startup import startup_of
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.what_was import WhatWas
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

Host = t.Callable[[str], Observed]
Expose = t.Callable[..., Plan]
After = t.Callable[[Observed, Plan], Observed]
Moments = t.Callable[..., t.List[t.Any]]

DROP_IN = "/etc/systemd/system/docker.service.d/override.conf"
SOCKET = "/etc/systemd/system/docker-tcp.socket"
SOCKET_DROP_IN = "/etc/systemd/system/docker.socket.d/tcp.conf"
ATTRIBUTES = Attributes(0o600, 3, 4)

OPEN = "[Service]\nExecStart=\nExecStart=/usr/bin/dockerd -H fd:// -H tcp://0.0.0.0:2375 --debug\n"
OPEN_WITHOUT = "[Service]\nExecStart=\nExecStart=/usr/bin/dockerd -H fd:// --debug\n"
VERIFIED = OPEN.replace("--debug", "--tlsverify --tlscacert=/ca --tlscert=/c --tlskey=/k --debug")
OWN_SOCKET = "[Service]\nExecStart=\nExecStart=/usr/bin/dockerd -H unix:///var/run/docker.sock -H tcp://0.0.0.0:2375\n"
TLS = '{"tlsverify": true,\n "tlscacert": "/ca", "tlscert": "/c", "tlskey": "/k"}'


def _with(observed: Observed, *added: tuple[str, str, str]) -> Observed:
    """The host with these files as well: kind, path, text."""
    sources = [*observed.sources]
    files = dict(observed.files)
    for kind, path, text in added:
        files[path] = (text.encode(), ATTRIBUTES)
        if kind != "daemon_json":
            sources = [source for source in sources if source.path != path] + [Source(path, text, kind)]
    seen = dataclasses.replace(observed, sources=tuple(sources), files=files)
    startup = startup_of(sources)
    return dataclasses.replace(seen, flags=startup.flags, exec_start=startup.exec_start, options=startup.options)


def _drop_in(text: str) -> tuple[str, str, str]:
    return "drop_in", DROP_IN, text


def _json(text: str) -> tuple[str, str, str]:
    return "daemon_json", layout.DAEMON_JSON, text


def _socket(text: str, path: str = SOCKET) -> tuple[str, str, str]:
    return "socket", path, text


def _refused(observed: Observed, *, adopt: bool = False) -> Failure:
    with pytest.raises(Failure) as failure:
        take_over(observed, WhatWas(), adopt=adopt)
    return failure.value


@pytest.mark.parametrize("name", ["docker-ce", "debian", "fedora", "opensuse", "own socket", "sysvinit", "openrc"])
@pytest.mark.parametrize("adopt", [True, False])
def test_a_host_as_it_comes_is_left_as_it_is(host: Host, name: str, adopt: bool) -> None:
    found = take_over(host(name), WhatWas(), adopt=adopt)
    assert found.observed == host(name)
    assert (found.texts, found.ports, found.sockets) == ({}, frozenset(), ())


@pytest.mark.parametrize(
    ("added", "key", "things"),
    [
        ([_drop_in(OPEN)], "other_listener", [f"-H tcp://0.0.0.0:2375 ({DROP_IN}:3)"]),
        (
            [("options", "/etc/default/docker", "# mine\nDOCKER_OPTS='-H tcp://1.2.3.4:2376'\n")],
            "other_listener",
            ["-H tcp://1.2.3.4:2376 (/etc/default/docker:2)"],
        ),
        ([_socket("[Socket]\nListenStream=2375\n")], "other_listener", [f"ListenStream=2375 ({SOCKET}:2)"]),
        # Of several, the listener is what matters.
        ([_drop_in(VERIFIED), _json(TLS)], "other_listener", [f"-H tcp://0.0.0.0:2375 ({DROP_IN}:3)"]),
        (
            [_json('{\n  "hosts": [\n    "unix:///run/x.sock",\n    "tcp://0.0.0.0:2375"\n  ]\n}')],
            "hosts_in_daemon_json",
            [f"({layout.DAEMON_JSON}:3)", f"({layout.DAEMON_JSON}:4)"],
        ),
        (
            [_drop_in(VERIFIED.replace(" -H tcp://0.0.0.0:2375", "")), _json(TLS)],
            "tls_flags",
            [f"--tlsverify ({DROP_IN}:3)", f"--tlscacert=/ca ({DROP_IN}:3)"],
        ),
        (
            [_json(TLS)],
            "tls_in_daemon_json",
            [f"({layout.DAEMON_JSON}:1)", f"({layout.DAEMON_JSON}:2)"],
        ),
    ],
)
def test_without_adopt_it_is_refused_by_file_and_line(
    host: Host, added: list[tuple[str, str, str]], key: str, things: list[str]
) -> None:
    failure = _refused(_with(host("debian"), *added))
    assert failure.key == key
    for thing in things:
        assert thing in str(failure).partition(": dockerd ")[0]
    assert "expose_adopt" in str(failure)


@pytest.mark.parametrize(
    ("text", "clear"), [(OPEN, True), (VERIFIED, False), (VERIFIED.replace("--tlsv", "--x"), True)]
)
def test_it_tells_whether_who_reaches_it_is_root(host: Host, text: str, clear: bool) -> None:
    said = str(_refused(_with(host("debian"), _drop_in(text))))
    assert ("is root on this host" in said) is clear
    assert ("with certificates of its own" in said) is not clear


@pytest.mark.parametrize(
    "changes",
    [
        {"running_hosts": ("fd://", "tcp://0.0.0.0:2375")},
        {"foreign_streams": ("0.0.0.0:2375",)},
    ],
)
@pytest.mark.parametrize("adopt", [True, False])
def test_one_that_no_file_explains_is_refused(host: Host, changes: dict[str, t.Any], adopt: bool) -> None:
    failure = _refused(dataclasses.replace(host("debian"), **changes), adopt=adopt)
    assert failure.key == "other_listener"
    assert "0.0.0.0:2375" in str(failure)
    assert "Restart dockerd" in str(failure)


def test_running_hosts_that_are_no_tcp_are_no_listener(host: Host) -> None:
    observed = dataclasses.replace(host("debian"), running_hosts=("fd://", "unix:///run/x.sock"))
    assert take_over(observed, WhatWas(), adopt=False).texts == {}


@pytest.mark.parametrize(
    ("added", "texts", "ports", "sockets"),
    [
        ([_drop_in(OPEN)], {DROP_IN: OPEN_WITHOUT}, {2375}, ()),
        ([_drop_in(VERIFIED)], {DROP_IN: OPEN_WITHOUT}, {2375}, ()),
        # It has put a socket of its own in the place of docker.socket's.
        (
            [_drop_in(OWN_SOCKET)],
            {DROP_IN: "[Service]\nExecStart=\nExecStart=/usr/bin/dockerd -H fd://\n"},
            {2375},
            (layout.DOCKER_SOCKET,),
        ),
        (
            [("options", "/etc/default/docker", "DOCKER_OPTS='-H tcp://1.2.3.4:2376 -D'\n")],
            {"/etc/default/docker": "DOCKER_OPTS='-D'\n"},
            {2376},
            (),
        ),
        ([_socket("[Socket]\nListenStream=2375\n")], {SOCKET: None}, {2375}, ("docker-tcp.socket",)),
        (
            [_socket("[Socket]\nListenStream=[::]:2375\nNoDelay=yes\n", SOCKET_DROP_IN)],
            {SOCKET_DROP_IN: "[Socket]\nNoDelay=yes\n"},
            {2375},
            ("docker.socket",),
        ),
        (
            [_drop_in(OPEN), _json('{"hosts": ["tcp://0.0.0.0:2377"], "mtu": 1}')],
            {DROP_IN: OPEN_WITHOUT, layout.DAEMON_JSON: '{"mtu": 1}'},
            {2375, 2377},
            (),
        ),
    ],
)
def test_adopted_the_files_have_it_no_more(
    host: Host,
    added: list[tuple[str, str, str]],
    texts: dict[str, str | None],
    ports: set[int],
    sockets: tuple[str, ...],
) -> None:
    before = _with(host("debian"), *added)
    runs = dataclasses.replace(before, foreign_streams=("0.0.0.0:2375",), active_sockets=("docker-tcp.socket",))
    found = take_over(runs, WhatWas(), adopt=True)
    assert (found.texts, found.ports, found.sockets) == (texts, ports, sockets)
    # What follows is planned on a host that never had it.
    after = found.observed
    assert (after.flags.hosts, after.flags.tls, after.running_hosts, after.foreign_streams) == (("fd://",), (), (), ())
    assert {source.path: source.text for source in after.sources if source.path in texts} == {
        path: text for path, text in texts.items() if text is not None and path != layout.DAEMON_JSON
    }
    assert after.files == before.files, "nothing is written yet"


def test_a_socket_unit_that_is_down_stays_down(host: Host) -> None:
    found = take_over(_with(host("debian"), _socket("[Socket]\nListenStream=2375\n")), WhatWas(), adopt=True)
    assert (found.texts, found.sockets) == ({SOCKET: None}, ())


def test_a_packages_own_listener_is_refused(host: Host) -> None:
    unit = ("unit", "/usr/lib/systemd/system/docker.service", "[Service]\nExecStart=/usr/bin/dockerd -H tcp://1:2375\n")
    failure = _refused(_with(host("docker-ce"), unit), adopt=True)
    assert failure.key == "adopt_unsupported"
    assert "docker.service:2" in str(failure)


@pytest.mark.parametrize("name", ["debian", "sysvinit"])
def test_our_own_listener_is_none_of_others(host: Host, expose: Expose, after: After, name: str) -> None:
    for method in METHODS:
        clean = host(name)
        if method.unsuitable(clean) is None:
            exposed = after(clean, expose(clean, method.name))
            found = take_over(exposed, remembered(exposed), adopt=False)
            assert (found.observed, found.texts) == (exposed, {}), method.name


def test_one_that_came_after_us_is_refused(host: Host, expose: Expose, after: After) -> None:
    clean = host("debian")
    exposed = after(clean, expose(clean, "daemon_json"))
    with pytest.raises(Failure) as failure:
        take_over(_with(exposed, _drop_in(OPEN)), remembered(exposed), adopt=False)
    assert failure.value.key == "other_listener"
    assert f"({DROP_IN}:3)" in str(failure.value)


@pytest.mark.parametrize(
    "added",
    [
        [_drop_in(OPEN)],
        [_drop_in(VERIFIED), _json('{"mtu": 1}')],
        [_drop_in(OWN_SOCKET), _json(TLS)],
        [_socket("[Socket]\nListenStream=2375\n")],
        [("options", "/etc/default/docker", "# mine\nDOCKER_OPTS='-H tcp://1.2.3.4:2376 -D'")],
        [_drop_in("[Service]\nExecStart=\nExecStart=/usr/bin/dockerd\n"), _json('{"hosts": ["tcp://1.2.3.4:2375"]}')],
    ],
)
@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_withdrawing_brings_it_back_to_the_byte(
    host: Host, expose: Expose, after: After, moments: Moments, added: list[tuple[str, str, str]], method: t.Any
) -> None:
    before = _with(host("debian"), *added)
    found = take_over(before, WhatWas(), adopt=True)
    if method.unsuitable(found.observed) is not None:
        assert method.name == "options_file"
        return
    plan = expose(found.observed, method.name, adopted=found.texts, sockets_to_restart=found.sockets)
    assert plan.sockets_to_restart == found.sockets
    exposed = after(found.observed, plan)
    for path in found.texts:
        assert exposed.files[f"{path}{layout.BESIDE}"] == before.files[path], "as it was, it lies beside"
        assert exposed.files.get(path, (None, ATTRIBUTES))[1] == before.files[path][1]
    for moment in moments(found.observed, plan):
        assert not moment.fails, moment
        assert moment.live_restore, moment

    again = take_over(exposed, remembered(exposed), adopt=False)
    second = expose(again.observed, method.name, adopted=again.texts)
    assert (second.changes, second.changed) == ((), False)

    withdrawn = after(exposed, plan_absent(exposed, existing_folders=[layout.BUNDLE, layout.STATE]))
    assert withdrawn.files == before.files
