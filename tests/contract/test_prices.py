"""The price table: exact, dated, cited, and never a guess."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import ValidationError

from contract import prices, regions

GOOD = """
[nat-gateway-hour]
service = "Amazon VPC"
what = "NAT gateway"
unit = "hour"
usd = { us-east-1 = 0.045 }
source = "Amazon VPC pricing, NAT gateway, per hour"
as_of = 2026-09-06
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "prices.toml"


def test_a_price_is_what_the_row_says_for_that_region() -> None:
    price = prices.table().price("nat-gateway-hour", "us-west-2")

    assert price is not None
    assert (price.usd, price.unit, price.region) == (Decimal("0.045"), "hour", "us-west-2")
    assert price.source == "Amazon VPC pricing, NAT gateway, per hour"
    assert price.as_of == date(2026, 9, 6)


def test_dollars_are_exact() -> None:
    price = prices.table().price("nat-gateway-hour", "us-east-1")

    assert price is not None
    assert price.usd * prices.HOURS_IN_MONTH == Decimal("32.85")


def test_a_region_without_a_price_borrows_none() -> None:
    assert prices.table().price("nat-gateway-hour", "eu-west-1") is None


@pytest.mark.parametrize("region", regions.known())
def test_what_is_free_everywhere_is_free_in_every_region(region: str) -> None:
    price = prices.table().price("iam", region)

    assert price is not None
    assert price.usd == 0
    assert price.source


def test_a_misspelt_row_is_not_taken_for_a_missing_price() -> None:
    with pytest.raises(KeyError, match="no price 'nat-gateway-hours', did you mean 'nat-gateway-hour'"):
        prices.table().price("nat-gateway-hours", "us-east-1")


def test_the_table_cannot_be_changed_by_who_reads_it() -> None:
    row = prices.table().rows["nat-gateway-hour"]

    with pytest.raises(ValidationError, match="frozen"):
        row.unit = "GB"  # type: ignore[misc]


def test_a_small_table_loads(file: Path) -> None:
    file.write_text(GOOD, encoding="utf-8")

    assert list(prices.load(file).rows) == ["nat-gateway-hour"]


@pytest.mark.parametrize(
    ("good", "bad", "message"),
    [
        ('unit = "hour"', 'unit = "hr"', "row nat-gateway-hour.unit = 'hr': must be 'hour', 'month', 'GB'"),
        (
            "us-east-1 = 0.045",
            "us-east-1 = '0.045'",
            "row nat-gateway-hour.usd.us-east-1 = '0.045': must be a number of dollars, for example 0.045",
        ),
        ("us-east-1 = 0.045", "us-east-1 = true", "must be a number of dollars"),
        (
            "us-east-1 = 0.045",
            "us-east-1 = -1",
            "row nat-gateway-hour.usd.us-east-1 = '-1': Input should be gr",
        ),
        ("us-east-1 = 0.045", "us-east-1 = nan", "row nat-gateway-hour.usd.us-east-1 = 'NaN'"),
        ("us-east-1 = 0.045", "us-east1 = 0.045", "there is no region 'us-east1': known are ap-northeast-1"),
        ("us-east-1 = 0.045", '"*" = 0.045', '"*" is only for what is free: name the regions'),
        ("{ us-east-1 = 0.045 }", "{}", "row nat-gateway-hour.usd: Dictionary should have at least 1 item"),
        (
            'source = "Amazon VPC pricing, NAT gateway, per hour"',
            "",
            "row nat-gateway-hour.source: is required",
        ),
        ("as_of = 2026-09-06", "", "row nat-gateway-hour.as_of: is required: the oldest day"),
        ('what = "', 'waht = "', "row nat-gateway-hour.waht: unknown key, did you mean 'what'?"),
        (
            "[nat-gateway-hour]",
            "nat-gateway-gb = 3\n[other]",
            "row nat-gateway-gb = '3': must be a table with",
        ),
        ("[nat-gateway-hour]", "[nat-gateway-hour", "prices.toml: cannot be read"),
    ],
)
def test_a_bad_row_is_named_with_its_fix(file: Path, good: str, bad: str, message: str) -> None:
    file.write_text(GOOD.replace(good, bad), encoding="utf-8")

    with pytest.raises(prices.PriceError) as fault:
        prices.load(file)

    assert message in str(fault.value)


def test_every_bad_row_is_reported_at_once(file: Path) -> None:
    broken = GOOD.replace('"hour"', '"hr"')
    file.write_text(broken + broken.replace("nat-gateway-hour", "public-ipv4-hour"), encoding="utf-8")

    with pytest.raises(prices.PriceError) as fault:
        prices.load(file)

    first, second = str(fault.value).splitlines()
    assert "row nat-gateway-hour.unit" in first
    assert "row public-ipv4-hour.unit" in second


def test_a_row_says_for_which_regions_it_was_compared_with_its_source(file: Path) -> None:
    both = GOOD.replace("us-east-1 = 0.045", "us-east-1 = 0.045, us-west-2 = 0.045")
    cases = {"": (True, True), "checked = false": (False, False), 'checked = ["us-east-1"]': (True, False)}

    for said, expected in cases.items():
        file.write_text(f"{both}{said}\n", encoding="utf-8")
        found = [prices.load(file).price("nat-gateway-hour", region) for region in ("us-east-1", "us-west-2")]
        assert tuple(price.checked for price in found if price) == expected


def test_a_region_without_a_price_cannot_have_been_checked(file: Path) -> None:
    file.write_text(f'{GOOD}checked = ["us-west-2"]\n', encoding="utf-8")

    with pytest.raises(prices.PriceError, match="row nat-gateway-hour: checked names 'us-west-2', for which"):
        prices.load(file)
