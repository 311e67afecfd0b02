# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What collides with a listener of ours is found with file and line, however it is written."""

from __future__ import annotations

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.startup.findings import Finding, find, is_unprotected
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.startup.sources import Source

UNIT = "/lib/systemd/system/docker.service"
DROP_IN = "/etc/systemd/system/docker.service.d/override.conf"
OPTIONS = "/etc/default/docker"
DAEMON_JSON = "/etc/docker/daemon.json"
SOCKET = "/etc/systemd/system/docker-tcp.socket"

DOCKER_CE = """[Unit]
Description=Docker Application Container Engine

[Service]
Type=notify
ExecStart=/usr/bin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock
ExecReload=/bin/kill -s HUP $MAINPID
"""
DEBIAN = """[Service]
EnvironmentFile=-/etc/default/docker
ExecStart=/usr/sbin/dockerd -H fd:// $DOCKER_OPTS
"""
DOCKER_MACHINE = """[Service]
ExecStart=
ExecStart=/usr/bin/dockerd -H tcp://0.0.0.0:2376 -H unix:///var/run/docker.sock --storage-driver overlay2 \
--tlsverify --tlscacert /etc/docker/ca.pem --tlscert /etc/docker/server.pem --tlskey /etc/docker/server-key.pem \
--label provider=generic 
Environment=
"""  # noqa: W291


def _unit(text: str) -> Source:
    return Source(UNIT, text, "unit")


def _drop_in(text: str, path: str = DROP_IN) -> Source:
    return Source(path, text, "drop_in")


def _options(text: str) -> Source:
    return Source(OPTIONS, text, "options")


def _json(text: str) -> Source:
    return Source(DAEMON_JSON, text, "daemon_json")


def _socket(text: str, path: str = SOCKET) -> Source:
    return Source(path, text, "socket")


def _found(*sources: Source) -> list[tuple[str, str]]:
    return [(finding.kind, finding.what) for finding in find(sources)]


def _addresses(*sources: Source) -> list[str]:
    return [finding.address for finding in find(sources) if finding.address]


@pytest.mark.parametrize("text", [DOCKER_CE, DEBIAN])
def test_the_packages_units_collide_with_nothing(text: str) -> None:
    options = _options('# DOCKER_OPTS="-H tcp://0.0.0.0:2375"\n#export http_proxy="http://127.0.0.1:3128/"\n')
    assert find([_unit(text), options, _json('{"mtu": 1400}')]) == []


def test_docker_machine_is_found_with_each_of_its_flags() -> None:
    path = "/etc/systemd/system/docker.service.d/10-machine.conf"
    findings = find([_unit(DOCKER_CE), _drop_in(DOCKER_MACHINE, path)])
    assert [(finding.kind, finding.what) for finding in findings if finding.kind != "exec_start"] == [
        ("tcp_host", "-H tcp://0.0.0.0:2376"),
        ("tls_flag", "--tlsverify"),
        ("tls_flag", "--tlscacert /etc/docker/ca.pem"),
        ("tls_flag", "--tlscert /etc/docker/server.pem"),
        ("tls_flag", "--tlskey /etc/docker/server-key.pem"),
    ]
    assert {finding.place for finding in findings} == {f"{path}:3"}
    assert findings[0].kind == "exec_start"
    assert findings[0].what.startswith("ExecStart=/usr/bin/dockerd -H tcp://0.0.0.0:2376 -H unix://")


