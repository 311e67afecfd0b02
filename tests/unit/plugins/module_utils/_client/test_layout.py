# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where things lie."""

from __future__ import annotations

import hashlib

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._account.pem import fingerprint_of
from ansible_collections.gangway.docker.plugins.module_utils._client.layout import Layout
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.chain import as_pem
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.freshness import fingerprint
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.profile import Signer

LAYOUT = Layout("/opt/ci", "/home/ci/.docker")


def test_a_context_lies_where_the_cli_looks_for_it() -> None:
    digest = hashlib.sha256(b"web1").hexdigest()
    assert LAYOUT.context_meta("web1") == f"/home/ci/.docker/contexts/meta/{digest}/meta.json"
    assert LAYOUT.context_tls("web1") == f"/home/ci/.docker/contexts/tls/{digest}/docker"


@pytest.mark.parametrize(
    ("endpoint", "file"), [("web1", "web1.env"), ("../web1", "..%2Fweb1.env"), ("web 1", "web%201.env")]
)
def test_an_env_file_is_named_after_its_endpoint_and_stays_in_its_folder(endpoint: str, file: str) -> None:
    assert LAYOUT.env_file(endpoint) == f"/opt/ci/gangway/{file}"


@pytest.mark.parametrize(
    ("folder", "inside"),
    [("/opt/ci", True), ("/opt/ci/gangway", True), ("/home/ci/.docker/contexts", True), ("/opt", False)],
)
def test_what_is_inside_is_told_from_what_is_above(folder: str, inside: bool) -> None:
    assert LAYOUT.is_inside(folder) is inside


def test_a_fingerprint_is_the_same_as_the_controllers(signer: Signer, make_signer: object) -> None:
    pem = as_pem([signer.certificate])
    assert fingerprint_of(pem) == fingerprint(signer.certificate)
    assert fingerprint_of(b"# a comment\r\n" + pem.replace(b"\n", b"\r\n") + pem) == fingerprint(signer.certificate)


@pytest.mark.parametrize("pem", [None, b"", b"-----BEGIN CERTIFICATE-----", b"\xff\xfe", "no certificate"])
def test_where_there_is_no_certificate_there_is_no_fingerprint(pem: bytes | str | None) -> None:
    assert fingerprint_of(pem) is None
