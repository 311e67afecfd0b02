# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A listener that others set up: refused with file and line, or adopted."""

from __future__ import annotations

__all__ = ("Adoption", "adopt_listener")

import dataclasses
import typing as t
from dataclasses import dataclass, field

from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

from ..files.originals import Originals
from ..host.observed import Observed, decoded
from ..startup.findings import Finding, find, is_unprotected
from ..startup.socket_streams import socket_units
from ..startup.sources import Source
from ..startup.startup import exec_start_line, startup_of

if t.TYPE_CHECKING:
    from ..startup.adoption import Adopted

_LIKELY = "'systemctl cat docker.service docker.socket' shows all of it"


@dataclass(frozen=True)
class Adoption:
    """C(observed): the host without that listener; C(texts): its files' new texts (None: set aside)."""

    observed: Observed
    texts: t.Mapping[str, str | None] = field(default_factory=dict)
    #: The ports that it has now.
    ports: frozenset[int] = frozenset()
    #: Socket units to stop and start again.
    sockets: tuple[str, ...] = ()


def adopt_listener(observed: Observed, originals: Originals, *, allowed: bool) -> Adoption:
    """Find what makes dockerd listen on TCP, or sets its TLS, beside us.

    Failures unless C(allowed): C(hosts_in_daemon_json), C(tls_in_daemon_json), C(tls_flags), C(other_listener); else:
    C(adopt_unsupported).
    """
    content = originals.users_daemon_json(observed.content(layout.DAEMON_JSON))
    users = Source(path=layout.DAEMON_JSON, text=decoded(content, layout.DAEMON_JSON), kind="daemon_json")
    sources = [*observed.sources, users]
    findings = [finding for finding in find(sources) if finding.kind != "exec_start"]
    if originals.method:
        # Its original is kept, and comes back when we go.
        findings = [finding for finding in findings if finding.path != layout.DAEMON_JSON]
    if not findings:
        _check_unexplained(observed)
        if not originals.adopted:
            return Adoption(observed)
    elif not allowed and not _is_overridden(observed, findings):
        raise _refusal(findings, is_open=is_unprotected(sources))
    unit = next((source.text for source in sources if source.kind == "unit"), "")
    activated = any(host.startswith("fd://") for host in startup_of([Source("", unit, "unit")]).flags.hosts)
    # Only now: most runs have nothing to adopt.
    from ..startup.adoption import adopt

    adopted = adopt(sources, activated=activated)
    if originals.adopted:
        # Adopted in an earlier run: the files are as they have to be. Whether ours has to set ExecStart follows from
        # those of the package and from the user's daemon.json, each time.
        texts = {path: text for path, text in adopted.texts.items() if path not in originals.files}
        adopted = dataclasses.replace(adopted, texts=texts)
    links = [path for path in adopted.texts if path in observed.files and observed.files[path].is_link]
    if links:
        raise Failure(
            "adopt_unsupported",
            thing=", ".join(links),
            reason="this is a symbolic link, and others may use the file behind it as well",
            cure="Remove the listener from it by hand first",
        )
    after = _without(observed, adopted)
    # A unit that is down stays down, also when it comes back.
    known = (layout.DOCKER_SOCKET, *observed.active_sockets)
    sockets = tuple(unit for unit in socket_units(adopted.texts) if unit in known)
    if activated and not any(host.startswith("fd://") for host in observed.flags.hosts):
        # That dockerd has put a socket of its own in the place of docker.socket's.
        sockets = tuple(dict.fromkeys([*sockets, layout.DOCKER_SOCKET]))
    return Adoption(after, adopted.texts, frozenset(_ports(findings)), sockets)


def _is_overridden(observed: Observed, findings: t.Sequence[Finding]) -> bool:
    """Whether our drop-in replaces the ExecStart that has all of this: it was adopted in an earlier run."""
    ours = exec_start_line((observed.content(layout.EXEC_DROP_IN) or b"").decode(errors="replace"))
    units = {source.path for source in observed.sources if source.kind == "unit" and not source.is_the_admins}
    return bool(ours) and all(finding.path in units for finding in findings)


def _without(observed: Observed, adopted: Adopted) -> Observed:
    """Return the host as it will be with these files."""
    # Our own drop-in is rendered by the method.
    sources = [source for source in adopted.applied(observed.sources) if source.path != layout.EXEC_DROP_IN]
    after = dataclasses.replace(observed, sources=tuple(sources), running_hosts=(), foreign_streams=())
    if not observed.has_systemd:
        # There is no unit to read; the flags were those of the options file.
        return dataclasses.replace(after, flags=dataclasses.replace(observed.flags, hosts=(), tls=()))
    startup = startup_of(adopted.applied(observed.sources))
    return dataclasses.replace(
        after,
        flags=startup.flags,
        exec_start=startup.exec_start,
        options=startup.options,
        replaces_exec_start=adopted.exec_start is not None,
    )


def _refusal(findings: t.Sequence[Finding], *, is_open: bool) -> Failure:
    cure = (
        "Remove it first, or set adopt: true (expose_adopt in the role), which replaces it and restores it on "
        f"withdrawal ({_LIKELY})"
    )
    by_kind = {finding.kind: finding for finding in reversed(findings)}
    listeners = [finding for finding in findings if finding.kind in ("tcp_host", "tcp_stream")]
    if listeners:
        how = "without TLS: anyone who reaches it has root on this host" if is_open else "with its own certificates"
        return Failure(
            "other_listener",
            thing=_places(listeners),
            reason=f"dockerd listens there already, {how}. Beside ours it would bypass the access list, and once ours "
            "is withdrawn it would be open without TLS",
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
        reason="dockerd has one TLS configuration for all its listeners, and this one is not from us",
        cure="Remove these keys, or set adopt: true (expose_adopt in the role); to keep using that certificate, give "
        "it, its key and the clients' CA to the role (expose_certificate, expose_key, expose_client_ca)",
    )


def _check_unexplained(observed: Observed) -> None:
    """Refuse a dockerd that listens on TCP though no file says so. Failure: C(other_listener)."""
    hosts = dict.fromkeys([*observed.flags.hosts, *observed.running_hosts])
    others = [host for host in hosts if not host.startswith(("fd://", "unix://"))] + [*observed.foreign_streams]
    if others:
        raise Failure(
            "other_listener",
            thing=f"dockerd's other listener {', '.join(others)}",
            reason="the running dockerd has it, though no file sets it (any more)",
            cure=f"Restart dockerd, then check whether it is gone ({_LIKELY})",
        )


def _places(findings: t.Sequence[Finding]) -> str:
    return "; ".join(f"{finding.what} ({finding.place})" for finding in findings)


def _ports(findings: t.Iterable[Finding]) -> t.Iterator[int]:
    for finding in findings:
        port = finding.address.rpartition(":")[2]
        if port.isdigit():
            yield int(port)
