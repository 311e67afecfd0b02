# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How dockerd would start at each moment while a plan is carried out: a model of dockerd and the guard."""

from __future__ import annotations

import dataclasses
import itertools
import os
import re
import typing as t

from ansible_collections.gangway.docker.plugins.module_utils._guard.dockerd_flags import DaemonFlags, flags_of, words_of
from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.options_block import block_of, without_block
from ansible_collections.gangway.docker.plugins.module_utils._shared.steps import (
    CheckBundle,
    CheckConfig,
    Prove,
    RestartDockerd,
    Settle,
    StartDockerd,
    StartUnit,
    Step,
    StopDockerd,
    SwitchLiveRestore,
)
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.files.guard_files import GUARD_FILES
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.firewalls.nftables_rules import places_in
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.firewalls.ufw_rules import our_rules
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.startup.script import script_startup
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.startup.sources import Source
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.startup.startup import startup_of

from .hosts import SCRIPT, Host, rich_rules

TLS_KEYS = ("tls", "tlsverify", "tlscacert", "tlscert", "tlskey")
_BUNDLE = (layout.CA, layout.CERTIFICATE, layout.KEY)


@dataclasses.dataclass(frozen=True)
class Start:
    """dockerd as it would start now."""

    #: After which step.
    when: str
    step: Step | None
    #: Why it would not start.
    fails: str
    hosts: tuple[str, ...]
    #: As flags or in daemon.json.
    tls: t.Mapping[str, object]
    #: The guard has checked what opens the port.
    has_guard: bool
    #: Ports of ours that no firewall's rules guard.
    unguarded: tuple[int, ...]
    #: systemd filters the port.
    is_filtered: bool
    live_restore: bool

    @property
    def tcp(self) -> list[str]:
        return [host for host in self.hosts if host.startswith("tcp://")]

    @property
    def others(self) -> list[str]:
        """With or without activation it is one socket. Without any -H, it is that one."""
        own = ["fd://" if host == "unix:///var/run/docker.sock" else host for host in self.hosts if host[:3] != "tcp"]
        return sorted(own or ["fd://"])

    @property
    def is_verified(self) -> bool:
        return self.tls.get("tlsverify") is True and self.tls.get("tlscacert") == layout.CA


def starts(host: Host, steps: t.Iterable[Step], secrets: t.Mapping[str, str] | None = None) -> list[Start]:
    """Carry the steps out on the host. Return how dockerd would start before the first and after each of them.

    Twice each: with the unit files that systemd has read, and with those that it would read now.
    """
    found = list(_now(host, "before", None))
    for step in steps:
        do(host, step, secrets)
        found += _now(host, repr(step)[:120], step)
    return found


def do(host: Host, step: Step, secrets: t.Mapping[str, str] | None = None) -> None:
    """Do the step; dockerd starts as it would."""
    if isinstance(step, (StopDockerd, RestartDockerd)):
        assert host.live_restore or host.swarm or not host.is_running, "containers would stop"
    host.do(step, secrets)
    if isinstance(step, CheckBundle):
        assert all(path in host.files for path in _BUNDLE)
    elif isinstance(step, CheckConfig):
        host.settings()
    elif isinstance(step, StartUnit) and step.unit == layout.GANGWAY_SOCKET:
        assert not host.is_running, "a socket unit can't start while its service runs"
    elif isinstance(step, (StartDockerd, RestartDockerd)):
        _start(host)
    elif isinstance(step, Prove):
        _prove(host, step)
    elif isinstance(step, (SwitchLiveRestore, Settle)):
        host.live_restore = host.settings().get("live-restore") is True or "--live-restore" in host.command_line


def _now(host: Host, when: str, step: Step | None) -> t.Iterator[Start]:
    yield start_of(host, host.units, when, step)
    read_again = host.unit_texts()
    if read_again != host.units:
        yield start_of(host, read_again, f"{when}, units read again", step)


def started(host: Host) -> Host:
    """Return the host with a dockerd that was started with these files."""
    other = host.copy()
    _run(other, start_of(other, other.units, "start", None))
    return other


def _start(host: Host) -> None:
    start = start_of(host, host.units, "start", None)
    assert not start.fails, start
    assert start.live_restore or host.swarm, "containers would stop"
    _run(host, start)


def _run(host: Host, start: Start) -> None:
    host.live_restore = start.live_restore
    streams = re.findall("^ListenStream=(.*)$", host.units.get(layout.SOCKET_UNIT, ""), re.M)
    is_handed_over = f"tcp://{layout.GANGWAY_SOCKET}" in start.tcp
    host.listening = [(*_place(text), "dockerd") for text in (streams if is_handed_over else start.tcp)]
    if is_handed_over:
        # Wants= in the drop-in.
        host.active.add(layout.GANGWAY_SOCKET)
    settings = host.settings()
    own = [] if "hosts" in settings else start.hosts
    flags = [word for host_ in own if not host_.endswith(layout.GANGWAY_SOCKET) for word in ("-H", host_)]
    live_restore = ["--live-restore"] if start.live_restore and "live-restore" not in settings else []
    host.command_line = ["/usr/bin/dockerd", *flags, *live_restore]


