# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a listener is to be."""

from __future__ import annotations

__all__ = ("Asked", "TlsFiles")

import typing as t
from dataclasses import dataclass

from .methods.method import Exposure, Method


@dataclass(frozen=True)
class TlsFiles:
    """What the bundle is to hold. None: yet to be made (certificate, CA), or already on the host (key)."""

    ca: bytes | None
    certificate: bytes | None
    #: True: a new certificate is on its way, whatever lies there now.
    certificate_is_due: bool
    key: bytes | None = None
    #: True: a new key comes with the certificate, or the one there is not ours.
    key_is_due: bool = False


@dataclass(frozen=True)
class Asked:
    """What a listener is to be; C(firewall_files): the access list for nftables, where it is in our hands."""

    exposure: Exposure
    method: Method
    #: None: plain TCP.
    tls: TlsFiles | None
    #: Leave live-restore on afterwards.
    live_restore: bool = True
    firewall_files: t.Mapping[str, str] | None = None
    #: The rules are loaded as they stand in the file.
    firewall_in_force: bool = True
    #: New texts for files of others (None: put aside), where an existing listener is taken over.
    adopted: t.Mapping[str, str | None] | None = None
    sockets_to_restart: tuple[str, ...] = ()
    #: Something listens there; a socket unit tells by itself.
    is_open: bool = True
