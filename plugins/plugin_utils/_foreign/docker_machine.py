# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Machines of docker-machine, from the folder in which it keeps them.

<folder>/<name>/config.json                 libmachine/host: Driver, DriverName, HostOptions.AuthOptions
                ca.pem cert.pem key.pem     the client's bundle; not there with the driver none, which has it in certs/
                server.pem                  the daemon's certificate; likewise

Drivers ask a cloud for a machine's address; what they found when they made it is in config.json.
"""

from __future__ import annotations

__all__ = ("Machine", "machine_names", "parse_machine", "read_machine")

import ipaddress
import json
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

from .._pki.chain import try_chain
from .endpoint import BundleFiles, ForeignEndpoint, parse_url

#: Where dockerd listens unless the driver says otherwise (libmachine/engine, DefaultPort).
_PORT = 2376
#: The driver's fields that do: of generic, and of azure.
_PORT_FIELDS = ("EnginePort", "DockerPort")
#: The newest that there is (libmachine/version); those before 2 have another form.
_VERSIONS = (2, 3)


@dataclass(frozen=True)
class Machine:
    """What config.json says. The paths are those on the machine that docker-machine ran on."""

    url: str
    files: BundleFiles
    server: Path


def machine_names(folder: Path) -> list[str]:
    """Return the names as docker-machine does. Failure: C(machines_missing)."""
    try:
        return sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    except OSError as exc:
        raise Failure(
            "machines_missing",
            thing=str(folder),
            reason=f"it can't be read ({exc.strerror})",
            cure="Give docker-machine's folder of machines, by default ~/.docker/machine/machines",
        ) from exc


def read_machine(folder: Path) -> ForeignEndpoint:
    """Return the endpoint of the machine that has this folder. Failures: C(machine_unreadable), C(invalid_url)."""
    path = folder / "config.json"
    try:
        machine = parse_machine(path.read_bytes())
        own = BundleFiles.in_folder(folder)
        files = own if all(file.is_file() for file in own) else machine.files
        server = try_chain(machine.server.read_bytes()) if machine.server.is_file() else ()
    except (OSError, ValueError) as exc:
        raise Failure(
            "machine_unreadable",
            thing=str(path),
            reason=exc.strerror or "it can't be read" if isinstance(exc, OSError) else str(exc),
            cure="Record the endpoint by its url and cert_path",
        ) from exc
    return ForeignEndpoint(folder.name, machine.url, files, server)


def parse_machine(content: bytes) -> Machine:
    """Read config.json. Raises ValueError, whose text repeats nothing of it: it may hold a cloud's credentials.

    Failure: C(invalid_url).
    """
    try:
        config = json.loads(content)
    except ValueError:
        raise ValueError("it is not JSON") from None
    if _get(config, "ConfigVersion", int) not in _VERSIONS:
        raise ValueError("its ConfigVersion is neither 2 nor 3 (docker-machine ls converts older ones)")
    driver, options = _get(config, "Driver", dict), _get(config, "HostOptions", dict)
    auth = _get(options, "AuthOptions", dict)
    paths = [Path(_get(auth, name, str)) for name in ("CaCertPath", "ClientCertPath", "ClientKeyPath")]
    return Machine(_url(driver), BundleFiles(*paths), Path(_get(auth, "ServerCertPath", str)))


def _url(driver: t.Mapping[str, t.Any]) -> str:
    if driver.get("URL"):
        # The driver none.
        return parse_url(_get(driver, "URL", str))
    address = driver.get("IPAddress")
    if not address or not isinstance(address, str):
        raise ValueError("it has no address: the machine was stopped, or its driver asks for it each time")
    port = next((driver[field] for field in _PORT_FIELDS if driver.get(field)), _PORT)
    return parse_url(f"tcp://[{address}]:{port}" if _is_ipv6(address) else f"tcp://{address}:{port}")


def _is_ipv6(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).version == 6
    except ValueError:
        return False


_Kind = t.TypeVar("_Kind")


def _get(mapping: t.Any, name: str, kind: type[_Kind]) -> _Kind:
    value = mapping.get(name) if isinstance(mapping, dict) else None
    if not isinstance(value, kind):
        raise ValueError(f"it has no {name}, or one of another type")
    return value
