"""How many calls of a rung run at a time: fewer while it answers late or refuses much (a gradient).

Once a second the usual wait for the first text is held against the last second's. A rung that has slowed down
beyond the tolerance, or hurt too many, gets fewer calls than it had; one that is used to its limit and well
gets more. Who finds no room steps down. It never falls below a floor, so that it can learn of better times.
"""

from math import sqrt

from contract.runtime_settings import LimitSettings

ENOUGH = 10  # calls without which a second tells nothing
REMEMBERS = 0.1  # share of a new second in what is usual
LESS, MORE = 0.8, 1.25


class Limit:
    """Begins at the most: a healthy rung is never held back. Times are the caller's, in seconds."""

    def __init__(self, settings: LimitSettings, most: int) -> None:
        self._settings = settings
        self._most = most
        self._floor = min(settings.floor, most)
        self.running = 0
        self.reset()

    def reset(self) -> None:
        """All was forgotten: the breaker has taken over, and what comes afterwards is another rung."""
        self.allowed = self._most
        self._usual: float | None = None
        self._until = 0.0
        self._clear()

    def _clear(self) -> None:
        self._peak = self.running
        self._spoke = self._hurt = 0
        self._waited = 0.0

    def enter(self, *, last: bool = False) -> bool:
        """Whether there is room for one more call; leave with `leave`.

        `last`: no other model is left to ask, so a late answer is better than none.
        """
        if self.running >= (self._most if last else self.allowed):
            return False
        self.running += 1
        if self.running > self._peak:
            self._peak = self.running
        return True

    def leave(self) -> None:
        self.running -= 1

    def learn(self, now: float, first_text_s: float | None) -> None:
        """A call spoke after so long; None: it was throttled or timed out."""
        if first_text_s is None:
            self._hurt += 1
        else:
            self._spoke += 1
            self._waited += first_text_s
        if now >= self._until:
            if self._spoke + self._hurt >= ENOUGH:
                self._adapt()
            self._until = now + self._settings.window_s
            self._clear()

    def _adapt(self) -> None:
        factor = self._gradient()
        if factor < 1:
            lower = min(self.allowed, self._peak) * factor
            self.allowed = max(self._floor, int(lower))
        elif self._peak * 2 >= self.allowed:  # not used, not proven
            self.allowed = min(self._most, int(self.allowed * MORE + sqrt(self.allowed)))

    def _gradient(self) -> float:
        if self._hurt > self._settings.hurt_share * (self._spoke + self._hurt):
            return LESS
        if not self._spoke:
            return 1.0
        waited = self._waited / self._spoke
        usual = waited if self._usual is None else self._usual
        self._usual = usual + REMEMBERS * (min(waited, 2 * usual) - usual)
        return 1.0 if waited <= self._settings.tolerance * usual else max(0.5, usual / waited)
