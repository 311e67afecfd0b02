# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An endpoint of a daemon that others expose: its URL, and the bundle that they have given to a client. Pure."""

from __future__ import annotations

__all__ = ("LAYOUT", "BundleFiles", "ForeignEndpoint", "parse_url")

import typing as t
import urllib.parse
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

from .._pki.chain import Chain

#: What Docker's clients look for in DOCKER_CERT_PATH.
LAYOUT = ("ca.pem", "cert.pem", "key.pem")
#: The scheme does not decide about TLS; the bundle does.
_SCHEMES = ("tcp", "https", "http")


class BundleFiles(t.NamedTuple):
    """The files of a client's bundle, wherever they are."""

    ca: Path
    cert: Path
    key: Path

    @classmethod
    def in_folder(cls, folder: Path) -> BundleFiles:
        return cls(*(folder / name for name in LAYOUT))

    @property
    def folder(self) -> Path | None:
        """The folder that can be a DOCKER_CERT_PATH; None: the files are not in one, or have other names there."""
        folder = self.cert.parent
        return folder if self == BundleFiles.in_folder(folder) else None


@dataclass(frozen=True)
class ForeignEndpoint:
    """C(files) None: no TLS. C(server): the server's certificate, if those who expose the daemon have left it here."""

    name: str
    url: str
    files: BundleFiles | None
    server: Chain = ()


def parse_url(text: str) -> str:
    """Return the URL as C(tcp://host:port). Failure: C(invalid_url)."""
    scheme, found, rest = text.partition("://")
    try:
        parts = urllib.parse.urlsplit(f"//{rest if found else text}")
        host, port = parts.hostname, parts.port
    except ValueError as exc:
        raise _invalid(text, str(exc)) from exc
    if found and scheme not in _SCHEMES:
        raise _invalid(text, f"{scheme}:// is not a daemon on TCP")
    if not host or parts.path.strip("/") or parts.query or parts.fragment or parts.username is not None:
        raise _invalid(text, "it is not a host and a port")
    if not port:
        raise _invalid(text, "it has no port, and clients disagree about which one is meant")
    return f"tcp://[{host}]:{port}" if ":" in host else f"tcp://{host}:{port}"


def _invalid(text: str, reason: str) -> Failure:
    return Failure(
        "invalid_url",
        thing=f"url {text!r}",
        reason=reason,
        cure="Write it as in tcp://docker.example.com:2376",
    )
