"""Failures are told in time or are findings; every alarm has a failure it is for, every incident an alarm."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import components
from components.alarms import Quiet
from contract.runbooks import catalogue
from plan import Plan
from rehearsal import coverage
from rehearsal.alarm_definitions import MetricAlarm, of_plan, read
from rehearsal.courses import Course, CourseError, Courses, mix, weighted
from rehearsal.coverage import Mode, play
from rehearsal.metrics import statistic
from tests.conftest import Planned
from tests.policies.conftest import EVERYTHING
from tests.rehearsal.alarm_helpers import alarm
from tests.rehearsal.alarm_helpers import planned as of_alarms

BUILT = {"agent.image_digest": f"sha256:{'4f' * 32}"}
STATISTICS = ["Average", "Sum", "Minimum", "Maximum", "SampleCount", "p50", "p90", "p99", "PR(:5)"]


@pytest.fixture(scope="module")
def prod_built(request: pytest.FixtureRequest) -> Plan:
    """prod with its services running."""
    planned: Planned = request.getfixturevalue("planned")
    return planned("prod", BUILT)


@pytest.fixture(scope="module")
def found(prod_built: Plan) -> list[coverage.Covered]:
    return coverage.coverage(prod_built)


def mode(metrics: Mapping[str, Any], **changed: Any) -> Mode:
    usual = {"component": "models:Models", "fails": "it is ill", "asks": "OPS-2", "within_s": 60}
    return Mode.model_validate({**usual, "metrics": metrics, **changed})


# --- prod -------------------------------------------------------------------------------------------------


def test_every_failure_in_prod_is_told_in_time(found: list[coverage.Covered]):
    assert {each.mode.fails: each.gap for each in found if each.gap} == {}


def test_every_alarm_that_tells_somebody_is_for_a_failure_that_is_written_down(
    prod_built: Plan, found: list[coverage.Covered]
):
    assert coverage.unreached(prod_built, found) == []


def test_every_incident_of_the_catalogue_has_an_alarm_that_leads_to_it(prod_built: Plan):
    assert coverage.unled(prod_built) == []
    assert set(coverage.ways().unalarmed) <= set(catalogue())
    incidents = {incident for those in coverage.ways().parts.values() for incident in those}
    assert incidents <= set(catalogue())


def test_with_everything_switched_on_every_alarm_is_for_something_too(planned: Planned):
    """AgentCore, an endpoint of our own, pipelines, experiments."""
    full = planned("prod", {**EVERYTHING, "notices.ticket_email": "team@shop.example"})
    every = coverage.coverage(full)

    assert coverage.unreached(full, every) == []
    assert coverage.unled(full) == []
    assert [each.gap for each in every if each.gap] == []


def test_every_component_is_watched_or_says_why_not(prod_built: Plan):
    """A kind in the plan has ways to fail, or its class is Quiet and says who notices."""
    import importlib
    import pkgutil

    for module in pkgutil.iter_modules(components.__path__):
        if not module.ispkg:
            importlib.import_module(f"components.{module.name}")
    quiet = {kind for each in _all(Quiet) if (kind := getattr(each, "kind", None))}
    ways = {kind for each in coverage.ways().modes for kind in (each.component, *each.also)}
    owners = {each.component for each in of_plan(prod_built)}

    assert owners - {""} <= ways | {"operations:Alarms"}
    assert not (quiet & ways)


def _all(kind: type) -> set[type]:
    found: set[type] = set(kind.__subclasses__())
    return found.union(*(_all(each) for each in found))


def test_a_failure_that_depends_on_traffic_says_how_little_is_enough(found: list[coverage.Covered]):
    least = {each.mode.fails: each.least_messages for each in found if each.least_messages}

    assert (
        100 <= least["five messages in a hundred get no answer"] <= 115
    )  # the minimum of a minute's messages
    assert least["Sonnet is throttled, four calls in a hundred"] >= 25 * 6  # one of 25 calls in ten seconds


# --- How it is played ---------------------------------------------------------------------------------------


def test_what_tells_nobody_is_a_gap():
    """No alarm, one that is too slow, one without a topic."""
    sign = {"Concierge ModelThrottled": {"well": "0*60", "ill": "1*60"}}
    tags = {"Runbook": "bedrock-throttled", "Severity": "page", "Component": "models:Models"}
    ways = coverage.Ways(modes=(mode(sign, within_s=15),), unalarmed={}, parts={})

    def gap(*alarms: Any) -> str | None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(coverage, "ways", lambda: ways)
            (only,) = coverage.coverage(of_alarms(*alarms))
        return coverage.Covered(only.mode, only.region, only.caught, None, there=True).gap

    assert gap(alarm(tags=tags, datapointsToAlarm=1, evaluationPeriods=1)) is None
    assert gap(alarm(tags=tags, datapointsToAlarm=3)) == "told after 29 s, and 15 s are allowed"
    assert gap(alarm(tags=tags, alarmActions=None)) == "no alarm tells of it"
    assert gap(alarm(tags={**tags, "Component": "data:Tables"})) == "no alarm tells of it"


def test_what_is_accepted_or_not_in_the_stack_is_no_finding():
    accepted = coverage.Covered(mode({}, accepted="it is meant so"), "us-east-1", (), None, there=True)
    absent = coverage.Covered(mode({}), "us-east-1", (), None, there=False)

    assert (accepted.gap, absent.gap) == (None, None)


@pytest.mark.parametrize(("needed", "of", "after_s"), [(1, 1, 9), (2, 3, 19), (3, 3, 29), (4, 5, 39)])
def test_the_time_is_m_periods_for_trouble_that_begins_just_after_a_look(
    needed: int, of: int, after_s: float
):
    tags = {"Runbook": "bedrock-throttled", "Severity": "page", "Component": "models:Models"}
    rule = read(alarm(tags=tags, datapointsToAlarm=needed, evaluationPeriods=of))
    assert isinstance(rule, MetricAlarm)

    (caught,) = play(mode({"Concierge ModelThrottled": {"well": "0*600", "ill": "1*600"}}), [rule], 0)
    assert (caught.after_s, caught.severity, caught.runbook) == (after_s, "page", "bedrock-throttled")


# --- Courses ----------------------------------------------------------------------------------------------


def test_a_mix_is_read():
    assert mix("0*95% 1*5%", 200) == ((0.0, 190.0), (1.0, 10.0))
    assert mix("700*12.5", 0) == ((700.0, 12.5),)
    assert mix("-", 100) == ()
    with pytest.raises(CourseError, match=r"many is not value\*count"):
        mix("many", 1)


@given(
    st.dictionaries(st.integers(0, 9).map(float), st.integers(1, 8).map(float), min_size=1, max_size=5),
    st.sampled_from(STATISTICS),
)
def test_counted_values_have_the_statistics_of_the_values_themselves(samples: dict[float, float], name: str):
    values = [value for value, count in samples.items() for _ in range(int(count))]
    assert weighted(name, samples) == pytest.approx(statistic(name, values))


def test_a_course_turns_at_its_moment_and_what_comes_less_than_once_is_not_there():
    course = Course(((1.0, 60.0),), ((5.0, 120.0),), turns=100.0)

    assert course.between(40, 100) == {1.0: 60}
    assert course.between(70, 130) == {1.0: 30, 5.0: 60}
    assert course.between(100, 100.4) == {}
    assert Courses(of={}).datapoint(("A", "b", frozenset()), "Sum", 0, 60) is None
