# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files in words for a diff: certificates by their fingerprints, keys by nothing at all. Pure."""

from __future__ import annotations

__all__ = ("describe",)

import os

from .pem import fingerprint_of


def describe(path: str, content: bytes | None, mode: int) -> str:
    """Return the file's mode and what is in it; content None: nothing is known."""
    return f"mode: {mode:04o}\n{_describe_content(path, content)}"


def _describe_content(path: str, content: bytes | None) -> str:
    name = os.path.basename(path)
    if name.endswith("key.pem") or name.startswith(".pending-") or b"PRIVATE KEY" in (content or b""):
        return "a private key\n"
    if name.endswith(".pem"):
        found = [fingerprint_of(part + _END) for part in (content or b"").split(_END)[:-1]]
        return "".join(f"certificate: {fingerprint}\n" for fingerprint in found) or "certificate: a new one\n"
    text = (content or b"").decode(errors="replace")
    return text if text.endswith("\n") else f"{text}\n"


_END = b"-----END CERTIFICATE-----"