def test_the_guides_override_is_found() -> None:
    drop_in = _drop_in("[Service]\nExecStart=\nExecStart=/usr/bin/dockerd -H fd:// -H tcp://0.0.0.0:2375\n")
    assert find([_unit(DOCKER_CE), drop_in]) == [
        Finding(DROP_IN, 3, "ExecStart=/usr/bin/dockerd -H fd:// -H tcp://0.0.0.0:2375", "exec_start"),
        Finding(DROP_IN, 3, "-H tcp://0.0.0.0:2375", "tcp_host", "tcp://0.0.0.0:2375"),
    ]


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ("-H tcp://0.0.0.0:2375", "-H tcp://0.0.0.0:2375"),
        ("-H=tcp://0.0.0.0:2375", "-H=tcp://0.0.0.0:2375"),
        ("-Htcp://0.0.0.0:2375", "-Htcp://0.0.0.0:2375"),
        ("--host tcp://0.0.0.0:2375", "--host tcp://0.0.0.0:2375"),
        ("--host=tcp://0.0.0.0:2375", "--host=tcp://0.0.0.0:2375"),
        ("-DH tcp://0.0.0.0:2375", "-DH tcp://0.0.0.0:2375"),
        ('-H "tcp://0.0.0.0:2375"', '-H "tcp://0.0.0.0:2375"'),
        ("'--host=tcp://0.0.0.0:2375'", "'--host=tcp://0.0.0.0:2375'"),
        ("-H \\\n  tcp://0.0.0.0:2375", "-H tcp://0.0.0.0:2375"),
    ],
)
def test_each_form_of_the_host_flag_is_found(words: str, what: str) -> None:
    drop_in = _drop_in(f"[Service]\nExecStart=\nExecStart=/usr/bin/dockerd --debug {words} --label a=b\n")
    assert [f for f in find([drop_in]) if f.kind == "tcp_host"] == [
        Finding(DROP_IN, 3, what, "tcp_host", "tcp://0.0.0.0:2375")
    ]


@pytest.mark.parametrize("host", ["0.0.0.0:2375", ":2375", "tcp://", "tcp://%H:2375", "myhost"])
def test_an_address_without_a_scheme_is_tcp(host: str) -> None:
    assert _addresses(_unit(f"[Service]\nExecStart=/usr/bin/dockerd -H {host}\n")) == [host]


@pytest.mark.parametrize("host", ["fd://", "unix://", "unix:///run/x.sock", "npipe://x"])
def test_other_hosts_are_not_tcp(host: str) -> None:
    assert find([_unit(f"[Service]\nExecStart=/usr/bin/dockerd -H {host}\n")]) == []


@pytest.mark.parametrize(
    "text",
    [
        "[Service]\nExecStart=/usr/bin/dockerd -H tcp://1\nExecStart=\n",
        "[Service]\nExecStart=/usr/bin/dockerd -H tcp://1\nExecStart =\nExecStart=/usr/bin/dockerd -H fd://\n",
        "[Service]\n#ExecStart=/usr/bin/dockerd -H tcp://1\n ; ExecStart=/usr/bin/dockerd -H tcp://1\n",
        "[Service]\nExecStart=/usr/bin/dockerd \\\n# -H tcp://1 \\\n  -H fd://\n",
        "[Service]\nExecStartPre=/usr/bin/dockerd -H tcp://1\n",
        "[X-Service]\nExecStart=/usr/bin/dockerd -H tcp://1\n",
        "[Service]\nEnvironment=UNUSED=-Htcp://1\nExecStart=/usr/bin/dockerd -H fd://\n",
        "[Service]\nEnvironment=A=-Htcp://1\nEnvironment=\nExecStart=/usr/bin/dockerd -H fd:// $A\n",
        "[Service]\nEnvironment=A=-Htcp://1 A=-D\nExecStart=/usr/bin/dockerd -H fd:// $A\n",
        "[Service]\nEnvironment=A=-Htcp://1\nExecStart=:/usr/bin/dockerd -H fd:// $A\n",
        "[Service]\nExecStart=/usr/bin/dockerd --label=-Htcp://1 --tlsunheard-of\n",
    ],
)
def test_what_is_not_in_force_is_no_finding(text: str) -> None:
    assert [kind for kind, _what in _found(_unit(text))] == []


def test_a_drop_in_clears_the_unit_and_the_next_one_clears_that() -> None:
    first = _drop_in("[Service]\nExecStart=\nExecStart=/usr/bin/dockerd -H tcp://1\n", "/etc/a.conf")
    second = _drop_in("[Service]\nExecStart=\nExecStart=/usr/bin/dockerd -H fd://\n", "/etc/b.conf")
    assert [(f.path, f.kind) for f in find([_unit(DOCKER_CE), first, second])] == [("/etc/b.conf", "exec_start")]


