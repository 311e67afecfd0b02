# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What nftables, firewalld and ufw have of our rules: only read, and only if requested or if we left traces."""

from __future__ import annotations

__all__ = ("read_firewalls",)

import re
import typing as t

from .._host.command import Run
from .._shared import layout
from .files import Files

#: Users without a login shell, and become, may lack the sbin folders.
_ENVIRONMENT = ("env", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C")
_UFW = "/etc/ufw/"
_UFW_DEFAULTS = "/etc/default/ufw"
_TUPLE = "### tuple ### "
#: In ufw's files, comments are written in hexadecimal.
_OUR_COMMENT = f"comment={b'gangway-docker'.hex()}"
#: firewall-cmd: no such policy; not running.
_INVALID_POLICY, _NOT_RUNNING = 140, 252


def read_firewalls(files: Files, run: Run, *, nft: bool, firewalld: bool, ufw: bool) -> dict[str, t.Any]:
    """Return what each firewall has; None for one that is not C(True) here and has no rules of ours."""
    rules, rules_ipv6 = (_tuples(files, f"{_UFW}{name}") for name in ("user.rules", "user6.rules"))
    ufw = ufw or any(_OUR_COMMENT in line for line in (*rules, *rules_ipv6))
    return {
        "nftables": _nftables(run) if nft or files.exists(layout.FIREWALL_RULES) else None,
        "firewalld": _firewalld(run) if firewalld or files.exists(layout.FIREWALLD_POLICY) else None,
        "ufw": _ufw(files, run, rules, rules_ipv6) if ufw and files.exists(f"{_UFW}ufw.conf") else None,
    }


def _nftables(run: Run) -> t.Optional[str]:
    code, stdout, _stderr = _call(run, "nft", "-j", "list", "table", "inet", "gangway_docker")
    return stdout if code == 0 else None


def _firewalld(run: Run) -> dict[str, t.Any]:
    code, stdout, stderr = _call(run, "firewall-cmd", "--policy=gangway-docker", "--list-all")
    if code in (0, _INVALID_POLICY):
        return {"state": "running", "listing": stdout if code == 0 else None, "error": ""}
    states = {_NOT_RUNNING: "stopped", 127: "missing"}
    return {"state": states.get(code, "failed"), "listing": None, "error": stderr[-1000:]}


def _ufw(files: Files, run: Run, rules: t.List[str], rules_ipv6: t.List[str]) -> dict[str, t.Any]:
    enabled, ipv6 = _is_yes(files, f"{_UFW}ufw.conf", "ENABLED"), _is_yes(files, _UFW_DEFAULTS, "IPV6")
    return {
        "enabled": enabled,
        "ipv6": ipv6,
        "rules": rules,
        "rules_ipv6": rules_ipv6,
        "kernel": _kernel(run, "iptables", "ufw") if enabled else [],
        "kernel_ipv6": _kernel(run, "ip6tables", "ufw6") if enabled and ipv6 else [],
    }


def _kernel(run: Run, command: str, prefix: str) -> t.List[str]:
    """Return the rules of ufw's chain for users' rules, and those that lead to it."""
    _code, stdout, _stderr = _call(run, command, "-S")
    heads = (
        f"-A {prefix}-user-input ",
        f"-A INPUT -j {prefix}-before-input",
        f"-A {prefix}-before-input -j {prefix}-user",
    )
    return [line for line in stdout.splitlines() if line.startswith(heads)]


def _tuples(files: Files, path: str) -> t.List[str]:
    return [line for line in _text(files, path).splitlines() if line.startswith(_TUPLE)]


def _is_yes(files: Files, path: str, name: str) -> bool:
    """Read a setting as ufw does: the last line that sets it counts, case does not."""
    found = re.findall(rf"""^\s*{name}\s*=\s*["']?(\w*)""", _text(files, path), re.MULTILINE)
    return bool(found) and found[-1].lower() == "yes"


def _text(files: Files, path: str) -> str:
    return (files.read(path) or b"").decode(errors="replace")


def _call(run: Run, *words: str) -> t.Tuple[int, str, str]:
    try:
        return run([*_ENVIRONMENT, *words])
    except OSError as exc:
        return 127, "", str(exc)
