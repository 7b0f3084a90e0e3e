"""OPS-6: an event before it happens: through the runtime's own ladder, the same seed the same answer."""

import signal
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from contract.faults import Fault, FaultKind, Stage
from contract.intents import Intent
from sizing import assumptions, capacities, knee, patch, sampled, stages
from sizing.documents import SizingError
from sizing.fleet import Fleet
from sizing.measured import Calls, Measured, Spoken
from sizing.sampled import BIN_S, Asking, Message, People
from sizing.simulate import simulate
from sizing.story import FAILOVER_S, Flash, Loss, Story
from tests.sizing.case_helpers import case, day, measured, prod

SHORT = 240.0
PEOPLE = People({Intent.COMPARISON: 0.5, Intent.CART: 0.5}, {Intent.CART: 1.0})


def _fleet(**given) -> Fleet:
    told = {"pools": {}, "cap": None, "faults": (), **given}
    return Fleet(
        settings=prod().runtime_in("us-east-1"),
        measured=measured(),
        tokens={"sonnet": (1_000, 200), "haiku": (1_000, 200)},
        burndown=5.0,
        **told,
    )


def _asking(rate: float, seconds: float) -> Asking:
    bins = round(seconds / BIN_S)
    arrivals = np.random.default_rng(3).poisson(rate * BIN_S, bins)
    return Asking(arrivals, np.ones(bins), np.zeros(bins), np.zeros(bins))


def _share(seen, *rungs: str) -> float:
    return sum(rung in rungs for rung in seen.rung) / len(seen.rung)


def _fault(kind: FaultKind, rate: float, model: str = "sonnet") -> Stage:
    fault = Fault(target="bedrock", kind=kind, rate=rate, match={"model": model}, lease_s=3_000)
    return Stage(at_s=0, for_s=3_000, fault=fault)


def _rounds(rounds: int) -> Measured:
    """Everybody's answers alike, of so many calls each."""
    spoken = Calls({"comparison": [Spoken(0.5, 2.0, rounds)] * 50})
    return replace(measured(), good=dict.fromkeys(("sonnet", "haiku", "opus"), spoken))


def test_a_healthy_model_answers_and_nothing_steps_down() -> None:
    seen = sampled.run(_asking(8, 60), PEOPLE, _fleet(), seed=1)
    assert _share(seen, "sonnet", "haiku", "template", "cache") == 1.0
    assert not seen.opened


def test_what_money_depends_on_is_answered_by_the_premium_model() -> None:
    paying = People({Intent.PAYMENT: 1.0}, {})
    tokens = dict.fromkeys(("sonnet", "haiku", "opus"), (1000.0, 200.0))
    seen = sampled.run(_asking(5, 30), paying, replace(_fleet(), tokens=tokens), seed=1)
    assert _share(seen, "premium", "template", "cache") == 1.0
    assert seen.rung.count("premium") > 50


def test_a_model_that_is_gone_opens_its_breaker_and_the_next_rung_answers() -> None:
    seen = sampled.run(_asking(8, 60), PEOPLE, _fleet(faults=(_fault(FaultKind.UNAVAILABLE, 1.0),)), seed=1)
    assert ("sonnet", "open") in {(rung, state) for _, rung, state in seen.opened}
    assert _share(seen, "haiku", "template", "cache", "standby-sonnet") > 0.99


def test_errors_that_are_few_open_nothing() -> None:
    """RUN-6: a 3 % error rate must not open it by chance."""
    seen = sampled.run(_asking(20, 80), PEOPLE, _fleet(faults=(_fault(FaultKind.ERROR, 0.03),)), seed=1)
    assert not seen.opened


@pytest.mark.parametrize(("rounds", "failed"), [(1, 0.05), (2, 0.0975)])
def test_an_answer_that_asks_a_model_again_may_be_refused_again(rounds: int, failed: float) -> None:
    fleet = replace(_fleet(faults=(_fault(FaultKind.ERROR, 0.05),)), measured=_rounds(rounds))
    seen = sampled.run(_asking(20, 200), People({Intent.COMPARISON: 1.0}, {}), fleet, seed=1)
    calls = {outcome: n for (rung, outcome), n in seen.calls.items() if rung == "sonnet"}
    assert 1 - calls["ok"] / sum(calls.values()) == pytest.approx(failed, abs=0.015)


