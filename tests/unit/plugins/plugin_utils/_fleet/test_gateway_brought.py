# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HAProxy with a CA of the user's own: what OpenSSL accepts lists of, and what is refused."""

from __future__ import annotations

import datetime
import typing as t
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared.dependency import hashes, x509, x509_oid
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.module_utils._shared.key_types import generate_key, private_key_pem
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.gateway_trust import client_authorities
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.revocation import revoke
from ansible_collections.gangway.docker.plugins.plugin_utils._pki import clock
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.chain import as_pem
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.extensions import key_usage

from .test_gateway_trust import NEEDS_OPENSSL, LetsIn, Site

pytestmark = NEEDS_OPENSSL

Ca = t.Tuple[x509.Certificate, t.Any]
DAY = datetime.timedelta(days=1)


def _ca(
    name: str, above: Ca | None = None, *, length: int | None = None, crl_sign: bool | None = True, key_id: bool = True
) -> Ca:
    """Return a CA. C(crl_sign) None: without key usage."""
    key, now = generate_key("ecdsa_p256"), clock.now()
    subject = x509.Name([x509.NameAttribute(x509_oid.NameOID.COMMON_NAME, name)])
    issuer, signing_key = (subject, key) if above is None else (above[0].subject, above[1])
    builder = x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - DAY).not_valid_after(now + 900 * DAY)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=length), critical=True)
    if crl_sign is not None:
        builder = builder.add_extension(key_usage(key_cert_sign=True, crl_sign=crl_sign), critical=True)
    if key_id:
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    return builder.sign(signing_key, hashes.SHA256()), key


@pytest.fixture
def make_site(tmp_path: Path, lets_in: LetsIn) -> t.Callable[..., Site]:
    """A fleet whose authority is this CA, with those above it."""

    def make(*chain: Ca) -> Site:
        certificate, key = tmp_path / "ca.pem", tmp_path / "ca.key"
        certificate.write_bytes(as_pem(each for each, _key in chain))
        key.write_bytes(private_key_pem(chain[0][1]))
        brought = {"authority_certificate": str(certificate), "authority_key": str(key)}
        site = Site(tmp_path / "fleets", lets_in, **brought)
        site.make("ci", "bob")
        return site

    return make


@pytest.mark.parametrize("length", [None, 0])
def test_a_root_of_the_users_does_as_well(make_site: t.Callable[..., Site], length: int | None) -> None:
    site = make_site(_ca("company root", length=length))
    site.check(ci=True, bob=True)
    revoke(site.fleet(), ["bob"])
    site.make("late")
    site.check(ci=True, bob=False, late=True)
    revoke(site.fleet(), ["late"])
    site.make("later")
    site.check(ci=True, bob=False, late=False, later=True)


def test_a_root_without_key_usage_may_sign_everything(make_site: t.Callable[..., Site]) -> None:
    site = make_site(_ca("company root", crl_sign=None))
    site.update()
    assert site.verifies((site.folder / "default/clients/ci/cert.pem").read_bytes())


def _refusal(site: Site) -> Failure:
    with pytest.raises(Failure) as caught:
        client_authorities(site.fleet().required_authority())
    return caught.value


def test_a_ca_below_another_is_refused(make_site: t.Callable[..., Site]) -> None:
    root = _ca("company root")
    failure = _refusal(make_site(_ca("docker", root), root))
    assert failure.key == "gateway_authority"
    assert "below another one" in str(failure)


def test_a_root_that_may_sign_no_lists_is_refused(make_site: t.Callable[..., Site]) -> None:
    """OpenSSL takes no list of it, and HAProxy would let nobody in."""
    failure = _refusal(make_site(_ca("company root", crl_sign=False)))
    assert failure.key == "gateway_authority"
    assert "key usage" in str(failure)


def test_a_root_without_a_key_identifier_is_refused(make_site: t.Callable[..., Site]) -> None:
    """After a revocation there are two of its name, and OpenSSL would take the wrong one."""
    failure = _refusal(make_site(_ca("company root", key_id=False)))
    assert failure.key == "gateway_authority"
    assert "subject key identifier" in str(failure)
