"""The ladder as it stands: the rungs of the settings, and extra ones ahead of their model's while they count.

Each has a guard of its own, which comes and goes with it. A request under way keeps the guard it was let
through by, so that it ends as it began.
"""

from collections.abc import Callable, Sequence

from contract.rungs import ExtraRung
from contract.runtime_settings import Rung
from runtime.failover.guard import Guard


class Rungs:
    """`extras` gives those that count now; `guard` makes one for a rung."""

    def __init__(
        self,
        ladder: Sequence[Rung],
        extras: Callable[[], Sequence[ExtraRung]],
        guard: Callable[[Rung], Guard],
    ) -> None:
        self._ladder = ladder
        self._extras = extras
        self._make = guard
        self._guards = {rung.name: guard(rung) for rung in ladder if rung.model is not None}
        self._known: dict[str, tuple[str, Guard]] = {}  # extra rung -> its units, its guard

    def now(self) -> Sequence[Rung]:
        """The rungs to walk, from the best down."""
        extras = self._extras()
        if not extras:
            return self._ladder
        rungs: list[Rung] = []
        placed: set[str] = set()
        for rung in self._ladder:
            # Only the first rung of a model: its units overflow there. They stand in our own region.
            here = rung.model if rung.region is None else None
            ahead = [extra for extra in extras if extra.model == here and extra.name not in placed]
            placed.update(extra.name for extra in ahead)
            rungs += [*(_like(rung, extra) for extra in ahead), rung]
        return rungs

    def guard(self, rung: Rung) -> Guard | None:
        """None for a rung that does not count any more: step down."""
        if rung.name in self._guards:
            return self._guards[rung.name]
        counting = {extra.name: extra.arn for extra in self._extras()}
        self._known = {name: known for name, known in self._known.items() if counting.get(name) == known[0]}
        if rung.name not in counting:
            return None
        if rung.name not in self._known:
            self._known[rung.name] = (counting[rung.name], self._make(rung))
        return self._known[rung.name][1]


def _like(rung: Rung, extra: ExtraRung) -> Rung:
    """The same tier and the same limits, by another name, on units."""
    return rung.model_copy(update={"name": extra.name, "provisioned": True})
