"""When an agent is stopped: of everything it may have done and ask for."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from contract.runtime_settings import ToolsSettings
from runtime.agents.limits import Reason, reason, repeats
from runtime.port import Asked, Ran

SETTINGS = ToolsSettings()
tools = st.sampled_from(["look", "find", "add"])
arguments = st.dictionaries(st.sampled_from("ab"), st.integers(0, 1), max_size=2)
ran = st.lists(
    st.builds(Ran, tools, arguments, st.just("said"), ok=st.booleans(), changed=st.booleans()), max_size=8
)
asked = st.lists(st.builds(Asked, tools, arguments), min_size=1, max_size=3)


@given(ran, st.integers(1, 9), asked, st.floats(0, 100))
def test_it_is_stopped_for_one_of_four_reasons_and_for_no_other(did: Any, rounds: int, wants: Any, s: float):
    why = reason(did, rounds, wants, s, SETTINGS)
    true = {
        Reason.ROUNDS: rounds > 5,
        Reason.TIME: s >= 60,
        Reason.FAILURES: sum(not one.ok for one in did) >= 3,
        Reason.REPEATED: any(repeats(one, did) for one in wants),
    }
    assert (why is None) == (not any(true.values()))
    assert why is None or true[why]


@given(ran, tools, arguments)
def test_a_call_repeats_what_was_asked_since_the_last_change(did: list[Ran], tool: str, given_: Any):
    changes = [number for number, one in enumerate(did) if one.changed]
    since = did[changes[-1] :] if changes else did
    alike = any(one.tool == tool and one.arguments == given_ for one in since)
    assert repeats(Asked(tool, given_), did) == alike


def test_the_cart_may_be_looked_at_again_after_a_change():
    view, add = Ran("view", {}, ""), Ran("add", {"asin": "B0"}, "", changed=True)
    assert repeats(Asked("view", {}), [view])
    assert not repeats(Asked("view", {}), [view, add])
    assert repeats(Asked("add", {"asin": "B0"}), [view, add])
    assert not repeats(Asked("view", None), [view])
