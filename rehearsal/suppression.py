"""When a composite alarm acts on its state, and when another alarm keeps it from doing so.

The rules are in the CloudWatch user guide, "Suppressing composite alarm actions"; its six examples are held
against this in tests/rehearsal/test_suppression.py.
"""

from dataclasses import dataclass

from contract.alarm_rules import State


@dataclass(frozen=True, slots=True)
class Act:
    """The composite acts: what it tells, and when."""

    at: float
    state: State


@dataclass
class Suppression:
    """One composite with a suppressor. Times must not run backwards; `due` is asked before each change."""

    wait_s: float
    extension_s: float
    state: State = "INSUFFICIENT_DATA"
    red: bool = False  # the suppressor is in ALARM
    _until: float | None = None  # a wait or an extension ends then
    _changed: bool = False  # since it last acted

    def due(self, now: float) -> list[Act]:
        """Acts whose wait or extension has ended by now."""
        if self._until is None or self._until > now:
            return []
        ended, self._until = self._until, None
        return self._act(ended)

    @property
    def next_due(self) -> float | None:
        return self._until

    def composite(self, now: float, state: State) -> list[Act]:
        """The composite goes to another state: a wait begins anew, unless it is suppressed already."""
        self.state, self._changed = state, True
        if self.red:
            return []
        return self._hold(now, self.wait_s)

    def suppressor(self, now: float, red: bool) -> list[Act]:
        """The suppressor's turning red ends any wait; its turning back begins an extension."""
        if red == self.red:
            return []
        self.red = red
        if red:
            self._until = None
            return []
        return self._hold(now, self.extension_s)

    def _hold(self, now: float, seconds: float) -> list[Act]:
        self._until = now + seconds
        return self.due(now)

    def _act(self, at: float) -> list[Act]:
        if not self._changed:
            return []
        self._changed = False
        return [Act(at, self.state)]