def test_lines_are_counted_through_continuations_and_comments() -> None:
    text = """[Service]
ExecStart=
# the LAN
ExecStart=/usr/bin/dockerd \\
          --host=fd:// \\
          ; and this
          --host=tcp://10.0.0.1:2376 \\

Environment=X=y
ExecReload=/bin/true
"""
    findings = find([_drop_in(text)])
    assert [(f.line, f.kind) for f in findings] == [(4, "exec_start"), (7, "tcp_host")]
    assert findings[0].what == "ExecStart=/usr/bin/dockerd --host=fd:// --host=tcp://10.0.0.1:2376"


@pytest.mark.parametrize(
    ("words", "address"),
    [
        (r"\x2dH tcp\x3a//1", "tcp://1"),
        (r"-H \164cp://1", "tcp://1"),
        (r"-H\stcp://1", " tcp://1"),
        (r"--label a\ b -H tcp://1\"", 'tcp://1"'),
    ],
)
def test_systemds_escapes_are_read(words: str, address: str) -> None:
    assert _addresses(_unit(f"[Service]\nExecStart=/usr/bin/dockerd {words}\n")) == [address]


def test_two_backslashes_do_not_join_lines() -> None:
    text = "[Service]\nExecStart=/usr/bin/dockerd --label a=\\\\\nX=-H tcp://1\n"
    assert find([_unit(text)]) == []


def test_windows_line_ends_are_read() -> None:
    text = "[Service]\r\nExecStart=/usr/bin/dockerd \\\r\n -H tcp://10.0.0.1:2376\r\n"
    assert find([_unit(text)]) == [Finding(UNIT, 3, "-H tcp://10.0.0.1:2376", "tcp_host", "tcp://10.0.0.1:2376")]


@pytest.mark.parametrize(
    "line",
    [
        'Environment="DOCKER_OPTS=-D -H tcp://1"',
        "Environment=A=b 'DOCKER_OPTS=-D -H tcp://1' C=d",
        'Environment=DOCKER_OPTS="-D -H tcp://1"',
    ],
)
def test_a_variable_of_the_unit_is_found_at_its_own_line(line: str) -> None:
    text = f"[Service]\n{line}\nExecStart=/usr/bin/dockerd -H fd:// $DOCKER_OPTS\n"
    assert find([_unit(text)]) == [Finding(UNIT, 2, "-H tcp://1", "tcp_host", "tcp://1")]


def test_an_options_file_is_found_and_its_last_assignment_is_the_one() -> None:
    options = _options("""# Docker Upstart and SysVinit configuration file
DOCKER_OPTS='-H tcp://0.0.0.0:2375 --dns 8.8.8.8'
FOO=bar
DOCKER_OPTS='-H tcp://10.0.0.1:2376 --tls=true'
# the LAN
""")
    assert find([_unit(DEBIAN), options]) == [
        Finding(OPTIONS, 4, "-H tcp://10.0.0.1:2376", "tcp_host", "tcp://10.0.0.1:2376"),
        Finding(OPTIONS, 4, "--tls=true", "tls_flag"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        'DOCKER_OPTS="-H tcp://1"\nDOCKER_OPTS="$DOCKER_OPTS -D"\n',
        'DOCKER_OPTS="-D"\nDOCKER_OPTS+=" -H tcp://1"\n',
        'DOCKER_OPTS="-H tcp://1"\nif true; then\n  DOCKER_OPTS="-D"\nfi\n',
        "export DOCKER_OPTS='\n  -D\n  -H tcp://1\n'\n",
        "DOCKER_OPTS=-H tcp://1\n",
        'HOSTS="-H tcp://1"\nDOCKER_OPTS="$HOSTS -D"\n',
        'DOCKER_OPTS="unclosed\nDOCKER_OPTS="-H tcp://1"\n',
        'DOCKER_OPTS="-D \\\n  -H tcp://1"\n',
        "DOCKER_OPTS=-D --label=a#b -H tcp://1 # -H tcp://2",
        "# -H tcp://2\n\nulimit -n 1\nDOCKER_OPTS='--label=\"a # b\" -H tcp://1'\nulimit -n 1",
        'DOCKER_OPTS="--label=\\a -H\\\ntcp://1"\n',
    ],
)
def test_the_shells_ways_to_assign_are_read(text: str) -> None:
    assert _addresses(_options(text)) == ["tcp://1"]


