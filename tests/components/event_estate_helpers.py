"""Event capacity of a small shop in one region, as a plan."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache

from components.alarms import Watch
from components.event_capacity import CapacityEvent, EventCapacity, EventCapacityArgs
from contract.alarms import Severity, Widget
from plan import Plan
from tests.components.data_helpers import ACCOUNT, options, place, planned

MODEL = "anthropic.claude-sonnet-4-5-20250929-v1:0"
TOPICS: dict[Severity, str] = {
    "page": f"arn:aws:sns:us-east-1:{ACCOUNT}:concierge-shop-page",
    "ticket": f"arn:aws:sns:us-east-1:{ACCOUNT}:concierge-shop-ticket",
}
NOTICES_KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/notices"
LOGS_KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/logs"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/boundary"
PRIME_DAY = CapacityEvent(
    name="prime-day",
    model="sonnet",
    model_id=f"{MODEL}:200k",
    units=4,
    starts=datetime(2027, 7, 13, 7, 0, tzinfo=UTC),
    ends=datetime(2027, 7, 14, 10, 0, tzinfo=UTC),
)
FLASH_SALE = replace(
    PRIME_DAY,
    name="flash-sale",
    units=2,
    starts=datetime(2027, 9, 1, 18, 0, tzinfo=UTC),
    ends=datetime(2027, 9, 1, 21, 0, tzinfo=UTC),
)


def of(calendar: Sequence[CapacityEvent]) -> tuple[Plan, tuple[Watch, ...], tuple[Widget, ...]]:
    """The plan of a calendar, what is watched, and what is shown."""
    watched: list[Watch] = []
    shown: list[Widget] = []

    def program() -> None:
        made = EventCapacity(
            "primary-events",
            EventCapacityArgs(
                environment="shop",
                place=place("primary"),
                calendar=calendar,
                model_ids=[MODEL],
                drain_s=300,
                topics=TOPICS,
                notices_key_arn=NOTICES_KEY,
                log_key_arn=LOGS_KEY,
                log_days=90,
                protect=True,
                boundary=BOUNDARY,
            ),
            options(["primary"])["primary"],
        )
        watched[:], shown[:] = made.alarms(), made.widgets()

    return planned(program), tuple(watched), tuple(shown)


@cache
def prime_day() -> Plan:
    """One event."""
    return of([PRIME_DAY])[0]
