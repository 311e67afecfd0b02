# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HAProxy's processes and connections, by what its master process answers."""

from __future__ import annotations

import itertools
import os
import re
import socketserver
import tempfile
import threading
import typing as t
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._host.runner import Host
from ansible_collections.gangway.docker.plugins.module_utils._run import gateway
from ansible_collections.gangway.docker.plugins.module_utils._run.gateway import (
    end_sessions,
    prove_gateway,
    reload_gateway,
    start_gateway,
    stop_gateway,
)
from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.module_utils._shared.steps import (
    EndSessions,
    ProveGateway,
    ReloadGateway,
)

#: As HAProxy 2.6.12 and 3.2.26 answer, after a reload.
SHOW_PROC_26 = """\
#<PID>          <type>          <reloads>       <uptime>        <version>
27230           master          1 [failed: 0]   0d00h00m05s     2.6.12-1+deb12u4
# workers
27871           worker          0               0d00h00m02s     2.6.12-1+deb12u4
# old workers
27280           worker          1               0d00h00m05s     2.6.12-1+deb12u4
# programs


"""
SHOW_PROC_32 = """\
#<PID>          <type>          <reloads>       <uptime>        <version>
627             master          0 [failed: 0]   0d00h03m28s     3.2.26-1
# workers
630             worker          0               0d00h03m28s     3.2.26-1


"""
_REST = (
    "srv=engine ts=00 epoch=0 age=3s calls=2 rate=0 cpu=0 lat=0 rq[f=848202h,i=0,an=00h,rx=24d,wx=,ax=] "
    "rp[f=80008000h,i=0,an=00h,rx=24d,wx=,ax=] s0=[8,200048h,fd=22,ex=] s1=[8,118h,fd=23,ex=] exp=24d rc=0 c_exp="
)
_OWN = (
    "0x56215e96c540: proto=sockpair src=unix:1 fe=GLOBAL be=<NONE> srv=<none> ts=00 epoch=0x1 age=0s calls=1 rate=1 "
    "cpu=0 lat=0 rq[f=c48200h,i=0,an=00h,rx=,wx=,ax=] rp[f=80008002h,i=0,an=00h,rx=,wx=,ax=] exp=10s rc=0 c_exp=\n"
)


def _session(source: str, backend: str, protocol: str = "tcpv4") -> str:
    return f"0x56215e84b3e0: proto={protocol} src={source} fe=docker be={backend} {_REST}\n"


class FakeHaproxy:
    """Its master process: workers and their sessions, and what the unit's commands do."""

    def __init__(self) -> None:
        self.current: list[int] = [27871]
        self.old: list[int] = []
        #: By worker.
        self.sessions: dict[int, list[str]] = {}
        self.calls: list[str] = []
        #: Commands that end with 1.
        self.fails: set[str] = set()
        #: The kernel destroys sockets; HAProxy counts their sessions no more.
        self.destroys = self.forgets = True
        #: Sockets that were destroyed, by their peers.
        self.destroyed: set[str] = set()
        self.has_ss = True
        self.reloads = True
        self._pids = itertools.count(28000)

    def answer(self, command: str) -> str:
        if command == "show proc":
            head, _workers, _rest = SHOW_PROC_26.partition("# workers\n")
            return head + self._part("workers", self.current) + self._part("old workers", self.old) + "# programs\n\n\n"
        worker, _space, rest = command.partition(" ")
        assert (worker[:2], rest) == ("@!", "show sess")
        return "".join(self.sessions.get(int(worker[2:]), [])) + _OWN + "\n\n"

    def _ss(self, words: t.Sequence[str]) -> tuple[int, str, str]:
        if not self.has_ss:
            raise FileNotFoundError("ss")
        lines = [line for lines in self.sessions.values() for line in lines]
        peers = {line.split(" src=")[1].split()[0] for line in lines} - self.destroyed
        if "--kill" not in words:
            self.calls.pop()
            shown = [re.sub(r"^(.*:.*):(\d+)$", r"[\1]:\2", peer) for peer in peers]
            return 0, "".join(f"ESTAB 0      0      10.0.0.5:2376 {peer}\n" for peer in shown), ""
        peer = f"{words[6].strip('[]')}{words[9]}"
        if peer in peers and self.destroys:
            self.destroyed.add(peer)
            if self.forgets:
                self.sessions = {
                    pid: [line for line in lines if f" src={peer} " not in line] for pid, lines in self.sessions.items()
                }
        return 0, "", ""

    @staticmethod
    def _part(name: str, pids: t.Iterable[int]) -> str:
        line = "{}           worker          0               0d00h00m02s     2.6.12-1+deb12u4\n"
        return f"# {name}\n" + "".join(map(line.format, pids))

    def run(self, words: t.Sequence[str], **_options: t.Any) -> tuple[int, str, str]:
        command = " ".join(words)
        self.calls.append(command)
        if command in self.fails:
            return 1, "", "a fault"
        if words[0] == "ss":
            return self._ss(words)
        if words[:2] in (["systemctl", "reload"], ["systemctl", "restart"]) and self.reloads:
            kept = [] if words[1] == "restart" else [*self.old, *self.current]
            self.old, self.current = kept, [next(self._pids)]
            self.sessions = {pid: lines for pid, lines in self.sessions.items() if pid in self.old}
        return 0, "", ""


