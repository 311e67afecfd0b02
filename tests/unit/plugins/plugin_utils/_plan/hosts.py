# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts as packages leave them: what they report, and what steps make of their files."""

from __future__ import annotations

import base64
import copy
import dataclasses
import hashlib
import json
import os
import re
import typing as t
from dataclasses import dataclass, field

from ansible_collections.gangway.docker.plugins.module_utils._guard.daemon_json import merge, parse
from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.steps import (
    Discard,
    LoadRules,
    MakeFolder,
    OpenGate,
    ReadUnits,
    Remove,
    RestartDockerd,
    Settle,
    StartDockerd,
    StartUnit,
    Step,
    StopDockerd,
    StopUnit,
    SwitchLiveRestore,
    Write,
)

from .firewalls.fake_ufw import FakeUfw
from .gateway import fake_gateway
from .gateway.fake_gateway import FakeGateway

UNIT = "/usr/lib/systemd/system/docker.service"
SCRIPT = "/etc/init.d/docker"
_SOCKET_UNIT = "/usr/lib/systemd/system/docker.socket"
#: In the file's second line.
_POLICY_SETTING = re.compile(r'\b(priority|target)="(\S+)"(?=.*\n  <short>)')
_GUARD_FOLDER = f"{layout.GUARD}/"
_DOCKER_SOCKET = "[Socket]\nListenStream=/run/docker.sock\n"
_CE = "[Service]\nExecStart=/usr/bin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock\n"
_DEBIAN = (
    "[Service]\nEnvironmentFile=-/etc/default/docker\n"
    "ExecStart=/usr/sbin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock $DOCKER_OPTS\n"
)
_FEDORA = (
    "[Service]\nEnvironmentFile=-/etc/sysconfig/docker\nExecStart=/usr/bin/dockerd \\\n          --host=fd:// \\\n"
    "          --exec-opt native.cgroupdriver=systemd \\\n          $OPTIONS\n"
)
_OPENSUSE = (
    "[Service]\nEnvironmentFile=/etc/sysconfig/docker\n"
    "ExecStart=/usr/bin/dockerd --add-runtime oci=/usr/sbin/docker-runc $DOCKER_NETWORK_OPTIONS $DOCKER_OPTS\n"
)
_OWN_SOCKET = '[Service]\nExecStart=/usr/bin/dockerd --host fd:// -H=unix:///run/x.sock --label "a b"\n'
_SYSVINIT = '#!/bin/sh\nDOCKERD=/usr/bin/dockerd\n. /etc/default/docker\nstart-stop-daemon -- $DOCKERD "$DOCKER_OPTS"\n'
_OPENRC = (
    "#!/sbin/openrc-run\nsupervisor=supervise-daemon\n"
    'command="${DOCKERD_BINARY:-/usr/bin/dockerd}"\ncommand_args="${DOCKER_OPTS}"\n'
)


@dataclass(frozen=True)
class File:
    """A file on a host."""

    content: bytes
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    link: bool = False


