"""Samples made up: good answers but for what a test changes, and any sample at all."""

from typing import Any

from hypothesis import strategies as st

from contract.intents import Intent
from contract.tiers import Tier
from loadtests.samples import Sample

FAILED: dict[str, Any] = {
    "error": "connection lost",
    "tier": None,
    "rung": None,
    "end_to_end_ms": None,
    "finals": 0,
}


def sample(number: int = 0, **fields) -> Sample:
    """A good answer of the first tier, but for `fields`."""
    told = {
        "request_id": f"r-{number}",
        "intended_at": 1_000.0,
        "sent_at": 1_000.002,
        "first_token_ms": 400.0,
        "end_to_end_ms": 1_500.0,
        "tier": Tier.T0,
        "rung": "sonnet",
        "finals": 1,
        "intent": "delivery",
        "persona": "track",
        "channel": "chat",
        "stage": "plateau",
    }
    return Sample(**(told | fields))


times = st.floats(0, 10_000)
whose: dict[str, Any] = {
    "at_s": st.floats(0, 60),
    "persona": st.sampled_from(["browse", "track"]),
    "intent": st.sampled_from(list(map(str, Intent))[:3]),
    "stage": st.sampled_from(["ramp", "plateau"]),
    "gap_ms": st.none() | times,
    "stalls": st.integers(0, 2),
}
answered = st.builds(
    sample,
    st.integers(0, 10**6),
    first_token_ms=times,
    end_to_end_ms=times,
    tier=st.sampled_from([Tier.T0, Tier.T1, Tier.T2]),
    sequence_gaps=st.integers(0, 2),
    # Eighths of a cent: they add up to the same whoever adds first.
    usd=st.integers(0, 800).map(lambda n: n / 8_192),
    **whose,
)
failed = st.builds(
    lambda number, ms, more: sample(number, **FAILED, first_token_ms=ms, **more),
    st.integers(0, 10**6),
    st.none() | times,
    st.fixed_dictionaries(whose),
)
samples = st.lists(answered | failed, max_size=40)
