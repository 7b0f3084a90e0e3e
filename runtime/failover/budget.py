"""What extra calls may cost: each request puts a share of a call aside, a retry or hedge takes a whole one.

So of R requests never more than `share` x R + `most` extra calls come, however bad the times.
"""

from contract.runtime_settings import BudgetSettings


class Budget:
    """Begins with its savings full: a quiet hour may retry too."""

    def __init__(self, settings: BudgetSettings) -> None:
        self._share = settings.share
        self._most = float(settings.most)
        self._saved = self._most

    def earn(self) -> None:
        """An ordinary request."""
        self._saved = min(self._most, self._saved + self._share)

    def spend(self) -> bool:
        """Whether an extra call may be made; it is taken as made."""
        if self._saved < 1.0:
            return False
        self._saved -= 1.0
        return True
