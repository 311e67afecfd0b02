# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Somebody else's TCP and TLS go out of the files that set them, and all else in these stays to the byte."""

from __future__ import annotations

import dataclasses
import json
import random
import shlex
import typing as t

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.startup.adoption import Adopted, adopt
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.startup.findings import find
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.startup.sources import Source
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.startup.startup import startup_of

UNIT = "/lib/systemd/system/docker.service"
OWN_UNIT = "/etc/systemd/system/docker.service"
DROP_IN = "/etc/systemd/system/docker.service.d/override.conf"
OPTIONS = "/etc/default/docker"
DAEMON_JSON = "/etc/docker/daemon.json"
SOCKET = "/etc/systemd/system/docker-tcp.socket"
SOCKET_DROP_IN = "/etc/systemd/system/docker.socket.d/tcp.conf"

DOCKER_CE = "[Service]\nExecStart=/usr/bin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock\n"
DEBIAN = "[Service]\nEnvironmentFile=-/etc/default/docker\nExecStart=/usr/sbin/dockerd -H fd:// $DOCKER_OPTS\n"
OPENSUSE = "[Service]\nExecStart=/usr/bin/dockerd --add-runtime oci=/usr/sbin/docker-runc $DOCKER_OPTS\n"
VENDOR = Source(UNIT, DOCKER_CE, "unit")
TLS_FLAGS = "--tlsverify --tlscacert /etc/docker/ca.pem --tlscert=/etc/docker/cert.pem --tlskey '/etc/docker/key.pem'"


def _drop_in(text: str) -> Source:
    return Source(DROP_IN, text, "drop_in")


def _options(text: str) -> Source:
    return Source(OPTIONS, text, "options")


def _json(text: str) -> Source:
    return Source(DAEMON_JSON, text, "daemon_json")


def _socket(text: str, path: str = SOCKET) -> Source:
    return Source(path, text, "socket")


def _after(sources: t.Sequence[Source], texts: t.Mapping[str, str | None]) -> list[Source]:
    after = [(source, texts.get(source.path, source.text)) for source in sources]
    return [dataclasses.replace(source, text=text) for source, text in after if text is not None]


def _adopted(*sources: Source, activated: bool = True) -> dict[str, str | None]:
    """What is adopted has no listener left, and is adopted once."""
    adopted = adopt(sources, activated=activated)
    assert adopted.exec_start is None
    texts = dict(adopted.texts)
    after = _after(sources, texts)
    left = [finding for finding in find(after) if finding.address or finding.kind.startswith("tls_")]
    assert left == []
    assert adopt(after, activated=activated).texts == {}
    return texts


def _exec_start(words: str, *, activated: bool = True) -> str:
    """Return what becomes of a drop-in's ExecStart."""
    before = f"# ours\n[Service]\nExecStart=\nExecStart={words}\nLimitNOFILE=1048576\n"
    text = _adopted(VENDOR, _drop_in(before), activated=activated).get(DROP_IN, before)
    assert text is not None
    head, tail = "# ours\n[Service]\nExecStart=\nExecStart=", "\nLimitNOFILE=1048576\n"
    assert text.startswith(head)
    assert text.endswith(tail)
    return text[len(head) : -len(tail)]


def _overridden(*sources: Source, activated: bool = True) -> Adopted:
    """What our drop-in replaces has no listener left, is adopted once, and again after an update of the package."""
    adopted = adopt(sources, activated=activated)
    assert adopted.exec_start is not None
    after = adopted.applied(sources)
    assert [finding for finding in find(after) if finding.kind != "exec_start"] == []
    assert adopt(after, activated=activated) == Adopted()
    # The next run, to which the host's files are those after adoption, and daemon.json the user's own.
    by_path = {source.path: source for source in after}
    later = [source if source.kind == "daemon_json" else by_path.get(source.path, source) for source in sources]
    assert adopt(later, activated=activated).exec_start == adopted.exec_start
    return adopted


def _refused(*sources: Source, activated: bool = True) -> str:
    with pytest.raises(Failure) as failure:
        adopt(sources, activated=activated)
    assert failure.value.key == "adopt_unsupported"
    return str(failure.value)


