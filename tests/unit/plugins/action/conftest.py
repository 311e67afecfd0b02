# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host below the test's folder for dockerd_listener."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.plugin_utils._endpoint.verification import Verification
from ansible_collections.gangway.docker.plugins.plugin_utils._listener import publication

from .folder_host import FolderHost
from .listener_site import Site


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """The endpoint works, by whichever way it is looked at; what was tried is not."""
    monkeypatch.setattr(publication, "verify_endpoint", lambda *_args: Verification(None))
    monkeypatch.setattr(publication, "probe_endpoint", lambda _connection: None)
    return Site(tmp_path / "fleets", FolderHost(tmp_path / "host"))
