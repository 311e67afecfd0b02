# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What root, or the machine, does by accident to a host whose port HAProxy serves, as shell commands that run there."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from tests.integration.gateway.served import FOREIGN

UNIT = "docker-gangway-gateway.service"
_MASTER = f"$(systemctl show --property=MainPID --value {UNIT})"
_STATE, _BUNDLE, _RUN = "/var/lib/gangway-docker", "/etc/docker/gangway", "/run/docker-gangway-gateway"
_CONFIGURATION = f"{_STATE}/haproxy.cfg"
_DROP_INS = f"/etc/systemd/system/{UNIT}.d"
#: What makes HAProxy read its files again, in this order: the first one leaves it as it is if they are bad.
_EVENTS = (f"systemctl reload {UNIT}", f"kill -9 {_MASTER}", f"systemctl restart {UNIT}")
_UNVERIFIED = "sed -i 's/ verify required//'"


@dataclass(frozen=True)
class Sabotage:
    """One thing that happens."""

    id: str
    #: What SECURITY.md says of it.
    name: str
    script: str
    #: The engine on which it runs without --soak; None: with --soak only.
    engine: str | None = None
    events: tuple[str, ...] = _EVENTS
    #: Whether clients get in after the last of the events.
    is_open: bool = False
    #: With what the next run fails, until C(undo) has run; None: it does not fail.
    failure: str | None = None
    undo: str = ""


def _drop_in(*lines: str) -> str:
    text = "\\n".join(("[Service]", *lines, ""))
    return f"mkdir -p {_DROP_INS}; printf '{text}' > {_DROP_INS}/zzz-site.conf; systemctl daemon-reload"


_NO_DROP_IN = f"rm -r {_DROP_INS}; systemctl daemon-reload"
#: In place of a folder: a file system of its size, and no room left in it.
FULL: t.Final = (
    "cp --archive FOLDER /tmp/copy; mount -t tmpfs -o mode=0700,size=100k tmpfs FOLDER; "
    "cp --archive /tmp/copy/. FOLDER; rm -r /tmp/copy; cat /dev/zero > FOLDER/fill 2>/dev/null"
)

SABOTAGES: t.Final = (
    Sabotage(
        "master-killed",
        "HAProxy's master process is killed",
        "true",
        "bookworm",
        events=(f"kill -9 {_MASTER}",) * 3,
        is_open=True,
    ),
    Sabotage(
        "worker-killed",
        "HAProxy's worker process is killed, as the kernel does if memory runs out",
        "true",
        "sid",
        events=(f"kill -9 $(pgrep -P {_MASTER})",) * 3,
        is_open=True,
    ),
    Sabotage("configuration-emptied", "haproxy.cfg is emptied", f": > {_CONFIGURATION}"),
    Sabotage("unverified", "haproxy.cfg loses `verify required`", f"{_UNVERIFIED} {_CONFIGURATION}", engine="trixie"),
    Sabotage("digests-deleted", "The digests of HAProxy's files are deleted", f"rm {_STATE}/gateway.sha256"),
    Sabotage("foreign-ca", "Another CA is written over `ca.pem`", f"cat {FOREIGN} > {_BUNDLE}/ca.pem"),
    Sabotage("foreign-ca-added", "Another CA is added to `ca.pem`", f"cat {FOREIGN} >> {_BUNDLE}/ca.pem"),
    Sabotage("key-deleted", "`key.pem` is deleted", f"rm {_BUNDLE}/key.pem"),
    Sabotage("crl-deleted", "`crl.pem` is deleted", f"rm {_BUNDLE}/crl.pem"),
    Sabotage("crl-emptied", "`crl.pem` is emptied", f": > {_BUNDLE}/crl.pem"),
    Sabotage(
        "clients-edited",
        "`clients.map` gives access to more clients",
        f"printf 'other full-admin\\ngone full-admin\\nmallory full-admin\\n' >> {_STATE}/clients.map",
    ),
    Sabotage("list-expired", "An older list of revoked certificates, expired by now, comes back", "EXPIRED"),
    Sabotage(
        "list-expired-in-place",
        "The list of revoked certificates expires where it is",
        f"EXPIRED; cd {_STATE}; sums=$(sha256sum $(sed 's/.* //' gateway.sha256)); echo \"$sums\" > gateway.sha256",
        engine="bookworm",
    ),
    Sabotage(
        "edited-after-the-digests",
        "`ExecStartPre=` in a drop-in removes `verify required` after the digests are compared",
        _drop_in(f"ExecStartPre=/bin/{_UNVERIFIED} {_CONFIGURATION}".replace("'", '"')),
        failure="unit_changed_by_others",
        undo=_NO_DROP_IN,
    ),
    Sabotage(
        "edited-as-root-after-the-digests",
        "The same with all rights (`ExecStartPre=+`)",
        _drop_in(f"ExecStartPre=+/bin/{_UNVERIFIED} {_CONFIGURATION}".replace("'", '"')),
        failure="unit_changed_by_others",
        undo=_NO_DROP_IN,
    ),
    Sabotage(
        "signalled",
        "haproxy.cfg loses `verify required`, and HAProxy is sent the signal to read it again",
        f"{_UNVERIFIED} {_CONFIGURATION}; kill -USR2 {_MASTER}; sleep 1; kill -HUP {_MASTER}",
    ),
    Sabotage(
        "run-is-full",
        "There is no room in `/run`",
        FULL.replace("FOLDER", _RUN),
        # systemd empties its folder when it ends, and so makes room.
        is_open=True,
        undo=f"umount {_RUN}",
    ),
)