def test_a_quota_that_is_too_small_throttles_what_is_beyond_it() -> None:
    """Ten calls a second where twenty messages come: half steps down, and more where answers take two."""
    answered = []
    for rounds in (1, 2):
        fleet = _fleet(pools={(None, "sonnet", False): (10 * 60 * 2_000.0, 1e9)})
        seen = sampled.run(_asking(20, 240), PEOPLE, replace(fleet, measured=_rounds(rounds)), seed=1)
        calls = {outcome: n for (rung, outcome), n in seen.calls.items() if rung == "sonnet"}
        assert calls["throttled"] > 0
        late = [at for at, rung in zip(seen.at, seen.rung, strict=True) if rung == "sonnet" and at > 120]
        answered.append(len(late) / 120)
    assert answered[0] == pytest.approx(10, rel=0.25)
    assert answered[1] < 0.7 * answered[0]


def test_the_cap_on_model_calls_leaves_the_rest_to_canned_answers() -> None:
    seen = sampled.run(_asking(20, 60), PEOPLE, _fleet(cap=5.0), seed=1)
    by_model = sum(rung in {"sonnet", "haiku"} for rung in seen.rung)
    assert by_model <= 5 * 62  # a full bucket, and a minute's refill
    assert _share(seen, "canned") > 0.3


def test_the_same_seed_gives_the_same_answer_and_another_does_not() -> None:
    first, again, other = (sampled.run(_asking(8, 30), PEOPLE, _fleet(), seed) for seed in (1, 1, 2))
    assert (first.at, first.whole, first.rung) == (again.at, again.whole, again.rung)
    assert first.whole != other.whole


def test_a_fault_that_the_simulator_does_not_know_is_refused() -> None:
    with pytest.raises(SizingError, match="cut"):
        sampled.run(_asking(1, 5), PEOPLE, _fleet(faults=(_fault(FaultKind.CUT, 1.0),)), seed=1)


def test_ctrl_c_ends_the_messages_under_way(caplog: pytest.LogCaptureFixture) -> None:
    def messages() -> Iterator[Message]:
        for number in range(200):
            if number == 100:
                signal.raise_signal(signal.SIGINT)
            yield Message(number * 0.05, Intent.COMPARISON, "")

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        sampled.follow(messages(), _fleet(), seed=1)
    assert signal.getsignal(signal.SIGINT) is before
    assert not caplog.records


# -- the whole event ---------------------------------------------------------------------------------------


def _story(rate: float = 400.0, **given) -> Story:
    told = {"sessions": rate * 10, "hours": SHORT / 3600, "ramp_s": 30.0, **given}
    return Story(rate=rate, **told)


def _played(story: Story, settings=None, known=None, most: float = 20.0):
    return simulate(
        story, settings or prod(), known or capacities.usual(), assumptions.usual(), measured(), 1, most
    )


def test_more_than_the_gateway_lets_through_is_turned_away_and_named_first() -> None:
    found = _played(_story(30_000.0, ramp_s=0.0, sessions=1_000.0))
    names = [part.name for part in found.bottlenecks]
    assert "gateway messages" in names
    assert found.answered["no answer"] > 0.6


def test_with_the_patch_and_the_quotas_the_same_load_is_answered() -> None:
    asked = case(ordinary=day(400), sessions=4_000.0)
    before = _played(_story())
    after = _played(
        _story(),
        asked.changed(patch.changes(asked.needs)).settings,
        asked.known.granted(asked.target),
    )
    assert before.answered.get("no answer", 0) + before.answered.get("canned", 0) > 0.05
    assert after.answered.get("no answer", 0) + after.answered.get("canned", 0) < 0.001
    assert not after.bottlenecks


def test_what_is_full_says_how_much_would_carry_it() -> None:
    found = _played(_story(30_000.0, ramp_s=0.0, sessions=1_000.0))
    stage = next(part for part in found.parts if part.name == "gateway messages")
    assert stage.needed == pytest.approx(30_000)
    sonnet = next(part for part in found.parts if part.name == "sonnet, tokens")
    assert sonnet.limit is not None
    assert sonnet.needed == pytest.approx(sonnet.peak * sonnet.limit.allowed)


def test_every_quota_of_the_story_is_one_that_can_be_asked_for() -> None:
    """By the name under which `size capacity` lists it; all else is a setting it knows."""
    asked, parts = case(), _played(_story(10.0)).parts
    limits = {part.limit.what for part in parts if part.limit}
    assert len(limits) >= 7
    assert limits <= {ask.what for ask in asked.asks}
    keys = {part.key for part in parts if not part.limit}
    assert keys - {"runtime.shedding.most"} <= {need.key for need in asked.needs}


def test_changes_add_up() -> None:
    twice = case().changed({"agent.services.chat.maximum": "77"}).changed({"search.documents": "2000"})
    assert twice.settings.agent.services.chat.maximum == 77
    assert twice.settings.search.documents == 2_000