@pytest.fixture
def haproxy(monkeypatch: pytest.MonkeyPatch) -> t.Iterator[FakeHaproxy]:
    """It answers on a socket of its own, and hangs up after each command."""
    fake = FakeHaproxy()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(fake.answer(self.rfile.read().decode().rstrip("\n")).encode())

    # A path of at most 107 bytes, unix(7).
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "commands")
        with socketserver.ThreadingUnixStreamServer(path, Handler) as server:
            threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
            monkeypatch.setattr(layout, "GATEWAY_COMMANDS", path)
            for name in ("_RELOAD_TIMEOUT", "_PROOF_TIMEOUT", "_SESSIONS_TIMEOUT"):
                monkeypatch.setattr(gateway, name, 0.3)
            monkeypatch.setattr(gateway, "_PAUSE", 0.001)
            yield fake
            server.shutdown()


@pytest.fixture
def host(haproxy: FakeHaproxy) -> Host:
    return Host(haproxy.run)


@pytest.mark.parametrize(
    ("said", "current", "old"), [(SHOW_PROC_26, [27871], [27280]), (SHOW_PROC_32, [630], []), ("", [], [])]
)
def test_workers_are_read(monkeypatch: pytest.MonkeyPatch, said: str, current: list[int], old: list[int]) -> None:
    monkeypatch.setattr(gateway, "_ask", lambda _command: said)
    assert (gateway._workers(current=True), gateway._workers(current=False)) == (current, old)


def test_connections_are_read_and_those_of_haproxy_itself_are_none(haproxy: FakeHaproxy) -> None:
    haproxy.sessions[5] = [
        _session("127.0.0.1:44036", "full-alice"),
        _session("::ffff:10.0.0.1:44060", "read-graf.an:40a", "tcpv6"),
        _session("fd00::5:1024", "<NONE>", "tcpv6"),
    ]
    assert gateway._sessions(5) == [
        ("127.0.0.1:44036", "full-alice"),
        ("10.0.0.1:44060", "read-graf.an:40a"),
        ("fd00::5:1024", ""),
    ]


