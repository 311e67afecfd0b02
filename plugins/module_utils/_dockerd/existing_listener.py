# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A listener that dockerd has already, by somebody else's doing: refused with file and line, or taken over."""

from __future__ import annotations

__all__ = ("TakeOver", "take_over")

import dataclasses
import os
import typing as t
from dataclasses import dataclass, field

from .._shared.failure import Failure
from . import layout
from .adopt import adopted
from .collisions import Finding, find, in_the_clear
from .observe import Observed, text_of
from .sources import Source
from .startup import startup_of
from .unit import socket_units
from .what_was import WhatWas

_LIKELY = "'systemctl cat docker.service docker.socket' shows all of it"


@dataclass(frozen=True)
class TakeOver:
    """C(observed): the host as it is without that listener; C(texts): its files' new texts (None: put aside)."""

    observed: Observed
    texts: t.Mapping[str, str | None] = field(default_factory=dict)
    #: The ports that it has now.
    ports: frozenset[int] = frozenset()

    #: Socket units that are to be started anew.
    sockets: tuple[str, ...] = ()


def take_over(observed: Observed, memory: WhatWas, *, adopt: bool) -> TakeOver:
    """Find what makes dockerd listen on TCP, or sets its TLS, beside us.

    Failures without C(adopt): C(hosts_in_daemon_json), C(tls_in_daemon_json), C(tls_flags), C(other_listener); with
    it: C(adopt_unsupported).
    """
    users = text_of(memory.users_daemon_json(observed.content(layout.DAEMON_JSON)), layout.DAEMON_JSON)
    sources = [*observed.sources, Source(path=layout.DAEMON_JSON, text=users, kind="daemon_json")]
    findings = [finding for finding in find(sources) if finding.kind != "exec_start"]
    if memory.method:
        # What they were before us is remembered, and theirs again when we go.
        findings = [finding for finding in findings if finding.path != layout.DAEMON_JSON]
    if not findings:
        _check_unexplained(observed)
        return TakeOver(observed)
    if not adopt:
        raise _refusal(findings, clear=in_the_clear(sources))
    unit = next((source.text for source in sources if source.kind == "unit"), "")
    activated = any(host.startswith("fd://") for host in startup_of([Source("", unit, "unit")]).flags.hosts)
    texts = adopted(sources, activated=activated)
    links = [path for path in texts if os.path.islink(path)]
    if links:
        raise Failure(
            "adopt_unsupported",
            thing=", ".join(links),
            reason="this is a symbolic link, and what is behind it may be others' as well",
            cure="Take the listener out of it by hand first",
        )
    after = _without(observed, texts)
    still = [finding for finding in find(after.sources) if finding.kind != "exec_start"]
    if still:
        raise Failure(
            "adopt_unsupported",
            thing=_places(still),
            reason="this is in a file that comes with the package, or that can't be rewritten for certain",
            cure="Take it out by hand first",
        )
    # One that is down stays down, also when it comes back.
    sockets = tuple(unit for unit in socket_units(texts) if unit in (layout.DOCKER_SOCKET, *observed.active_sockets))
    if activated and not any(host.startswith("fd://") for host in observed.flags.hosts):
        # That dockerd has put a socket of its own in the place of docker.socket's.
        sockets = tuple(dict.fromkeys([*sockets, layout.DOCKER_SOCKET]))
    return TakeOver(after, texts, frozenset(_ports(findings)), sockets)


def _without(observed: Observed, texts: t.Mapping[str, str | None]) -> Observed:
    """The host as it will be with these files."""
    sources = []
    for source in observed.sources:
        text = texts.get(source.path, source.text)
        if text is not None:
            sources.append(dataclasses.replace(source, text=text))
    startup = startup_of(sources)
    if observed.init != "systemd":
        # There is no unit to read; the flags were those of the options file.
        flags = dataclasses.replace(observed.flags, hosts=(), tls=())
        options = observed.options
        return dataclasses.replace(
            observed, sources=tuple(sources), flags=flags, options=options, running_hosts=(), foreign_streams=()
        )
    return dataclasses.replace(
        observed,
        sources=tuple(sources),
        flags=startup.flags,
        exec_start=startup.exec_start,
        options=startup.options,
        running_hosts=(),
        foreign_streams=(),
    )


def _refusal(findings: t.Sequence[Finding], *, clear: bool) -> Failure:
    cure = (
        "Take it out first, or set adopt: true (expose_adopt in the role), which does that, and brings it back when "
        f"ours is withdrawn ({_LIKELY})"
    )
    by_kind = {finding.kind: finding for finding in reversed(findings)}
    listeners = [finding for finding in findings if finding.kind in ("tcp_host", "tcp_stream")]
    if listeners:
        how = "in the clear: whoever reaches it is root on this host" if clear else "with certificates of its own"
        return Failure(
            "other_listener",
            thing=_places(listeners),
            reason=f"dockerd listens there already, {how}. Beside ours it would be open past the access list, and when "
            "ours is taken away, without TLS",
            cure=cure,
        )
    if "hosts_key" in by_kind:
        return Failure(
            "hosts_in_daemon_json",
            thing=_places([f for f in findings if f.kind == "hosts_key"]),
            reason="dockerd refuses to start with hosts in two places, and the listener needs its own",
            cure=cure,
        )
    if "tls_flag" in by_kind:
        return Failure(
            "tls_flags",
            thing=_places([f for f in findings if f.kind == "tls_flag"]),
            reason="dockerd refuses to start with TLS settings both in its flags and in daemon.json",
            cure=cure,
        )
    return Failure(
        "tls_in_daemon_json",
        thing=_places(findings),
        reason="dockerd has one TLS configuration for all its listeners, and this one is not ours",
        cure="Take these keys out, or set adopt: true (expose_adopt in the role); to go on with that certificate, give "
        "it, its key and the clients' CA to the role (expose_certificate, expose_key, expose_client_ca)",
    )


def _check_unexplained(observed: Observed) -> None:
    """dockerd listens on TCP, and no file says why. Failure: C(other_listener)."""
    hosts = dict.fromkeys([*observed.flags.hosts, *observed.running_hosts])
    others = [host for host in hosts if not host.startswith(("fd://", "unix://"))] + [*observed.foreign_streams]
    if others:
        raise Failure(
            "other_listener",
            thing=f"dockerd's other listener {', '.join(others)}",
            reason="the running dockerd has it, though no file says so (any more)",
            cure=f"Restart dockerd, and see whether it is gone ({_LIKELY})",
        )


def _places(findings: t.Sequence[Finding]) -> str:
    return "; ".join(f"{finding.what} ({finding.place})" for finding in findings)


def _ports(findings: t.Iterable[Finding]) -> t.Iterator[int]:
    for finding in findings:
        port = finding.address.rpartition(":")[2]
        if port.isdigit():
            yield int(port)
