# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files that the guard looks after."""

from __future__ import annotations

import datetime
import hashlib
import typing as t
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._guard.listener import CA_DIGEST, GATE, Gate
from ansible_collections.gangway.docker.plugins.module_utils._shared.dependency import serialization
from ansible_collections.gangway.docker.plugins.module_utils._shared.key_types import generate_key, private_key_pem
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.profile import Signer, server_certificate


@pytest.fixture
def pem_files(signer: Signer) -> dict[str, bytes]:
    """A server's bundle, by the names of its files."""
    key = generate_key("ecdsa_p256")
    certificate = server_certificate(
        key.public_key(),
        names=["web1"],
        signer=signer,
        validity=datetime.timedelta(days=2),
        now=datetime.datetime.now(datetime.timezone.utc),
    )
    pem = serialization.Encoding.PEM
    return {
        "ca.pem": signer.certificate.public_bytes(pem),
        "cert.pem": certificate.public_bytes(pem),
        "key.pem": private_key_pem(key),
    }


@pytest.fixture
def keep_listener(monkeypatch: pytest.MonkeyPatch) -> t.Callable[..., None]:
    """Write what the host keeps of a listener into a folder, and go there, as the guard does."""

    def keep(folder: Path, tls: t.Mapping[str, t.Any], ca: bytes, **others: t.Any) -> None:
        known = {"kind": "nftables", "listen": (("10.20.0.5", 2376),), "own": ("10.20.0.5/32",), "allow": ()}
        gate = Gate(**{**known, "tls": {key: tls[key] for key in tls if key.startswith("tls")}, **others})
        (folder / GATE).write_text(gate.text())
        (folder / CA_DIGEST).write_text(f"{hashlib.sha256(ca).hexdigest()}\n")
        monkeypatch.chdir(folder)

    return keep
