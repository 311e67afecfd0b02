# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What dockerd_info shows: listeners by file and line, and none of the host's secrets."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.host.parsing import parse_observation
from ansible_collections.gangway.docker.plugins.plugin_utils._report.report import report

UNIT = "/lib/systemd/system/docker.service"
SOCKET = "/lib/systemd/system/docker.socket"
DROP_IN = "/etc/systemd/system/docker.service.d/x.conf"
SECRET = "hunter2"


def _raw(files: t.Mapping[str, str] | None = None, **changes: t.Any) -> dict[str, t.Any]:
    """A host as docker.io is packaged; C(files): further ones. Drop-ins and sockets are found by their paths."""
    texts = {
        UNIT: "[Unit]\n[Service]\nExecStart=/usr/sbin/dockerd -H fd:// $DOCKER_OPTS\n",
        SOCKET: "[Socket]\nListenStream=/run/docker.sock\n",
        **(files or {}),
    }
    sockets: dict[str, list[str]] = {}
    for path in texts:
        if path.endswith(".socket"):
            sockets[path.rpartition("/")[2]] = [path]
    raw: dict[str, t.Any] = {
        "time": 1.0,
        "init": "systemd",
        "python": "/usr/bin/python3",
        "units": {"docker.service": {"LoadState": "loaded", "ActiveState": "active"}},
        "systemd_error": None,
        "unit_files": {"docker.service": [UNIT, *(path for path in texts if ".service.d/" in path)], **sockets},
        "environment_files": [path for path in texts if path.startswith("/etc/default/")],
        "files": {
            path: {"content": text, "sha256": "0" * 64, "mode": 0o644, "uid": 0, "gid": 0, "link": False}
            for path, text in texts.items()
        },
        "folders": {},
        "writable": {},
        "dockerd": {"pid": 42, "command_line": ["/usr/sbin/dockerd", "-H", "fd://"], "program": "", "exists": True},
        "programs": {},
        "engine": {"version": "28.5.2", "live_restore": True, "swarm": False, "containers": None},
        "listening": [],
        "answers": [],
        "interfaces": ["eth0", "lo"],
        "addresses": [
            {"interface": "eth0", "address": "10.0.0.5", "usable": True},
            {"interface": "eth0", "address": "fe80::1", "usable": False},
        ],
        "resolved": {},
        "connection": {"client": "10.0.0.1", "server": "10.0.0.5"},
        "tools": {"cryptography": False},
        "filtering": None,
        "filtering_error": None,
        "interrupted": False,
        "recovered": None,
        "installations": {"snap": False, "rootless": []},
        "request": None,
    }
    return {**raw, **changes}


def _report(files: t.Mapping[str, str] | None = None, **changes: t.Any) -> dict[str, t.Any]:
    result = report(parse_observation(_raw(files, **changes)))
    json.dumps(result)
    return result


def _answer(address: str, port: int, plain: str, tls: str) -> dict[str, t.Any]:
    return {"address": address, "port": port, "plain": plain, "tls": tls, "certificate": None}


def _tcp(result: t.Mapping[str, t.Any]) -> list[tuple[str, str | None, str, bool | None]]:
    names = ("address", "place", "tls", "open_without_certificate")
    return [tuple(entry[name] for name in names) for entry in result["listeners"] if entry["kind"] == "tcp"]  # type: ignore[misc]


def test_a_host_as_it_is_packaged() -> None:
    result = _report()
    assert [(entry["kind"], entry["address"], entry["place"], entry["written"]) for entry in result["listeners"]] == [
        ("fd", "fd://", f"{UNIT}:3", "-H fd://"),
        ("unix", "/run/docker.sock", f"{SOCKET}:2", "ListenStream=/run/docker.sock"),
    ]
    assert result["dockerd"] == {"running": True, "pid": 42, "started_by": "docker.service"}
    assert (result["engine_version"], result["live_restore"], result["swarm"]) == ("28.5.2", True, False)
    assert result["interfaces"] == {"eth0": ["10.0.0.5"]}
    assert result["connection"] == {"client": "10.0.0.1", "server": "10.0.0.5"}
    assert (result["exposed"], result["interrupted"], result["daemon_json"], result["warnings"]) == (
        None,
        False,
        [],
        [],
    )


