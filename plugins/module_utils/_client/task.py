# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The task of one run of client_bundle on a machine."""

from __future__ import annotations

__all__ = ("Instructions", "Task")

import typing as t
from dataclasses import dataclass, field

from .wanted import ClientOptions


@dataclass(frozen=True)
class Instructions:
    """What the controller knows of the identity. Nothing in it is secret."""

    phase: str = "plan"
    #: The authorities by which clients know the servers, in PEM; None: no daemon has TLS, so no identity is needed.
    ca: str | None = None
    #: The chain that is to be there, in PEM; when applying, it may have just been signed.
    certificate: str | None = None
    #: That certificate has to be made again, and with a new key.
    renew: bool = False
    new_key: bool = False
    #: The client's name, if the CSR must contain it.
    csr_name: str | None = None
    #: Names the key that waits here for the certificate.
    pending: str | None = None
    #: By endpoint.
    urls: t.Mapping[str, str] = field(default_factory=dict)
    #: The endpoints without TLS.
    plain: t.Sequence[str] = ()


@dataclass(frozen=True)
class Task:
    """The options of client_bundle, and the machine's means to make keys."""

    state: str
    check_mode: bool
    user: str | None
    path: str
    options: ClientOptions
    instructions: Instructions
    #: Makes a key at a path; returns the CSR for the key at a path, with a client's name or without. From the module.
    make_key: t.Callable[[str], None]
    make_csr: t.Callable[[str, t.Optional[str]], str]
    can_make_keys: bool
