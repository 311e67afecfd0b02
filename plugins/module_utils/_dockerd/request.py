# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the module on the host is asked to do."""

from __future__ import annotations

__all__ = ("Identity", "Request")

import typing as t
from dataclasses import dataclass


@dataclass(frozen=True)
class Identity:
    """What the controller knows and brings of the server's identity."""

    #: PEM, public. None: an authority that check mode has not made.
    ca: str | None = None
    #: PEM chain to put in place, where it is at hand and not there yet.
    certificate: str | None = None
    #: Names that have to stand in the request, the listening addresses besides; none: they are the signer's to decide.
    request_names: tuple[str, ...] = ()
    key: str | None = None
    key_sha256: str | None = None
    #: SHA-256 of the certificate that should be there, and the names it covers.
    expected: str | None = None
    covers: tuple[str, ...] = ()
    #: The controller wants a new certificate in any case, and with a new key.
    renew: bool = False
    new_key: bool = False
    #: Names the key that waits on the host for the certificate.
    pending: str | None = None

    def __repr__(self) -> str:
        return f"Identity(expected={self.expected!r})"


@dataclass(frozen=True)
class Request:
    """What is asked of the host."""

    state: str
    phase: str
    check_mode: bool
    listen: tuple[str, ...]
    allow: tuple[str, ...]
    key_origin: str
    allow_downtime: bool
    method: str
    firewall: str
    adopt: bool
    tls: bool
    insecure: bool
    live_restore: bool
    identity: Identity
    #: Makes a key at a path; returns the CSR for the key at a path. Given by the module.
    make_key: t.Callable[[str], None]
    make_request: t.Callable[[str, t.Sequence[str]], str]
    #: Raises where no key can be made here.
    check_means: t.Callable[[], None]