@pytest.mark.parametrize(
    ("files", "address", "place"),
    [
        (
            {DROP_IN: "[Service]\nExecStart=\nExecStart=/usr/sbin/dockerd \\\n -H tcp://0.0.0.0:2375\n"},
            "0.0.0.0:2375",
            4,
        ),
        ({"/etc/default/docker": '#\nDOCKER_OPTS="-H=tcp://10.0.0.5:2375"\n'}, "10.0.0.5:2375", 2),
        ({layout.DAEMON_JSON: '{\n  "hosts": ["fd://",\n   "tcp://0.0.0.0:2375"]}'}, "0.0.0.0:2375", 3),
        ({"/etc/systemd/system/t.socket": "[Socket]\nListenStream=2375\n"}, "2375", 2),
        ({"/etc/systemd/system/t.socket": "[Socket]\nListenStream=10.0.0.5:2375\n"}, "10.0.0.5:2375", 2),
        ({"/etc/default/docker": "DOCKER_OPTS=-H web1:2375\n"}, "web1:2375", 1),
        ({"/etc/default/docker": "DOCKER_OPTS=-H tcp://10.0.0.5\n"}, "10.0.0.5", 1),
    ],
)
def test_an_open_port_is_named_by_file_and_line(files: dict[str, str], address: str, place: int) -> None:
    held = "10.0.0.5" if "10.0.0.5" in address else "::"
    result = _report(files, answers=[_answer(held, 2375, "answered", "none")])
    assert _tcp(result) == [(address, f"{next(iter(files))}:{place}", "none", True)]
    assert result["warnings"] == [
        f"dockerd answers on {address} without TLS: anyone who can reach it has root on this host."
    ]


@pytest.mark.parametrize(
    ("plain", "tls", "judged"),
    [
        ("refused", "refused", ("mutual", False)),
        ("refused", "answered", ("server_only", True)),
        ("answered", "none", ("none", True)),
        ("silent", "closed", ("unknown", None)),
        ("closed", "closed", ("unknown", None)),
    ],
)
def test_tls_is_what_a_client_sees(plain: str, tls: str, judged: tuple[str, bool | None]) -> None:
    files = {DROP_IN: "[Service]\nExecStart=/usr/sbin/dockerd -H tcp://10.0.0.5:2376 --tlsverify --tlscacert=/ca\n"}
    result = _report(files, answers=[_answer("10.0.0.5", 2376, plain, tls)])
    assert [entry[2:] for entry in _tcp(result)] == [judged]
    assert len(result["warnings"]) == (1 if judged[1] else 0)


def test_a_port_is_not_taken_for_anothers() -> None:
    files = {DROP_IN: "[Service]\nExecStart=/usr/sbin/dockerd -H tcp://:2375 -H tcp://10.0.0.5:2376 --tlsverify\n"}
    answers = [_answer("127.0.0.1", 2375, "answered", "none"), _answer("10.0.0.5", 2376, "refused", "refused")]
    assert [(address, tls) for address, _place, tls, _open in _tcp(_report(files, answers=answers))] == [
        (":2375", "none"),
        ("10.0.0.5:2376", "mutual"),
    ]


def test_what_no_file_says_is_listed_if_it_is_the_api() -> None:
    answers = [
        _answer("::", 2375, "answered", "none"),
        _answer("127.0.0.1", 9323, "refused", "none"),
        _answer("10.0.0.5", 2376, "refused", "refused"),
    ]
    assert _tcp(_report(answers=answers)) == [
        ("[::]:2375", None, "none", True),
        ("10.0.0.5:2376", None, "mutual", False),
    ]
    # Swarm's port wants certificates, too.
    engine = {"version": "28.5.2", "live_restore": True, "swarm": True, "containers": []}
    assert _tcp(_report(answers=answers[1:], engine=engine)) == []


def test_a_dockerd_that_is_down_has_listeners_nobody_asked() -> None:
    files = {DROP_IN: "[Service]\nExecStart=/usr/sbin/dockerd -H tcp://0.0.0.0:2375\n"}
    down = {"pid": 0, "command_line": [], "program": "", "exists": True}
    result = _report(files, dockerd=down, engine=None)
    assert _tcp(result) == [("0.0.0.0:2375", f"{DROP_IN}:2", "unknown", None)]
    assert "set up to listen on 0.0.0.0:2375 without asking for a certificate" in result["warnings"][0]
    assert result["dockerd"] == {"running": False, "pid": None, "started_by": "docker.service"}


def test_verification_by_any_public_ca_is_warned_about() -> None:
    result = _report({layout.DAEMON_JSON: '{"tlsverify": true}'})
    assert [entry["key"] for entry in result["daemon_json"]] == ["tlsverify"]
    assert "any public CA" in result["warnings"][0]


def test_the_default_is_the_unix_socket() -> None:
    result = _report(
        {DROP_IN: "[Service]\nExecStart=\nExecStart=/usr/bin/dockerd\n"}, unit_files={"docker.service": []}
    )
    assert [(entry["kind"], entry["address"]) for entry in result["listeners"]] == [
        ("unix", "unix:///var/run/docker.sock")
    ]


