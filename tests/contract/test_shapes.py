"""Shapes that cross borders: what they accept, what they refuse and in which words."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from contract import controls, frames
from contract.alarms import Alarm, Widget
from contract.controls import Control, Controls, ControlsError
from contract.faults import Fault, FaultKind, Stage
from contract.metrics import registry
from contract.models import models
from contract.outcomes import Outcome
from contract.runbooks import catalogue
from contract.tiers import Tier

NOW = datetime(2026, 11, 27, 3, 0, tzinfo=UTC)
ALARM = {
    "id": "bedrock-throttled",
    "metric": "ModelThrottled",
    "dimensions": {"Rung": "sonnet"},
    "statistic": "Average",
    "threshold": 0.02,
    "period_s": 10,
    "datapoints": 2,
    "of": 3,
    "missing": "notBreaching",
    "severity": "page",
    "impact": "Answers come from Haiku and are plainer.",
    "runbook": "bedrock-throttled",
}


def turned(value, minutes):
    return Control(value=value, who="ada", why="throttled", expires_at=NOW + timedelta(minutes=minutes))


def test_every_frame_survives_the_wire():
    sent: list[frames.ServerFrame] = [
        frames.Start(request_id="r", sequence_number=0, session_id="s"),
        frames.Delta(request_id="r", sequence_number=1, text="こんにちは"),
        frames.Correction(request_id="r", sequence_number=2, text="", reason="cut"),
        frames.Banner(request_id="r", sequence_number=3, text="busy"),
        frames.Final(request_id="r", sequence_number=4, text="hi", tier=Tier.T0, rung="sonnet"),
        frames.Failure(request_id="r", sequence_number=5, code="closed", message="later", retry_after_s=9),
    ]

    assert [frames.decode_server(frames.encode(frame)) for frame in sent] == sent


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nonsense", "frame: Invalid JSON"),
        ("{}", "frame: Unable to extract tag"),
        ('{"type": "delta", "request_id": "r", "sequence_number": -1, "text": ""}', "delta.sequence_number"),
        ('{"type": "start", "request_id": "r", "sequence_number": 0, "session_id": "s", "x": 1}', "start.x"),
    ],
)
def test_what_is_no_frame_is_refused_in_words(text, said):
    with pytest.raises(frames.FrameError, match=said):
        frames.decode_server(text)


def test_a_message_needs_a_text():
    with pytest.raises(frames.FrameError, match="text"):
        frames.decode_client('{"type": "message", "request_id": "r", "text": ""}')


@pytest.mark.parametrize("text", [" ", "\\n\\t ", "\u3000"])
def test_white_space_is_no_message(text):
    with pytest.raises(frames.FrameError, match=r"text: .*white space"):
        frames.decode_client(f'{{"type": "message", "request_id": "r", "text": "{text}"}}')


def test_a_control_ends_by_itself():
    document = Controls(haiku_threshold=turned(0.03, 5), canned_first=turned(True, 30))

    later = document.active(NOW + timedelta(minutes=10))

    assert later.haiku_threshold is None
    assert later.canned_first == document.canned_first


def test_controls_survive_the_parameter():
    document = Controls(forced_tier=turned(Tier.T1, 5))

    assert controls.parse(controls.render(document)) == document
    assert controls.render(Controls()) == "{}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "controls: document"),
        ('{"haiku_treshold": null}', "controls: haiku_treshold"),
        (
            '{"banner": {"value": "x", "who": "", "why": "w", "expires_at": "2026-11-27T03:00:00Z"}}',
            "who",
        ),
        (
            '{"haiku_threshold": {"value": 0.03, "who": "a", "why": "w", "expires_at": "2026-11-27T03:00"}}',
            "expires",
        ),
    ],
)
def test_a_bad_document_names_the_key(text, said):
    with pytest.raises(ControlsError, match=said):
        controls.parse(text)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("haiku_threshold", "0"),
        ("haiku_threshold", "-0.1"),
        ("haiku_threshold", "1.01"),
        ("haiku_threshold", "true"),
        ("haiku_threshold", '"0.03"'),
        ("haiku_threshold", "NaN"),
        ("haiku_threshold", "Infinity"),
        ("canned_first", "1"),
        ("canned_first", '"yes"'),
        ("widget", "0"),
        ("banner", "3"),
        ("forced_tier", '"T9"'),
        ("cache_mode", '"Off"'),
    ],
)
def test_a_control_takes_no_value_of_another_kind(name, value):
    """A mistyped knob must not turn into something else in the middle of an incident."""
    turn = f'"who": "a", "why": "w", "expires_at": "2026-11-27T03:00:00Z", "value": {value}'
    with pytest.raises(ControlsError, match=f"controls: {name}.value"):
        controls.parse(f'{{"{name}": {{{turn}}}}}')


@pytest.mark.parametrize("value", [0, -0.1, 1.5, True, float("nan")])
def test_no_code_turns_the_threshold_to_what_is_no_share(value):
    with pytest.raises(ValidationError, match="haiku_threshold"):
        Controls(haiku_threshold=turned(value, 5))


@pytest.mark.parametrize("value", [0.001, 0.03, 1])
def test_the_threshold_is_a_share(value):
    document = controls.parse(controls.render(Controls(haiku_threshold=turned(value, 5))))
    assert document.haiku_threshold is not None
    assert document.haiku_threshold.value == value


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"runbook": "pray"}, "no runbook 'pray'"),
        ({"metric": "Happiness"}, "nothing emits 'Happiness'"),
        ({"dimensions": {}}, "not published under"),
        ({"datapoints": 4}, "4 of 3 can never be reached"),
        ({"period_s": 15}, "10, 20, 30 or a multiple of 60"),
        ({"period_s": 60, "of": 1_441, "datapoints": 1}, "further back than CloudWatch allows"),
        ({"impact": "bad"}, "impact"),
        ({"missing": None}, "missing"),
    ],
)
def test_an_alarm_that_cannot_work_does_not_construct(change, said):
    with pytest.raises(ValidationError, match=said):
        Alarm(**{**ALARM, **change})


def test_a_sound_alarm_constructs():
    assert Alarm(**ALARM).runbook in catalogue()


def test_a_widget_shows_only_what_is_emitted():
    with pytest.raises(ValidationError, match="nothing emits 'Happiness'"):
        Widget(title="Mood", metric="Happiness", statistic="Average")


def test_the_catalogue_is_the_requirements():
    """OPS-4 lists thirty-four incidents."""
    assert len(catalogue()) == 34


def test_every_metric_says_what_it_tells():
    assert all(metric.meaning and metric.dimensions for metric in registry().values())


def test_every_model_has_a_price_where_the_estate_stands():
    for model in models().values():
        assert model.usd_per_token("us-east-1") is not None
        assert model.usd_per_token("us-west-2") is not None


def test_a_region_without_a_price_is_unknown():
    assert models()["sonnet"].usd_per_token("eu-west-1") is None


def test_only_the_rungs_own_failures_count_against_it():
    """The error table: our mistakes and the guardrail's verdicts are no fault of the model's host."""
    counted = {outcome for outcome in Outcome if outcome.counts_as_failure}

    assert counted == {
        Outcome.THROTTLED,
        Outcome.UNAVAILABLE,
        Outcome.TIMEOUT,
        Outcome.SLOW,
        Outcome.CUT,
    }
    assert {outcome for outcome in Outcome if outcome.steps_down} == counted | {Outcome.DENIED}


def test_a_lease_outlives_its_stage():
    fault = Fault(target="bedrock", kind=FaultKind.THROTTLE, lease_s=5)

    with pytest.raises(ValidationError, match="lengthen the lease"):
        Stage(at_s=0, for_s=10, fault=fault)