@dataclass
class Host:
    """What a host reports follows from this. C(packaged): paths of the files that its packages installed."""

    init: str = "systemd"
    files: dict[str, File] = field(default_factory=dict)
    #: Mode and owner of those that exist.
    folders: dict[str, list[int]] = field(default_factory=dict)
    is_running: bool = True
    #: Units of others, and ours, that are active.
    active: set[str] = field(default_factory=lambda: {layout.DOCKER_SOCKET})
    version: str = "28.5.2"
    live_restore: bool = False
    swarm: bool = False
    containers: list[str] | None = None
    command_line: list[str] = field(default_factory=lambda: ["/usr/bin/dockerd"])
    #: Address and port.
    listening: list[tuple[str, int, str]] = field(default_factory=list)
    #: The networks that our socket unit lets through.
    allowed: str = ""
    #: What nft lists of our table.
    table: str | None = None
    #: firewalld is running, with our policy as it was read last; None: it has none.
    has_firewalld: bool = False
    policy: str | None = None
    ufw: FakeUfw | None = None
    gateway: FakeGateway = field(default_factory=FakeGateway)
    #: Unit files as systemd has read them.
    units: dict[str, str] = field(default_factory=dict)
    #: What the observation has otherwise, by its keys: whole values.
    reported: dict[str, t.Any] = field(default_factory=dict)

    def copy(self) -> Host:
        return copy.deepcopy(self)

    def write(self, path: str, text: str | bytes, mode: int = 0o644, uid: int = 0, gid: int = 0) -> Host:
        """Return the host with another file, which systemd has read."""
        content = text.encode() if isinstance(text, str) else text
        other = dataclasses.replace(self.copy(), files={**self.files, path: File(content, mode, uid, gid)})
        other.folders.setdefault(os.path.dirname(path), [0o755, 0, 0])
        other.units = other.unit_texts()
        return other

    def without(self, *paths: str) -> Host:
        """Return the host without these files."""
        files = {path: kept for path, kept in self.files.items() if path not in paths}
        other = dataclasses.replace(self.copy(), files=files)
        other.units = other.unit_texts()
        return other

    def but(self, **changes: t.Any) -> Host:
        """Return the host with other values."""
        return dataclasses.replace(self.copy(), **changes)

    def reporting(self, **reported: t.Any) -> Host:
        """Return the host with other values in its observation."""
        return self.but(reported={**self.reported, **reported})

    def content(self, path: str) -> bytes | None:
        return self.files[path].content if path in self.files else None

    def text(self, path: str) -> str:
        return (self.content(path) or b"").decode("utf-8", "surrogateescape")

    def settings(self) -> dict[str, t.Any]:
        """What is in daemon.json."""
        return parse(self.text(layout.DAEMON_JSON))

    @property
    def is_systemd(self) -> bool:
        return self.init == "systemd"

    def unit_texts(self) -> dict[str, str]:
        return {path: kept.content.decode() for path, kept in self.files.items() if "/systemd/system/" in path}

    def unit_files(self, unit: str) -> list[str]:
        """Return the unit's fragment and its drop-ins, in systemd's order."""
        fragments = [path for path in self.files if path.endswith(f"/systemd/system/{unit}")]
        drop_ins = [path for path in self.files if f"/{unit}.d/" in path and path.endswith(".conf")]
        return [*sorted(fragments), *sorted(drop_ins, key=os.path.basename)]

    def environment_files(self) -> list[str]:
        texts = [self.text(path) for path in self.unit_files(layout.DOCKER_SERVICE)]
        return list(dict.fromkeys(p for text in texts for p in re.findall("^EnvironmentFile=-?(.*)$", text, re.M)))

    def observation(self) -> dict[str, t.Any]:
        """Return what the module dockerd_info reports."""
        services = self.unit_files(layout.DOCKER_SERVICE)
        programs = [w for path in services for w in re.findall(r"^ExecStart=[-@!:+|]*(/\S+)", self.text(path), re.M)]
        options = self.environment_files() if self.is_systemd else [f"/etc/{self._options_folder}/docker"]
        paths = (layout.DAEMON_JSON, layout.DROP_IN, layout.BOOT_DROP_IN, layout.GATEWAY_BOOT, *options)
        folders = [*layout.FOLDERS, *map(os.path.dirname, paths)]
        observation = {
            "time": 1763740000.5,
            "init": self.init,
            "python": "/usr/bin/python3",
            "units": self._units() if self.is_systemd else {},
            "systemd_error": None,
            "unit_files": {unit: paths for unit in self._unit_names() if (paths := self.unit_files(unit))},
            "environment_files": options if self.is_systemd else [],
            "files": {path: _described(path, kept) for path, kept in self.files.items()},
            "folders": {path: self.folders.get(path) for path in folders},
            "writable": {layout.BUNDLE: True, layout.STATE: True, **({layout.UNITS: True} if self.is_systemd else {})},
            "dockerd": {
                "pid": 42 if self.is_running else 0,
                "command_line": self.command_line if self.is_running else [],
                "program": "/usr/bin/dockerd",
                "exists": True,
            },
            "programs": dict.fromkeys(programs, True) if self.is_systemd else {},
            "engine": {
                "version": self.version,
                "live_restore": self.live_restore,
                "swarm": self.swarm,
                "containers": self.containers,
            }
            if self.is_running
            else None,
            "listening": [
                *({"address": a, "port": p, "program": program} for a, p, program in self.listening),
                *({"address": a, "port": p, "program": "haproxy"} for a, p in self.gateway.listening),
            ],
            "answers": self._answers(),
            "interfaces": ["docker0", "eth0", "lo"],
            "addresses": [
                {"interface": "lo", "address": "127.0.0.1", "usable": True},
                {"interface": "eth0", "address": "10.20.0.5", "usable": True},
                {"interface": "lo", "address": "::1", "usable": True},
                {"interface": "eth0", "address": "fd00::5", "usable": True},
                {"interface": "eth0", "address": "fe80::5", "usable": False},
            ],
            "resolved": {},
            "connection": {"client": "10.20.0.1", "server": "10.20.0.5"},
            "tools": {
                "nft": "/usr/sbin/nft",
                "openssl": "/usr/bin/openssl",
                "firewall-cmd": "/usr/bin/firewall-cmd" if self.has_firewalld else None,
                "ufw": "/usr/sbin/ufw" if self.ufw else None,
                "haproxy": "/usr/sbin/haproxy",
                "cryptography": False,
            },
            "nftables": self.table,
            "firewalld": {"state": "running", "listing": policy_listing(self.policy), "error": ""}
            if self.has_firewalld
            else None,
            "ufw": self.ufw.report if self.ufw else None,
            "filtering": True if self.is_systemd else None,
            "filtering_error": None,
            "interrupted": False,
            "recovered": None,
            "installations": {"snap": False, "rootless": []},
            "request": None,
            **self.reported,
        }
        # As it arrives.
        return t.cast("dict[str, t.Any]", json.loads(json.dumps(observation)))

    def do(self, step: Step, secrets: t.Mapping[str, str] | None = None) -> None:
        """Do what the step does to files and folders, to the units' state and to nftables; dockerd is not started."""
        if isinstance(step, (Write, Remove, Settle)):
            self._change(step, secrets or {})
        elif isinstance(step, MakeFolder):
            self.folders[step.path] = [0o755 if step.mode is None else step.mode, 0, 0]
        elif isinstance(step, SwitchLiveRestore):
            before = self.files.get(layout.DAEMON_JSON, File(b""))
            text = merge(before.content.decode(), {"live-restore": True})
            self.files[layout.DAEMON_JSON] = dataclasses.replace(before, content=text.encode())
            self.live_restore = True
        elif isinstance(step, Discard):
            gone = tuple(f"{folder}/" for folder in step.folders)
            files = (*step.files, *(layout.RUNTIME_DROP_INS if layout.STATE in step.folders else ()))
            self.files = {p: kept for p, kept in self.files.items() if p not in files and not p.startswith(gone)}
            for folder in (*step.folders, *step.empty_folders):
                self.folders = {
                    path: mode for path, mode in self.folders.items() if not f"{path}/".startswith(f"{folder}/")
                }
        elif isinstance(step, ReadUnits):
            self.units = self.unit_texts()
        elif isinstance(step, (StartUnit, StopUnit)):
            (self.active.add if isinstance(step, StartUnit) else self.active.discard)(step.unit)
        elif isinstance(step, LoadRules):
            self._load(step)
        elif isinstance(step, fake_gateway.STEPS):
            self.gateway.do(step, {path: kept.content for path, kept in self.files.items()}, self.units)
            # systemd's own, not dockerd's.
            self.active -= {layout.GANGWAY_SOCKET, layout.GATEWAY_SERVICE}
            self.active |= {layout.GANGWAY_SOCKET, layout.GATEWAY_SERVICE} if self.gateway.files else set()
        elif isinstance(step, (StartDockerd, RestartDockerd, StopDockerd)):
            self.is_running = not isinstance(step, StopDockerd)
            self.set_gate("narrow")
        elif isinstance(step, OpenGate):
            assert self.is_running, "the gate opens for a dockerd that has shown itself"
            self.set_gate("open")

    def _answers(self) -> list[dict[str, t.Any]]:
        found = [(a, p, None) for a, p, program in self.listening if program == "dockerd" and self.is_running]
        shown = None if self.gateway.files is None else self.gateway.files[layout.CERTIFICATE].decode()
        return [
            {"address": a, "port": p, "plain": "refused", "tls": "refused", "certificate": certificate}
            for a, p, certificate in (*found, *((a, p, shown) for a, p in self.gateway.listening))
        ]

    def set_gate(self, state: str) -> None:
        """Do what the guard does: the socket unit's access list, or the gate in our table."""
        gate = json.loads(self.text(layout.GATE) or "{}")
        if gate.get("kind") == "socket":
            self.allowed = " ".join([*gate["own"], *(gate["allow"] if state == "open" else ())])

    def _change(self, step: Write | Remove | Settle, secrets: t.Mapping[str, str]) -> None:
        if isinstance(step, Remove) or (isinstance(step, Settle) and step.content is None):
            self.files.pop(step.path, None)
            return
        secret = step.secret if isinstance(step, Write) else None
        if secret is not None:
            content = secrets[secret].encode()
        elif step.content is None:
            content = self.files[step.path].content
        else:
            content = step.content.encode("utf-8", "surrogateescape")
        self.files[step.path] = File(content, step.mode, step.uid, step.gid)
        if os.path.dirname(step.path) not in self.folders:
            known = [path for path in self.files if os.path.dirname(path) == os.path.dirname(step.path)]
            assert len(known) > 1 or step.path.startswith("/run/"), f"{step.path} has no folder"

    def _load(self, step: LoadRules) -> None:
        for command in step.commands:
            if command[0].endswith("/firewall-cmd"):
                self._ask_firewalld(command[1:])
            elif command[0].endswith("/ufw"):
                assert self.ufw is not None
                self.ufw.run(command)
            elif "delete" in command:
                self.table = None
                self.active -= {layout.FIREWALL_SERVICE, layout.FIREWALL_WATCH_SERVICE}
            elif command[1:] == ("reload-or-restart", layout.FIREWALL_SERVICE):
                assert layout.FIREWALL_UNIT in self.units, "systemd has not read the unit"
                assert layout.FIREWALL_RULES in self.files
                self.table = listing(self.text(layout.FIREWALL_RULES))
            elif command[1:] == ("-f", layout.FIREWALL_RULES):
                assert layout.FIREWALL_RULES in self.files
                self.table = listing(self.text(layout.FIREWALL_RULES))
            elif command[1] == "set-property":
                self.gateway.set_property(command)
                self._keep_property(command)
            elif command[1] == "restart":
                self.active.add(command[2])

    def _keep_property(self, command: t.Sequence[str]) -> None:
        for path in layout.RUNTIME_DROP_INS:
            self.files[path] = File("\n".join(command[4:]).encode())

    def _ask_firewalld(self, words: t.Sequence[str]) -> None:
        assert self.has_firewalld
        if words == ("--reload",):
            self.policy = self.text(layout.FIREWALLD_POLICY) or None
        elif words != ("--check-config",):
            policy, query = words
            assert policy == "--policy=gangway-docker"
            assert query.removeprefix("--query-rich-rule=") in rich_rules(self.policy), query

    @property
    def _options_folder(self) -> str:
        return "conf.d" if self.init == "openrc" else "default"

    def _unit_names(self) -> list[str]:
        if not self.is_systemd:
            return []
        others = [os.path.basename(path) for path in self.files if path.endswith(".socket")]
        services = (layout.GANGWAY_SERVICE, layout.GATEWAY_SERVICE)
        return list(dict.fromkeys([layout.DOCKER_SERVICE, layout.DOCKER_SOCKET, *others, *services]))

    def _units(self) -> dict[str, dict[str, str]]:
        sockets = [unit for unit in self._unit_names() if unit.endswith(".socket") and self.unit_files(unit)]
        shown = {
            unit: {"Id": unit, "LoadState": "loaded", "ActiveState": "active" if unit in self.active else "inactive"}
            for unit in (
                *sockets,
                layout.DOCKER_SERVICE,
                layout.GANGWAY_SOCKET,
                layout.GATEWAY_SERVICE,
                layout.FIREWALL_WATCH_SERVICE,
            )
        }
        for unit in sockets:
            streams = [s for p in self.unit_files(unit) for s in re.findall("^ListenStream=(.+)$", self.text(p), re.M)]
            if unit in self.active and unit != layout.GANGWAY_SOCKET:
                shown[unit]["Listen"] = " ".join(f"{stream} (Stream)" for stream in streams)
        if layout.GANGWAY_SOCKET in self.active:
            open_places = self.gateway.listening or [(a, p) for a, p, _program in self.listening]
            places = [f"[{a}]:{p}" if ":" in a else f"{a}:{p}" for a, p in open_places]
            shown[layout.GANGWAY_SOCKET]["Listen"] = " ".join(f"{place} (Stream)" for place in places)
        elif layout.SOCKET_UNIT not in self.files:
            shown[layout.GANGWAY_SOCKET]["LoadState"] = "not-found"
        shown[layout.GANGWAY_SOCKET]["IPAddressAllow"] = " ".join(self.gateway.allows) or self.allowed
        shown[layout.GANGWAY_SOCKET]["IPAddressDeny"] = "0.0.0.0/0 ::/0" if self.gateway.denies else ""
        shown[layout.GATEWAY_SERVICE]["MainPID"] = "43" if self.gateway.files else "0"
        lines = [line for path in self.unit_files(layout.DOCKER_SERVICE) for line in self.text(path).splitlines()]
        shown[layout.DOCKER_SERVICE] |= {
            "ActiveState": "active" if self.is_running else "inactive",
            "MainPID": "42" if self.is_running else "0",
            "ExecStartPre": " ".join(line for line in lines if line.startswith("ExecStartPre=")),
            "TriggeredBy": " ".join(sockets),
        }
        slices = {
            unit: {"Id": unit, "LoadState": "loaded", "IPAddressAllow": ""} for unit in ("-.slice", "system.slice")
        }
        return {**shown, **slices}


