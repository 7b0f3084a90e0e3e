"""Where on the ladder a message starts (RUN-4, RUN-5): what an operator forces, else what T0's errors say."""

from collections.abc import Callable, Sequence

from contract.controls import Controls
from contract.outcomes import Outcome
from contract.runtime_settings import RoutingSettings, Rung
from contract.tiers import Tier
from runtime.failover.ladder import Attempt
from runtime.failover.window import Window

ORDER = list(Tier)


class Router:
    """Hears of every attempt, so that it knows T0's error rate."""

    def __init__(self, ladder: Sequence[Rung], settings: RoutingSettings, now: Callable[[], float]) -> None:
        self._ladder = ladder
        self._settings = settings
        self._now = now
        self._t0 = Window(settings.threshold_window_s)

    def record(self, attempt: Attempt) -> None:
        """Counts what says something about T0: answers and failures."""
        tells = attempt.failed or attempt.outcome is Outcome.OK
        if attempt.rung.tier is Tier.T0 and tells:
            self._t0.add(self._now(), failed=attempt.failed)

    def rungs(self, message: str, controls: Controls) -> Sequence[Rung]:
        """The rungs to walk; none means closed."""
        if controls.forced_tier is not None:
            return self._from(controls.forced_tier.value)
        if self.is_simple(message) and self._t0_is_poor(controls):
            return self._from(Tier.T1)
        return self._from(Tier.T0)

    def is_simple(self, message: str) -> bool:
        return len(message.split()) <= self._settings.simple_words

    def _t0_is_poor(self, controls: Controls) -> bool:
        turned = controls.haiku_threshold
        threshold = self._settings.haiku_threshold if turned is None else turned.value
        tally = self._t0.tally(self._now())
        return tally.calls >= self._settings.threshold_calls and tally.share >= threshold

    def _from(self, tier: Tier) -> Sequence[Rung]:
        first = ORDER.index(tier)
        return [rung for rung in self._ladder if ORDER.index(rung.tier) >= first]