def test_docker_machines_drop_in() -> None:
    before = """[Service]
ExecStart=
ExecStart=/usr/bin/dockerd -H tcp://0.0.0.0:2376 -H unix:///var/run/docker.sock --storage-driver overlay2 --tlsverify \
--tlscacert /etc/docker/ca.pem --tlscert /etc/docker/server.pem --tlskey /etc/docker/server-key.pem \
--label provider=generic --insecure-registry 10.0.0.0/8 
Environment="HTTP_PROXY=http://proxy:3128"
"""  # noqa: W291
    after = """[Service]
ExecStart=
ExecStart=/usr/bin/dockerd -H fd:// --storage-driver overlay2 --label provider=generic --insecure-registry 10.0.0.0/8 
Environment="HTTP_PROXY=http://proxy:3128"
"""  # noqa: W291
    assert _adopted(VENDOR, _drop_in(before)) == {DROP_IN: after}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("/usr/bin/dockerd -H fd:// -H tcp://0.0.0.0:2375", "/usr/bin/dockerd -H fd://"),
        ("/usr/bin/dockerd -H tcp://0.0.0.0:2375 -H fd:// -D", "/usr/bin/dockerd -H fd:// -D"),
        ("/usr/bin/dockerd -H tcp://0.0.0.0:2375", "/usr/bin/dockerd -H fd://"),
        ("/usr/bin/dockerd", "/usr/bin/dockerd -H fd://"),
        ("/usr/bin/dockerd  -D", "/usr/bin/dockerd -H fd://  -D"),
        ("/usr/bin/dockerd -H=tcp://1 -Htcp://2 --host tcp://3 --host=tcp://4 -D", "/usr/bin/dockerd -H fd:// -D"),
        ("/usr/bin/dockerd -DH tcp://1 -H fd://", "/usr/bin/dockerd -D -H fd://"),
        ("/usr/bin/dockerd -DHtcp://1 --host=fd://", "/usr/bin/dockerd -D --host=fd://"),
        ("/usr/bin/dockerd -H unix:///var/run/docker.sock -H tcp://1", "/usr/bin/dockerd -H fd://"),
        ("/usr/bin/dockerd --host=unix:///run/docker.sock", "/usr/bin/dockerd --host=fd://"),
        ('/usr/bin/dockerd "-H" "unix://" -D', '/usr/bin/dockerd "-H" "fd://" -D'),
        ("/usr/bin/dockerd -DH unix:///run/docker.sock", "/usr/bin/dockerd -DH fd://"),
        ("/usr/bin/dockerd -H fd:// --host=fd:// -H unix:///run/docker.sock", "/usr/bin/dockerd -H fd://"),
        ("/usr/bin/dockerd -H unix:///run/x.sock -H tcp://1", "/usr/bin/dockerd -H fd:// -H unix:///run/x.sock"),
        (f"/usr/bin/dockerd -H fd:// {TLS_FLAGS} --dns 8.8.8.8", "/usr/bin/dockerd -H fd:// --dns 8.8.8.8"),
        ("-/usr/bin/dockerd -H tcp://1", "-/usr/bin/dockerd -H fd://"),
        ("@/usr/bin/dockerd docker -H tcp://1", "@/usr/bin/dockerd docker -H fd://"),
        ("@/usr/bin/dockerd docker -D", "@/usr/bin/dockerd docker -H fd:// -D"),
        ("/usr/bin/dockerd -H= --tls", "/usr/bin/dockerd -H fd://"),
        ("/usr/bin/dockerd -H tcp://1 -D -H unix://", "/usr/bin/dockerd -D -H fd://"),
        ("'/opt/my docker/dockerd' -H tcp://1 --label='a b'", "'/opt/my docker/dockerd' -H fd:// --label='a b'"),
        ("/usr/bin/dockerd -H fd:// \\\n  -H tcp://1 \\\n  -D", "/usr/bin/dockerd -H fd:// \\\n  -D"),
        ("/usr/bin/dockerd -H fd:// \\\n  -D \\\n  -H tcp://1", "/usr/bin/dockerd -H fd:// \\\n  -D"),
        ("/usr/bin/dockerd -H fd:// \\\n  -H tcp://1 \\\n", "/usr/bin/dockerd -H fd:// \\\n"),
        ("/usr/bin/dockerd -H \\\n tcp://1 -D \\\n -H fd://", "/usr/bin/dockerd \\\n -D \\\n -H fd://"),
        ("/usr/bin/dockerd -H fd:// \\\n# LAN\n  -H tcp://1", "/usr/bin/dockerd -H fd://\n# LAN"),
        ("/usr/bin/dockerd -H fd:// \\\n# LAN\n  -H tcp://1 \\\n -D", "/usr/bin/dockerd -H fd:// \\\n# LAN\n -D"),
        ("\\\n/usr/bin/dockerd \\\n  -H tcp://1 \\\n  --tls", "\\\n/usr/bin/dockerd -H fd://"),
    ],
)
def test_an_activated_dockerd_listens_where_systemd_does(before: str, after: str) -> None:
    assert _exec_start(before) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("/usr/bin/dockerd -H tcp://0.0.0.0:2375 -D", "/usr/bin/dockerd -D"),
        (
            "/usr/bin/dockerd -H tcp://1 -H unix:///var/run/docker.sock",
            "/usr/bin/dockerd -H unix:///var/run/docker.sock",
        ),
        ("/usr/bin/dockerd --tls=false -H unix:///run/x.sock", "/usr/bin/dockerd -H unix:///run/x.sock"),
        ("/usr/bin/dockerd", "/usr/bin/dockerd"),
        ("/usr/bin/dockerd -H :2375", "/usr/bin/dockerd"),
    ],
)
def test_without_activation_dockerd_has_its_own_socket(before: str, after: str) -> None:
    assert _exec_start(before, activated=False) == after


