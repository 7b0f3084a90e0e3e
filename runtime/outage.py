"""How long no model has answered, and whom that keeps out (RUN-5, T3): new conversations, after a while.

Those that had begun go on, with canned answers and a banner. A new one is let in now and then, else nobody
would ask a model any more, and nobody would learn that it is back.
"""

from collections import OrderedDict
from collections.abc import Callable

from contract.runtime_settings import OutageSettings

NEVER = float("-inf")


class Outage:
    """Hears who answered each message. `now` is the loop's time."""

    def __init__(self, settings: OutageSettings, now: Callable[[], float]) -> None:
        self._settings = settings
        self._now = now
        self._since: float | None = None  # the first answer without a model after the last one with
        self._tried = NEVER
        self._begun: OrderedDict[str, None] = OrderedDict()

    @property
    def closed(self) -> bool:
        """Whether new conversations are refused."""
        return self._since is not None and self._now() >= self._since + self._settings.closed_after_s

    def answered(self, *, by_model: bool, asked: bool) -> None:
        """One answer. One that no model was asked for tells nothing."""
        if by_model:
            self._since = None
        elif asked and self._since is None:
            self._since = self._now()

    def lets_in(self, session_id: str, *, resumed: bool) -> bool:
        """Whether this conversation may ask. `resumed`: the client says it began before."""
        if not self.closed or resumed or session_id in self._begun or self._tries():
            self._remember(session_id)
            return True
        return False

    def _tries(self) -> bool:
        now = self._now()
        if now < self._tried + self._settings.try_s:
            return False
        self._tried = now
        return True

    def _remember(self, session_id: str) -> None:
        self._begun[session_id] = None
        self._begun.move_to_end(session_id)
        if len(self._begun) > self._settings.sessions:
            self._begun.popitem(last=False)