def _place(address: str) -> tuple[str, int]:
    host, _colon, port = address.removeprefix("tcp://").rpartition(":")
    return host.strip("[]") or "::", int(port)


def _prove(host: Host, step: Prove) -> None:
    start = start_of(host, host.units, "proof", None)
    listening = {(address, port) for address, port, _program in host.listening}
    for address, port in step.listen:
        assert ("::" if address == "any" else address, port) in listening, (address, port, listening)
    assert (step.certificate is not None) is start.is_verified, start
    assert step.socket is None or step.socket in host.active, "our socket unit is down"
    assert step.guard is None or start.has_guard, start


def start_of(host: Host, units: t.Mapping[str, str], when: str, step: Step | None) -> Start:
    """Return what dockerd(8) and the guard make of it: hosts and each TLS key in one place, files that exist."""
    settings = host.settings()
    has_guard = all(path in host.files for path in GUARD_FILES)
    has_bundle = all(path in host.files for path in _BUNDLE)
    refused, allowed, checks = (_by_unit if host.is_systemd else _by_script)(host, units)

    is_in_one_place = not any(key in settings for key in ("hosts", *TLS_KEYS))
    can_have_flags = "-m guard flags" not in checks or (has_guard and has_bundle and is_in_one_place)
    can_be_narrow = has_guard and layout.GATE in host.files
    can_have_rules = _is_guarded(host, units, checks) and (can_be_narrow or "-m guard" not in checks)
    started = allowed if can_have_flags and can_have_rules else refused
    fails = ""
    if any(f"-m guard {mode}" in checks for mode in ("hosts", "closed")) and not has_guard:
        fails = "the guard is missing"
    if "|| exit 1" in checks and not can_have_rules and "-m guard hosts" not in checks:
        fails = "the rules are missing"
    if layout.DOCKERD_WRAPPER in words_of(checks) and layout.DOCKERD_WRAPPER not in host.files:
        fails = "the wrapper is missing"
    if re.search("-m guard (hosts|/etc)", checks) and not has_bundle and any(key in settings for key in TLS_KEYS[1:]):
        settings = {key: value for key, value in settings.items() if key not in TLS_KEYS[1:]}
    is_verified = settings.get("tlsverify") is True and not started.tls
    is_closed = ("-m guard hosts" in checks and not is_verified) or not can_have_rules
    if is_closed and any(f"-m guard {mode}" in checks for mode in ("hosts", "closed")):
        hosts = [address for address in settings.get("hosts", []) if not address.startswith("tcp://")]
        settings = {**settings, "hosts": hosts} if hosts else {k: v for k, v in settings.items() if k != "hosts"}
    by_flag = {flag[2:].partition("=")[0]: flag.partition("=")[2] or True for flag in started.tls}
    tls = {**{key: value for key, value in settings.items() if key in TLS_KEYS}, **by_flag}
    if started.hosts and "hosts" in settings:
        fails = "hosts in two places"
    if by_flag.keys() & settings.keys():
        fails = "TLS in two places"
    if started.live_restore and "live-restore" in settings:
        fails = "live-restore in two places"
    if not has_bundle and any(layout.BUNDLE in str(value) for value in tls.values()):
        fails = "the bundle is missing"
    by_socket: tuple[str, ...] = ()
    opens = layout.DROP_IN in units and _is_guarded(host, units, units.get(layout.SOCKET_UNIT, ""))
    if layout.SOCKET_UNIT in units and opens and can_be_narrow and (is_verified or "-m guard /etc" not in checks):
        by_socket = (f"tcp://{layout.GANGWAY_SOCKET}",)
    foreign = tuple(
        f"tcp://{stream}"
        for path, text in units.items()
        if path.endswith(".socket") and path != layout.SOCKET_UNIT and path.rpartition("/")[2] in host.active
        for stream in re.findall("^ListenStream=([^/].*)$", text, re.M)
    )
    by_mode = {"flags": started.hosts, "hosts": tuple(settings.get("hosts", ())), "/etc": by_socket, "": foreign}
    needed = [mode for mode, hosts in by_mode.items() if any(address.startswith("tcp://") for address in hosts)]
    hosts_now = tuple(itertools.chain(*by_mode.values()))
    return Start(
        when,
        step,
        fails,
        hosts_now,
        tls,
        has_guard=has_guard and all(f"-m guard {mode}" in checks for mode in needed),
        unguarded=_unguarded(host, units, hosts_now),
        is_filtered=bool(by_socket) and "IPAddressDeny=any" in units[layout.SOCKET_UNIT],
        live_restore=settings.get("live-restore") is True or started.live_restore,
    )