def test_fedoras_lines_stay_lines() -> None:
    before = """[Service]
ExecStart=
ExecStart=/usr/bin/dockerd \\
          --host=fd:// \\
          --host=tcp://0.0.0.0:2376 \\
          --tlsverify --tlscacert=/etc/docker/ca.pem \\
          --exec-opt native.cgroupdriver=systemd \\
          $OPTIONS
"""
    after = """[Service]
ExecStart=
ExecStart=/usr/bin/dockerd \\
          --host=fd:// \\
          --exec-opt native.cgroupdriver=systemd \\
          $OPTIONS
"""
    assert _adopted(VENDOR, _drop_in(before)) == {DROP_IN: after}


def test_hosts_in_daemon_json_with_a_drop_in_that_makes_way_for_it() -> None:
    drop_in = _drop_in("[Service]\nExecStart=\nExecStart=/usr/bin/dockerd\n")
    settings = _json('{\n  "hosts": ["unix:///var/run/docker.sock", "tcp://0.0.0.0:2375"],\n  "mtu": 1400\n}\n')
    assert _adopted(VENDOR, drop_in, settings) == {
        DROP_IN: "[Service]\nExecStart=\nExecStart=/usr/bin/dockerd -H fd://\n",
        DAEMON_JSON: '{\n  "mtu": 1400\n}\n',
    }