def test_vsock_is_neither_tcp_nor_unix() -> None:
    result = _report({"/etc/systemd/system/v.socket": "[Socket]\nListenStream=vsock:2:2375\n"})
    assert [(entry["kind"], entry["tls"]) for entry in result["listeners"]][2:] == [("vsock", "unknown")]


def test_daemon_json_that_can_not_be_read_is_a_warning() -> None:
    result = _report({layout.DAEMON_JSON: f'{{"a": "{SECRET}", '})
    assert len(result["listeners"]) == 2
    assert layout.DAEMON_JSON in result["warnings"][0]
    assert SECRET not in json.dumps(result)


def test_no_secret_is_shown() -> None:
    config = {
        "registry-mirrors": [f"https://bot:{SECRET}@mirror"],
        "hosts": ["fd://", f"tcp://bot:{SECRET}@10.0.0.5:2375"],
        "tlskey": {"odd": SECRET},
    }
    files = {
        DROP_IN: f"[Service]\nEnvironment=HTTPS_PROXY=http://u:{SECRET}@proxy\n"
        f"ExecStart=\nExecStart=/usr/sbin/dockerd --label p={SECRET} -H tcp://10.0.0.5:2375\n",
        "/etc/default/docker": f"TOKEN={SECRET}\n",
        layout.DAEMON_JSON: json.dumps(config),
    }
    dockerd = {"pid": 42, "command_line": ["dockerd", "--label", f"p={SECRET}"], "program": "", "exists": True}
    result = _report(files, dockerd=dockerd, answers=[_answer("10.0.0.5", 2375, "answered", "none")])
    assert SECRET not in json.dumps(result)
    assert [entry["written"] for entry in result["daemon_json"]] == [
        '"fd://"',
        '"tcp://***@10.0.0.5:2375"',
        '"tlskey": ...',
    ]


@pytest.mark.parametrize(
    ("files", "method"),
    [
        ({layout.ORIGINALS: '{"method": "override"}'}, "override"),
        ({layout.ORIGINALS: '{"method": "<script>"}'}, None),
        ({layout.ORIGINALS: "[]"}, None),
        ({layout.SOCKET_UNIT: "[Socket]\n"}, "socket"),
        ({layout.LISTENER_FLAGS: ""}, "override"),
        ({layout.LISTENER_FLAGS: "", "/etc/default/docker": "# BEGIN gangway.docker (x)\n"}, "options_file"),
        ({layout.EXEC_DROP_IN: "", layout.DAEMON_JSON: '{"hosts": ["tcp://10.0.0.5:2376"]}'}, "daemon_json"),
        ({layout.DAEMON_JSON: '{"hosts": ["tcp://10.0.0.5:2376"]}'}, None),
    ],
)
def test_how_a_host_is_exposed(files: dict[str, str], method: str | None) -> None:
    assert _report(files)["exposed"] == method


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"interrupted": True}, "interrupted"),
        ({"systemd_error": "no bus"}, "no bus"),
        ({"installations": {"snap": True, "rootless": []}}, "snap"),
        ({"installations": {"snap": False, "rootless": ["/run/user/1/docker.sock"]}}, "/run/user/1/docker.sock"),
        ({"units": {"docker.service": {"LoadState": "loaded", "NeedDaemonReload": "yes"}}}, "not read them"),
    ],
)
def test_what_else_is_worth_a_warning(changes: dict[str, t.Any], words: str) -> None:
    (warning,) = _report(**changes)["warnings"]
    assert words in warning


def test_a_host_without_docker() -> None:
    absent = {"pid": 0, "command_line": [], "program": "", "exists": False}
    result = _report(units={"docker.service": {"LoadState": "not-found"}}, unit_files={}, dockerd=absent, engine=None)
    assert result["listeners"] == []
    assert result["dockerd"] == {"running": False, "pid": None, "started_by": None}


def test_a_host_without_systemd() -> None:
    result = _report(
        {"/etc/init.d/docker": "#!/bin/sh\n", "/etc/default/docker": 'DOCKER_OPTS="-H tcp://0.0.0.0:2375"\n'},
        init="sysvinit",
        units={},
        unit_files={},
        environment_files=[],
        answers=[_answer("::", 2375, "answered", "none")],
    )
    assert result["dockerd"]["started_by"] == "/etc/init.d/docker"
    assert _tcp(result) == [("0.0.0.0:2375", "/etc/default/docker:1", "none", True)]


@pytest.mark.parametrize("raw", [None, [], {}, {**_raw(), "answers": [{"address": "x"}]}, {**_raw(), "interrupted": 1}])
def test_an_answer_of_another_form_is_refused(raw: t.Any) -> None:
    with pytest.raises(Failure) as caught:
        report(parse_observation(raw))
    assert caught.value.key == "host_answer_invalid"