def _is_guarded(host: Host, units: t.Mapping[str, str], text: str) -> bool:
    """Whether the checks in the text, of any kind of firewall, succeed."""
    rules = [rule.replace('"', "") for rule in rich_rules(host.policy)]
    queries = re.findall('--query-rich-rule="(.*?)"', text)
    kernel = host.ufw.report if host.ufw else {"kernel": (), "kernel_ipv6": ()}
    lines = re.findall("(ip6?tables) -C (.*?)(?= &&|;|$|\\)|')", text, re.M)
    return (
        ("nft -f " not in text or _has_table(host, units))
        and all(query in rules for query in queries)
        and all(f"-A {line}" in kernel["kernel" if tool == "iptables" else "kernel_ipv6"] for tool, line in lines)
    )


def _has_table(host: Host, units: t.Mapping[str, str]) -> bool:
    # A unit of ours loads it before dockerd starts; scripts do so themselves.
    is_loaded = layout.FIREWALL_UNIT in units or not host.is_systemd
    return host.table is not None or (layout.FIREWALL_RULES in host.files and is_loaded)


def _unguarded(host: Host, units: t.Mapping[str, str], hosts: t.Iterable[str]) -> tuple[int, ...]:
    ports = {_place(address)[1] for address in hosts if re.fullmatch(r"tcp://.*:\d+", address)}
    if f"tcp://{layout.GANGWAY_SOCKET}" in hosts:
        streams = re.findall("^ListenStream=(.*)$", units[layout.SOCKET_UNIT], re.M)
        ports |= {_place(f"tcp://{stream}")[1] for stream in streams}
    if host.table is None and _has_table(host, units):
        return ()
    guarded = {place.port for place in places_in(host.table)}
    drops = [rule for rule in rich_rules(host.policy) if rule.endswith(" drop")]
    guarded |= {int(port) for rule in drops for port in re.findall('port port="([0-9]+)"', rule)}
    denies = [rule for rule in our_rules(host.ufw.facts) if rule.action == "deny"] if host.ufw else []
    guarded |= {rule.place.port for rule in denies}
    return tuple(sorted(ports - guarded))


def _by_unit(host: Host, units: t.Mapping[str, str]) -> tuple[DaemonFlags, DaemonFlags, str]:
    """Return dockerd's flags if the guard refuses and if it agrees, and what runs before dockerd."""
    ours = units.get(layout.EXEC_DROP_IN, "")
    drop_ins = [path for path in units if "docker.service.d/" in path and path.endswith(".conf")]
    services = sorted((path for path in drop_ins if path != layout.DROP_IN), key=os.path.basename)
    fragment = [path for path in units if path.endswith("/docker.service")]
    texts = [("unit", path) for path in fragment] + [("drop_in", path) for path in services]
    files = re.findall("^EnvironmentFile=-?(.*)$", "\n".join(units[path] for _kind, path in texts), re.M)
    options = [path for path in files if path != layout.LISTENER_FLAGS_IN_FORCE]
    found = [
        *(Source(path, units[path], kind) for kind, path in texts),
        *(Source(path, host.text(path), "options") for path in options),
    ]
    users = re.search('echo "(.*)" > ', ours)
    listener = users.group(1).replace("%%", "%") if users else host.text(layout.LISTENER_FLAGS)
    flags = startup_of(found).flags
    with_listener = startup_of([*found, Source("in force", listener, "options")]).flags
    checks = ours + units.get(layout.DROP_IN, "")
    if users:
        # The guard puts the user's own value back, or leaves ours.
        return with_listener, flags, checks
    return flags, with_listener if "&& cp" in ours else flags, checks


def _by_script(host: Host, _units: t.Mapping[str, str]) -> tuple[DaemonFlags, DaemonFlags, str]:
    path = "/etc/conf.d/docker" if host.init == "openrc" else "/etc/default/docker"
    content = host.content(path) or b""
    block = block_of(content).decode()
    users = Source(path, without_block(content).decode(), "options")
    options, flags = script_startup(host.text(SCRIPT), users, "/usr/bin/dockerd")
    assert options is not None
    named = [path for path in (layout.FLAGS_WRAPPER, layout.DOCKERD_WRAPPER) if path in block]
    # Where it is gone, the one that adds flags leaves them out.
    wrapper = host.text(named[0]) if named else ""
    in_block = re.search(r'then DOCKER_OPTS="\$DOCKER_OPTS (.*)"; (?:else|fi)', block)
    own = in_block or re.search(r'set -- "\$@" (.*)', wrapper)
    words = f"{options.value} {own.group(1)}" if own else options.value
    return flags, flags_of(["/usr/bin/dockerd", *words_of(words)]), block + wrapper