def test_variables_of_the_unit() -> None:
    before = """[Service]
Environment=HTTP_PROXY=http://proxy "DOCKER_OPTS=-H tcp://0.0.0.0:2375 --dns 8.8.8.8" 'X=y z'
Environment="OTHER=-D -H=tcp://1"
Environment=LAST=--tlsverify
Environment="UNUSED=-H tcp://1"
ExecStart=
ExecStart=/usr/bin/dockerd -H fd:// $DOCKER_OPTS $OTHER $LAST
"""
    after = """[Service]
Environment=HTTP_PROXY=http://proxy "DOCKER_OPTS=--dns 8.8.8.8" 'X=y z'
Environment="OTHER=-D"
Environment=LAST=
Environment="UNUSED=-H tcp://1"
ExecStart=
ExecStart=/usr/bin/dockerd -H fd:// $DOCKER_OPTS $OTHER $LAST
"""
    assert _adopted(VENDOR, _drop_in(before)) == {DROP_IN: after}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('DOCKER_OPTS="-H tcp://0.0.0.0:2375 --dns 8.8.8.8"\n', 'DOCKER_OPTS="--dns 8.8.8.8"\n'),
        ("DOCKER_OPTS='--dns 8.8.8.8 -H tcp://0.0.0.0:2375'\n", "DOCKER_OPTS='--dns 8.8.8.8'\n"),
        ("DOCKER_OPTS='-H tcp://1'\n", "DOCKER_OPTS=''\n"),
        ("DOCKER_OPTS=-Htcp://1", "DOCKER_OPTS="),
        ("DOCKER_OPTS=-D -H tcp://1 # LAN\n", "DOCKER_OPTS=-D # LAN\n"),
        ("DOCKER_OPTS='-H tcp://1'\nDOCKER_OPTS='-H tcp://2 -D'\n", "DOCKER_OPTS='-H tcp://1'\nDOCKER_OPTS='-D'\n"),
        ('A="b"\nDOCKER_OPTS="-D \\\n  -H tcp://1 \\\n  --tls"\nC=d\n', 'A="b"\nDOCKER_OPTS="-D \\\n  "\nC=d\n'),
        ("# -H tcp://1\nDOCKER_OPTS='\n -H tcp://1\n -D\n'\n", "# -H tcp://1\nDOCKER_OPTS='\n -D\n'\n"),
        ("DOCKER_OPTS=\"-H tcp://1 --label 'a b'\"\n", "DOCKER_OPTS=\"--label 'a b'\"\n"),
        ('DOCKER_OPTS="-H \\"tcp://1\\" -D"\n', 'DOCKER_OPTS="-D"\n'),
        ('DOCKER_OPTS="-H unix:///var/run/docker.sock -H tcp://1"\n', 'DOCKER_OPTS=""\n'),
    ],
)
def test_options_files(before: str, after: str) -> None:
    unit = Source(UNIT, DEBIAN, "unit")
    assert _adopted(unit, _options(before)) == {OPTIONS: after}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('DOCKER_OPTS="-H unix:///var/run/docker.sock -H tcp://1"', 'DOCKER_OPTS="-H unix:///var/run/docker.sock"'),
        ('HOSTS="-H tcp://1"\nDOCKER_OPTS="$HOSTS -D"', 'HOSTS=""\nDOCKER_OPTS="$HOSTS -D"'),
        ('ADDRESS=tcp://1\nDOCKER_OPTS="-H $ADDRESS -D"', 'ADDRESS=\nDOCKER_OPTS="$ADDRESS -D"'),
        ('IP=10.0.0.1\nDOCKER_OPTS="-H tcp://$IP:2375 -D"', 'IP=10.0.0.1\nDOCKER_OPTS="-D"'),
        ('DOCKER_OPTS="-D"\nDOCKER_OPTS+=" --tls"', 'DOCKER_OPTS="-D"\nDOCKER_OPTS+=""'),
        ('export TMPDIR="$(mktemp -d)"\nDOCKER_OPTS="-D --tls"', 'export TMPDIR="$(mktemp -d)"\nDOCKER_OPTS="-D"'),
        ('DOCKER_OPTS="-H "tcp://1" -D"', 'DOCKER_OPTS=""" -D"'),
        ("ulimit -n 1048576\nDOCKER_OPTS='--tls'", "ulimit -n 1048576\nDOCKER_OPTS=''"),
    ],
)
def test_options_files_that_an_init_script_reads(before: str, after: str) -> None:
    assert _adopted(_options(before), activated=False) == {OPTIONS: after}


def test_opensuse_listens_on_its_own_socket() -> None:
    unit = Source(UNIT, OPENSUSE, "unit")
    options = _options(f'DOCKER_OPTS="-H unix:///var/run/docker.sock -H tcp://0.0.0.0:2376 {TLS_FLAGS}"\n')
    after = 'DOCKER_OPTS="-H unix:///var/run/docker.sock"\n'
    assert _adopted(unit, options, activated=False) == {OPTIONS: after}


def test_an_address_in_a_variable_goes_with_its_flag() -> None:
    drop_in = _drop_in("[Service]\nExecStart=\nExecStart=/usr/bin/dockerd -H fd:// -H $ADDRESS --host=${ADDRESS}\n")
    assert _adopted(VENDOR, drop_in, _options("ADDRESS=tcp://1\n")) == {
        # What is left of it there stands for nothing.
        DROP_IN: "[Service]\nExecStart=\nExecStart=/usr/bin/dockerd -H fd:// $ADDRESS\n",
        OPTIONS: "ADDRESS=\n",
    }


