# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a certificate is renewed, by a duration or a share of its life, and when people hear of its end."""

from __future__ import annotations

import datetime
import typing as t
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared.dependency import x509
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.module_utils._shared.key_types import generate_key
from ansible_collections.gangway.docker.plugins.module_utils._shared.options import IDENTITY_ARGUMENTS
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.ensure import AUTHORITY_ARGUMENTS, ensure_bundles
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
    ("value", "expected"),
    [
        ("30d", RenewBefore(duration=30 * DAY)),
        (30, RenewBefore(duration=30 * DAY)),
        ("12h", RenewBefore(duration=12 * HOUR)),
        ("25%", RenewBefore(share=0.25)),
        ("", A_THIRD_LEFT),
        (None, A_THIRD_LEFT),
    ],
)
def test_a_margin_is_a_duration_or_a_share(value: str | int | None, expected: RenewBefore) -> None:
    assert RenewBefore.parse(value) == expected


def test_what_is_neither_is_refused() -> None:
    with pytest.raises(Failure) as failure:
        RenewBefore.parse("soon")
    assert failure.value.key == "invalid_renew_before"


@pytest.mark.parametrize(
    ("margin", "left"),
    [
        (RenewBefore(duration=30 * DAY), 30 * DAY),
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
    ("margin", "validity", "fits"),
    [
        ("30", "365", True),
        ("364d", 365, True),
        ("365d", "365d", False),
        ("400", "365d", False),
        ("11h", "12h", True),
        ("12h", "12h", False),
        ("1d", "12h", False),
        ("99%", "1h", True),
    ],
)
def test_a_margin_that_every_new_certificate_would_fall_under_is_refused(
    margin: str, validity: str | int, fits: bool
) -> None:
    options = {"renew_before": margin, "validity": validity}
    if fits:
        assert Settings.of(options).renew_before == RenewBefore.parse(margin)
        return
    with pytest.raises(Failure) as failure:
        Settings.of(options)
    assert failure.value.key == "invalid_renew_before"
    assert Settings.of({**options, "sign_command": "x"}), "there, the CA decides"


@pytest.mark.parametrize("name", ["validity", "authority_validity"])
def test_a_validity_is_a_duration_and_no_share(name: str) -> None:
    assert getattr(Settings.of({name: "12h"}), name) == 12 * HOUR
    for value in ("0", -1, "25%", "36501"):
        with pytest.raises(Failure) as failure:
            Settings.of({name: value})
        assert failure.value.key == "invalid_validity"
        assert f"{name} {value!r}" in str(failure.value)


def test_the_defaults_are_those_of_the_options() -> None:
    options = {**IDENTITY_ARGUMENTS, **AUTHORITY_ARGUMENTS}
    assert Settings.of({name: option.get("default") for name, option in options.items()}) == Settings()


def test_certificates_may_live_for_hours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    settings = {"validity": 12 * HOUR}
    _run(str(tmp_path), **settings)
    monkeypatch.setattr(clock, "now", lambda: NOW + 7 * HOUR)
    assert _run(str(tmp_path), **settings) == [""] * 2
    monkeypatch.setattr(clock, "now", lambda: NOW + 9 * HOUR)
    assert _run(str(tmp_path), **settings) == ["expires in 3 h"] * 2


def _run(fleets_dir: str, **settings: t.Any) -> list[str]:
    result = ensure_bundles(
        Fleet(fleets_dir, "default", Settings(**settings)), ["ci"], [{"name": "web1", "tls_sans": []}]
    )
    return [identity["reason"] for identity in result["identities"]]


@pytest.mark.parametrize(
    ("margin", "days", "reason"),
    [
        (RenewBefore(duration=30 * DAY), 334.5, ""),
        (RenewBefore(duration=30 * DAY), 335.5, "expires in 29 d"),
        (RenewBefore(share=0.5), 182.0, ""),
        (RenewBefore(share=0.5), 183.0, "expires in 182 d"),
        (A_THIRD_LEFT, 300.0, "expires in 65 d"),
    ],
)
def test_identities_are_renewed_by_it_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, margin: RenewBefore, days: float, reason: str
) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    _run(str(tmp_path))
    monkeypatch.setattr(clock, "now", lambda: NOW + days * DAY)
    assert _run(str(tmp_path), renew_before=margin) == [reason] * 2
    assert _run(str(tmp_path), renew_before=margin) == [""] * 2


def test_nothing_is_renewed_that_would_gain_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them end with the authority: a new one would end no later, and each run would make another."""
    short = {"authority_validity": 100 * DAY, "renew_before": RenewBefore(duration=60 * DAY)}
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
