# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate of method socket: the access list of our socket unit, changed while it listens.

C(systemctl set-property --runtime) puts IPAddressAllow= in force at once for the socket and for the process that holds
it, and nothing of it outlives a reboot: the unit's file has only the host itself on its list. See
systemd.resource-control(5).

Standalone: part of the program that lies on each host.
"""

from __future__ import annotations

__all__ = ("FOR_ALL_UNITS", "SOCKET", "networks_of", "put_in_force")

import ipaddress
import os
import typing as t

from .command import run_command
from .slices import slices_above

SOCKET = "docker-gangway.socket"
_UNITS = (SOCKET, "docker-gangway.service")
#: What C(set-property --runtime) leaves for the properties that are set here.
_RUNTIME = f"/run/systemd/system.control/{SOCKET}.d/"
#: Folders of drop-ins for all units of a type, which distributions have.
FOR_ALL_UNITS = ("service.d", "socket.d")
_ANY = {"any": ("0.0.0.0/0", "::/0"), "localhost": ("127.0.0.0/8", "::1/128")}


def put_in_force(networks: t.Sequence[str]) -> t.Optional[str]:
    """Let only these networks through; none: nobody. Return why that failed."""
    words = ["IPAddressDeny=", "IPAddressDeny=any", "IPAddressAllow="]
    words += [f"IPAddressAllow={' '.join(networks)}"] if networks else []
    code, said = _systemctl("set-property", "--runtime", SOCKET, *words)
    if code != 0:
        return f"the access list of {SOCKET} can't be set ({said})"
    return _problem(networks)


def _problem(networks: t.Sequence[str]) -> t.Optional[str]:
    """Return what others have set for our units, or for a slice above the socket, so that the list is not in force."""
    units = {unit: _show(unit) for unit in _UNITS}
    socket = units[SOCKET]
    if networks_of(socket.get("IPAddressAllow", "")) != networks_of(" ".join(networks)):
        return f"the access list of {SOCKET} is {socket.get('IPAddressAllow') or 'empty'} though another one was set"
    for unit, shown in units.items():
        if not shown:
            return f"systemctl does not show {unit}"
        for path in shown.get("DropInPaths", "").split():
            if os.path.basename(os.path.dirname(path)) not in FOR_ALL_UNITS and not _is_runtime_drop_in(path):
                return f"{path} changes {unit}, which is ours"
    if networks_of(socket.get("IPAddressDeny", "")) != networks_of("any"):
        return f"{SOCKET} denies {socket.get('IPAddressDeny') or 'nobody'} and not any"
    for slice_unit in slices_above(socket.get("Slice", "")):
        allowed = _show(slice_unit).get("IPAddressAllow", "")
        if allowed:
            return f"{slice_unit} above {SOCKET} allows {allowed}"
    return None


def _is_runtime_drop_in(path: str) -> bool:
    """Whether this drop-in is the one that C(put_in_force) makes."""
    return path in (f"{_RUNTIME}50-IPAddressAllow.conf", f"{_RUNTIME}50-IPAddressDeny.conf")


def networks_of(words: str) -> t.FrozenSet[t.Any]:
    """Read a value of IPAddressAllow=, as written or as C(systemctl show) prints it: without what others contain."""
    found = [ipaddress.ip_network(text, strict=False) for word in words.split() for text in _ANY.get(word, (word,))]
    ipv4 = [network for network in found if isinstance(network, ipaddress.IPv4Network)]
    ipv6 = [network for network in found if isinstance(network, ipaddress.IPv6Network)]
    return frozenset([*ipaddress.collapse_addresses(ipv4), *ipaddress.collapse_addresses(ipv6)])


def _show(unit: str) -> t.Dict[str, str]:
    code, said = _systemctl("show", unit, "--property=DropInPaths,IPAddressAllow,IPAddressDeny,Slice")
    lines = [line.partition("=") for line in said.splitlines()]
    return {} if code != 0 else {name: value for name, _equals, value in lines}


def _systemctl(*words: str) -> t.Tuple[int, str]:
    code, stdout, stderr = run_command(["systemctl", *words])
    return code, (stdout or stderr).strip()
