# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Certificates that the user provides: what a host could use against others is refused."""

from __future__ import annotations

import datetime
import shutil
import typing as t
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared.dependency import hashes, x509, x509_oid
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.module_utils._shared.key_types import generate_key, private_key_pem
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.ensure import ensure_bundles
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.fleet import Fleet, Settings
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.revocation import revoke
from ansible_collections.gangway.docker.plugins.plugin_utils._identity.provided import Provided
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.chain import as_pem
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.keys import load_private_key
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.profile import Signer

OID = x509_oid.ExtendedKeyUsageOID

Provide = t.Callable[..., Provided]


@pytest.fixture
def provide(tmp_path: Path, make_signer: t.Callable[..., Signer]) -> Provide:
    """Files of a company's CA: a certificate with these usages for this key."""
    company = make_signer(common_name="company")

    def make(
        *usages: x509.ObjectIdentifier, ca: bool | None = None, key: t.Any = None, accepted: bool = True
    ) -> Provided:
        key = key or generate_key("ecdsa_p256")
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = x509.CertificateBuilder(
            company.certificate.subject, x509.Name([]), key.public_key(), x509.random_serial_number()
        )
        builder = builder.not_valid_before(now).not_valid_after(now + datetime.timedelta(days=90))
        if usages:
            builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        if ca is not None:
            builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        certificate = builder.sign(t.cast(t.Any, company.key), hashes.SHA256())
        (tmp_path / "cert.pem").write_bytes(as_pem([certificate]))
        (tmp_path / "key.pem").write_bytes(private_key_pem(key))
        accepted_ca = company if accepted else make_signer(common_name="clients")
        (tmp_path / "ca.pem").write_bytes(as_pem([accepted_ca.certificate]))
        return Provided(str(tmp_path / "cert.pem"), str(tmp_path / "key.pem"), str(tmp_path / "ca.pem"))

    return make


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    """A fleet with the clients ci and bob, and an encrypted key of its authority."""
    fleet = Fleet(str(tmp_path / "fleets"), "prod", Settings(passphrase="secret"))
    ensure_bundles(fleet, ["ci", "bob"], [])
    return fleet


def _refusal(provided: Provided, fleets_dir: Path) -> str:
    with pytest.raises(Failure) as failure:
        provided.read(fleets_dir)
    assert failure.value.key == "certificate_unfit"
    return str(failure.value)


@pytest.mark.parametrize(
    ("usages", "options"),
    [
        ([OID.SERVER_AUTH], {}),
        ([OID.SERVER_AUTH], {"ca": False}),
        ([OID.SERVER_AUTH, OID.CLIENT_AUTH], {"accepted": False}),
        ([], {"accepted": False}),
    ],
)
def test_a_servers_is_taken(
    provide: Provide, fleet: Fleet, usages: list[x509.ObjectIdentifier], options: dict[str, t.Any]
) -> None:
    assert provide(*usages, **options).read(fleet.folder.parent).key


@pytest.mark.parametrize(
    ("usages", "options", "reason"),
    [
        ([OID.CLIENT_AUTH], {}, "not that of a server"),
        ([OID.CODE_SIGNING], {}, "not that of a server"),
        ([OID.SERVER_AUTH], {"ca": True}, "that of a CA"),
        ([OID.SERVER_AUTH, OID.CLIENT_AUTH], {}, "could log in everywhere"),
        ([], {}, "could log in everywhere"),
    ],
)
def test_any_other_is_refused(
    provide: Provide,
    tmp_path: Path,
    usages: list[x509.ObjectIdentifier],
    options: dict[str, t.Any],
    reason: str,
) -> None:
    assert reason in _refusal(provide(*usages, **options), tmp_path / "fleets")


class TestKeysOfAFleet:
    def test_a_clients_is_refused(self, provide: Provide, fleet: Fleet) -> None:
        key = load_private_key((fleet.client_folder("ci") / "key.pem").read_bytes(), path="")
        assert "client of fleet 'prod'" in _refusal(provide(OID.SERVER_AUTH, key=key), fleet.folder.parent)

    def test_a_revoked_clients_too(self, provide: Provide, fleet: Fleet) -> None:
        key = load_private_key((fleet.client_folder("bob") / "key.pem").read_bytes(), path="")
        revoke(fleet, ["bob"])
        shutil.rmtree(fleet.issued_folder)
        assert "fleet 'prod'" in _refusal(provide(OID.SERVER_AUTH, key=key), fleet.folder.parent)

    def test_one_whose_certificate_is_gone_too(self, provide: Provide, fleet: Fleet) -> None:
        key = load_private_key((fleet.client_folder("ci") / "key.pem").read_bytes(), path="")
        (fleet.client_folder("ci") / "cert.pem").unlink()
        shutil.rmtree(fleet.issued_folder)
        assert "fleet 'prod'" in _refusal(provide(OID.SERVER_AUTH, key=key), fleet.folder.parent)

    def test_the_authoritys_is_refused_though_it_is_encrypted(self, provide: Provide, fleet: Fleet) -> None:
        pem = (fleet.authority_folder / "ca-key.pem").read_bytes()
        assert b"ENCRYPTED" in pem
        key = load_private_key(pem, path="", passphrase="secret")
        assert "fleet 'prod'" in _refusal(provide(OID.SERVER_AUTH, key=key), fleet.folder.parent)
