# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a fleet keeps what: the one place for its folders."""

from __future__ import annotations

__all__ = ("Folders",)

from pathlib import Path

from ..._pki.names import check_name


class Folders:
    """The folders of one fleet."""

    def __init__(self, fleets_dir: str, name: str) -> None:
        """Failure: C(invalid_name)."""
        check_name("fleet", name)
        self.folder = Path(fleets_dir).expanduser() / name
        self.name = name

    @property
    def authority_folder(self) -> Path:
        return self.folder / "authority"

    @property
    def endpoints_folder(self) -> Path:
        return self.folder / "endpoints"

    @property
    def issued_folder(self) -> Path:
        return self.folder / "issued"

    @property
    def machines_folder(self) -> Path:
        return self.folder / "machines"

    def client_folder(self, name: str) -> Path:
        check_name("client", name)
        return self.folder / "clients" / name

    def server_folder(self, name: str) -> Path:
        check_name("server", name)
        return self.folder / "servers" / name

    def revoked_folder(self, name: str) -> Path:
        check_name("client", name)
        return self.folder / "revoked" / name

    def other_folder(self, name: str) -> Path:
        """Where a copy of the bundle is for a daemon that others expose."""
        check_name("endpoint", name)
        return self.folder / "others" / name
