# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one place that imports cryptography, so that a host without it can still import everything else."""

from __future__ import annotations

__all__ = ("ec", "ed25519", "hashes", "require_cryptography", "rsa", "serialization", "x509", "x509_oid")

import sys
import typing as t

from .failure import Failure

try:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
    from cryptography.x509 import oid as x509_oid
except ImportError:
    HAS_CRYPTOGRAPHY = False
    if not t.TYPE_CHECKING:
        ec = ed25519 = hashes = rsa = serialization = x509 = x509_oid = None
else:
    HAS_CRYPTOGRAPHY = True


def require_cryptography() -> None:
    """Raise M(Failure) where the Python package cryptography is missing."""
    if not HAS_CRYPTOGRAPHY:
        raise Failure(
            "cryptography_missing",
            thing="Python package cryptography",
            reason=f"it is not installed for {sys.executable}",
            cure="Install it there, for example with 'python3 -m pip install cryptography'",
        )
