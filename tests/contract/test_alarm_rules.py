"""Rules of composite alarms mean what CloudWatch's user guide says of its examples; its limits are kept."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.alarm_rules import STATES, RuleError, State, parse

GUIDE = tomllib.loads(
    (Path(__file__).parents[1] / "rehearsal" / "cloudwatch" / "composite.toml").read_text("utf-8")
)
CASES = [
    pytest.param(each["rule"], case["when"], case["alarm"], id=f"{each['rule']} {case['when']}")
    for each in GUIDE["rules"]
    for case in each["cases"]
]
NAMES = ("a", "b", "c")


@pytest.mark.parametrize(("rule", "when", "alarm"), CASES)
def test_every_example_of_the_user_guide(rule: str, when: dict[str, State], alarm: bool):
    found = parse(rule)
    states: dict[str, State] = dict.fromkeys(found.children, "OK")

    assert found.holds({**states, **when}) is alarm
    assert set(when) <= set(found.children)


def test_an_alarm_nobody_knows_has_no_data():
    assert parse("INSUFFICIENT_DATA(gone)").holds({})
    assert not parse("ALARM(gone) OR OK(gone)").holds({})


def test_or_binds_less_than_and_and_not_binds_most():
    states: dict[str, State] = {"a": "ALARM", "b": "OK", "c": "OK"}
    assert parse("ALARM(a) OR ALARM(b) AND ALARM(c)").holds(states)
    assert not parse("(ALARM(a) OR ALARM(b)) AND ALARM(c)").holds(states)
    assert parse("NOT ALARM(b) AND ALARM(a)").holds(states)


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ("", "ends too early"),
        ("ALARM(a) AND", "ends too early"),
        ("ALARM(a", r"\) is missing before the end"),
        ("ALARM()", "name of an alarm is missing"),
        ("RED(a)", "RED is no function"),
        ("ALARM(a) ALARM(b)", "nothing may follow"),
        ('ALARM("a', "quotation mark is not closed"),
        ("AT_LEAST(some, ALARM, (a))", "AT_LEAST takes a number"),
        ("AT_LEAST(1, RED, (a))", "AT_LEAST takes a number"),
        ("AT_LEAST(1, ALARM, a)", r"\( is missing"),
    ],
)
def test_what_cloudwatch_would_refuse_is_refused_in_a_line(rule: str, why: str):
    with pytest.raises(RuleError, match=why):
        parse(rule)


def test_the_limits_of_cloudwatch():
    limits = GUIDE["limits"]

    def rule(children: int) -> str:
        return " OR ".join(f"ALARM(a{number})" for number in range(children))

    assert len(parse(rule(limits["children"])).children) == limits["children"]
    with pytest.raises(RuleError, match="101 alarms"):
        parse(rule(limits["children"] + 1))
    assert parse(" OR ".join(["TRUE"] * limits["elements"])).children == ()
    with pytest.raises(RuleError, match="501 elements"):
        parse(" OR ".join(["TRUE"] * (limits["elements"] + 1)))
    with pytest.raises(RuleError, match="10240 characters"):
        parse(f"ALARM({'a' * limits['characters']})")


@given(
    st.recursive(
        st.tuples(st.sampled_from(STATES), st.sampled_from(NAMES)),
        lambda inner: (
            st.tuples(st.just("NOT"), inner) | st.tuples(st.sampled_from(["AND", "OR"]), inner, inner)
        ),
        max_leaves=12,
    ),
    st.fixed_dictionaries({name: st.sampled_from(STATES) for name in NAMES}),
)
def test_a_rule_is_a_recount_of_its_tree(tree, states):
    """Written out with all its brackets, and worked out by hand."""

    def text(node) -> str:
        match node:
            case ("NOT", inner):
                return f"NOT ({text(inner)})"
            case (("AND" | "OR") as word, left, right):
                return f"(({text(left)}) {word} ({text(right)}))"
        return f'{node[0]}("{node[1]}")'

    def truth(node) -> bool:
        match node:
            case ("NOT", inner):
                return not truth(inner)
            case ("AND", left, right):
                return truth(left) and truth(right)
            case ("OR", left, right):
                return truth(left) or truth(right)
        return bool(states[node[1]] == node[0])

    assert parse(text(tree)).holds(states) is truth(tree)
