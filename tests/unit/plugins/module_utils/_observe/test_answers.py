# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a client without a certificate gets, and that nobody waits for a dockerd that hangs."""

from __future__ import annotations

import errno
import ssl
import time
import typing as t

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._observe import answers as answers_module
from ansible_collections.gangway.docker.plugins.module_utils._observe.answers import answers, ask_ports
from ansible_collections.gangway.docker.plugins.module_utils._observe.side_by_side import Questions

PLACE = ("10.0.0.5", 2376)
ALERT = ssl.SSLError(1, "[SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED] tlsv13 alert certificate required")
ALERT.reason = "TLSV13_ALERT_CERTIFICATE_REQUIRED"
NO_TLS = ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number")
NO_TLS.reason = "WRONG_VERSION_NUMBER"


def _gives(outcome: t.Any) -> t.Callable[[str, int], t.Any]:
    def ask(_address: str, _port: int) -> t.Any:
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return ask


@pytest.mark.parametrize(
    ("plain", "tls", "seen"),
    [
        (b"", (b"a certificate", b""), ("refused", "refused")),
        (b"", ALERT, ("refused", "refused")),
        (b"", (b"a certificate", b"HTTP/1.0 200 OK"), ("refused", "answered")),
        (b"", (b"a certificate", b"HTTP/1.0 403 Forbidden"), ("refused", "refused")),
        (b"HTTP/1.0 200 OK", NO_TLS, ("answered", "none")),
        (ConnectionResetError(), ConnectionResetError(), ("refused", "none")),
        (ConnectionRefusedError(), ConnectionRefusedError(), ("closed", "closed")),
        (TimeoutError(), TimeoutError(), ("silent", "closed")),
        (OSError(errno.EHOSTUNREACH, "no route"), OSError(), ("closed", "closed")),
    ],
)
def test_outcomes_are_sorted(monkeypatch: pytest.MonkeyPatch, plain: t.Any, tls: t.Any, seen: tuple[str, str]) -> None:
    monkeypatch.setattr(answers_module, "ask_plain", _gives(plain))
    monkeypatch.setattr(answers_module, "ask_tls", _gives(tls))
    questions = Questions(5)
    ask_ports(questions, [PLACE])
    (found,) = answers(questions, [PLACE])
    assert (found["plain"], found["tls"]) == seen
    assert (found["certificate"] is not None) == isinstance(tls, tuple)


def test_the_wildcard_is_asked_by_loopback_of_either_family(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def ask(address: str, _port: int) -> bytes:
        asked.append(address)
        if address == "::1":
            raise OSError(errno.EADDRNOTAVAIL, "no IPv6")
        return b"HTTP/1.0 200 OK"

    monkeypatch.setattr(answers_module, "ask_plain", ask)
    monkeypatch.setattr(answers_module, "ask_tls", _gives(NO_TLS))
    questions = Questions(5)
    ask_ports(questions, [("::", 2375)])
    assert answers(questions, [("::", 2375)])[0]["plain"] == "answered"
    assert asked == ["::1", "127.0.0.1"]


def test_nobody_waits_for_what_hangs() -> None:
    began = time.monotonic()
    questions = Questions(0.1)
    for number in range(5):
        questions.ask(number, time.sleep, 2)
    questions.ask("quick", lambda: "done")
    assert [type(questions.answer(number)) for number in range(5)] == [TimeoutError] * 5
    assert questions.answer("quick") == "done"
    assert time.monotonic() - began < 1