def rich_rules(policy: str | None) -> list[str]:
    """Return the rules of a policy's file as firewall-cmd prints them."""
    rules = re.findall("<(rule .*)/></rule>", policy or "")
    return [rule.replace("/><", " ").replace("><", " ") for rule in rules]


def policy_listing(policy: str | None) -> str | None:
    """Return what C(firewall-cmd --list-all) prints of the policy."""
    if policy is None:
        return None
    lines = ["gangway-docker (active)"]
    lines += [f"  {name}: {value}" for name, value in re.findall(_POLICY_SETTING, policy)]
    lines += [f"  {end}-zones: {zone}" for end, zone in re.findall('<(ingress|egress)-zone name="(.*)"/>', policy)]
    return "\n".join([*lines, "  rich rules: ", *(f"\t{rule}" for rule in rich_rules(policy))]) + "\n"


def _described(path: str, kept: File) -> dict[str, t.Any]:
    try:
        content: t.Any = kept.content.decode()
    except UnicodeDecodeError:
        content = {"base64": base64.b64encode(kept.content).decode()}
    return {
        "content": None if path == layout.KEY or path.startswith(_GUARD_FOLDER) else content,
        "sha256": hashlib.sha256(kept.content).hexdigest(),
        "mode": kept.mode,
        "uid": kept.uid,
        "gid": kept.gid,
        "link": kept.link,
    }


