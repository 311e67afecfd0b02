# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The clients' certificates that were issued: noted before they are handed out, read back until they end."""

from __future__ import annotations

import datetime
import stat
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared.dependency import serialization, x509
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.module_utils._shared.key_types import generate_key
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet import fleet as fleet_module
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.ensure import ensure_bundles
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.fleet import Fleet
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.on_disk.issued import (
    forget,
    issued_to,
    note_issued,
    read_issued,
)
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.profile import (
    Signer,
    client_certificate,
    server_certificate,
    signing_request,
)

NOW = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
DAY = datetime.timedelta(days=1)


def _client(signer: Signer, name: str, days: float = 90) -> x509.Certificate:
    key = generate_key("ecdsa_p256").public_key()
    return client_certificate(key, common_name=name, signer=signer, validity=days * DAY, now=NOW)


def test_what_is_noted_is_read_back_until_it_ends(tmp_path: Path, signer: Signer) -> None:
    folder = tmp_path / "issued"
    assert read_issued(folder, NOW) == []
    noted = [_client(signer, "ci"), _client(signer, "ci", 1), _client(signer, "alice@example.com")]
    note_issued(folder, noted[:1])
    note_issued(folder, noted[1:])
    assert sorted(map(issued_to, read_issued(folder, NOW))) == ["alice@example.com", "ci", "ci"]
    assert set(read_issued(folder, NOW)) == set(noted)
    assert set(read_issued(folder, NOW + DAY)) == {noted[0], noted[2]}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_half_a_file_is_one_that_was_never_handed_out(tmp_path: Path, signer: Signer) -> None:
    folder, noted = tmp_path / "issued", _client(signer, "ci")
    note_issued(folder, [noted])
    pem = noted.public_bytes(serialization.Encoding.PEM)
    for number, content in enumerate((b"", pem[:100], b"garbage")):
        (folder / f"{number:040x}.pem").write_bytes(content)
    assert read_issued(folder, NOW) == [noted]


def test_what_is_forgotten_is_gone_and_nothing_else(tmp_path: Path, signer: Signer) -> None:
    noted = [_client(signer, name) for name in ("ci", "alice")]
    note_issued(tmp_path, noted)
    forget(tmp_path, noted[:1])
    forget(tmp_path, noted[:1])
    assert read_issued(tmp_path, NOW) == noted[1:]


def test_who_has_no_name_is_nobody(signer: Signer) -> None:
    key = generate_key("ecdsa_p256").public_key()
    names = [".".join(["a" * 40] * 2)]
    assert issued_to(server_certificate(key, names=names, signer=signer, validity=DAY, now=NOW)) == ""


def test_every_client_is_noted_and_no_server(tmp_path: Path) -> None:
    fleet = Fleet(str(tmp_path), "default")
    ensure_bundles(fleet, ["ci"], [{"name": "web1", "tls_sans": []}])
    request = signing_request(generate_key("ecdsa_p256"), common_name="whatever")
    chain = fleet.sign_client_csr(request.public_bytes(serialization.Encoding.PEM), "far")
    noted = read_issued(fleet.issued_folder, NOW)
    assert sorted(map(issued_to, noted)) == ["ci", "far"]
    assert chain[0] in noted


def test_what_cannot_be_noted_is_not_handed_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A certificate that nobody knows of could not be kept when another is revoked."""
    fleet = Fleet(str(tmp_path), "default")
    ensure_bundles(fleet, [], [])

    def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(fleet_module, "note_issued", full)
    with pytest.raises(Failure, match="No space left"):
        ensure_bundles(fleet, ["ci"], [])
    assert not (tmp_path / "default/clients/ci").exists()
