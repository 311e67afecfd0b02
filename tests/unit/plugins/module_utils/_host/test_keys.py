# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A key and a request made on a host, by whichever means it has."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import typing as t
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._host import keys as keys_module
from ansible_collections.gangway.docker.plugins.module_utils._host.keys import check_means, make_csr, make_key
from ansible_collections.gangway.docker.plugins.module_utils._shared.dependency import x509
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.module_utils._shared.key_types import (
    KEY_TYPES,
    generate_key,
    private_key_pem,
)
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.keys import key_type_of, load_private_key

OPENSSL = shutil.which("openssl")
needs_openssl = pytest.mark.skipif(OPENSSL is None, reason="the openssl command is not there")


def _run(words: t.Sequence[str]) -> tuple[int, str, str]:
    outcome = subprocess.run(words, capture_output=True, text=True, check=False)
    return outcome.returncode, outcome.stdout, outcome.stderr


def _no_command(_words: t.Sequence[str]) -> tuple[int, str, str]:
    raise AssertionError("no command is to be run")


def _check(path: Path, request: str, key_type: str) -> None:
    csr = x509.load_pem_x509_csr(request.encode())
    assert csr.is_signature_valid
    assert key_type_of(csr.public_key()) == key_type
    key = load_private_key(path.read_bytes(), path=str(path))
    assert key.public_key() == csr.public_key()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "PRIVATE" not in request


@needs_openssl
@pytest.mark.parametrize("key_type", [key_type for key_type in KEY_TYPES if key_type != "rsa_4096"])
def test_openssl_makes_key_and_request_of_each_type(tmp_path: Path, key_type: str) -> None:
    path = tmp_path / "key.pem"
    make_key(_run, OPENSSL, key_type, str(path))
    _check(path, make_csr(_run, OPENSSL, str(path)), key_type)


@pytest.mark.parametrize("key_type", ["ecdsa_p256", "ecdsa_p384", "rsa_2048", "ed25519"])
def test_cryptography_makes_them_where_there_is_no_openssl(tmp_path: Path, key_type: str) -> None:
    path = tmp_path / "key.pem"
    make_key(_no_command, None, key_type, str(path))
    _check(path, make_csr(_no_command, None, str(path)), key_type)


@needs_openssl
@pytest.mark.parametrize("key_type", ["ecdsa_p256", "ed25519"])
def test_a_key_that_goes_on_can_be_requested_for_again(tmp_path: Path, key_type: str) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(private_key_pem(generate_key(key_type)))
    path.chmod(0o600)
    for openssl in (OPENSSL, None):
        _check(path, make_csr(_run, openssl, str(path)), key_type)


@pytest.mark.parametrize("openssl", [pytest.param(OPENSSL, marks=needs_openssl), None])
def test_a_key_is_closed_whatever_the_umask_and_whatever_was_there(tmp_path: Path, openssl: str | None) -> None:
    path = tmp_path / "key.pem"
    path.write_text("old and open")
    path.chmod(0o666)
    before = os.umask(0)
    try:
        make_key(_run, openssl, "ecdsa_p256", str(path))
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert b"old and open" not in path.read_bytes()


def test_the_key_is_no_word_of_any_command(tmp_path: Path) -> None:
    seen: list[str] = []

    def run(words: t.Sequence[str]) -> tuple[int, str, str]:
        seen.extend(words)
        return 0, "a request", ""

    path = tmp_path / "key.pem"
    make_key(run, "/usr/bin/openssl", "ecdsa_p256", str(path))
    assert make_csr(run, "/usr/bin/openssl", str(path)) == "a request"
    assert seen.count(str(path)) == 2
    assert not any("PRIVATE" in word for word in seen)


def test_a_host_with_neither_means_is_told_of_both_and_of_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys_module, "HAS_CRYPTOGRAPHY", False)
    path = str(tmp_path / "key.pem")
    for attempt in (
        lambda: check_means(None),
        lambda: make_key(_no_command, None, "ecdsa_p256", path),
        lambda: make_csr(_no_command, None, path),
    ):
        with pytest.raises(Failure) as failure:
            attempt()
        assert failure.value.key == "openssl_missing"
        for word in ("openssl", "python3-cryptography", "key_origin: controller"):
            assert word in str(failure.value)


def test_either_means_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    check_means(None)
    monkeypatch.setattr(keys_module, "HAS_CRYPTOGRAPHY", False)
    check_means("/usr/bin/openssl")


@pytest.mark.parametrize(("stderr", "told"), [("unknown option -pkeyopt\n", "unknown option"), ("", "exit status 1")])
def test_an_openssl_that_fails_is_quoted(tmp_path: Path, stderr: str, told: str) -> None:
    with pytest.raises(Failure) as failure:
        make_key(lambda _words: (1, "", stderr), "/usr/bin/openssl", "ecdsa_p256", str(tmp_path / "key.pem"))
    assert failure.value.key == "openssl_failed"
    assert told in str(failure.value)
