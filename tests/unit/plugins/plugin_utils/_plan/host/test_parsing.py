# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host that lies gets a failure that names the place, and nothing else comes out of the planner."""

from __future__ import annotations

import base64
import copy
import functools
import hashlib
import json
import typing as t
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.decision import decide, plan_for
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.files.shared_files import read_originals
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.firewalls.reading import facts_of
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.host.observed import understand
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.host.parsing import parse_observation
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.refusals.withdrawal import check_withdrawal
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.withdrawal import plan_closing, plan_withdrawal
from tests.attack import HOST, attack

from ..hosts import HOSTS, SCRIPT, UNIT, File, Host
from ..planning import SERVER, exposed_by, task_of

Path_ = t.Tuple[t.Union[str, int], ...]
#: Recorded on hosts of the lab.
RECORDED = Path(__file__).parents[5] / "bench" / "observations"
_UFW = {
    "enabled": True,
    "ipv6": True,
    "rules": ["### tuple ### allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in"],
    "rules_ipv6": ["### tuple ### allow tcp 22 ::/0 any ::/0 in"],
    "kernel": ["-A INPUT -j ufw-before-input"],
    "kernel_ipv6": ["-A INPUT -j ufw6-before-input"],
}


_SOCKET = {
    "target": "/run/podman/podman.sock",
    "mode": 0o660,
    "uid": 0,
    "gid": 0,
    "folders": [[0o700, 0, 0], [0o755, 0, 0]],
    "name": "Podman Engine",
    "version": "5.4.2",
}


def _full(host: Host) -> dict[str, t.Any]:
    """Return an observation with something in each of its fields."""
    observation = host.observation()
    socket = {"address": "10.20.0.5", "port": 2376, "program": "dockerd"}
    answer = {"address": "10.20.0.5", "port": 2376, "plain": "refused", "tls": "refused", "certificate": "PEM"}
    observation.update(
        systemd_error=None,
        listening=observation["listening"] or [socket],
        answers=[answer],
        resolved={"db": {"addresses": ["10.0.0.9"]}, "nowhere": {"error": "no such name"}},
        firewalld={"state": "running", "listing": "gangway-docker (active)\n", "error": ""},
        ufw=_UFW,
        filtering_error="no BPF",
        recovered={"files": ["/etc/docker/daemon.json"], "restarted": True, "failed": None},
        installations={"snap": False, "rootless": ["/run/user/1000/docker.sock"]},
        request={"csr": "PEM", "pending": "0123456789abcdef"},
    )
    observation["engine"] = {**observation["engine"], "containers": ["web"]}
    observation["socket"] = _SOCKET
    return observation


def _leaves(value: t.Any, path: Path_ = ()) -> t.Iterator[Path_]:
    """Yield the path of each value, of mappings and lists as well."""
    if path:
        yield path
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, entry in entries:
        yield from _leaves(entry, (*path, key))


def _with(observation: dict[str, t.Any], path: Path_, value: t.Any) -> dict[str, t.Any]:
    changed = copy.deepcopy(observation)
    target: t.Any = changed
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    return changed


def _plan(raw: t.Any) -> None:
    """Do all that the controller does with an observation, whichever way it refuses."""
    observation = parse_observation(raw)
    for method, firewall in (
        ("auto", "auto"),
        ("override", "nftables"),
        ("daemon_json", "firewalld"),
        ("socket", "ufw"),
    ):
        task = task_of(listen=("db:2376", "any:2377", "eth0:2378"), method=method, firewall=firewall, adopt=True)
        _refused(lambda task=task: plan_for(task, decide(task, observation), SERVER))
    observed = _refused(lambda: understand(observation))
    if observed is not None:
        _refused(lambda: facts_of(observed))
        originals = _refused(lambda: read_originals(observed))
        if originals is not None:
            _refused(lambda: plan_closing(observed, originals))
            _refused(
                lambda: check_withdrawal(
                    observed, originals, plan_withdrawal(observed, originals), allow_downtime=False
                )
            )


def _refused(do: t.Callable[[], t.Any]) -> t.Any:
    try:
        return do()
    except Failure:
        return None


