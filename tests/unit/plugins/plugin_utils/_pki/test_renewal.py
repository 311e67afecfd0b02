# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a certificate is renewed, in days or as a share of its life, and when people hear of its end."""

from __future__ import annotations

import datetime
import typing as t

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared.dependency import x509
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.module_utils._shared.key_types import generate_key
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.ensure import ensure_bundles
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.fleet import Fleet
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.settings import Settings
from ansible_collections.gangway.docker.plugins.plugin_utils._pki import clock
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.profile import BACKDATE, Signer, client_certificate
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.renewal import (
    A_THIRD_LEFT,
    RenewBefore,
    describe_expiry,
    expires_soon,
)

NOW = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
DAY, HOUR, SECOND = datetime.timedelta(days=1), datetime.timedelta(hours=1), datetime.timedelta(seconds=1)


def _certificate(signer: Signer, days: float = 90) -> x509.Certificate:
    key = generate_key("ecdsa_p256").public_key()
    return client_certificate(key, common_name="ci", signer=signer, validity=days * DAY, now=NOW)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30", RenewBefore(days=30)),
        ("30d", RenewBefore(days=30)),
        (" 30 d ", RenewBefore(days=30)),
        ("1d", RenewBefore(days=1)),
        ("36500", RenewBefore(days=36500)),
        ("25%", RenewBefore(share=0.25)),
        ("25 %", RenewBefore(share=0.25)),
        ("1%", RenewBefore(share=0.01)),
        ("99%", RenewBefore(share=0.99)),
        ("", A_THIRD_LEFT),
        (None, A_THIRD_LEFT),
    ],
)
def test_a_margin_is_days_or_a_share(text: str | None, expected: RenewBefore) -> None:
    assert RenewBefore.parse(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "0",
        "0d",
        "-1",
        "-1d",
        "0%",
        "100%",
        "150%",
        "1.5",
        "12h",
        "2w",
        "a month",
        "%",
        "d",
        "30dd",
        "30%d",
        "36501",
        "9" * 40,
    ],
)
def test_what_is_neither_is_refused_with_what_was_written(text: str) -> None:
    with pytest.raises(Failure) as failure:
        RenewBefore.parse(text)
    assert failure.value.key == "invalid_renew_before"
    assert repr(text) in str(failure.value)


@pytest.mark.parametrize(
    ("margin", "left"),
    [
        (RenewBefore(days=30), 30 * DAY),
        (RenewBefore(share=0.25), (90 * DAY + BACKDATE) / 4),
        (A_THIRD_LEFT, (90 * DAY + BACKDATE) / 3),
    ],
)
def test_it_is_due_with_so_much_left_and_not_before(
    signer: Signer, margin: RenewBefore, left: datetime.timedelta
) -> None:
    certificate = _certificate(signer)
    moment = certificate.not_valid_after_utc - left
    assert not margin.is_due(certificate, NOW)
    assert not margin.is_due(certificate, moment)
    assert margin.is_due(certificate, moment + SECOND)
    assert margin.is_due(certificate, certificate.not_valid_after_utc + DAY)
    assert margin.is_due(certificate, NOW - DAY), "its time has not come: the clock was wrong when it was made"


@pytest.mark.parametrize(
    ("days", "validity", "fits"), [(30, 365, True), (364, 365, True), (365, 365, False), (400, 365, False)]
)
def test_days_that_every_new_certificate_would_fall_under_are_refused(days: int, validity: int, fits: bool) -> None:
    if fits:
        assert Settings.of({"renew_before": str(days), "validity": validity}).renew_before.days == days
        return
    with pytest.raises(Failure) as failure:
        Settings.of({"renew_before": str(days), "validity": validity})
    assert failure.value.key == "invalid_renew_before"
    assert Settings.of({"renew_before": str(days), "validity": validity, "sign_command": "x"}), "there, the CA decides"


@pytest.mark.parametrize("name", ["validity", "authority_validity"])
@pytest.mark.parametrize("days", [0, -1, 36501])
def test_a_life_that_is_none_is_refused(name: str, days: int) -> None:
    with pytest.raises(Failure) as failure:
        Settings.of({name: days})
    assert failure.value.key == "invalid_validity"


def _run(home: str, **settings: t.Any) -> list[str]:
    result = ensure_bundles(Fleet(home, "default", Settings(**settings)), ["ci"], [{"name": "web1", "names": []}])
    return [identity["reason"] for identity in result["identities"]]


@pytest.mark.parametrize(
    ("margin", "days", "reason"),
    [
        (RenewBefore(days=30), 334.5, ""),
        (RenewBefore(days=30), 335.5, "expires in 29 d"),
        (RenewBefore(share=0.5), 182.0, ""),
        (RenewBefore(share=0.5), 183.0, "expires in 182 d"),
        (A_THIRD_LEFT, 300.0, "expires in 65 d"),
    ],
)
def test_identities_are_renewed_by_it_once(
    tmp_path: t.Any, monkeypatch: pytest.MonkeyPatch, margin: RenewBefore, days: float, reason: str
) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    _run(str(tmp_path))
    monkeypatch.setattr(clock, "now", lambda: NOW + days * DAY)
    assert _run(str(tmp_path), renew_before=margin) == [reason] * 2
    assert _run(str(tmp_path), renew_before=margin) == [""] * 2


def test_nothing_is_renewed_that_would_gain_nothing(tmp_path: t.Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them end with the authority: a new one would end no later, and each run would make another."""
    short = {"authority_validity": 100, "renew_before": RenewBefore(days=60)}
    _run(str(tmp_path), **short)
    monkeypatch.setattr(clock, "now", lambda: NOW + 50 * DAY)
    assert _run(str(tmp_path), **short) == [""] * 2
    monkeypatch.setattr(clock, "now", lambda: NOW - DAY)
    assert _run(str(tmp_path), **short)[0].startswith("not valid before")


@pytest.mark.parametrize(
    ("days", "left", "soon"),
    [(365, 31 * DAY, False), (365, 29 * DAY, True), (30, 11 * DAY, False), (30, 9 * DAY, True), (365, -DAY, True)],
)
def test_people_hear_of_the_end_in_time(signer: Signer, days: float, left: datetime.timedelta, soon: bool) -> None:
    certificate = _certificate(signer, days)
    assert expires_soon(certificate, certificate.not_valid_after_utc - left) is soon


@pytest.mark.parametrize(
    ("left", "told"),
    [
        (12.5 * DAY, "expires in 12 d"),
        (DAY, "expires in 1 d"),
        (23.5 * HOUR, "expires in 23 h"),
        (SECOND, "expires in 0 h"),
        (0 * SECOND, "expired on {end:%Y-%m-%d}"),
        (-3 * DAY, "expired on {end:%Y-%m-%d}"),
        (100 * DAY, "not valid before {begin:%Y-%m-%d %H:%M} UTC"),
    ],
)
def test_an_end_is_told_in_words(signer: Signer, left: datetime.timedelta, told: str) -> None:
    certificate = _certificate(signer)
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    assert describe_expiry(certificate, end - left) == told.format(begin=begin, end=end)
