# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Findings about the daemon's settings, from its answer to C(/info). Pure."""

from __future__ import annotations

__all__ = ("find_settings", "listeners_in")

import ipaddress
import re
import typing as t

from .finding import Finding

#: dockerd itself warns of listeners that it knows to be open, and names them.
_OPEN = re.compile(r"API is accessible on (\S+) without (encryption|TLS client verification)")
_PREFIX = re.compile(r"^\s*(\[?DEPRECATION NOTICE\]?:?|WARNING:)\s*", re.IGNORECASE)


def listeners_in(info: t.Mapping[str, t.Any]) -> t.List[str]:
    """Return the URLs of the listeners that dockerd warns of: those without mutual TLS."""
    return [match[1].rstrip(".,") for match in map(_OPEN.search, _texts(info, "Warnings")) if match is not None]


def find_settings(info: t.Mapping[str, t.Any]) -> t.Iterator[Finding]:
    """Yield findings. What an answer does not contain, as from Podman, is no finding."""
    if not info:
        return
    yield from _warnings(info)
    yield from _registries(info)
    yield from _isolation(info)
    in_swarm = _mapping(info, "Swarm").get("LocalNodeState") in ("active", "pending", "locked")
    if info.get("LiveRestoreEnabled") is False and not in_swarm:
        text = "live-restore is off: a restart of dockerd stops all containers."
        yield Finding("no_live_restore", "low", "2.15", text, 'Set "live-restore": true in daemon.json')
    if info.get("ExperimentalBuild") is True:
        text = "Experimental features are on."
        yield Finding("experimental", "low", "2.18", text, 'Remove "experimental" from daemon.json')
    if info.get("Debug") is True:
        text = "dockerd logs at the level debug."
        yield Finding("debug", "low", "2.3", text, 'Remove "debug" and "log-level" from daemon.json')
    if info.get("Driver") == "aufs":
        yield Finding("aufs", "medium", "2.6", "The storage driver is aufs.", "Use overlay2")
    plugins = _mapping(info, "Plugins")
    if "Authorization" in plugins and not plugins["Authorization"]:
        text = "There is no authorization plugin: every client may do everything."
        yield Finding("no_authorization", "low", "2.12", text, "Give certificates to those only who may have root")


def _warnings(info: t.Mapping[str, t.Any]) -> t.Iterator[Finding]:
    for warning in _texts(info, "Warnings"):
        text = _PREFIX.sub("", warning.strip().splitlines()[0] if warning.strip() else "")
        if not text:
            continue
        if _OPEN.search(text):
            fix = "Close that listener, or expose the daemon with TLS and client certificates"
            yield Finding("open_listener", "critical", "2.7", f"dockerd warns: {text}", fix)
        else:
            yield Finding("daemon_warning", "low", None, f"dockerd warns: {text}", "See Docker's documentation")


def _registries(info: t.Mapping[str, t.Any]) -> t.Iterator[Finding]:
    settings = _mapping(info, "RegistryConfig")
    networks = [n for n in settings.get("InsecureRegistryCIDRs") or () if not _is_loopback(str(n))]
    names = [name for name, index in _mapping(settings, "IndexConfigs").items() if _is_insecure(index)]
    insecure = sorted({*map(str, networks), *map(str, names)})
    if insecure:
        text = f"Images are pulled without verified TLS from {', '.join(insecure)}."
        fix = 'Remove "insecure-registries" from daemon.json, and give the registry a certificate'
        yield Finding("insecure_registry", "medium", "2.5", text, fix)


def _isolation(info: t.Mapping[str, t.Any]) -> t.Iterator[Finding]:
    if not isinstance(info.get("SecurityOptions"), list) or info.get("OSType") == "windows":
        return
    options = [dict(part.partition("=")[::2] for part in text.split(",")) for text in _texts(info, "SecurityOptions")]
    by_name = {option.get("name", ""): option for option in options}
    if "userns" not in by_name and "rootless" not in by_name:
        text = "Containers have no user namespace: root in a container is root on the host."
        yield Finding("no_userns", "low", "2.9", text, 'Set "userns-remap" in daemon.json')
    if by_name.get("seccomp", {"profile": "unconfined"}).get("profile") == "unconfined":
        text = "Containers run without a seccomp profile."
        fix = 'Remove "seccomp-profile" from daemon.json; use a kernel with seccomp'
        yield Finding("no_seccomp", "high", "2.17", text, fix)
    if "no-new-privileges" not in by_name and _tells_of_privileges(str(info.get("ServerVersion"))):
        text = "Containers can gain privileges by setuid programs."
        yield Finding("new_privileges", "low", "2.14", text, 'Set "no-new-privileges": true in daemon.json')


def _tells_of_privileges(version: str) -> bool:
    """Seen: 26.1 and 28.5 name this option, and 20.10 does not even where it is on."""
    major = version.partition(".")[0]
    return major.isdigit() and int(major) >= 26


def _is_insecure(index: t.Any) -> bool:
    return isinstance(index, dict) and index.get("Secure") is False


def _is_loopback(network: str) -> bool:
    try:
        return ipaddress.ip_network(network).is_loopback
    except ValueError:
        return False


def _mapping(holder: t.Mapping[str, t.Any], key: str) -> t.Mapping[str, t.Any]:
    found = holder.get(key)
    return found if isinstance(found, dict) else {}


def _texts(info: t.Mapping[str, t.Any], key: str) -> t.List[str]:
    found = info.get(key)
    return [text for text in found if isinstance(text, str)] if isinstance(found, list) else []
