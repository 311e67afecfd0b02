# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""dockerd's flags for the port, and TLS in the same words."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.gangway.docker.plugins.plugin_utils._plan.host.observed import Observed
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.listener.addresses import parse_listen
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.listener.listener import Listener
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.methods.flags import listener_flags

Host = t.Callable[[str], Observed]
MakeListener = t.Callable[..., Listener]

TLS = (
    "--tlsverify --tlscacert=/etc/docker/gangway/ca.pem --tlscert=/etc/docker/gangway/cert.pem "
    "--tlskey=/etc/docker/gangway/key.pem"
)


@pytest.mark.parametrize(
    ("listen", "words"),
    [
        (["10.20.0.5"], "-H tcp://10.20.0.5:2376"),
        (["[2001:db8::5]:2377"], "-H tcp://[2001:db8::5]:2377"),
        # Without an address it would be localhost only.
        (["any"], "-H tcp://[::]:2376"),
        (["0.0.0.0"], "-H tcp://0.0.0.0:2376"),
        (["10.20.0.5", "10.30.0.5:2377"], "-H tcp://10.20.0.5:2376 -H tcp://10.30.0.5:2377"),
    ],
)
@pytest.mark.parametrize(("tls", "behind"), [(True, TLS), (False, "--tls=false")])
def test_the_port_and_tls_are_told_in_the_same_words(
    host: Host, make_listener: MakeListener, listen: list[str], words: str, tls: bool, behind: str
) -> None:
    asked = dataclasses.replace(make_listener(tls=tls), listen=[parse_listen(text) for text in listen])
    assert listener_flags(host("debian"), asked) == f"{words} {behind}"


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("docker-ce", ""),
        ("fedora", ""),
        ("own socket", ""),
        ("opensuse", "-H unix:///var/run/docker.sock "),
        ("sysvinit", "-H unix:///var/run/docker.sock "),
    ],
)
def test_the_default_socket_is_named_where_nothing_names_a_host(
    host: Host, make_listener: MakeListener, name: str, own: str
) -> None:
    words = "-H tcp://10.20.0.5:2376 -H tcp://[::]:2377"
    assert listener_flags(host(name), make_listener()) == f"{own}{words} {TLS}"