def listing(rules: str) -> str:
    """Return what C(nft -j list table) prints once this file is loaded, with the gate open as after a proof."""
    entries: list[dict[str, t.Any]] = [{"table": {"family": "inet", "name": "gangway_docker"}}]
    chain = ""
    for line in map(str.strip, rules.splitlines()):
        words = line.split()
        if line.startswith("set "):
            entries.append({"set": {"name": words[1], "type": "inet_service"}})
        elif line.startswith("type ipv"):
            types = line.removeprefix("type ").split(" . ")
            entries[-1]["set"]["type"] = types if len(types) > 1 else types[0]
        elif line.startswith("flags "):
            entries[-1]["set"]["flags"] = [words[1]]
        elif line.startswith("elements = "):
            elements = line.partition("{")[2].rstrip(" }").split(",")
            entries[-1]["set"]["elem"] = [_element(element.strip()) for element in elements]
        elif line.startswith("chain "):
            chain = words[1]
            entries.append({"chain": {"name": chain}})
        elif line.startswith("type filter"):
            entries[-1]["chain"] |= {"type": "filter", "hook": "input", "prio": -int(words[7].rstrip(";"))}
            entries[-1]["chain"]["policy"] = "accept"
        elif chain and words != ["}"] and "not proved yet" not in line and not line.startswith("#"):
            text, _comment, comment = line.partition(" comment ")
            rule = {"chain": chain, "expr": _expressions(text), **({"comment": comment.strip('"')} if comment else {})}
            entries.append({"rule": rule})
    return json.dumps({"nftables": entries})