@pytest.mark.parametrize(
    ("before", "after", "activated"),
    [
        ('{"hosts": ["fd://", "tcp://0.0.0.0:2375"]}', "{}", True),
        ('{"hosts": ["unix:///var/run/docker.sock"], "debug": true}', '{"debug": true}', True),
        ('{"hosts": ["tcp://1"], "debug": true}', '{"debug": true}', False),
        ('{"hosts": []}', "{}", False),
        ('{"hosts": ["unix://", ":1"]}', "{}", False),
        (
            '{"tls": true, "tlsverify": true, "tlscacert": "/a", "tlscert": "/b", "tlskey": "/c", "dns": ["8.8.8.8"]}',
            '{"dns": ["8.8.8.8"]}',
            True,
        ),
    ],
)
def test_daemon_json(before: str, after: str, activated: bool) -> None:
    assert _adopted(_json(before), activated=activated) == {DAEMON_JSON: after}


def test_a_socket_unit_of_its_own_is_put_aside() -> None:
    text = "[Unit]\nDescription=Docker Socket for the API\n\n[Socket]\nListenStream=2375\nBindIPv6Only=both\n"
    assert _adopted(VENDOR, _socket(text)) == {SOCKET: None}


def test_a_socket_unit_that_its_drop_in_fills_is_put_aside_with_it() -> None:
    drop_in = _socket("[Socket]\nListenStream=2375\n", "/etc/systemd/system/docker-tcp.socket.d/port.conf")
    texts = _adopted(_socket("[Socket]\nNoDelay=yes\n"), drop_in)
    assert texts == {SOCKET: None, drop_in.path: "[Socket]\n"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("[Socket]\nListenStream=2375\n", "[Socket]\n"),
        ("[Socket]\n# LAN\nListenStream=10.0.0.1:2375\nNoDelay=yes\n", "[Socket]\n# LAN\nNoDelay=yes\n"),
        ("[Socket]\nListenStream=\nListenStream=[::]:2375\n", "[Socket]\n"),
        ("[Socket]\nListenStream=2374\nListenStream=\nListenStream=2375\n", "[Socket]\n"),
        (
            "[Socket]\nListenStream=\nListenStream=/run/docker.sock\nListenStream=2375",
            "[Socket]\nListenStream=\nListenStream=/run/docker.sock\n",
        ),
    ],
)
def test_a_drop_in_of_docker_socket(before: str, after: str) -> None:
    vendor = _socket("[Socket]\nListenStream=/run/docker.sock\n", "/lib/systemd/system/docker.socket")
    assert _adopted(vendor, _socket(before, SOCKET_DROP_IN)) == {SOCKET_DROP_IN: after}


@pytest.mark.parametrize("path", [UNIT, "/usr/lib/systemd/system/docker.service", "/run/systemd/system/docker.service"])
def test_a_packages_unit_stays_and_our_drop_in_replaces_its_command_line(path: str) -> None:
    text = "[Service]\nEnvironment=A=-Htcp://2\nExecStart=/usr/bin/dockerd -H tcp://1 -D $A $DOCKER_OPTS --tls\n"
    sources = [Source(path, text, "unit"), _options("DOCKER_OPTS=-l info -H tcp://3\n")]
    assert _overridden(*sources, activated=False) == Adopted(
        {OPTIONS: "DOCKER_OPTS=-l info\n"}, "/usr/bin/dockerd -D $DOCKER_OPTS"
    )


def test_a_packages_socket_is_refused_by_its_line() -> None:
    socket = _socket("[Socket]\nListenStream=2375\n", "/usr/lib/systemd/system/docker.socket")
    assert f"{socket.path}:2" in _refused(VENDOR, socket)


def test_a_packages_variable_that_keeps_other_flags_is_refused_by_its_line() -> None:
    text = "[Service]\nEnvironment='A=-Htcp://2 -D'\nExecStart=/usr/bin/dockerd -H fd:// $A\n"
    assert f"{UNIT}:2" in _refused(Source(UNIT, text, "unit"))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("/usr/bin/dockerd -H fd:// -H tcp://0.0.0.0:2375", "/usr/bin/dockerd -H fd://"),
        ("/usr/bin/dockerd -H tcp://1 -H fd:// --label='a b' -H unix://", "/usr/bin/dockerd -H fd:// --label='a b'"),
        (f"/usr/bin/dockerd -H fd:// \\\n  {TLS_FLAGS} \\\n# LAN\n  -DH tcp://1", "/usr/bin/dockerd -H fd:// -D"),
        ('-@/usr/bin/dockerd docker -H fd:// "--host=tcp://1" $UNSET', "-@/usr/bin/dockerd docker -H fd:// $UNSET"),
        ("/usr/bin/dockerd -H fd:// -H %H:2375 --label=%H$$", "/usr/bin/dockerd -H fd:// --label=%H$$"),
        ("/usr/bin/dockerd -H fd:// -H $ADDRESS", "/usr/bin/dockerd -H fd://"),
    ],
)
def test_an_edited_unit_of_a_package_is_replaced_by_a_line_of_ours(before: str, after: str) -> None:
    unit = Source(UNIT, f"[Service]\nExecStart={before}\n", "unit")
    assert _overridden(unit, _options("ADDRESS=tcp://1\n")) == Adopted({}, after)


