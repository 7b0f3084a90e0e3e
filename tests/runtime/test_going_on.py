"""An answer that was cut goes on (RUN-5): from text that a guardrail had read, on a model that can."""

from typing import Any

import pytest

from contract.models import models
from contract.outcomes import Outcome
from runtime.failover import classify, ladder
from runtime.port import Opened, Ran, Stop, Text
from runtime.testing.desk import Desk
from runtime.testing.models import refusal, says, throttled

CUT = [Opened(checked=True), Text("Well,")]


async def asks(desk: Desk) -> Any:
    frames = await desk.ask()
    return frames[-1].text, [call.so_far for call in desk.models.calls]  # type: ignore[union-attr]


def test_a_model_that_cannot_go_on_starts_over(at_desk, monkeypatch):
    fresh = {key: model.model_copy(update={"prefill": False}) for key, model in models().items()}
    monkeypatch.setattr(ladder, "models", lambda: fresh)
    assert at_desk(asks, {"sonnet": CUT, "haiku": says("Hi")}) == ("Hi", ["", ""])


def test_a_rung_that_refuses_in_between_loses_nothing(at_desk):
    scripts = {"sonnet-units": CUT, "sonnet": throttled(), "haiku": says(" hi")}
    assert at_desk(asks, scripts) == ("Well, hi", ["", "Well,", "Well,"])


def test_tools_that_ran_are_told_to_who_goes_on(at_desk):
    ran = Ran("find", {"about": "tents"}, "two tents")

    async def scene(desk: Desk) -> Any:
        await desk.ask()
        return [(call.so_far, call.recorded) for call in desk.models.calls]

    scripts = {"sonnet": [Opened(checked=True), ran, Text("Well,")], "haiku": says(" hi")}
    assert at_desk(scene, scripts) == [("", ()), ("Well,", (ran,))]


def test_canned_answers_go_on_from_nothing(at_desk):
    text, _ = at_desk(asks, {"sonnet": CUT, "haiku": throttled()})
    assert not text.startswith("Well")


def test_what_the_guardrail_says_about_the_rest_is_shown_after_the_beginning(at_desk):
    stopped = [Opened(checked=True), Text(" I cannot say."), Stop("guardrail_intervened", checked=True)]
    assert at_desk(asks, {"sonnet": CUT, "haiku": stopped})[0] == "Well, I cannot say."


def test_a_model_that_refuses_to_go_on_is_set_up_wrongly_and_the_next_one_serves():
    """It says so as a validation error, which would otherwise end the walk."""
    said = "This model does not support assistant message prefill."
    verdict = classify.of_error(refusal("ValidationException", 400, said))
    assert (verdict.outcome, verdict.again) == (Outcome.DENIED, False)


@pytest.mark.parametrize("blank", ["  ", "\n"])
def test_white_space_is_nothing_to_go_on_from(at_desk, blank):
    scripts = {"sonnet": [Opened(checked=True), Text(blank)], "haiku": says("Hi")}
    assert at_desk(asks, scripts) == ("Hi", ["", ""])