def test_a_variable_that_only_another_exec_start_takes_is_not_in_force() -> None:
    assert find([_unit(DOCKER_CE), _options('DOCKER_OPTS="-H tcp://1"\n')]) == []


def test_an_environment_file_beats_the_unit() -> None:
    unit = _unit("[Service]\nEnvironment=OPTIONS=-Htcp://1\nExecStart=/usr/bin/dockerd $OPTIONS\n")
    assert _addresses(unit) == ["tcp://1"]
    assert _addresses(unit, _options("OPTIONS=-D\n")) == []


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ("-H $ADDRESS", "-H tcp://10.0.0.1:2376"),
        ("-H ${ADDRESS}", "-H ${ADDRESS}"),
        ("--host=${ADDRESS}", "--host=${ADDRESS}"),
        ("$UNSET -H $ADDRESS", "-H tcp://10.0.0.1:2376"),
    ],
)
def test_an_address_in_a_variable_is_read(words: str, what: str) -> None:
    sources = [_unit(f"[Service]\nExecStart=/usr/bin/dockerd {words} -D\n"), _options("ADDRESS=tcp://10.0.0.1:2376\n")]
    assert [(f.what, f.address) for f in find(sources)] == [(what, "tcp://10.0.0.1:2376")]


@pytest.mark.parametrize(
    "command",
    [
        "/bin/sh -c 'exec /usr/bin/dockerd -D -H tcp://1'",
        "/usr/local/bin/start-docker.sh -H tcp://1",
        "/usr/bin/env A=b /usr/bin/dockerd -H tcp://1",
        '/usr/bin/dockerd -H tcp://1 --label "unclosed',
    ],
)
def test_behind_a_wrapper_it_is_found_too(command: str) -> None:
    assert _addresses(_unit(f"[Service]\nExecStart={command}\n")) == ["tcp://1"]


def test_a_wrapper_may_read_any_variable() -> None:
    unit = _unit("[Service]\nExecStart=/usr/local/bin/start-docker.sh\n")
    assert _addresses(unit, _options('ANY_NAME="-H tcp://1"\n')) == ["tcp://1"]


def test_daemon_json_is_found_entry_by_entry_and_key_by_key() -> None:
    text = """{
  "tls": true,
  "log-opts": {"hosts": ["tcp://no"]},
  "hosts": [
    "unix:///var/run/docker.sock",
    "tcp://0.0.0.0:2375", "0.0.0.0:2376"
  ],
  "tlscacert": "/etc/docker/ca.pem"
}
"""
    assert find([_json(text)]) == [
        Finding(DAEMON_JSON, 2, '"tls": true', "tls_key"),
        Finding(DAEMON_JSON, 5, '"unix:///var/run/docker.sock"', "hosts_key"),
        Finding(DAEMON_JSON, 6, '"tcp://0.0.0.0:2375"', "hosts_key", "tcp://0.0.0.0:2375"),
        Finding(DAEMON_JSON, 6, '"0.0.0.0:2376"', "hosts_key", "0.0.0.0:2376"),
        Finding(DAEMON_JSON, 8, '"tlscacert": "/etc/docker/ca.pem"', "tls_key"),
    ]


@pytest.mark.parametrize("text", ['{"hosts": []}', '{"hosts": "tcp://1"}'])
def test_hosts_without_an_entry_collides_too(text: str) -> None:
    assert _found(_json(text)) == [("hosts_key", text[1:-1])]