def test_an_edited_unit_without_activation_keeps_dockerds_own_socket() -> None:
    unit = Source(UNIT, "[Service]\nExecStart=/usr/bin/dockerd -H tcp://1 -H unix:///var/run/docker.sock\n", "unit")
    assert _overridden(unit, activated=False) == Adopted({}, "/usr/bin/dockerd -H unix:///var/run/docker.sock")


def test_a_packages_drop_in_is_replaced_like_its_unit() -> None:
    path = "/usr/lib/systemd/system/docker.service.d/tcp.conf"
    drop_in = Source(path, "[Service]\nExecStart=\nExecStart=/usr/bin/dockerd -H fd:// -H :1\n", "drop_in")
    assert _overridden(VENDOR, drop_in) == Adopted({}, "/usr/bin/dockerd -H fd://")


@pytest.mark.parametrize("activated", [True, False])
@pytest.mark.parametrize("hosts", ['["fd://", "tcp://0.0.0.0:2375"]', '["tcp://0.0.0.0:2375", "unix://", "fd://*"]'])
def test_sockets_that_hosts_takes_from_systemd_move_to_the_command_line(hosts: str, activated: bool) -> None:
    unit = Source(UNIT, "[Service]\nExecStart=/usr/bin/dockerd --containerd=/c $DOCKER_OPTS\n", "unit")
    settings = _json(f'{{"hosts": {hosts}, "mtu": 1400}}')
    assert _overridden(unit, settings, activated=activated) == Adopted(
        {DAEMON_JSON: '{"mtu": 1400}'}, "/usr/bin/dockerd -H fd:// --containerd=/c $DOCKER_OPTS"
    )
    own = Source(OWN_UNIT, unit.text, "unit")
    assert _adopted(own, settings, activated=activated) == {
        DAEMON_JSON: '{"mtu": 1400}',
        OWN_UNIT: "[Service]\nExecStart=/usr/bin/dockerd -H fd:// --containerd=/c $DOCKER_OPTS\n",
    }


def test_the_way_of_geerlingguys_role() -> None:
    drop_in = _drop_in("[Service]\nExecStart=\nExecStart=/usr/bin/dockerd\n")
    settings = _json('{\n  "hosts": ["fd://", "tcp://0.0.0.0:2375"]\n}\n')
    assert _adopted(VENDOR, drop_in, settings) == {
        DROP_IN: "[Service]\nExecStart=\nExecStart=/usr/bin/dockerd -H fd://\n",
        DAEMON_JSON: "{}\n",
    }


def test_a_unit_of_the_admins_is_rewritten() -> None:
    text = "[Service]\nExecStart=/usr/bin/dockerd -H tcp://1\n"
    assert _adopted(Source(OWN_UNIT, text, "unit"), activated=False) == {
        OWN_UNIT: "[Service]\nExecStart=/usr/bin/dockerd\n"
    }


def test_a_flag_whose_value_is_a_variable_goes_with_it() -> None:
    unit = Source(UNIT, "[Service]\nExecStart=/usr/bin/dockerd -H $ADDRESS\n", "unit")
    assert _overridden(unit, _options("ADDRESS=tcp://1\n"), activated=False) == Adopted({}, "/usr/bin/dockerd")


def test_a_package_that_has_its_own_socket_and_activation_too_is_left_as_it_is() -> None:
    unit = Source(UNIT, "[Service]\nExecStart=/usr/bin/dockerd -H unix:// $DOCKER_OPTS\n", "unit")
    assert _adopted(unit, _options("DOCKER_OPTS=-H tcp://1\n")) == {OPTIONS: "DOCKER_OPTS=\n"}


