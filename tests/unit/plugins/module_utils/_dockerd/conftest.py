# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts as packages leave them, what a plan makes of them, and how dockerd would come up at each moment meanwhile."""

from __future__ import annotations

import dataclasses
import datetime
import itertools
import re
import typing as t

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._dockerd import layout
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.addresses import Listen
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.asked import Asked, TlsFiles
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.change import FileChange
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.daemon_json import merge, parse
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.engine import EngineState
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.firewall import (
    render_rules,
    render_unit,
    render_watch_unit,
)
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.guard_files import GUARD_FILES
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.host import Attributes
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.methods.choice import METHODS
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.methods.method import Exposure
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.observe import Observed
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.observe_scripts import value_in_shell
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.options_block import (
    OptionsFile,
    block_of,
    without_block,
)
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.plan import Plan, plan_present
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.sources import Source
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.startup import startup_of
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.unit import DaemonFlags, daemon_flags, words_of
from ansible_collections.gangway.docker.plugins.module_utils._shared.dependency import serialization
from ansible_collections.gangway.docker.plugins.module_utils._shared.key_types import generate_key, private_key_pem
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.profile import Signer, server_certificate

_UNIT = "/usr/lib/systemd/system/docker.service"
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
#: Unit (none: a script reads the options file), path and text of the options file, and daemon.json.
_HOSTS: dict[str, tuple[str, str, str, bytes | None]] = {
    "docker-ce": (_CE, "", "", b'{\n\t"mtu": 1400\n}'),
    "debian": (_DEBIAN, "/etc/default/docker", '# for example\nDOCKER_OPTS="--dns 8.8.8.8"', None),
    "fedora": (
        _FEDORA,
        "/etc/sysconfig/docker",
        'OPTIONS="--log-driver=journald \\\n  --live-restore \\\n"\n',
        b'{"debug":false}\n',
    ),
    "opensuse": (_OPENSUSE, "/etc/sysconfig/docker", 'DOCKER_OPTS=""\n', b"{ }\n"),
    "own socket": (
        '[Service]\nExecStart=/usr/bin/dockerd --host fd:// -H=unix:///run/x.sock --label "a b"\n',
        "",
        "",
        b'{"live-restore": true, "mtu": 1400}',
    ),
    "sysvinit": ("", "/etc/default/docker", 'DOCKER_OPTS="--dns 8.8.8.8"\n', b'{"live-restore": false}'),
    "openrc": ("", "/etc/conf.d/docker", "# none\n", None),
}
LISTEN = (Listen("10.20.0.5", 2376), Listen("any", 2377))
TLS = TlsFiles(ca=b"the CA\n", certificate=b"the certificate\n", certificate_is_due=False, key=b"PRIVATE")
#: What goes only once dockerd has let go of it (apply.py).
_LATE = (layout.BUNDLE, layout.STATE, *layout.FIREWALL_UNITS)
_TLS_KEYS = ("tls", "tlsverify", "tlscacert", "tlscert", "tlskey")
_Files = t.Dict[str, t.Tuple[bytes, Attributes]]


@dataclasses.dataclass(frozen=True)
class Moment:
    """dockerd as it would come up now."""

    when: str
    #: Why it would not.
    fails: str
    hosts: tuple[str, ...]
    #: As flags or in daemon.json.
    tls: t.Mapping[str, object]
    has_guard: bool
    has_rules: bool
    live_restore: bool

    @property
    def tcp(self) -> list[str]:
        return [host for host in self.hosts if host.startswith("tcp://")]

    @property
    def others(self) -> list[str]:
        """By activation or not, it is one socket. Without any -H, it is that one."""
        own = ["fd://" if host == "unix:///var/run/docker.sock" else host for host in self.hosts if host[:3] != "tcp"]
        return sorted(own or ["fd://"])


def _host(name: str) -> Observed:
    unit, path, text, daemon_json = _HOSTS[name]
    everything = (Source(_UNIT, unit, "unit"), Source(path, text, "options"))
    sources = tuple(source for source in everything if source.path and source.text)
    files: _Files = {source.path: (source.text.encode(), Attributes(0o640, 0, 7)) for source in sources}
    if daemon_json is not None:
        files[layout.DAEMON_JSON] = (daemon_json, Attributes(0o600, 0, 8))
    clean = Observed(
        flags=DaemonFlags("", (), (), None, False),
        main_pid=42,
        service_active=True,
        socket_active=False,
        running_hosts=(),
        exec_start_pre="",
        slices_allow="",
        foreign_streams=(),
        files=files,
        missing_folders=(),
        loose_folders=(),
        engine=EngineState("28.5.2", live_restore=name == "fedora", swarm=False),
        init="systemd" if unit else name,
        sources=sources,
    )
    return _seen(clean, files)


