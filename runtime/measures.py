"""What every room counts, by name: one method for each thing that happens, so that no name is written twice.

The metrics are those of contract/metrics.toml, kept by `Telemetry.sample`. Metrics of a whole message are its
conversation's (`Telemetry.metrics`).
"""

from contract.tiers import Tier
from runtime.telemetry import Telemetry


class Measures:
    """Times are given in seconds."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry

    def stage(self, stage: str, seconds: float) -> None:
        """One stage of a message's path."""
        self._telemetry.sample({"StageMs": _ms(seconds)}, {"Stage": stage})

    def cache(self, cache: str, seconds: float, *, hit: bool, stale: bool = False) -> None:
        """One look into a cache."""
        found = {"CacheHits": int(hit), "CacheMisses": int(not hit), "CacheStale": int(stale)}
        self._telemetry.sample(found | {"CacheMs": _ms(seconds)}, {"Cache": cache})

    def made(self, cache: str) -> None:
        """One entry that was computed."""
        self._telemetry.sample({"CacheMade": 1}, {"Cache": cache})

    def valkey(self, *, up: bool) -> None:
        self._telemetry.sample({"ValkeyUp": int(up)}, {})

    def tokens(self, model: str, asked: int, answered: int) -> None:
        """What one call of a model used."""
        self._telemetry.sample({"InputTokens": asked, "OutputTokens": answered}, {"Model": model})

    def tool(self, tool: str, seconds: float, *, failed: bool) -> None:
        """One call of a tool."""
        self._telemetry.sample({"ToolMs": _ms(seconds), "ToolFailed": int(failed)}, {"Tool": tool})

    def answered(self, tier: Tier, meant: Tier) -> None:
        """The ladder answered: on the tier that was meant to, or below."""
        self._telemetry.sample({"SteppedDown": int(tier.is_below(meant))}, {"Meant": meant.value})

    def loop_stopped(self, agent: str) -> None:
        """An agent that asked for tools again and again."""
        self._telemetry.sample({"LoopsStopped": 1}, {"Agent": agent})

    def provider(self, provider: str, seconds: float, *, failed: bool) -> None:
        """One call to a provider."""
        values = {"ProviderMs": _ms(seconds), "ProviderFailed": int(failed)}
        self._telemetry.sample(values, {"Provider": provider})

    def variant_answered(self, variant: str, *, human: bool) -> None:
        """An answer to somebody in an experiment, and whether they wanted a human."""
        self._telemetry.sample({"VariantHuman": int(human)}, {"Variant": variant})

    def variant_rated(self, variant: str, *, good: bool) -> None:
        """What somebody in an experiment thinks of an answer."""
        self._telemetry.sample({"VariantRated": int(good)}, {"Variant": variant})

    def task(self, *, connections: int, in_flight: int, lag_s: float) -> None:
        """How this task is, as of now."""
        held = {"Connections": connections, "InFlight": in_flight, "LoopLagMs": _ms(lag_s)}
        self._telemetry.sample(held, {})

    def session(self, *, resumed: bool) -> None:
        """A conversation begins or goes on."""
        self._telemetry.sample({"SessionsBegun": int(not resumed), "SessionsResumed": int(resumed)}, {})

    def refused(self, kind: str) -> None:
        """A message that tried to give the model orders."""
        self._telemetry.sample({"InputRefused": 1}, {"Kind": kind})

    def left_out(self, kind: str) -> None:
        """A text that was found, and speaks to the model."""
        self._telemetry.sample({"FoundLeftOut": 1}, {"Kind": kind})

    def taken_out(self, kind: str, count: int) -> None:
        """Personal data in a message or an answer."""
        self._telemetry.sample({"PiiTakenOut": count}, {"Kind": kind})

    def changed(self, check: str) -> None:
        """An answer that a check changed."""
        self._telemetry.sample({"AnswerChanged": 1}, {"Check": check})


def _ms(seconds: float) -> float:
    return round(seconds * 1_000, 3)