def test_the_host_that_a_package_gives_is_the_one_to_keep() -> None:
    unit = Source(UNIT, "[Service]\nExecStart=/usr/bin/dockerd $DOCKER_OPTS -H fd://\n", "unit")
    assert _adopted(unit, _options('DOCKER_OPTS="-H fd:// -D"\n')) == {OPTIONS: 'DOCKER_OPTS="-D"\n'}


def test_where_nothing_collides_nothing_changes() -> None:
    sockets = _socket("[Socket]\nListenStream=/run/docker.sock\n", "/lib/systemd/system/docker.socket")
    assert _adopted(VENDOR, _options("DOCKER_OPTS=-D\n"), _json('{ "mtu":1400 }'), sockets) == {}


@pytest.mark.parametrize(
    "command",
    [
        "/bin/sh -c '/usr/bin/dockerd -H tcp://1'",
        "/usr/local/bin/start-docker.sh",
        "/usr/bin/env dockerd -H tcp://1",
        "/usr/bin/docker daemon -H tcp://1",
        "/usr/bin/dockerd -H",
        "@/usr/bin/dockerd",
        "/usr/bin/dockerd -H $UNSET",
        "/usr/bin/dockerd -H ${UNSET}",
        "/usr/bin/dockerd --host=${UNSET}",
        "/usr/bin/dockerd --tlscacert $UNSET -D",
        "/usr/bin/dockerd --label 'a -H tcp://1",
        "/usr/bin/dockerd -H fd://3 -H tcp://1",
        "/usr/bin/dockerd -H tcp://1 ; /bin/true",
        '/usr/bin/dockerd --tlscacert "/etc/my \\\n ca.pem"',
    ],
)
def test_a_command_that_is_not_certain_is_refused_by_its_line(command: str) -> None:
    assert f"{DROP_IN}:3: " in _refused(VENDOR, _drop_in(f"[Service]\nExecStart=\nExecStart={command}\n"))


@pytest.mark.parametrize(
    "line",
    [
        'DOCKER_OPTS="-H tcp://$(hostname -i):2375"',
        'DOCKER_OPTS="-H tcp://`hostname -i`:2375"',
        'DOCKER_OPTS="${DOCKER_OPTS:-} -H tcp://1"',
        'DOCKER_OPTS="-H tcp://1',
        'DOCKER_OPTS="$(cat /etc/docker/options)"',
        'DOCKER_OPTS="-H tcp"://1',
    ],
)
@pytest.mark.parametrize("unit", [None, Source(UNIT, DEBIAN, "unit")])
def test_options_that_are_not_certain_are_refused_by_their_line(line: str, unit: Source | None) -> None:
    options = _options(f"# mine\n{line}\n")
    assert f"{OPTIONS}:2: " in _refused(*([unit] if unit else []), options)


@pytest.mark.parametrize(
    "line",
    [
        ". /etc/docker/hosts",
        "source /etc/docker/hosts",
        '[ -e /x ] && DOCKER_OPTS="-H tcp://1"',
        'if true; then DOCKER_OPTS="--tls"; fi',
    ],
)
def test_what_only_a_shell_reads_is_refused_by_its_line(line: str) -> None:
    options = _options(f"# mine\n{line}\n")
    assert f"{OPTIONS}:2: " in _refused(options)


@pytest.mark.parametrize("activated", [True, False])
def test_an_extra_socket_in_daemon_json_is_refused_since_hosts_can_not_stay(activated: bool) -> None:
    text = '{\n  "hosts": [\n    "tcp://1",\n    "unix:///run/x.sock"\n  ]\n}\n'
    assert f"{DAEMON_JSON}:4: " in _refused(VENDOR, _json(text), activated=activated)


@pytest.mark.parametrize("hosts", ['"tcp://1"', "[1]", "null"])
def test_hosts_that_dockerd_could_not_read_are_refused(hosts: str) -> None:
    assert f"{DAEMON_JSON}:1: " in _refused(_json(f'{{"hosts": {hosts}}}'))