def _expressions(text: str) -> list[dict[str, t.Any]]:
    """Return a rule as nft lists it: a selector and what it is compared with, then statements."""
    words, found = text.split(), []
    selectors: list[dict[str, t.Any]] = []
    while words:
        word = words.pop(0)
        if word in ("ip", "ip6", "tcp"):
            selectors.append({"payload": {"protocol": word, "field": words.pop(0)}})
        elif word == "iif":
            selectors.append({"meta": {"key": word}})
        elif selectors and word != ".":
            left = selectors[0] if len(selectors) == 1 else {"concat": selectors}
            found.append({"match": {"op": "==", "left": left, "right": word.strip('"')}})
            selectors = []
        elif word == "jump":
            found.append({"jump": {"target": words.pop(0)}})
        elif word != ".":
            found.append({word: {"packets": 7, "bytes": 420} if word == "counter" else None})
    return found


def _element(text: str) -> t.Any:
    if " . " in text:
        address, _dot, port = text.partition(" . ")
        return {"concat": [address, int(port)]}
    return int(text) if text.isdigit() else text


def _host(
    unit: str,
    options: str = "",
    text: str = "",
    daemon_json: bytes | None = None,
    *,
    init: str = "systemd",
    script: str = "",
    **changes: t.Any,
) -> Host:
    files = {UNIT: File(unit.encode(), 0o640, 0, 7)} if unit else {SCRIPT: File(script.encode(), 0o755)}
    if unit:
        files[_SOCKET_UNIT] = File(_DOCKER_SOCKET.encode())
    if options:
        files[options] = File(text.encode(), 0o640, 0, 7)
    if daemon_json is not None:
        files[layout.DAEMON_JSON] = File(daemon_json, 0o600, 0, 8)
    always = ("/etc/docker/", *([layout.UNITS] if unit else []), *([options] if options else []))
    folders = {os.path.dirname(path): [0o755, 0, 0] for path in always}
    host = Host(init, files, folders, **changes)
    host.units = host.unit_texts()
    return host