@pytest.mark.parametrize("text", ["", " \n", "{}", '{"mtu": 1400}'])
def test_other_keys_are_not_found(text: str) -> None:
    assert find([_json(text)]) == []


def test_a_malformed_daemon_json_is_told() -> None:
    with pytest.raises(Failure) as failure:
        find([_json('{"hosts": [}')])
    assert failure.value.key == "daemon_json_malformed"


def test_hosts_in_two_places_is_found_at_both() -> None:
    sources = [
        _unit(DOCKER_CE),
        _drop_in("[Service]\nExecStart=\nExecStart=/usr/bin/dockerd\n"),
        _json('{"hosts": ["unix:///var/run/docker.sock", "tcp://0.0.0.0:2375"]}'),
    ]
    assert [f.kind for f in find(sources)] == ["exec_start", "hosts_key", "hosts_key"]


@pytest.mark.parametrize("value", ["2375", "0.0.0.0:2375", "[::]:2375", "[fe80::1]:+2375"])
def test_a_socket_units_port_is_found(value: str) -> None:
    text = f"[Unit]\nDescription=Docker Socket for the API\n\n[Socket]\nListenStream={value}\nService=docker.service\n"
    assert find([_socket(text)]) == [Finding(SOCKET, 5, f"ListenStream={value}", "tcp_stream", value)]


@pytest.mark.parametrize("value", ["/run/docker.sock", "%t/docker.sock", "@docker", "vsock:2:1234"])
def test_other_sockets_are_not_tcp(value: str) -> None:
    assert find([_socket(f"[Socket]\nListenStream={value}\n")]) == []


def test_an_empty_listen_stream_clears_those_of_its_own_unit_only() -> None:
    folder = "/etc/systemd/system/docker.socket.d"
    sources = [
        _socket("[Socket]\nListenStream=2374\n", "/lib/systemd/system/docker.socket"),
        _socket("[Socket]\nListenStream=2375\n", f"{folder}/a.conf"),
        _socket("[Socket]\nListenStream=2376\n"),
        _socket("[Socket]\nListenStream=\nListenStream=2377\n", f"{folder}/b.conf"),
    ]
    assert _addresses(*sources) == ["2376", "2377"]


@pytest.mark.parametrize(
    ("flags", "json", "clear"),
    [
        ("", "", True),
        ("--tlsverify", "", True),
        ("--tlscacert=/ca", "", True),
        ("--tlsverify --tlscacert=/ca", "", False),
        ("--tlsverify=true --tlscacert /ca", "", False),
        ("--tlsverify=false --tlscacert=/ca", "", True),
        ("--tlsverify --tlsverify=0 --tlscacert=/ca", "", True),
        ("--tlsverify --tlscacert=", "", True),
        ("--tls --tlscacert=/ca", "", True),
        ("", '{"tlsverify": true}', True),
        ("", '{"tlsverify": true, "tlscacert": "/ca"}', False),
        ("", '{"tlsverify": true, "tlscacert": ""}', True),
        ("", '{"tlsverify": false, "tlscacert": "/ca"}', True),
        ("--tlsverify", '{"tlscacert": "/ca"}', False),
    ],
)
def test_it_takes_both_settings_to_ask_for_certificates(flags: str, json: str, clear: bool) -> None:
    unit = _unit(f"[Service]\nExecStart=/usr/bin/dockerd -H tcp://0.0.0.0:2376 {flags}\n")
    assert is_unprotected([unit, _json(json)]) is clear


def test_without_tcp_nothing_is_unprotected() -> None:
    assert not is_unprotected([_unit(DOCKER_CE), _json('{"hosts": ["fd://"]}')])


@pytest.mark.parametrize(
    "source",
    [_json('{"hosts": ["tcp://0.0.0.0:2375"]}'), _socket("[Socket]\nListenStream=2375\n"), _options("A=-Htcp://1\n")],
)
def test_any_tcp_can_be_unprotected(source: Source) -> None:
    assert is_unprotected([source])
    assert not is_unprotected([source, _unit("[Service]\nExecStart=/opt/x --tlsverify --tlscacert /ca\n")])
