# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all unit tests stand on: the collection importable as Ansible imports it, and an authority to sign with."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t
from pathlib import Path

import pytest
from ansible.plugins.loader import init_plugin_loader
from ansible.utils.collection_loader import AnsibleCollectionConfig

# ansible-test brings its own finder; plain pytest has none yet. It has to be there before anything of ours is imported.
if AnsibleCollectionConfig.collection_finder is None:
    init_plugin_loader([str(Path(__file__).parents[2] / ".cache" / "collections")])

from ansible_collections.gangway.docker.plugins.module_utils._shared.key_types import generate_key
from ansible_collections.gangway.docker.plugins.plugin_utils._endpoint.record import EndpointRecord
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.profile import Signer, authority_certificate

MakeSigner = t.Callable[..., Signer]
MakeRecord = t.Callable[..., EndpointRecord]


def pytest_configure(config: pytest.Config) -> None:
    """pytest-socket has this marker; where that is not installed, the network is not off, and it means nothing."""
    config.addinivalue_line("markers", "allow_hosts(hosts): hosts that the test may connect to")


@pytest.fixture(autouse=True)
def docker_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The docker command's folder; no test comes near the one of whoever runs it."""
    folder = tmp_path / "docker-config"
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))
    return folder


@pytest.fixture(scope="session")
def make_signer() -> MakeSigner:
    """A new authority on each call."""

    def make(
        *,
        key_type: str = "ecdsa_p256",
        days: float = 3650,
        now: datetime.datetime | None = None,
        common_name: str = "test authority",
    ) -> Signer:
        key = generate_key(key_type)
        certificate = authority_certificate(
            key,
            common_name=common_name,
            validity=datetime.timedelta(days=days),
            now=now or datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0),
        )
        return Signer(certificate, key)

    return make


@pytest.fixture(scope="session")
def signer(make_signer: MakeSigner) -> Signer:
    """One authority for tests that only need any."""
    return make_signer()


@pytest.fixture(scope="session")
def make_record() -> MakeRecord:
    """The endpoint record of one host, with what the test cares for in it."""

    def make(**changes: t.Any) -> EndpointRecord:
        record = EndpointRecord(
            name="web1",
            url="tcp://10.0.0.5:2376",
            fleet="default",
            client="ci",
            server_names=["web1", "10.0.0.5"],
            not_after="2027-11-20T22:00:00Z",
            fingerprint="ab" * 32,
            certificate="-----BEGIN CERTIFICATE-----\n",
            listen=["10.0.0.5:2376"],
            allow=["10.0.0.0/24"],
            method="socket",
            key_origin="host",
            engine_version="28.5.2",
            verified=True,
            issuer="cd" * 32,
            trust="ef" * 32,
            refused=[],
        )
        return dataclasses.replace(record, **changes)

    return make


@pytest.fixture(scope="session")
def record(make_record: MakeRecord) -> EndpointRecord:
    """One endpoint record for tests that only need any."""
    return make_record()
