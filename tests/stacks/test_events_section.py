"""The calendar of events in a stack file (MOD-3)."""

from typing import Any

import pytest
from pydantic import ValidationError

from contract.models import models
from stacks.sections.events import Event, Events

ID = models()["sonnet"].id
PRIME_DAY: dict[str, Any] = {
    "name": "prime-day",
    "starts": "2027-07-13T07:00Z",
    "ends": "2027-07-14T10:00Z",
    "model": "sonnet",
    "variant": f"{ID}:200k",
    "units": 4,
}


def calendar(*events: dict[str, Any]) -> Events:
    return Events.model_validate({"calendar": list(events)})


def test_no_event_is_the_default():
    assert Events().calendar == ()
    assert Events().peak_units("sonnet") == 0


def test_an_event_is_read_as_it_is_written():
    (event,) = calendar(PRIME_DAY).calendar
    assert event.starts.isoformat() == "2027-07-13T07:00:00+00:00"
    assert (event.units, event.where) == (4, "everywhere")


def test_an_event_of_the_past_may_stay_in_the_calendar():
    assert calendar({**PRIME_DAY, "starts": "2020-07-13T07:00Z", "ends": "2020-07-14T10:00Z"}).calendar


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"starts": "2027-07-13T07:00+02:00"}, "in UTC"),
        ({"starts": "2027-07-13T07:00"}, "in UTC"),
        ({"starts": "2027-02-30T07:00Z"}, "is no date"),
        ({"starts": 1_800_000_000}, "in UTC"),
        ({"ends": "2027-07-13T07:59Z"}, "at least an hour after"),
        ({"ends": "2027-08-13T07:00Z"}, "more than 14 days"),
        ({"model": "gpt"}, "is not in contract/models.toml"),
        ({"variant": "other:200k"}, "is no context variant of sonnet"),
        ({"variant": ID}, "is no context variant of sonnet"),
        ({"units": 0}, "greater than 0"),
        ({"lead_hours": 49}, "less than or equal to 48"),
        ({"lead_hours": 0}, "greater than or equal to 1"),
        ({"name": "Prime Day"}, "should match pattern"),
        ({"name": "prime--day"}, "should match pattern"),
        ({"name": "a" * 25}, "at most 24"),
        ({"commitment": "OneMonth"}, "Extra inputs"),
    ],
)
def test_what_cannot_work_is_refused_with_the_fix(change: dict[str, Any], words: str):
    with pytest.raises(ValidationError, match=words):
        calendar({**PRIME_DAY, **change})


def test_names_are_used_once():
    with pytest.raises(ValidationError, match="names prime-day twice"):
        calendar(PRIME_DAY, {**PRIME_DAY, "starts": "2027-10-13T07:00Z", "ends": "2027-10-14T10:00Z"})


def test_events_need_somebody_who_acts_on_them():
    with pytest.raises(ValidationError, match="set enabled: true"):
        Events.model_validate({"enabled": False, "calendar": [PRIME_DAY]})
    assert not Events(enabled=False).calendar


def test_units_of_events_that_overlap_add_up():
    """Each event buys its own; the quota has to cover the peak, with the 48 h before."""
    second = {**PRIME_DAY, "name": "flash-sale", "starts": "2027-07-15T12:00Z", "ends": "2027-07-15T18:00Z"}
    third = {**PRIME_DAY, "name": "autumn", "starts": "2027-10-13T07:00Z", "ends": "2027-10-14T10:00Z"}
    found = calendar(PRIME_DAY, {**second, "units": 3}, third)
    assert found.peak_units("sonnet") == 7
    assert found.peak_units("haiku") == 0
    late = calendar(PRIME_DAY, {**second, "units": 3, "lead_hours": 1}, third)
    assert late.peak_units("sonnet") == 4


def test_an_event_may_be_for_the_primary_alone():
    here = {**PRIME_DAY, "name": "here", "where": "primary"}
    found = calendar(PRIME_DAY, here)
    assert [event.name for event in found.of("primary")] == ["prime-day", "here"]
    assert [event.name for event in found.of("standby")] == ["prime-day"]


class TestWhatBedrockSells:
    @pytest.fixture
    def sold(self, monkeypatch: pytest.MonkeyPatch) -> str:
        """A variant granted in the primary's region only."""
        model = models()["sonnet"]
        offer = model.regions["us-east-1"].model_copy(update={"variants": (f"{ID}:200k",)})
        granted = model.model_copy(update={"regions": {**model.regions, "us-east-1": offer}})
        monkeypatch.setattr("stacks.sections.events.models", lambda: {**models(), "sonnet": granted})
        return f"{ID}:200k"

    def test_a_granted_variant_is_fine_where_it_is_granted(self, sold: str):
        found = calendar({**PRIME_DAY, "variant": sold})
        found.check_sold({"primary": "us-east-1"})
        assert found.calendar[0].variant == sold

    def test_it_is_refused_where_it_is_not(self, sold: str):
        found = calendar({**PRIME_DAY, "variant": sold})
        with pytest.raises(Exception, match=r"prime-day: .* is not under variants of sonnet in us-west-2"):
            found.check_sold({"primary": "us-east-1", "standby": "us-west-2"})

    def test_a_model_that_is_not_active_sells_nothing(self, sold: str):
        (event,) = calendar({**PRIME_DAY, "variant": sold}).calendar
        with pytest.raises(Exception, match="sonnet is not active in eu-west-1"):
            event.check_sold_in("eu-west-1")


def test_every_field_is_described():
    for section in (Event, Events):
        assert all(field.description for field in section.model_fields.values())
