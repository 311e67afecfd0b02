# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bringing the firewall's rules into force on the host, and taking them away."""

from __future__ import annotations

__all__ = ("firewall_files", "load_firewall", "rules_in_force", "unload_firewall")

import shutil

from .._shared.failure import Failure
from . import layout
from .firewall import TABLE, is_in_force, render_rules, render_unit, render_watch_unit
from .host import Host
from .init import init_of
from .methods.method import Exposure

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def firewall_files(exposure: Exposure, init: str) -> dict[str, str]:
    """Return what has to be on the host for the rules to be loaded before dockerd starts. Failure: C(nft_missing)."""
    nft = shutil.which("nft", path=_PATH)
    if nft is None:
        raise Failure(
            "nft_missing",
            thing="the program nft",
            reason="the access list is a table of nftables here, and this host has no such program",
            cure="Install the package nftables, or choose another firewall (expose_firewall in the role); none leaves "
            "the port to TLS alone",
        )
    rules = {layout.FIREWALL_RULES: render_rules(exposure.listen, exposure.allow)}
    if init != "systemd":
        return rules
    return {**rules, layout.FIREWALL_UNIT: render_unit(nft), layout.FIREWALL_WATCH_UNIT: render_watch_unit(nft)}


def load_firewall(host: Host) -> None:
    """Load the rules as they stand in the file, at once. The units have to be read. Failure: C(firewall_failed)."""
    if init_of(host).name == "systemd":
        code, said = host.systemctl("reload-or-restart", layout.FIREWALL_SERVICE)
        if code == 0:
            code, said = host.systemctl("start", layout.FIREWALL_WATCH_SERVICE)
    else:
        code, said = _nft(host, "-f", layout.FIREWALL_RULES)
    if code != 0:
        raise Failure(
            "firewall_failed",
            thing=layout.FIREWALL_RULES,
            reason=f"nft does not load it ({said.strip()})",
            cure="Look at 'journalctl -u " + layout.FIREWALL_SERVICE + "'; the kernel may lack nf_tables",
        )


def unload_firewall(host: Host) -> None:
    """Take the rules away, and what brings them back."""
    if init_of(host).name == "systemd":
        for unit in (layout.FIREWALL_WATCH_SERVICE, layout.FIREWALL_SERVICE):
            host.systemctl("stop", unit)
    _nft(host, "delete", "table", *TABLE.split())


def rules_in_force(host: Host, exposure: Exposure) -> bool:
    """Whether the kernel has these rules, as they are, and the unit that watches over them runs."""
    code, listing = _nft(host, "-j", "list", "table", *TABLE.split())
    if code != 0 or not is_in_force(listing, exposure.listen, exposure.allow):
        return False
    if init_of(host).name != "systemd":
        return True
    return host.show(layout.FIREWALL_WATCH_SERVICE, "ActiveState").get("ActiveState") == "active"


def _nft(host: Host, *words: str) -> tuple[int, str]:
    try:
        code, stdout, stderr = host.run(["nft", *words])
    except OSError as exc:
        return 127, str(exc)
    return code, stdout if code == 0 else stderr
