"""What one client saw of one answer: every frame held against the protocol (RUN-2), and the moments.

Knows no socket and no clock: whoever reads frames hands them over with the time.
"""

from contract.frames import (
    ENDINGS,
    Banner,
    Correction,
    Delta,
    Failure,
    Final,
    Reconnect,
    Resumed,
    ServerFrame,
    ServerMessage,
    Start,
)
from contract.tiers import Tier


class Transcript:
    """Takes the frames of one request in the order they came. Times are seconds of any one clock."""

    def __init__(self, request_id: str, sent_at: float) -> None:
        self.request_id = request_id
        self.sent_at = sent_at
        self.first_token_at: float | None = None
        self.ended_at: float | None = None
        self.tier: Tier | None = None
        self.rung: str | None = None
        self.problem: str | None = None  # the first thing that went wrong, in words
        self.characters = 0
        self.sequence_gaps = 0
        self.corrections = 0
        self.finals = 0
        self._expected = 0

    @property
    def ended(self) -> bool:
        """Whether a final or an error frame was seen."""
        return self.ended_at is not None

    def take(self, frame: ServerMessage, at: float) -> None:
        """One more frame."""
        if isinstance(frame, Resumed | Reconnect):
            return  # of the connection, not of an answer
        if frame.request_id != self.request_id:
            # A banner may come at any time; anything else belongs to an answer that was already over.
            if not isinstance(frame, Banner):
                self.fail(f"a {frame.type} frame of another request")
            return
        self._count(frame)
        match frame:
            case Delta() | Correction():
                self._text(frame, at)
            case Final():
                self._finish(frame, at)
            case Failure():
                self.ended_at = self.ended_at or at
                self.fail(f"{frame.code}: {frame.message}")
            case Start() | Banner():
                pass

    def fail(self, problem: str) -> None:
        """Something went wrong; the first thing that did is kept."""
        self.problem = self.problem or problem

    def _count(self, frame: ServerFrame) -> None:
        """Order: 0, 1, 2 ..., begun by start (an error needs none), nothing after the end."""
        if frame.sequence_number != self._expected:
            self.sequence_gaps += 1
        elif (frame.type == "start") != (frame.sequence_number == 0) and frame.type != "error":
            self.fail(f"a {frame.type} frame as number {frame.sequence_number}")
        self._expected = frame.sequence_number + 1
        if self.ended:
            self.fail("ended twice" if frame.type in ENDINGS else f"a {frame.type} frame after the end")

    def _text(self, frame: Delta | Correction, at: float) -> None:
        if isinstance(frame, Correction):
            self.corrections += 1
        if frame.text and self.first_token_at is None:
            self.first_token_at = at

    def _finish(self, frame: Final, at: float) -> None:
        self.finals += 1
        if self.ended:
            return
        self.ended_at = at
        # A short answer may come whole, without a delta before it.
        self.first_token_at = self.first_token_at or at
        self.tier, self.rung = frame.tier, frame.rung
        self.characters = len(frame.text)
