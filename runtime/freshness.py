"""How old the contracts with our providers are (RUN-23): told again and again, for the alarm that watches it.

A contract's day stands in its file, so it ages with the version that runs. Verifying is not done here.
"""

from contract.consumers import consumers
from runtime.telemetry import Clock, Telemetry

EVERY_S = 900.0


class Freshness:
    """Poll `tell` every `EVERY_S` (`runtime.kept.poll`)."""

    def __init__(self, telemetry: Telemetry, wall: Clock) -> None:
        self._telemetry = telemetry
        self._wall = wall

    async def tell(self) -> None:
        """One metric for each provider."""
        today = self._wall().date()
        for provider, contract in consumers().items():
            self._telemetry.metrics({"ContractAge": contract.age_days(today)}, {"Provider": provider})
