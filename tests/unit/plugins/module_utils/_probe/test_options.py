# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which options, and which variables of the environment, make which client."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._probe.options import ENDPOINT_ARGUMENTS, parse_request
from ansible_collections.gangway.docker.plugins.module_utils._probe.tls.contexts import ClientTls
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

_BUNDLE = {"ca": "/b/ca.pem", "certificate": "/b/cert.pem", "key": "/b/key.pem"}


def _options(**given: t.Any) -> dict[str, t.Any]:
    defaults = {name: argument.get("default") for name, argument in ENDPOINT_ARGUMENTS.items()}
    return {**defaults, "docker_host": "web1:2376", **given}


@pytest.mark.parametrize(
    ("options", "environment", "tls"),
    [
        ({}, {}, None),
        ({"cert_path": "/b"}, {}, ClientTls(verify=True, **_BUNDLE)),
        ({"ca_path": "/ca.pem"}, {}, ClientTls(verify=True, ca="/ca.pem")),
        ({"docker_host": "https://web1:2376"}, {}, ClientTls(verify=True)),
        ({"docker_host": "https://web1:2376", "validate_certs": False}, {}, ClientTls(verify=False)),
        ({"validate_certs": True}, {}, ClientTls(verify=True)),
        ({"tls": True}, {}, ClientTls(verify=False)),
        ({"tls": True, "validate_certs": True, "cert_path": "/b"}, {}, ClientTls(verify=True, **_BUNDLE)),
        ({"tls": False, "validate_certs": False}, {"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/b"}, None),
        ({"tls": False, "cert_path": "/b"}, {}, None),
        ({}, {"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/b"}, ClientTls(verify=True, **_BUNDLE)),
        ({}, {"DOCKER_TLS_VERIFY": "0", "DOCKER_CERT_PATH": "/b"}, ClientTls(verify=True, **_BUNDLE)),
        ({}, {"DOCKER_TLS_VERIFY": "", "DOCKER_CERT_PATH": "/b"}, None),
        ({}, {"DOCKER_CERT_PATH": "/b"}, None),
        (
            {"cert_path": "/b", "ca_path": "/other.pem", "tls_hostname": "web9"},
            {"DOCKER_CERT_PATH": "/c"},
            ClientTls(verify=True, **{**_BUNDLE, "ca": "/other.pem"}, name="web9"),
        ),
    ],
)
def test_the_client(options: dict[str, t.Any], environment: dict[str, str], tls: ClientTls | None) -> None:
    assert parse_request(_options(**options), environment).tls == tls


def test_docker_host_may_come_from_the_environment() -> None:
    request = parse_request(_options(docker_host=None), {"DOCKER_HOST": "tcp://web2:9002"})
    assert request.target.url == "tcp://web2:9002"


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"docker_host": None}, "docker_host_missing"),
        ({"docker_host": "http://web1:2375", "cert_path": "/b"}, "invalid_docker_host"),
        ({"timeout": 0.0}, "invalid_timeout"),
        ({"timeout": float("nan")}, "invalid_timeout"),
        ({"wait": -1.0}, "invalid_timeout"),
        ({"client_cert": "/b/cert.pem"}, "incomplete_identity"),
        ({"client_key": "/b/key.pem", "ca_path": "/b/ca.pem"}, "incomplete_identity"),
    ],
)
def test_what_is_refused(options: dict[str, t.Any], key: str) -> None:
    with pytest.raises(Failure) as failure:
        parse_request(_options(**options), {})
    assert failure.value.key == key
