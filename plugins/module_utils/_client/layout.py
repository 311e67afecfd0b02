# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Paths on a client's machine. Pure."""

from __future__ import annotations

__all__ = ("Layout",)

import os
import urllib.parse
from dataclasses import dataclass

from .._context.store import ContextFolder

#: Begins the name of a key that waits for its certificate.
_PENDING = ".pending-"


@dataclass(frozen=True)
class Layout:
    """C(folder) is the bundle's (DOCKER_CERT_PATH), C(config) the docker CLI's own (DOCKER_CONFIG)."""

    folder: str
    config: str

    @property
    def ca(self) -> str:
        return f"{self.folder}/ca.pem"

    @property
    def certificate(self) -> str:
        return f"{self.folder}/cert.pem"

    @property
    def key(self) -> str:
        return f"{self.folder}/key.pem"

    @property
    def bundle(self) -> tuple[str, str, str]:
        return (self.ca, self.certificate, self.key)

    @property
    def state(self) -> str:
        """Our own folder. On a controller, the fleets' folder may be the same; no name in it is a fleet's."""
        return f"{self.folder}/gangway"

    @property
    def manifest(self) -> str:
        return f"{self.state}/.client-bundle.json"

    @property
    def config_json(self) -> str:
        return self.context_folder.config_json

    @property
    def context_folder(self) -> ContextFolder:
        return ContextFolder(self.config)

    def env_file(self, endpoint: str) -> str:
        """Return the endpoint's env file; what a file name can't hold is written as in URLs."""
        return f"{self.state}/{urllib.parse.quote(endpoint, safe='')}.env"

    def pending(self, name: str) -> str:
        return f"{self.state}/{_PENDING}{name}.pem"

    def is_pending(self, path: str) -> bool:
        return os.path.dirname(path) == self.state and os.path.basename(path).startswith(_PENDING)

    def context_meta(self, context: str) -> str:
        return self.context_folder.meta(context)

    def context_tls(self, context: str) -> str:
        return self.context_folder.tls(context)

    def is_context(self, path: str) -> bool:
        return path.startswith(f"{self.config}/contexts/")

    def is_inside(self, folder: str) -> bool:
        """Tell whether a folder is one of those that hold what is ours, and not above them."""
        return any(f"{folder}/".startswith(f"{top}/") for top in (self.folder, self.config))
