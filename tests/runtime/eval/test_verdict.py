"""What a run is worth, what two runs differ in, and the page that shows it."""

from dataclasses import replace

import pytest

from contract.errors import DONE, FAILED, INCONCLUSIVE
from runtime.eval import report
from runtime.eval.answers import Answer
from runtime.eval.compare import compare
from runtime.eval.run import Run, RunError, about
from runtime.eval.verdict import thresholds, verdict
from tests.runtime.eval.golden_helpers import CABLE, LAMP, SHOP, answer, card, prompt

GOOD = answer("The Lumo desk lamp costs $49.99.", cards=[card(LAMP)])
WRONG = answer("The <b>Lumo desk lamp</b> costs $1.99.", cards=[card(LAMP)])
OTHER = answer("A cable.", cards=[card(CABLE)])


def prompts(count: int = 40):
    return [prompt(f"pi-{n}", f"question {n}", products=["B0LAMP0001"]) for n in range(count)]


def judged(*answers: Answer, stand_ins: bool = True, version: str = "here", asked=None):
    """One prompt for each answer, in their order."""
    those = asked or prompts(len(answers))
    run = Run(about(version, those, stand_ins=stand_ins))
    run.answers = {p.id: a.model_copy(update={"id": p.id}) for p, a in zip(those, answers, strict=False)}
    return verdict(those, run, SHOP)


def gate(found, dimension):
    return next(one for one in found.gates if one.dimension == dimension)


def test_a_run_that_reaches_every_threshold_may_be_released():
    found = judged(*[GOOD] * 40)
    assert (found.exit_code, found.good.held) == (DONE, 40)
    assert {one.came for one in found.gates} == {"held"}


def test_a_dimension_fails_when_its_whole_interval_is_below():
    found = judged(*[GOOD] * 10, *[OTHER] * 30)
    assert gate(found, "products").came == "failed"
    assert found.exit_code == FAILED


def test_few_prompts_leave_it_in_doubt():
    found = judged(*[GOOD] * 3, OTHER)
    assert gate(found, "products").came == "in doubt"
    assert found.exit_code == INCONCLUSIVE


def test_a_run_that_is_not_whole_decides_nothing():
    found = judged(*[GOOD] * 40, asked=prompts(60))
    assert found.exit_code == INCONCLUSIVE
    assert found.doubts == ("40 of 60 prompts were asked",)


def test_real_models_are_held_to_more_than_stand_ins():
    assert all(thresholds().bedrock[name] >= least for name, least in thresholds().stand_ins.items())


def test_an_answer_to_a_prompt_that_is_gone_is_told():
    run = Run(about("here", prompts(1), stand_ins=True), {"pi-99": GOOD})
    with pytest.raises(RunError, match="pi-99"):
        verdict(prompts(1), run, SHOP)


def test_expectations_that_changed_since_are_told():
    asked = prompts(2)
    run = Run(about("here", asked, stand_ins=True), {p.id: GOOD for p in asked})
    later = [prompt(p.id, p.text, products=["B0CABLE001"]) for p in asked]
    assert verdict(later, run, SHOP).doubts == ("what is expected has changed since it was asked",)


def test_one_wrong_price_more_is_enough_to_stop_a_release():
    found = compare(judged(*[GOOD] * 40), judged(*[GOOD] * 39, WRONG, version="new"))
    assert found.exit_code == FAILED
    assert [one.dimension for one in found.worse] == ["price true"]
    assert list(found.regressed) == ["pi-39"]
    assert "$1.99" in found.regressed["pi-39"][0].why


def test_a_change_that_may_be_chance_stops_nothing_and_is_named_all_the_same():
    found = compare(judged(*[GOOD] * 40), judged(*[GOOD] * 38, OTHER, OTHER, version="new"))
    assert found.worse == []
    assert sorted(found.regressed) == ["pi-38", "pi-39"]
    assert found.exit_code == DONE


def test_a_change_that_is_no_chance_stops_it():
    found = compare(judged(*[GOOD] * 200), judged(*[GOOD] * 185, *[OTHER] * 15, version="new"))
    assert [one.dimension for one in found.worse] == ["products"]
    assert found.exit_code == FAILED


def test_better_is_told_too():
    found = compare(judged(*[GOOD] * 20, *[OTHER] * 20), judged(*[GOOD] * 40, version="new"))
    assert {one.dimension: one.came for one in found.moved}["products"] == "better"
    assert found.exit_code == DONE


def test_the_same_run_beside_itself_differs_in_nothing():
    one = judged(*[GOOD] * 20, *[OTHER] * 20)
    found = compare(one, one)
    assert {moved.came for moved in found.moved} == {"same"}
    assert not any(figure.sure for figure in found.figures)


def test_runs_of_other_prompts_or_other_models_are_not_compared():
    with pytest.raises(RunError, match="different golden prompts"):
        compare(judged(GOOD), judged(GOOD, GOOD))
    with pytest.raises(RunError, match="stand-ins"):
        compare(judged(GOOD), judged(GOOD, stand_ins=False))


def test_what_one_alone_answered_leaves_it_in_doubt():
    asked = prompts(40)
    found = compare(judged(*[GOOD] * 40, asked=asked), judged(*[GOOD] * 39, asked=asked))
    assert found.exit_code == INCONCLUSIVE
    assert found.doubts == ("1 prompts were answered by one version alone",)


def test_a_figure_that_surely_moved_is_told():
    dear = replace_usage(GOOD, 0.02)
    found = compare(judged(*[GOOD] * 30), judged(*[dear] * 30, version="new"))
    cost = next(one for one in found.figures if one.name == "cost")
    assert cost.sure
    assert [cost.before, cost.after] == pytest.approx([2, 20])


def replace_usage(one: Answer, usd: float) -> Answer:
    return one.model_copy(update={"final": {**one.final, "usage": {"usd": usd}}})


def test_the_page_names_what_got_worse_with_both_answers_and_is_honest():
    page = report.two(compare(judged(*[GOOD] * 9, GOOD), judged(*[GOOD] * 9, WRONG, version="new")))
    assert "must not be released" in page
    assert "<code>pi-9</code> price true" in page
    assert "costs $49.99" in page
    assert "&lt;b&gt;Lumo desk lamp&lt;/b&gt; costs $1.99" in page
    assert "not the quality of any model" in page


def test_the_page_of_real_models_says_nothing_of_stand_ins():
    page = report.one(judged(*[GOOD] * 9, OTHER, stand_ins=False))
    assert "not the quality" not in page
    assert "pi-9" in page
    assert replace(judged(GOOD), doubts=("few",)).exit_code == INCONCLUSIVE
