"""Where on the ladder a message starts (RUN-4, RUN-5): by an operator's word, hardness and T0's errors.

A refusal comes at once, an answer takes its time. So a call to T0 counts when it begins and becomes a failure
when it fails: else a rung that starts would look bad until its first answers are whole.
"""

from collections.abc import Callable, Sequence

from contract.controls import Controls
from contract.outcomes import Outcome
from contract.runtime_settings import RoutingSettings, Rung
from contract.tiers import Tier
from runtime.answer.needs import Complexity
from runtime.failover.ladder import Attempt
from runtime.failover.window import Window


class Router:
    """Hears of every call, so that it knows T0's error rate. `knows`: whether a canned answer fits."""

    def __init__(
        self,
        ladder: Callable[[], Sequence[Rung]],
        settings: RoutingSettings,
        now: Callable[[], float],
        knows: Callable[[str], bool],
    ) -> None:
        self._ladder = ladder
        self._settings = settings
        self._now = now
        self._knows = knows
        self._t0 = Window(settings.threshold_window_s)
        self._trickle = 0.0

    def begun(self, rung: Rung) -> Callable[[Attempt | None], None]:
        """A call begins; tell what this gives what it came to, None if it was given up."""
        mark = self._t0.add(self._now(), failed=False) if rung.tier is Tier.T0 else None

        def ended(attempt: Attempt | None) -> None:
            if mark is not None:
                self._settle(mark, attempt)

        return ended

    def _settle(self, mark: int, attempt: Attempt | None) -> None:
        """An answer stays counted. What tells nothing about T0 is taken back."""
        if attempt is not None and attempt.outcome is Outcome.OK:
            return
        self._t0.take_back(mark)
        if attempt is not None and attempt.failed and not attempt.overflowed:
            self._t0.add(self._now(), failed=True)

    def closed(self, controls: Controls) -> bool:
        """Whether an operator lets nobody be answered, or there is nothing to answer with."""
        forced = controls.forced_tier
        rungs = self._from(Tier.T0 if forced is None else forced.value, controls)
        return not rungs or rungs[0].tier is Tier.T3

    def rungs(self, message: str, complexity: Complexity, controls: Controls) -> Sequence[Rung]:
        """The rungs to walk; that of T3 first, or none, means closed."""
        rungs = self._from(self._tier(complexity, controls), controls)
        if complexity is not Complexity.PREMIUM:
            rungs = [rung for rung in rungs if not rung.premium]
        turned = controls.canned_first
        if turned is not None and turned.value and self._knows(message):
            return [rung for rung in rungs if rung.model is None]
        return rungs

    def _tier(self, complexity: Complexity, controls: Controls) -> Tier:
        """A light answer needs no large model; a simple one does without while that is in trouble."""
        if controls.forced_tier is not None:
            return controls.forced_tier.value
        if complexity is Complexity.LIGHT:
            return Tier.T1
        if complexity is Complexity.SIMPLE and (self._t0_is_poor(controls) or self._trickles()):
            return Tier.T1
        return Tier.T0

    def _trickles(self) -> bool:
        """One simple message in so many, evenly: a fallback that is never used is not known to work."""
        self._trickle += self._settings.trickle_share
        if self._trickle < 1.0:
            return False
        self._trickle -= 1.0
        return True

    def _t0_is_poor(self, controls: Controls) -> bool:
        turned = controls.haiku_threshold
        threshold = self._settings.haiku_threshold if turned is None else turned.value
        tally = self._t0.tally(self._now())
        return tally.calls >= self._settings.threshold_calls and tally.share >= threshold

    def _from(self, tier: Tier, controls: Controls) -> Sequence[Rung]:
        """From a tier down; of the region that an operator named, the same models before those here."""
        rungs = [rung for rung in self._ladder() if not tier.is_below(rung.tier)]
        if controls.region is None:
            return rungs
        named = controls.region.value
        here = {rung.model for rung in rungs if rung.model is not None and rung.region != named}
        return sorted(rungs, key=lambda rung: rung.region != named or rung.model not in here)
