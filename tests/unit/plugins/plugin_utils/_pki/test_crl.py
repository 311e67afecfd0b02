# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Revocation lists: RFC 5280, 5."""

from __future__ import annotations

import datetime
import typing as t

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared.dependency import x509
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.crl import revocation_list
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.extensions import subject_key_id_of
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.profile import BACKDATE, Signer

NOW = datetime.datetime(2026, 11, 22, 7, 0, tzinfo=datetime.timezone.utc)
DAY = datetime.timedelta(days=1)


@pytest.mark.parametrize("key_type", ["ecdsa_p256", "rsa_2048", "ed25519"])
def test_a_list_is_its_signers_and_has_each_certificate_once(
    make_signer: t.Callable[..., Signer], key_type: str
) -> None:
    signer = make_signer(key_type=key_type, now=NOW)
    found = revocation_list([30, 7, 30], signer=signer, validity=DAY, now=NOW)
    assert found.issuer == signer.certificate.subject
    assert found.is_signature_valid(signer.certificate.public_key())  # type: ignore[arg-type]
    assert [each.serial_number for each in found] == [7, 30]
    key_id = found.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    subject = subject_key_id_of(signer.certificate)
    assert subject is not None
    assert key_id == subject.digest
    assert not [extension for extension in found.extensions if extension.critical]


def test_its_number_grows_with_time(make_signer: t.Callable[..., Signer]) -> None:
    signer = make_signer(now=NOW)
    lists = [revocation_list([], signer=signer, validity=DAY, now=NOW + step * DAY) for step in range(3)]
    numbers = [each.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number for each in lists]
    assert numbers == sorted(set(numbers))


def test_it_holds_for_clocks_that_are_behind_and_never_longer_than_its_signer(
    make_signer: t.Callable[..., Signer],
) -> None:
    signer = make_signer(now=NOW, days=30)
    short, long = (revocation_list([], signer=signer, validity=days * DAY, now=NOW) for days in (7, 400))
    assert short.last_update_utc == NOW - BACKDATE
    assert short.next_update_utc == NOW + 7 * DAY
    assert long.next_update_utc == signer.certificate.not_valid_after_utc