def test_without_haproxy_there_is_nothing_to_end(
    haproxy: FakeHaproxy, host: Host, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(layout, "GATEWAY_COMMANDS", str(tmp_path / "none"))
    haproxy.sessions = {27871: [_session("10.0.0.2:2", "full-bob")]}
    end_sessions(host, EndSessions(("full-a",)))
    assert haproxy.calls == []


def test_connections_of_clients_without_access_end_and_the_others_go_on(haproxy: FakeHaproxy, host: Host) -> None:
    haproxy.old = [27280]
    kept = [_session("10.0.0.1:1", "full-admin"), _session("10.0.0.9:9", "<NONE>")]
    haproxy.sessions = {
        27871: [
            *kept,
            _session("10.0.0.2:2", "full-bob"),
            _session("fd00::2:3", "full-bob", "tcpv6"),
            _session("::ffff:10.0.0.6:6", "full-bob", "tcpv6"),
        ],
        27280: [kept[0], _session("10.0.0.3:4", "read-admin"), _session("10.0.0.4:5", "<NONE>")],
    }
    end_sessions(host, EndSessions(("full-admin",)))
    assert haproxy.sessions == {27871: kept, 27280: kept[:1]}, "in its handshake, it is judged by the new files"
    assert haproxy.destroyed == {"10.0.0.2:2", "fd00::2:3", "::ffff:10.0.0.6:6", "10.0.0.3:4", "10.0.0.4:5"}
    assert all(call.startswith("ss --kill --tcp state connected dst ") for call in haproxy.calls)


def test_one_that_comes_to_light_later_ends_too(haproxy: FakeHaproxy) -> None:
    haproxy.sessions = {27871: [_session("10.0.0.2:2", "full-bob")]}

    def shows_another(words: t.Sequence[str], **options: t.Any) -> tuple[int, str, str]:
        done = haproxy.run(words, **options)
        if "--kill" in words and len(haproxy.calls) == 1:
            haproxy.sessions[27871].append(_session("10.0.0.3:3", "full-bob"))
        return done

    end_sessions(Host(shows_another), EndSessions(()))
    assert haproxy.destroyed == {"10.0.0.2:2", "10.0.0.3:3"}


def test_a_session_that_haproxy_counts_though_its_socket_is_gone_is_over(haproxy: FakeHaproxy, host: Host) -> None:
    haproxy.forgets = False
    haproxy.sessions = {27871: [_session("10.0.0.2:2", "full-bob")]}
    end_sessions(host, EndSessions(()))
    assert haproxy.destroyed == {"10.0.0.2:2"}
    assert not [call for call in haproxy.calls if "restart" in call]


def test_without_ss_haproxy_is_restarted_if_anyone_is_to_go(haproxy: FakeHaproxy, host: Host) -> None:
    haproxy.has_ss = False
    haproxy.sessions = {27871: [_session("10.0.0.2:2", "full-bob")]}
    end_sessions(host, EndSessions(("full-bob",)))
    assert not [call for call in haproxy.calls if "restart" in call]
    end_sessions(host, EndSessions(("full-admin",)))
    assert haproxy.calls[-1] == f"systemctl restart {layout.GATEWAY_SERVICE}"


def test_where_the_kernel_ends_none_haproxy_is_restarted(haproxy: FakeHaproxy, host: Host) -> None:
    haproxy.destroys = False
    haproxy.sessions = {27871: [_session("10.0.0.2:2", "full-bob")]}
    end_sessions(host, EndSessions(("full-admin",)))
    assert haproxy.calls[-1] == f"systemctl restart {layout.GATEWAY_SERVICE}"
    assert haproxy.sessions == {}


def test_connections_that_can_not_be_ended_are_a_failure(haproxy: FakeHaproxy, host: Host) -> None:
    haproxy.destroys = False
    haproxy.sessions = {27871: [_session("10.0.0.2:2", "full-bob")]}
    haproxy.fails = {f"systemctl restart {layout.GATEWAY_SERVICE}"}
    with pytest.raises(Failure) as caught:
        end_sessions(host, EndSessions(()))
    assert caught.value.key == "sessions_left"


def test_a_reload_is_over_when_a_new_worker_is_there(haproxy: FakeHaproxy, host: Host) -> None:
    reload_gateway(host, ReloadGateway())
    assert haproxy.calls == [f"systemctl reload {layout.GATEWAY_SERVICE}"]
    assert (haproxy.current, haproxy.old) == ([28000], [27871])


@pytest.mark.parametrize("is_down", [True, False])
def test_what_is_down_or_has_another_unit_is_restarted(haproxy: FakeHaproxy, host: Host, is_down: bool) -> None:
    haproxy.current = [] if is_down else haproxy.current
    reload_gateway(host, ReloadGateway(restart=not is_down))
    assert haproxy.calls == [f"systemctl restart {layout.GATEWAY_SERVICE}"]


@pytest.mark.parametrize("says_so", [True, False])
def test_a_reload_that_brings_no_new_worker_is_a_failure(haproxy: FakeHaproxy, host: Host, says_so: bool) -> None:
    haproxy.reloads = False
    haproxy.fails = {f"systemctl reload {layout.GATEWAY_SERVICE}"} if says_so else set()
    with pytest.raises(Failure) as caught:
        reload_gateway(host, ReloadGateway())
    assert caught.value.key == "gateway_reload_failed"
    assert ("a fault" if says_so else "no new process serves the port") in str(caught.value)


def test_the_port_closes_before_haproxy_ends_and_opens_first(
    haproxy: FakeHaproxy, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_folder = os.path.isdir
    monkeypatch.setattr(os.path, "isdir", lambda path: path == "/run/systemd/system" or is_folder(path))
    units = [layout.GANGWAY_SOCKET, layout.GATEWAY_SERVICE]
    stop_gateway(host)
    assert [call for call in haproxy.calls if " stop " in call] == [f"systemctl stop {unit}" for unit in units]
    start_gateway(host)
    assert [call for call in haproxy.calls if " start " in call] == [f"systemctl start {unit}" for unit in units]
    haproxy.fails = {f"systemctl start {layout.GATEWAY_SERVICE}"}
    with pytest.raises(Failure) as caught:
        start_gateway(host)
    assert caught.value.key == "gateway_start_failed"


@pytest.mark.parametrize(("key", "patient"), [("port_other_certificate", True), ("port_open", False)])
def test_a_proof_waits_for_the_new_worker_but_not_where_strangers_get_in(
    haproxy: FakeHaproxy, host: Host, monkeypatch: pytest.MonkeyPatch, key: str, patient: bool
) -> None:
    proofs = []

    def prove(_host: Host, proof: t.Any) -> None:
        proofs.append(proof)
        if len(proofs) < 3:
            raise Failure(key, thing="x", reason="y", cure="z")

    monkeypatch.setattr(gateway, "prove", prove)
    step = ProveGateway((("10.0.0.5", 2376),), layout.CERTIFICATE)
    if patient:
        prove_gateway(host, step)
        assert len(proofs) == 3
        assert (proofs[0].listen, proofs[0].socket) == (step.listen, layout.GANGWAY_SOCKET)
    else:
        with pytest.raises(Failure) as caught:
            prove_gateway(host, step)
        assert (caught.value.key, len(proofs)) == ("port_open", 1)