# Random hosts: whatever they are put together from, TCP and TLS go and the rest stays.
OURS = [
    "-H tcp://0.0.0.0:2375",
    "--host=tcp://10.0.0.1:2376",
    "-H=:2375",
    "-Htcp://[::]:2376",
    '--host "tcp://1"',
    "--tlsverify",
    "--tls=false",
    "--tlscacert /etc/docker/ca.pem",
    "--tlskey='/etc/docker/key.pem'",
    "--tlscert=/c",
]
USERS = [
    "-D",
    "--storage-driver overlay2",
    "--label a=b",
    '--label "c d=e f"',
    "--insecure-registry 10.0.0.0/8",
    "--log-opt=tag='{{.Name}} x'",
    "--dns 8.8.8.8",
]
GAPS = [" ", "  ", " \\\n  ", " \\\n# -H tcp://comment\n  ", "\t"]


def _words(dice: random.Random, gaps: t.Sequence[str], quote: str) -> str:
    text = ""
    for word in dice.sample(OURS + USERS, dice.randint(0, 7)):
        if not quote or quote not in word:
            text += word if not text else dice.choice(gaps) + word
    return text


def _without_hosts_and_tls(words: t.Sequence[str]) -> list[str]:
    """What is the user's, told without regard to where it stands."""
    left = []
    remaining = list(words)
    while remaining:
        word = remaining.pop(0)
        if word in ("-H", "--host", "--tlscacert"):
            remaining.pop(0)
        elif not word.startswith(("-H", "--host", "--tls")):
            left.append(word)
    return left


@pytest.mark.parametrize("seed", range(400))
def test_whatever_they_are_put_together_from_tcp_and_tls_go_and_the_rest_stays(seed: int) -> None:
    dice = random.Random(seed)
    quote = dice.choice("'\"")
    first = dice.choice(["", " -H fd://", " -H unix:///var/run/docker.sock", " --host=unix:///run/x.sock"])
    flags = _words(dice, GAPS, "") + dice.choice(["", " $E", " $O $E"])
    kept = ["# a comment\n\n[Service]\nLimitNOFILE=1048576\n", " X=y\n", "\nEnvironment=HTTP_PROXY=http://proxy\n"]
    drop_in = (
        f"{kept[0]}Environment={quote}E={_words(dice, [' '], quote)}{quote}{kept[1]}"
        f"ExecStart=\nExecStart=/usr/bin/dockerd{first}{dice.choice(GAPS)}{flags}{kept[2]}"
    )
    options = f"# O='-H tcp://1'\nO={quote}{_words(dice, [' ', '  ', chr(10)], quote)}{quote}\nP=q\n"
    known = ["tcp://1", ":2", "unix:///var/run/docker.sock", *(["fd://"] if seed % 2 else [])]
    hosts = dice.sample(known, dice.randint(0, 3))
    settings = json.dumps({"mtu": 1, **({"hosts": hosts, "tls": True} if hosts else {}), "dns": ["a"]}, indent=seed % 3)
    sources = [VENDOR, _drop_in(drop_in), _options(options), _json(settings)]
    activated = bool(seed % 2)
    after = _after(sources, _adopted(*sources, activated=activated))

    assert all(text in after[1].text for text in kept)
    assert after[1].text.count("# -H tcp://comment\n") == drop_in.count("# -H tcp://comment\n")
    for before, then in zip(sources[:2], after[:2]):
        words = [_exec_start_words(source.text) for source in (before, then)]
        assert _without_hosts_and_tls(words[0]) == _without_hosts_and_tls(words[1])
        words = [_environment(source.text) for source in (before, then)]
        assert _without_hosts_and_tls(words[0]) == _without_hosts_and_tls(words[1])
    if "$O" in flags:
        values = [shlex.split(shlex.split(source.text, comments=True)[0][2:]) for source in (sources[2], after[2])]
        assert _without_hosts_and_tls(values[0]) == values[1]
    else:
        assert after[2] == sources[2]
    assert {**json.loads(settings), "hosts": 0, "tls": 0} == {**json.loads(after[3].text), "hosts": 0, "tls": 0}
    if activated:
        assert startup_of(after[:2]).flags.hosts.count("fd://") == 1
        assert "hosts" not in json.loads(after[3].text)


def _exec_start_words(text: str) -> list[str]:
    return shlex.split(startup_of([Source(DROP_IN, text, "drop_in")]).exec_start)


def _environment(text: str) -> list[str]:
    line = next((line for line in text.splitlines() if line.startswith("Environment=")), "Environment=E=")
    return shlex.split(shlex.split(line)[0].partition("E=")[2])
