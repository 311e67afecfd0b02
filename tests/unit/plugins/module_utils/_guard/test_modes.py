# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guard's other modes: hosts and closed for ports in daemon.json, flags for ports on the command line."""

from __future__ import annotations

import io
import json
import socket
import typing as t
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._guard import __main__ as guard
from ansible_collections.gangway.docker.plugins.module_utils._guard.__main__ import close, flags_allowed, hosts_allowed
from ansible_collections.gangway.docker.plugins.module_utils._guard.daemon_json import without_tcp_hosts
from ansible_collections.gangway.docker.plugins.module_utils._guard.judgement import address_problem, trailing_problem

#: Whether an address can be listened on is tried.
pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

SHOWN = "{ path=/usr/sbin/dockerd ; argv[]=/usr/sbin/dockerd $DOCKER_OPTS ; ignore_errors=no ; pid=0 }"
UNIX = "unix:///var/run/docker.sock"
HERE = "tcp://127.0.0.1:2376"
#: RFC 5737: no machine has it.
ELSEWHERE = "tcp://192.0.2.1:2376"


class Site:
    """daemon.json, its good copy and the bundle, below a folder."""

    def __init__(self, folder: Path) -> None:
        self.daemon_json, self.good, self.broken = (folder / name for name in ("d.json", "good.json", "d.json.broken"))
        self.bundle = [folder / name for name in ("ca.pem", "cert.pem", "key.pem")]

    @property
    def tls(self) -> dict[str, t.Any]:
        return {"tlsverify": True, **dict(zip(("tlscacert", "tlscert", "tlskey"), map(str, self.bundle)))}

    def write(self, *hosts: str, **settings: t.Any) -> str:
        """TLS and live-restore as we set them, the user's mtu, and what is named here; None takes one out."""
        named = {key.replace("_", "-"): value for key, value in settings.items()}
        everything = {"mtu": 1400, "hosts": hosts or None, **self.tls, "live-restore": True, **named}
        kept = {key: value for key, value in everything.items() if value is not None}
        text = json.dumps(kept, indent=1)
        self.daemon_json.write_text(text)
        return text

    def read(self) -> dict[str, t.Any]:
        return t.cast("dict[str, t.Any]", json.loads(self.daemon_json.read_text()))

    def hosts(self, options: str = "") -> int:
        return hosts_allowed([str(self.daemon_json), str(self.good)], SHOWN, {"DOCKER_OPTS": options})

    def flags(self, *hosts: str) -> int:
        return flags_allowed([str(self.daemon_json), str(self.good), *map(str, self.bundle), *hosts])


@pytest.fixture
def site(tmp_path: Path, pem_files: dict[str, bytes], keep_listener: t.Callable[..., None]) -> Site:
    site = Site(tmp_path)
    for path in site.bundle:
        path.write_bytes(pem_files[path.name])
    keep_listener(tmp_path, site.tls, pem_files["ca.pem"])
    return site


@pytest.mark.parametrize(
    ("hosts", "kept"),
    [
        ([UNIX, HERE], [UNIX]),
        (["fd://", "unix:///run/x.sock", HERE, "tcp://[::]:2376"], ["fd://", "unix:///run/x.sock"]),
        # dockerd takes what has no scheme for TCP.
        ([UNIX, "0.0.0.0:2375", ":2376", "web1"], [UNIX]),
        ([HERE], None),
        ([UNIX], [UNIX]),
        ([], []),
    ],
)
def test_tcp_goes_out_of_hosts_and_all_else_stays(hosts: list[str], kept: list[str] | None) -> None:
    text = json.dumps({"mtu": 1400, "hosts": hosts, "tlsverify": True}, indent=3)
    settings = {"mtu": 1400, "hosts": kept, "tlsverify": True}
    if kept is None:
        del settings["hosts"]
    assert json.loads(without_tcp_hosts(text)) == settings
    assert without_tcp_hosts(text) == text or kept != hosts


@pytest.mark.parametrize("text", ["", "{}\n", '{"hosts": "tcp://1"}', '{"mtu":1}'])
def test_where_hosts_is_no_list_nothing_is_changed(text: str) -> None:
    assert without_tcp_hosts(text) == text


def test_hosts_stay_with_mutual_tls_in_force(site: Site) -> None:
    text = site.write(UNIX, HERE)
    assert site.hosts() == 0
    assert site.daemon_json.read_text() == text
    assert site.good.read_text() == text


@pytest.mark.parametrize(
    "settings",
    [
        {"tlsverify": None},
        {"tlsverify": False},
        {"tlscacert": None},
        {"tlscacert": None, "tlscert": None, "tlskey": None, "tlsverify": None, "tls": False},
    ],
    ids=str,
)
def test_hosts_lose_their_ports_where_clients_are_not_asked_for_certificates(
    site: Site, settings: dict[str, t.Any], capsys: pytest.CaptureFixture[str]
) -> None:
    site.write(UNIX, HERE, **settings)
    assert site.hosts() == 0, "dockerd starts"
    assert site.read()["hosts"] == [UNIX]
    assert site.read()["mtu"] == 1400
    assert not site.good.exists()
    assert "dockerd starts without its TCP port" in capsys.readouterr().err