def _seen(observed: Observed, files: _Files) -> Observed:
    """The host as it is found where these are its files."""
    sources = tuple(
        dataclasses.replace(source, text=without_block(files[source.path][0]).decode())
        for source in observed.sources
        if source.path in files
    )
    seen = dataclasses.replace(observed, files=files, sources=sources, socket_active=layout.SOCKET_UNIT in files)
    if observed.init == "systemd":
        startup = startup_of(sources)
        return dataclasses.replace(seen, flags=startup.flags, exec_start=startup.exec_start, options=startup.options)
    path = sources[0].path
    value = value_in_shell(sources[0].text, "DOCKER_OPTS")
    supervised = observed.init == "openrc"
    options = OptionsFile(
        path, "DOCKER_OPTS", value, True, is_supervised=supervised, program_variable="DOCKERD_BINARY" * supervised
    )
    return dataclasses.replace(seen, flags=daemon_flags(words_of(f"/usr/bin/dockerd {value}"), {}), options=options)


def _exposure(*, tls: bool = True, firewall: str = "none") -> Exposure:
    return Exposure(LISTEN, ("10.20.0.0/24",), "/usr/bin/python3", tls=tls, firewall=firewall)


def _expose(observed: Observed, name: str, *, tls: bool = True, firewall: str = "none", **changes: t.Any) -> Plan:
    exposure = _exposure(tls=tls, firewall=firewall)
    rules = {layout.FIREWALL_RULES: render_rules(exposure.listen, exposure.allow)}
    if observed.init == "systemd":
        rules[layout.FIREWALL_UNIT] = render_unit("/usr/sbin/nft")
        rules[layout.FIREWALL_WATCH_UNIT] = render_watch_unit("/usr/sbin/nft")
    return plan_present(
        observed,
        Asked(
            exposure=exposure,
            method=next(method for method in METHODS if method.name == name),
            tls=TLS if tls else None,
            firewall_files=rules if firewall == "nftables" else None,
            **changes,
        ),
    )


def _make(files: _Files, change: FileChange) -> None:
    if change.attributes is None:
        files.pop(change.path, None)
    else:
        content = files[change.path][0] if change.content is None else change.content
        files[change.path] = (content, change.attributes)


def _after(observed: Observed, plan: Plan) -> Observed:
    files = dict(observed.files)
    for change in [*plan.changes, *([plan.settle] if plan.settle else [])]:
        _make(files, change)
    engine = observed.engine
    if engine is not None:
        engine = dataclasses.replace(engine, live_restore=True)
    return dataclasses.replace(_seen(observed, files), missing_folders=(), engine=engine)


def _moments(observed: Observed, plan: Plan, *, absent: bool = False) -> list[Moment]:
    """Carry the plan out as apply.py does; after each step, start dockerd with units as read last, and as they are."""
    files, found = dict(observed.files), []
    loaded = _units(files)

    def look(when: str) -> None:
        found.append(_moment(observed, files, loaded, when))
        found.append(_moment(observed, files, _units(files), f"{when}, units read again"))

    if plan.live_restore_first:
        _merge_live_restore(files)
    late = [change for change in plan.changes if change.removes and change.path.startswith(_LATE)]
    if absent and plan.settle is not None:
        _make(files, plan.settle)
        _merge_live_restore(files) if plan.live_restore else None
        look("daemon.json for the start")
    for change in plan.changes:
        if change is plan.settle or change in late:
            continue
        if not change.path.startswith((layout.UNITS, layout.STATE, layout.BUNDLE)):
            loaded = _units(files)
            look("units read again")
        _make(files, change)
        look(change.describe())
    loaded = _units(files)
    look("restart")
    for change in late:
        _make(files, change)
        look(change.describe())
    return found


def _merge_live_restore(files: _Files) -> None:
    content, attributes = files.get(layout.DAEMON_JSON, (b"", Attributes(0o644)))
    files[layout.DAEMON_JSON] = (merge(content.decode(), {"live-restore": True}).encode(), attributes)


def _units(files: _Files) -> dict[str, str]:
    return {path: files[path][0].decode() for path in files if "systemd/system" in path}


