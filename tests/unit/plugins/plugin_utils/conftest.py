# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who gets in at a daemon: Go's verification of clients, as far as what we make can meet it."""

from __future__ import annotations

import datetime
import typing as t

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared.dependency import x509, x509_oid
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.chain import is_issued_by, try_chain

#: (what the daemon has in its tlscacert, what the client sends) -> whether it gets in
LetsIn = t.Callable[[bytes, bytes], bool]


@pytest.fixture(scope="session")
def lets_in() -> LetsIn:
    return _lets_in


def _lets_in(trust: bytes, sent: bytes) -> bool:
    """crypto/x509's Certificate.Verify with KeyUsages: ClientAuth, as crypto/tls calls it on a server."""
    anchors, (leaf, *between) = try_chain(trust), try_chain(sent)
    assert anchors
    if not _in_time(leaf):
        return False
    if leaf in anchors:
        return _usage_nests([leaf])
    return any(_usage_nests(chain) for chain in _chains([leaf], anchors, between))


def _chains(
    chain: list[x509.Certificate], anchors: t.Sequence[x509.Certificate], between: t.Sequence[x509.Certificate]
) -> t.Iterator[list[x509.Certificate]]:
    for candidate in anchors:
        if _may_stand_above(candidate, chain):
            yield [*chain, candidate]
    for candidate in between:
        if candidate not in chain and _may_stand_above(candidate, chain):
            yield from _chains([*chain, candidate], anchors, between)


def _may_stand_above(candidate: x509.Certificate, chain: list[x509.Certificate]) -> bool:
    """CheckSignatureFrom and isValid: MaxPathLen counts every CA below, self-issued or not."""
    constraints = candidate.extensions.get_extension_for_class(x509.BasicConstraints).value
    usage = candidate.extensions.get_extension_for_class(x509.KeyUsage).value
    fits = constraints.path_length is None or len(chain) - 1 <= constraints.path_length
    return (
        constraints.ca and usage.key_cert_sign and fits and _in_time(candidate) and is_issued_by(chain[-1], candidate)
    )


def _in_time(certificate: x509.Certificate) -> bool:
    now = datetime.datetime.now(datetime.timezone.utc)
    return certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc


def _usage_nests(chain: t.Sequence[x509.Certificate]) -> bool:
    """checkChainForKeyUsage: a CA without extended key usages allows them all."""
    for certificate in chain:
        try:
            usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        except x509.ExtensionNotFound:
            continue
        if x509_oid.ExtendedKeyUsageOID.CLIENT_AUTH not in usages:
            return False
    return True