@functools.cache
def _host(name: str, method: str) -> Host:
    return exposed_by(HOSTS[name], method, firewall="nftables") if method else HOSTS[name]


CASES = [
    ("docker-ce", ""),
    ("debian", "socket"),
    ("debian", "override"),
    ("debian", "options_file"),
    ("fedora", "daemon_json"),
    ("openrc", "daemon_json"),
]


@pytest.mark.parametrize(("name", "method"), CASES)
def test_a_full_observation_is_read(name: str, method: str) -> None:
    raw = _full(_host(name, method))
    observation = parse_observation(raw)
    assert observation.pid == 42
    assert observation.interfaces == ("docker0", "eth0", "lo")
    assert observation.resolved == {"db": ("10.0.0.9",), "nowhere": "no such name"}
    assert observation.pending_key == "0123456789abcdef"
    _plan(raw)


#: Of all types that JSON has; texts that are no names, paths, addresses or digests.
WRONG = [None, True, 7, -1, 1.5, "\x00", "", "a\nb", "\ud800", [], {}, [None], {"": None}, [[1]], {"base64": 3}]


@attack(
    "Returns something else than the modules do",
    by=HOST,
    expected="The run fails (`host_answer_invalid`), and nothing else of the answer is used",
)
@pytest.mark.parametrize(("name", "method"), [("docker-ce", ""), ("openrc", "daemon_json")])
def test_a_value_of_another_type_is_refused_by_its_place_and_nothing_else_comes_out(name: str, method: str) -> None:
    raw = _full(_host(name, method))
    for path in _leaves(raw):
        for value in WRONG:
            changed = _with(raw, path, value)
            failure = _failure_of(changed)
            if failure is None:
                _plan(changed)
            else:
                assert failure.key == "host_answer_invalid", path
                assert _named(path, str(failure)), (path, str(failure))


def _failure_of(raw: t.Any) -> Failure | None:
    try:
        parse_observation(raw)
    except Failure as exc:
        return exc
    return None


def _named(path: Path_, text: str) -> bool:
    """Whether the failure names the value, or what holds it."""
    place = "observation"
    places = []
    for key in path:
        place += f"[{key}]" if isinstance(key, int) else f".{key}"
        places.append(place)
    return any(found in text for found in places)


@pytest.mark.parametrize(("name", "method"), [("docker-ce", ""), ("debian", "socket")])
def test_a_field_that_is_missing_is_refused_by_its_name(name: str, method: str) -> None:
    raw = _full(_host(name, method))
    #: None says the same.
    optional = {"systemd_error", "engine", "connection", "nftables", "firewalld", "ufw", "filtering", "filtering_error"}
    optional |= {"recovered", "request", "socket"}
    for field in raw:
        without = {key: value for key, value in raw.items() if key != field}
        if field in optional:
            parse_observation(without)
        else:
            with pytest.raises(Failure, match=rf"observation\.{field}") as failure:
                parse_observation(without)
            assert failure.value.key == "host_answer_invalid"


@pytest.mark.parametrize("raw", [None, 1, "", [], {}, [{}], True])
def test_no_observation_is_refused(raw: t.Any) -> None:
    with pytest.raises(Failure) as failure:
        parse_observation(raw)
    assert failure.value.key == "host_answer_invalid"


