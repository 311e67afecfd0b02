# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names and addresses as they stand in a SAN."""

from __future__ import annotations

import datetime
import ipaddress

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared.dependency import x509
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.module_utils._shared.key_types import generate_key
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.names import (
    is_valid_name,
    names_in,
    parse_name,
    sort_names,
)
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.profile import Signer, server_certificate


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        ("web1", x509.DNSName("web1")),
        ("Web1.Example.COM", x509.DNSName("web1.example.com")),
        ("web_1", x509.DNSName("web_1")),
        ("*.example.com", x509.DNSName("*.example.com")),
        ("xn--bcher-kva.example", x509.DNSName("xn--bcher-kva.example")),
        ("1web", x509.DNSName("1web")),
        ("a" * 63, x509.DNSName("a" * 63)),
        ("10.20.0.5", x509.IPAddress(ipaddress.ip_address("10.20.0.5"))),
        ("2001:DB8::5", x509.IPAddress(ipaddress.ip_address("2001:db8::5"))),
        ("::1", x509.IPAddress(ipaddress.ip_address("::1"))),
    ],
)
def test_names_and_addresses_become_san_entries(text: str, entry: x509.GeneralName) -> None:
    assert is_valid_name(text)
    assert parse_name(text) == entry


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "web1.",
        ".web1",
        "web1..example",
        "-web1",
        "web1-",
        "web 1",
        "web1\n",
        "web1:2376",
        "[::1]",
        "fe80::1%eth0",
        "10.0.0.0/24",
        "bücher.example",
        "a" * 64,
        ".".join(["a" * 63] * 4),
        "*",
        "web.*.example",
        "*.",
        "https://web1",
    ],
)
def test_what_no_san_can_hold_is_refused(text: str) -> None:
    assert not is_valid_name(text)
    with pytest.raises(Failure) as failure:
        parse_name(text)
    assert failure.value.key == "invalid_name"
    assert repr(text) in str(failure.value)


@pytest.mark.parametrize(
    ("names", "ordered"),
    [
        ([], []),
        (["b", "a", "B"], ["a", "b"]),
        (["10.0.0.10", "web1", "10.0.0.9"], ["web1", "10.0.0.9", "10.0.0.10"]),
        (["::1", "10.0.0.1", "2001:DB8:0::1", "2001:db8::1"], ["10.0.0.1", "::1", "2001:db8::1"]),
    ],
)
def test_names_are_put_in_one_order_each_once(names: list[str], ordered: list[str]) -> None:
    assert sort_names(names) == ordered
    assert sort_names(reversed(names)) == ordered


def test_names_are_read_back_from_a_certificate(signer: Signer) -> None:
    certificate = server_certificate(
        generate_key("ecdsa_p256").public_key(),
        names=["::1", "Web1", "10.0.0.1", "*.example.com"],
        signer=signer,
        validity=datetime.timedelta(days=1),
        now=datetime.datetime.now(datetime.timezone.utc),
    )
    assert names_in(certificate) == ["*.example.com", "web1", "10.0.0.1", "::1"]
    assert names_in(signer.certificate) == []