@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.parametrize("options", ["", "-D"])
def test_hosts_and_tls_go_where_the_bundle_can_not_be_loaded(site: Site, number: int, options: str) -> None:
    site.write(UNIX, HERE)
    site.bundle[number].unlink()
    assert site.hosts(options) == 0
    assert site.read() == {"mtu": 1400, "hosts": [UNIX], "live-restore": True}


def test_the_tls_keys_never_go_without_the_ports_beside_them(site: Site) -> None:
    site.write(UNIX, HERE)
    site.bundle[2].unlink()
    assert guard.main([str(site.daemon_json), str(site.good)], SHOWN, {}) == 1
    assert site.read() == {"mtu": 1400, "hosts": [UNIX], "live-restore": True}


def test_the_tls_keys_stay_where_a_flag_opens_another_port(site: Site) -> None:
    site.write(UNIX, HERE)
    site.bundle[2].unlink()
    assert site.hosts("-H tcp://0.0.0.0:2375") == 0
    assert (site.read()["hosts"], site.read()["tlsverify"]) == ([UNIX], True)


@pytest.mark.parametrize("options", ["--tlsverify=false", "--config-file=/etc/other.json", '"--tls"'])
def test_hosts_lose_their_ports_where_dockerd_takes_tls_from_elsewhere(site: Site, options: str) -> None:
    site.write(UNIX, HERE)
    assert site.hosts(options) == 0
    assert site.read()["hosts"] == [UNIX]


def test_hosts_lose_their_ports_where_one_address_is_not_up(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.write(UNIX, HERE, ELSEWHERE)
    assert site.hosts() == 0
    assert site.read()["hosts"] == [UNIX]
    assert f"{ELSEWHERE} can't be listened on" in capsys.readouterr().err


def test_a_malformed_daemon_json_makes_way_for_the_last_good_one_and_its_ports(site: Site) -> None:
    text = site.write(UNIX, HERE)
    assert site.hosts() == 0
    site.daemon_json.write_text("{,}")
    assert site.hosts() == 0
    assert site.daemon_json.read_text() == text
    assert site.broken.read_text() == "{,}"


def test_live_restore_comes_back(site: Site) -> None:
    site.good.write_text(site.write(UNIX))
    site.write(UNIX, HERE, tlsverify=None, live_restore=None)
    assert site.hosts() == 0
    assert site.read()["live-restore"] is True


def test_closed_takes_the_ports_out_though_tls_is_in_force(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.write(UNIX, HERE)
    assert close(str(site.daemon_json)) == 0
    assert site.read() == {"mtu": 1400, "hosts": [UNIX], **site.tls, "live-restore": True}
    assert "the access list is not in force" in capsys.readouterr().err


def test_closed_leaves_a_daemon_json_without_ports_alone(site: Site) -> None:
    assert close(str(site.daemon_json)) == 0
    assert not site.daemon_json.exists()
    site.daemon_json.write_text("{,}")
    assert close(str(site.daemon_json)) == 0
    assert site.daemon_json.read_text() == "{,}", "dockerd refuses it"
    text = site.write(UNIX)
    before = site.daemon_json.stat().st_mtime_ns
    assert close(str(site.daemon_json)) == 0
    assert (site.daemon_json.read_text(), site.daemon_json.stat().st_mtime_ns) == (text, before)


PLAIN = dict.fromkeys(("tlsverify", "tlscacert", "tlscert", "tlskey"))


@pytest.mark.parametrize("hosts", [[], [UNIX], [HERE]])
def test_flags_are_allowed_with_a_bundle_that_loads(site: Site, hosts: list[str]) -> None:
    text = site.write(**PLAIN)
    assert site.flags(*hosts) == 0
    assert site.daemon_json.read_text() == text
    assert site.good.read_text() == text


def test_flags_are_allowed_where_there_is_no_daemon_json(site: Site) -> None:
    assert site.flags(UNIX) == 0
    assert not site.daemon_json.exists()


@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.parametrize("content", [None, b"", b"no PEM\n"])
def test_flags_are_refused_with_a_bundle_that_does_not_load(
    site: Site, number: int, content: bytes | None, capsys: pytest.CaptureFixture[str]
) -> None:
    text = site.write(**PLAIN)
    path = site.bundle[number]
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    assert site.flags(UNIX) == 1
    assert site.daemon_json.read_text() == text
    assert not site.good.exists()
    assert f"{path}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({"tlsverify": True}, "tlsverify"),
        ({"tls": False}, "tls"),
        ({"hosts": [UNIX]}, "hosts"),
        ({"tlscacert": "/ca", "tlskey": "/k"}, "tlscacert, tlskey"),
    ],
)
def test_flags_are_refused_beside_the_same_in_daemon_json(
    site: Site, settings: dict[str, t.Any], names: str, capsys: pytest.CaptureFixture[str]
) -> None:
    site.write(**{**PLAIN, **settings})
    assert site.flags(UNIX) == 1
    assert f"dockerd would not start with {names} both in" in capsys.readouterr().err
    assert not site.good.exists()