JUNK = [
    b"",
    b"\x00",
    b"\xff\xfe",
    b"[Service]\nExecStart=\n",
    b"[Service]\nExecStart=/usr/bin/dockerd 'unclosed\n",
    b'[Service]\nExecStart=/usr/bin/dockerd -H\nEnvironment="a\n',
    b"[Service]\nExecStart=dockerd \\x\\u\\U\\777 -H $${ ${ $\n",
    b"[Service]\nExecStart=/usr/bin/dockerd -H fd:// --tlscacert\nExecStart=/usr/bin/dockerd\n",
    b"[Socket]\nListenStream=\nListenStream=99999999\nListenStream=[::\n",
    b"[[[\n]]]\n===\n\\\n",
    b"DOCKER_OPTS='\n",
    b'DOCKER_OPTS="$(cat /x) `y` ${z:-$DOCKER_OPTS}"\nDOCKER_OPTS=$DOCKER_OPTS$DOCKER_OPTS\n',
    b"# BEGIN gangway.docker (taken away again with expose_state: absent)\n",
    b"-----BEGIN CERTIFICATE-----\n",
    b"{",
    b"[]",
    b"null",
    b"{}",
    b'{"hosts": 1}',
    b'{"hosts": [1, null, {}]}',
    b'{"hosts": {"a": 1}, "tlsverify": []}',
    b'{"hosts": ["tcp://", "//", "fd://", ""], "live-restore": "x"}',
    b'{"a": 1, "a": 2}',
    b'{"\\ud800": "\\udfff"}',
    b"[" * 3000,
    b'{"a": ' * 3000,
    b"1" * 10000,
    b'{"a": 1e999, "b": NaN}',
]


@pytest.mark.parametrize(("name", "method"), CASES)
def test_junk_in_a_file_is_a_failure_at_most(name: str, method: str) -> None:
    host = _host(name, method)
    # Only the digests of the guard's files are known.
    paths = {path for path in host.files if not path.startswith(layout.GUARD)}
    paths |= {layout.DAEMON_JSON, layout.ORIGINALS, layout.LISTENER_FLAGS, layout.EXEC_DROP_IN, UNIT, SCRIPT}
    full = _full(host)
    for path in paths:
        for content in JUNK:
            raw = {**full, "files": {**full["files"]}}
            raw["files"][path] = {
                "content": {"base64": base64.b64encode(content).decode()},
                "sha256": hashlib.sha256(content).hexdigest(),
                "mode": 0o644,
                "uid": 0,
                "gid": 0,
                "link": False,
            }
            _plan(raw)


@pytest.mark.parametrize(("name", "method"), [("debian", "socket"), ("openrc", "daemon_json")])
def test_junk_in_the_originals_is_a_failure_at_most(name: str, method: str) -> None:
    """The host keeps them, so they are as untrusted as all that it says."""
    host = _host(name, method)
    kept = json.loads(host.text(layout.ORIGINALS))
    for path in _leaves(kept):
        for value in WRONG:
            changed = json.dumps(_with(kept, path, value))
            _plan(_full(host.but(files={**host.files, layout.ORIGINALS: File(changed.encode(), 0o600)})))


def test_junk_in_the_units_properties_is_a_failure_at_most() -> None:
    raw = _full(_host("debian", "socket"))
    for unit, shown in raw["units"].items():
        for name in (*shown, "Listen", "IPAddressAllow", "TriggeredBy"):
            for text in ("", "\x00", "x" * 10000, "' \" \\", "a.socket b.socket", "%n $x", "[::]:1 (Stream) ("):
                _plan(_with(raw, ("units", unit, name), text))


@pytest.mark.parametrize(
    "table",
    ["", "{", "null", "[]", '{"nftables": 1}', '{"nftables": [{"set": {"name": "ports", "elem": [1e9]}}]}', "[" * 9999],
)
def test_junk_in_the_rules_is_a_failure_at_most(table: str) -> None:
    _plan({**_full(_host("debian", "override")), "nftables": table})


@pytest.mark.parametrize("path", sorted(RECORDED.glob("*.json")), ids=lambda path: path.stem)
def test_the_hosts_of_these_tests_report_what_real_ones_do(path: Path) -> None:
    recorded = json.loads(path.read_text(encoding="utf-8"))
    parse_observation(recorded)
    made = _full(HOSTS["debian" if recorded["init"] == "systemd" else recorded["init"]])
    assert made.keys() == recorded.keys()
    for field in ("engine", "dockerd", "tools", "installations"):
        assert (recorded[field] or made[field]).keys() == made[field].keys()
    for described in recorded["files"].values():
        assert described.keys() == next(iter(made["files"].values())).keys()
    assert set(made["folders"]) >= set(recorded["folders"]) or recorded["init"] == "sysvinit"