def test_a_lost_region_loses_its_messages_until_names_lead_elsewhere_and_everybody_connects_anew() -> None:
    found = _played(_story(10.0, sessions=20_000.0, ramp_s=60.0, losses=(Loss.parse("region@2"),)))
    gone = round(120 / BIN_S), round((120 + FAILOVER_S) / BIN_S)
    assert not found.flow.connected[gone[0] : gone[1]].any()
    assert found.flow.connected[gone[1] + round(15 / BIN_S)] < 20_000  # 500 a second
    assert found.unsent > 10 * FAILOVER_S * 0.9


def test_who_is_there_from_the_beginning_need_not_connect_at_once() -> None:
    assert _story(ramp_s=0.0).connecting().max() == pytest.approx(4_000 / 360)  # only who comes again
    assert _story(ramp_s=30.0).connecting().max() > 4_000 / 30


@pytest.mark.prove
@pytest.mark.long
def test_the_knee_is_where_the_headroom_ends() -> None:
    asked = case(ordinary=day(400), sessions=4_000.0)
    patched = asked.changed(patch.changes(asked.needs)).settings
    top = _story(connected_s=1_800.0)
    points = knee.curve(top, patched, asked.known.granted(asked.target), asked.assumed, measured(), 1)
    assert min(point.answered for point in points if point.rate <= 400) > 0.999
    at = knee.breaks_at(points)
    assert at is not None
    assert at > 400


def test_a_lost_zone_takes_its_share_of_the_tasks_until_they_stand_again() -> None:
    story = _story(hours=10 / 60, losses=(Loss.parse("zone@2"),))
    tasks = stages.chat_tasks(np.full(story.bins, 1.0), story, prod(), capacities.usual())
    assert tasks[0] == 2
    assert tasks[round(130 / BIN_S)] == pytest.approx(2 * 2 / 3)
    assert tasks[-1] == 2


def test_tasks_that_are_ordered_come_minutes_later() -> None:
    story = _story(hours=12 / 60)
    busy = np.full(story.bins, 2 * 2 / 0.007)  # all of two tasks
    tasks = stages.chat_tasks(busy, story, prod(), capacities.usual())
    assert tasks[round(60 / BIN_S)] == 2
    assert tasks[-1] > 2


def test_a_queue_grows_by_what_is_beyond_and_drains_by_what_is_spare() -> None:
    arriving = np.concatenate([np.full(100, 20.0), np.full(300, 5.0)])
    waiting = stages.waiting(arriving, np.full(400, 10.0))
    assert waiting[99] == pytest.approx(10 * 10.0)
    assert waiting[199] == pytest.approx(50.0)
    assert waiting[-1] == 0


def test_a_longer_story_costs_as_much_more_as_it_is_longer() -> None:
    """Linear in events: followed messages grow with the length, and only with it."""
    short, long = (_played(_story(hours=hours, ramp_s=0.0), most=5.0) for hours in (0.05, 0.1))
    assert len(long.seen.at) == pytest.approx(2 * len(short.seen.at), rel=0.1)


@pytest.mark.parametrize(
    "text", ["20", "20:60", "20:0:2", "a:60:2", "1..2:3:4", "0:.:2", "0:1:.", f"0:1:{'9' * 400}"]
)
def test_a_flash_sale_that_is_none_says_how_to_write_one(text: str) -> None:
    with pytest.raises(SizingError, match="MINUTE:SECONDS:TIMES"):
        Flash.parse(text)


@pytest.mark.parametrize("text", ["region", "zone@", "city@3", "zone@.", "region@1.2.3"])
def test_a_loss_that_is_none_says_how_to_write_one(text: str) -> None:
    with pytest.raises(SizingError, match="zone@MINUTE"):
        Loss.parse(text)


def test_a_story_without_people_or_beyond_its_end_is_refused() -> None:
    with pytest.raises(SizingError, match="rate"):
        _story(0.0)
    with pytest.raises(SizingError, match="after the end"):
        replace(_story(), losses=(Loss.parse("zone@60"),))


def test_a_flash_sale_lasts_no_longer_than_the_story() -> None:
    story = _story(flashes=(Flash.parse("3:60:2"),))
    assert story.peak == 800
    with pytest.raises(SizingError, match="60 s at most"):
        replace(story, flashes=(Flash.parse("3:60.5:2"),))


@pytest.mark.parametrize(("text", "minutes"), [("zone@.5", 0.5), ("zone@3.", 3), ("zone@2.25", 2.25)])
def test_minutes_may_be_parts(text: str, minutes: float) -> None:
    assert Loss.parse(text).at_s == minutes * 60
