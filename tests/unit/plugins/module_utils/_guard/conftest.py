# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files that the guard looks after."""

from __future__ import annotations

import datetime

import pytest

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
