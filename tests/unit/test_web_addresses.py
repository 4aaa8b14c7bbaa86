"""Whose a request is, and how many each may make."""

from __future__ import annotations

import pytest

from bot.settings import WebSettings
from bot.web.addresses import Addresses, Rates
from bot.web.tally import EVERY_SECONDS, Tally


def behind(proxies: str) -> Addresses:
    return Addresses(WebSettings.model_validate({"TWODECK_PROXIES": proxies}).trusted)


@pytest.mark.parametrize(
    ("peer", "forwarded", "found"),
    [
        ("9.9.9.9", [], "9.9.9.9"),
        ("9.9.9.9", ["1.1.1.1"], "9.9.9.9"),
        ("::ffff:9.9.9.9", [], "9.9.9.9"),
        ("2001:db8:1:2:3::4", [], "2001:db8:1:2::/64"),
        ("fe80::1%eth0", [], "fe80::/64"),
        ("127.0.0.1", [], None),
        ("::1", ["nonsense"], None),
        ("127.0.0.1", ["1.1.1.1, 9.9.9.9"], "9.9.9.9"),
        ("127.0.0.1", ["1.1.1.1", "9.9.9.9, 172.18.0.2"], "9.9.9.9"),
        ("172.18.0.2", ["9.9.9.9, nonsense"], None),
        ("", [], None),
    ],
)
def test_whose_a_request_is(peer: str, forwarded: list[str], found: str | None) -> None:
    assert behind("127.0.0.0/8, ::1, 172.16.0.0/12").of_request(peer, forwarded) == found


def test_an_address_may_make_some_at_once_and_then_goes_by_its_pace() -> None:
    rates = Rates(2, 3)
    assert [rates.admit("a", 10.0) for _ in range(5)] == [True, True, True, False, False]
    assert rates.admit("b", 10.0)
    assert [rates.admit("a", 10.5), rates.admit("a", 10.5)] == [True, False]
    assert [rates.admit("a", 99.0) for _ in range(4)] == [True, True, True, False]
    assert all(rates.admit(str(number), 99.0) for number in range(10_000))
    assert len(rates._due) < 5000


def test_a_tally_tells_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    now = 0.0
    tally = Tally(lambda: now)
    for _ in range(1000):
        tally.add("malformed")
    now += EVERY_SECONDS
    tally.add("fault")
    assert [record.getMessage() for record in caplog.records] == [
        "turned away: 1 x malformed",
        "turned away: 999 x malformed, 1 x fault",
    ]
    assert [record.levelname for record in caplog.records] == ["INFO", "WARNING"]
