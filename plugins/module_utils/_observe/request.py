# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A key made on the host for its server certificate, and the request for it: the one thing that observing makes."""

from __future__ import annotations

__all__ = ("make_request_for",)

import typing as t

from .._host import keys, pending_keys
from .._host.command import Run
from .._shared import layout


def make_request_for(
    run: Run, openssl: str | None, key: t.Mapping[str, t.Any], names: t.Sequence[str], *, in_place: bool
) -> dict[str, t.Any]:
    """Return the certificate request, and the name of the key if it is a new one. C(in_place): the host has one.

    Failures: C(openssl_missing), C(openssl_failed), C(pending_key_name).
    """
    if in_place and not key.get("new"):
        return {"csr": keys.make_csr(run, openssl, layout.KEY, names), "pending": None}
    keys.check_means(openssl)
    name = str(key["name"])
    path = pending_keys.make(name, lambda path: keys.make_key(run, openssl, str(key["key_type"]), path))
    try:
        return {"csr": keys.make_csr(run, openssl, path, names), "pending": name}
    except BaseException:
        pending_keys.drop(name)
        raise