def test_flags_are_refused_where_one_address_is_not_up(site: Site) -> None:
    site.write(**PLAIN)
    assert site.flags(HERE, ELSEWHERE) == 1


def test_refused_flags_do_not_take_the_containers_with_them(site: Site) -> None:
    site.good.write_text(site.write(**PLAIN))
    site.write(**PLAIN, live_restore=None)
    site.bundle[0].unlink()
    assert site.flags(UNIX) == 1
    assert site.read() == {"mtu": 1400, "live-restore": True}


@pytest.mark.parametrize("good", ["", '{"mtu": 9000}'])
def test_a_malformed_daemon_json_keeps_no_flags_from_dockerd(site: Site, good: str) -> None:
    """TLS is in the flags, so without what the user had there dockerd is no less guarded."""
    site.daemon_json.write_text("{,}")
    if good:
        site.good.write_text(good)
    assert site.flags(UNIX) == 0
    assert site.daemon_json.read_text() == (good or "{}\n")
    assert site.broken.read_text() == "{,}"


@pytest.mark.parametrize(
    ("hosts", "problem"),
    [
        ([], None),
        (["fd://", UNIX, "unix:///run/x.sock"], None),
        ([HERE], None),
        (["tcp://0.0.0.0:2376"], None),
        ([HERE, ELSEWHERE], ELSEWHERE),
        ([ELSEWHERE, HERE], ELSEWHERE),
        (["tcp://[2001:db8::1]:2376"], "tcp://[2001:db8::1]:2376"),
        ([1, None], None),
    ],
)
def test_only_addresses_of_this_machine_can_be_listened_on(hosts: list[object], problem: str | None) -> None:
    found = address_problem(hosts)
    assert (found is None) is (problem is None)
    assert problem is None or (found or "").startswith(f"{problem} can't be listened on (")


def test_ipv6_is_tried_as_such() -> None:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError as exc:
        pytest.skip(f"no IPv6 here ({exc})")
    assert address_problem(["tcp://[::1]:2376", "tcp://[::]:2377"]) is None


def test_a_port_in_use_is_no_reason_to_close_it() -> None:
    """dockerd itself may have it still."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert address_problem([f"tcp://127.0.0.1:{taken.getsockname()[1]}"]) is None


@pytest.mark.parametrize(
    ("words", "called"),
    [
        (["closed", "D"], ("close", "D")),
        (["flags", "D", "G", "CA", "C", "K", "H"], ("flags_allowed", ["D", "G", "CA", "C", "K", "H"])),
        (["hosts", "D", "G"], ("hosts_allowed", ["D", "G"])),
        (["D", "G"], ("main", ["D", "G"])),
    ],
)
def test_the_first_word_is_the_mode(monkeypatch: pytest.MonkeyPatch, words: list[str], called: t.Any) -> None:
    for name in ("close", "flags_allowed", "hosts_allowed", "main"):
        monkeypatch.setattr(guard, name, lambda first, *_rest, name=name: (name, first))
    monkeypatch.setattr(guard.sys, "stdin", io.StringIO())
    assert guard._run(words) == called


@pytest.mark.parametrize(
    ("words", "options", "problem"),
    [
        ("$DOCKER_OPTS", "--tlsverify=false", None),
        ("--tls=false $DOCKER_OPTS", "", None),
        ("$DOCKER_OPTS -D", "", None),
        ("$DOCKER_OPTS --tlsverify=false", "", "--tlsverify=false on dockerd's command line"),
        ("${DOCKER_OPTS} $OTHER", "", "--tls=false on dockerd's command line"),
        # As systemctl prints it, the quotes are dockerd's, which does not start with them.
        ("$DOCKER_OPTS '--tls'", "", None),
        ("$DOCKER_OPTS -H  --tls", "", "--tls on dockerd's command line"),
        ("$DOCKER_OPTS ${A}${B}", "", "--tls=0 on dockerd's command line"),
        ("$DOCKER_OPTS $QUOTED", "", "--tls=0 on dockerd's command line"),
        # Of two, the last one may be part of a word: --label "x $DOCKER_OPTS".
        ("$DOCKER_OPTS --tls $DOCKER_OPTS", "", "--tls on dockerd's command line"),
        ("$DOCKER_OPTS --tls --label x $DOCKER_OPTS", "", "--tls on dockerd's command line"),
        ("$DOCKER_OPTS -D ${DOCKER_OPTS}", "--tlsverify", None),
        ("-D --tls", "", None),
    ],
)
def test_behind_our_flags_none_may_set_tls_again(words: str, options: str, problem: str | None) -> None:
    shown = SHOWN.replace("$DOCKER_OPTS", words)
    others = {"OTHER": "-D --tls=false", "A": "--tl", "B": "s=0", "QUOTED": "'--tls=0'"}
    found = trailing_problem("DOCKER_OPTS", shown, {"DOCKER_OPTS": options, **others})
    assert found is None if problem is None else (found or "").startswith(problem)


def test_a_command_line_that_can_not_be_read_gets_no_port() -> None:
    assert trailing_problem("DOCKER_OPTS", "", {}) is not None
