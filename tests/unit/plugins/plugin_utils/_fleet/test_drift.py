# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Drift on the controller is reported with its reason and corrected without a new certificate, once."""

from __future__ import annotations

import datetime
import stat
import typing as t
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.ensure import ensure_bundles
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.fleet import Fleet, Settings
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.revocation import revoke
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.chain import as_pem
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.profile import Signer

MakeSigner = t.Callable[..., Signer]
Harm = t.Callable[[Path], object]


def _run(fleets_dir: Path, *, check_mode: bool = False, **settings: t.Any) -> dict[str, t.Any]:
    fleet = Fleet(str(fleets_dir), "default", Settings(**settings), check_mode=check_mode)
    return ensure_bundles(fleet, ["ci"], [{"name": "web1", "tls_sans": []}])


def _image(folder: Path) -> dict[str, tuple[int, bytes | None]]:
    return {
        str(path.relative_to(folder)): (
            stat.S_IMODE(path.stat().st_mode),
            path.read_bytes() if path.is_file() else None,
        )
        for path in folder.rglob("*")
    }


@pytest.fixture
def fleets_dir(tmp_path: Path) -> Path:
    _run(tmp_path / "fleets")
    return tmp_path / "fleets"


def _put(name: str, content: bytes) -> Harm:
    return lambda folder: (folder / name).write_bytes(content)


def _chmod(name: str, mode: int) -> Harm:
    return lambda folder: (folder / name).chmod(mode)


def _remove(name: str) -> Harm:
    return lambda folder: (folder / name).unlink()


def _double(folder: Path) -> None:
    (folder / "cert.pem").write_bytes((folder / "cert.pem").read_bytes() * 2)


@pytest.mark.parametrize("member", ["clients/ci", "servers/web1"])
@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (_put("ca.pem", b"garbage"), "ca.pem is not as it was"),
        (_put("ca.pem", b""), "ca.pem is not as it was"),
        (_remove("ca.pem"), "ca.pem is not as it was"),
        (_double, "cert.pem is not as it was"),
        (_chmod("key.pem", 0o644), "key.pem is 0644"),
        (_chmod("key.pem", 0o640), "key.pem is 0640"),
        (_chmod("cert.pem", 0o666), "cert.pem is 0666"),
        (_chmod(".", 0o755), "the folder is 0755"),
    ],
)
def test_a_bundle_is_mended_and_the_reason_told(fleets_dir: Path, member: str, harm: Harm, reason: str) -> None:
    whole = _image(fleets_dir)
    harm(fleets_dir / "default" / member)
    harmed = _image(fleets_dir)
    predicted = _run(fleets_dir, check_mode=True)
    assert _image(fleets_dir) == harmed
    result = _run(fleets_dir)
    for told in (predicted, result):
        assert [i["reason"] for i in told["identities"] if i["changed"]] == [reason]
        assert f"corrected because: {reason}\n" in told["diff"][0]["after"]
    assert predicted["diff"] == result["diff"]
    assert _image(fleets_dir) == whole
    assert _run(fleets_dir)["changed"] is False


def test_a_ca_file_of_another_authority_is_put_right(fleets_dir: Path, make_signer: MakeSigner) -> None:
    stranger = as_pem([make_signer().certificate])
    (fleets_dir / "default/clients/ci/ca.pem").write_bytes(stranger)
    assert _run(fleets_dir)["changed"] is True
    assert (fleets_dir / "default/clients/ci/ca.pem").read_bytes() == (
        fleets_dir / "default/authority/ca.pem"
    ).read_bytes()


def test_several_things_at_once_are_all_told(fleets_dir: Path) -> None:
    folder = fleets_dir / "default/clients/ci"
    (folder / "ca.pem").unlink()
    (folder / "key.pem").chmod(0o644)
    (identity, _server) = _run(fleets_dir)["identities"]
    assert identity["reason"] == "ca.pem is not as it was; key.pem is 0644"
    assert _run(fleets_dir)["changed"] is False


@pytest.mark.parametrize("change", [lambda pem: pem.replace(b"\n", b"\r\n"), lambda pem: b"a comment\n" + pem + b"\n"])
def test_the_same_certificates_in_other_words_are_no_drift(
    fleets_dir: Path, change: t.Callable[[bytes], bytes]
) -> None:
    for name in ("ca.pem", "cert.pem"):
        path = fleets_dir / "default/clients/ci" / name
        path.write_bytes(change(path.read_bytes()))
    assert _run(fleets_dir)["changed"] is False


def test_a_folder_that_is_closed_even_more_is_its_owners_wish(fleets_dir: Path) -> None:
    (fleets_dir / "default/clients/ci").chmod(0o500)
    assert _run(fleets_dir)["changed"] is False
    (fleets_dir / "default/clients/ci").chmod(0o700)


@pytest.mark.parametrize("name", ["ca-key.pem", "issuer-key.pem"])
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o400])
def test_the_authoritys_keys_are_put_right_once(fleets_dir: Path, name: str, mode: int) -> None:
    revoke(Fleet(str(fleets_dir), "default"), ["ci"])
    for path in (fleets_dir / "default/revoked/ci").iterdir():
        path.unlink()
    (fleets_dir / "default/revoked/ci").rmdir()
    _run(fleets_dir)
    key = fleets_dir / "default/authority" / name
    key.chmod(mode)
    predicted = _run(fleets_dir, check_mode=True)["authority"]
    assert stat.S_IMODE(key.stat().st_mode) == mode
    result = _run(fleets_dir)["authority"]
    assert predicted == result
    assert (result["changed"], result["reason"]) == (True, f"{name} is {mode:04o}")
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert _run(fleets_dir)["changed"] is False


def test_the_authoritys_folder_is_closed_again(fleets_dir: Path) -> None:
    (fleets_dir / "default/authority").chmod(0o755)
    assert _run(fleets_dir)["authority"]["reason"] == "the folder is 0755"
    assert stat.S_IMODE((fleets_dir / "default/authority").stat().st_mode) == 0o700
    assert _run(fleets_dir)["changed"] is False


def test_another_key_type_for_the_authority_is_for_a_rotation(fleets_dir: Path) -> None:
    result = _run(fleets_dir, authority_key_type="ed25519")
    assert result["changed"] is False
    (warning,) = result["warnings"]
    assert "has a key of type ecdsa_p256, not ed25519" in warning
    assert "gangway.docker.rotate_authority" in warning


@pytest.mark.parametrize(("days", "warned"), [(364, True), (366, False)])
def test_an_authority_that_ends_before_what_it_signs_is_told(tmp_path: Path, days: int, warned: bool) -> None:
    _run(tmp_path, authority_validity=datetime.timedelta(days=days))
    warnings = _run(tmp_path, authority_validity=datetime.timedelta(days=days))["warnings"]
    assert ["expires in" in warning and "rotate_authority" in warning for warning in warnings] == [True] * warned