def _moment(observed: Observed, files: _Files, units: t.Mapping[str, str], when: str) -> Moment:
    """dockerd(8), and what the guard's lines ask of it: hosts and each TLS key in one place, TLS files that exist."""
    settings = parse(files.get(layout.DAEMON_JSON, (b"", None))[0].decode())
    has_guard = all(path in files for path in GUARD_FILES)
    has_bundle = all(path in files for path in (layout.CA, layout.CERTIFICATE, layout.KEY))
    has_rules = layout.FIREWALL_RULES in files
    refused, allowed, checks = (_by_unit if observed.init == "systemd" else _by_script)(observed, files, units)

    no_twice = not any(key in settings for key in ("hosts", *_TLS_KEYS))
    can_have_flags = "-m guard flags" not in checks or (has_guard and has_bundle and no_twice)
    can_have_rules = "nft " not in checks or has_rules
    started = allowed if can_have_flags and can_have_rules else refused
    fails = ""
    if any(f"-m guard {mode}" in checks for mode in ("hosts", "closed")) and not has_guard:
        fails = "the guard is not there"
    if "|| exit 1" in checks and not can_have_rules:
        fails = "the rules are not there"
    if layout.STARTER in checks and layout.STARTER not in files:
        fails = "the starter is not there"
    if re.search("-m guard (hosts|/etc)", checks) and not has_bundle and any(key in settings for key in _TLS_KEYS[1:]):
        settings = {key: value for key, value in settings.items() if key not in _TLS_KEYS[1:]}
    verified = settings.get("tlsverify") is True and not started.tls
    if ("-m guard hosts" in checks and not verified) or ("-m guard closed" in checks and not has_rules):
        hosts = [host for host in settings.get("hosts", []) if not host.startswith("tcp://")]
        settings = {**settings, "hosts": hosts} if hosts else {k: v for k, v in settings.items() if k != "hosts"}
    by_flag = {flag[2:].partition("=")[0]: flag.partition("=")[2] or True for flag in started.tls}
    tls = {**{key: value for key, value in settings.items() if key in _TLS_KEYS}, **by_flag}
    if started.hosts and "hosts" in settings:
        fails = "hosts in two places"
    if by_flag.keys() & settings.keys():
        fails = "TLS in two places"
    if not has_bundle and any(layout.BUNDLE in str(value) for value in tls.values()):
        fails = "the bundle is not there"
    by_socket: tuple[str, ...] = ()
    if layout.SOCKET_UNIT in units and layout.DROP_IN in units and (verified or "-m guard /etc" not in checks):
        by_socket = (f"tcp://{layout.GANGWAY_SOCKET}",)
    by_mode = {"flags": started.hosts, "hosts": settings.get("hosts", ()), "/etc": by_socket}
    needed = [mode for mode, hosts in by_mode.items() if any(host.startswith("tcp://") for host in hosts)]
    return Moment(
        when,
        fails,
        tuple(itertools.chain(*by_mode.values())),
        tls,
        has_guard=has_guard and all(f"-m guard {mode}" in checks for mode in needed),
        has_rules=has_rules,
        live_restore=settings.get("live-restore") is True or started.live_restore,
    )


def _by_unit(observed: Observed, files: _Files, units: t.Mapping[str, str]) -> tuple[DaemonFlags, DaemonFlags, str]:
    """dockerd's flags where the guard refuses and where it agrees, and what runs before."""
    ours = units.get(layout.EXEC_DROP_IN, "")
    found = [
        *(dataclasses.replace(s, text=units[s.path]) for s in observed.sources if s.path in units),
        Source("drop-in", ours, "drop_in"),
        *(dataclasses.replace(s, text=files[s.path][0].decode()) for s in observed.sources if s.kind == "options"),
    ]
    users = re.search('echo "(.*)" > ', ours)
    listener = users.group(1) if users else files.get(layout.LISTENER, (b"", None))[0].decode()
    flags = startup_of(found).flags
    with_listener = startup_of([*found, Source("in force", listener, "options")]).flags
    checks = ours + units.get(layout.DROP_IN, "")
    if users:
        # The guard puts the user's own value back, or lets ours be.
        return with_listener, flags, checks
    return flags, with_listener if "&& cp" in ours else flags, checks


def _by_script(observed: Observed, files: _Files, _units: t.Mapping[str, str]) -> tuple[DaemonFlags, DaemonFlags, str]:
    assert observed.options is not None
    block = block_of(files[observed.options.path][0]).decode()
    own = re.search(r'then DOCKER_OPTS="\$DOCKER_OPTS (.*)"; (?:else|fi)', block)
    words = f"dockerd {observed.options.value}"
    starter = files[layout.STARTER][0].decode() if layout.STARTER in files and layout.STARTER in block else ""
    allowed = daemon_flags(words_of(f"{words} {own.group(1)}" if own else words), {})
    return daemon_flags(words_of(words), {}), allowed, block + starter


@pytest.fixture(scope="session")
def host() -> t.Callable[[str], Observed]:
    """A host by the name of what it has: docker-ce, debian, fedora, opensuse, own socket, sysvinit, openrc."""
    return _host


@pytest.fixture(scope="session")
def exposure() -> t.Callable[..., Exposure]:
    """What is asked for, by C(tls) and C(firewall)."""
    return _exposure


@pytest.fixture(scope="session")
def expose() -> t.Callable[..., Plan]:
    """The plan that exposes a host by the method of this name."""
    return _expose


@pytest.fixture(scope="session")
def after() -> t.Callable[[Observed, Plan], Observed]:
    """The host once the plan has been carried out."""
    return _after


@pytest.fixture(scope="session")
def moments() -> t.Callable[..., list[Moment]]:
    """How dockerd would come up at each moment while a plan is carried out."""
    return _moments


@pytest.fixture
def pem_files(signer: Signer) -> dict[str, bytes]:
    """A server's bundle, by the names of its files."""
    key = generate_key("ecdsa_p256")
    certificate = server_certificate(
        key.public_key(),
        names=["web1"],
        signer=signer,
        validity=datetime.timedelta(days=2),
        now=datetime.datetime.now(datetime.timezone.utc),
    )
    pem = serialization.Encoding.PEM
    return {
        "ca.pem": signer.certificate.public_bytes(pem),
        "cert.pem": certificate.public_bytes(pem),
        "key.pem": private_key_pem(key),
    }
