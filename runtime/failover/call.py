"""One call to a model, from its permit to what it came to: first its first text, then the rest.

Limits hold while the model is waited for, not while the client is slow to take what it said.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import NamedTuple

from contract.outcomes import Outcome
from contract.runtime_settings import Rung
from runtime.failover import classify
from runtime.failover.classify import Verdict
from runtime.failover.guard import Pass
from runtime.port import UNBILLED, Event, Opened, Ran, Spent, Stop, Text, Using

TRAILER_S = 1.0  # how long a whole answer waits for its bill


class Attempt(NamedTuple):
    """One finished call to a model. Not counted: the request ran out of time, the rung is not at fault."""

    rung: Rung
    outcome: Outcome
    counted: bool
    seconds: float
    error: str = ""
    unknown: str = ""  # the kind of an error that nobody has classified yet

    @property
    def failed(self) -> bool:
        """Whether it counts against the rung."""
        return self.counted and self.outcome.counts_as_failure

    @property
    def overflowed(self) -> bool:
        """Units of our own were full, as they should be: no trouble of the model."""
        return self.rung.provisioned and self.outcome is Outcome.THROTTLED


Ended = Callable[[Attempt | None], None]


class Call:
    """Ask `first`, then `rest` if it spoke, and `conclude` in any case, once."""

    __slots__ = (
        "_deadline",
        "_due",
        "_events",
        "_listener_failed",
        "_loop",
        "_patience",
        "_since",
        "_tell",
        "_through",
        "_timer",
        "_using",
        "_writing",
        "checked",
        "error",
        "last_at",
        "ran_out",
        "recorded",
        "rung",
        "so_far",
        "spent",
        "started",
        "stop",
        "stopped_at",
        "text",
        "unknown",
    )

    def __init__(
        self,
        rung: Rung,
        events: AsyncGenerator[Event, None],
        through: Pass,
        deadline: float,
        tell: Ended,
        so_far: str = "",
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._events = events
        self._through = through
        self._deadline = deadline
        self._tell = tell
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._patience: asyncio.Timeout
        self._listener_failed: Exception | None = None
        self._writing = False
        self.rung = rung
        self.so_far = so_far  # what another rung said, and this one goes on from
        self.checked = False  # whether a guardrail read the text before it came
        self.started = self._since = self._loop.time()
        self._using = False  # a tool runs: it has limits of its own
        self.last_at: float | None = None  # when the last text came
        self.text = ""  # the first one
        self.stop: Stop | None = None
        self.stopped_at: float | None = None
        self.spent: Spent = UNBILLED
        self.recorded: list[Ran] = []
        self.error = ""
        self.unknown = ""
        self.ran_out = False

    async def first(self) -> Verdict | None:
        """Waits for the first text: None when it is here, else what the call came to without one."""
        limit = self.started + min(self.rung.first_token_s, self.rung.total_s)
        try:
            async with asyncio.timeout_at(min(limit, self._deadline)) as patience:
                async for event in self._events:
                    if not isinstance(event, Text):
                        self._note(event)
                        limit = self._limit()
                        patience.reschedule(min(limit, self._deadline))
                    elif event.text:
                        self.text = event.text
                        self.last_at = self._loop.time()
                        self._through.alive()
                        return None
        except Exception as error:  # noqa: BLE001 - every error has a class, the unknown ones too
            if self.stop is None:
                return self._failed(error, limit)
        return self._ended()

    async def rest(self, write: Callable[[str], Awaitable[None]]) -> Verdict:
        """Passes the first text and all that follows on, until the stream ends one way or another."""
        try:
            async with asyncio.timeout(None) as self._patience:
                await self._pass_on(self.text, write)
                async for event in self._events:
                    if not isinstance(event, Text):
                        self._note(event)
                        self._watch()  # the wait is another from here on
                    elif event.text:
                        await self._pass_on(event.text, write)
        except Exception as error:
            if error is self._listener_failed:
                raise
            if self.stop is None:
                return self._failed(error, self._limit())
        finally:
            if self._timer is not None:
                self._timer.cancel()
        return self._ended()

    async def conclude(self, verdict: Verdict | None) -> None:
        """Ends the call upstream and says what it came to; None: it was given up, the rung did no wrong."""
        try:
            await self._events.aclose()
        finally:
            if verdict is None:
                self._through.release()
                self._tell(None)
            else:
                self._settle(verdict)

    def _settle(self, verdict: Verdict) -> None:
        if self.ran_out:
            self._through.release()
        else:
            self._through.settle(verdict.outcome)
        seconds = self._loop.time() - self.started
        counted = not self.ran_out
        self._tell(Attempt(self.rung, verdict.outcome, counted, seconds, self.error, self.unknown))

    async def _pass_on(self, text: str, write: Callable[[str], Awaitable[None]]) -> None:
        self._writing = True
        try:
            await write(text)
        except Exception as error:
            self._listener_failed = error
            raise
        self._writing = False
        self.last_at = self._loop.time()
        if self._timer is None:
            self._watch()

    def _note(self, event: Event) -> None:
        if isinstance(event, Stop):
            self.stop = event
            self.stopped_at = self._loop.time()
        elif isinstance(event, Spent):
            self.spent = event
        elif isinstance(event, Using):
            self._using = True
            self._through.alive()  # it has spoken, if not to the person
        elif isinstance(event, Ran):
            self.recorded.append(event)
            self._using, self._since = False, self._loop.time()
        elif isinstance(event, Opened):
            self.checked = event.checked

    def _ended(self) -> Verdict:
        """Without an error, or with one after the stop: then only the bill got lost."""
        stop = None if self.stop is None else self.stop.reason
        return Verdict(classify.of_end(stop, spoke=self.last_at is not None or self.so_far != ""))

    # Patience: one timer a call, not one a chunk.

    def _limit(self) -> float:
        """Until when to wait for the next event."""
        if self.stopped_at is not None:
            return self.stopped_at + TRAILER_S
        if self._using:
            return float("inf")
        end = self._since + self.rung.total_s
        if self.last_at is None or self.last_at < self._since:  # of this call of the model nothing came yet
            return min(self._since + self.rung.first_token_s, end)
        return min(self.last_at + self.rung.gap_s, end)

    def _watch(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._due = min(self._limit(), self._deadline)
        self._timer = self._loop.call_at(self._due, self._look)

    def _look(self) -> None:
        """The limit of some time ago has come; with each chunk since, it has moved on."""
        self._timer = None
        if self._writing:
            return  # the client is waited for; the watch begins again when it has taken the text
        if min(self._limit(), self._deadline) > self._due:
            self._watch()
        else:
            self._patience.reschedule(self._loop.time())

    def _failed(self, error: Exception, limit: float) -> Verdict:
        verdict = classify.of_error(error)
        self.error = f"{type(error).__name__}: {error}"
        self.unknown = type(error).__name__ if verdict.unknown else ""
        # Timers may come a hair early.
        out_of_time = self._loop.time() >= self._deadline - 1e-6 and self._deadline < limit
        self.ran_out = out_of_time and isinstance(error, TimeoutError)
        return verdict