HOSTS: dict[str, Host] = {
    "docker-ce": _host(_CE, "", "", b'{\n\t"mtu": 1400\n}'),
    "debian": _host(_DEBIAN, "/etc/default/docker", '# for example\nDOCKER_OPTS="--dns 8.8.8.8"'),
    "fedora": _host(
        _FEDORA,
        "/etc/sysconfig/docker",
        'OPTIONS="--log-driver=journald \\\n  --live-restore \\\n"\n',
        b'{"debug":false}\n',
        live_restore=True,
    ),
    "opensuse": _host(_OPENSUSE, "/etc/sysconfig/docker", 'DOCKER_OPTS=""\n', b"{ }\n"),
    "own socket": _host(_OWN_SOCKET, daemon_json=b'{"live-restore": true, "mtu": 1400}'),
    "sysvinit": _host(
        "",
        "/etc/default/docker",
        'DOCKER_OPTS="--dns 8.8.8.8"\n',
        b'{"live-restore": false}',
        init="sysvinit",
        script=_SYSVINIT,
    ),
    "openrc": _host("", "/etc/conf.d/docker", "# none\n", init="openrc", script=_OPENRC),
}
#: The methods that fit each; docs/methods.md has this table, too.
FITS = {
    "docker-ce": ("socket", "override", "daemon_json"),
    "debian": ("socket", "override", "options_file", "daemon_json"),
    "fedora": ("socket", "override", "options_file", "daemon_json"),
    "opensuse": ("override", "options_file", "daemon_json"),
    "own socket": ("socket", "override", "daemon_json"),
    "sysvinit": ("options_file", "daemon_json"),
    "openrc": ("options_file", "daemon_json"),
}
