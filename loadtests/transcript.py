"""What one client saw of one answer: every frame held against the protocol (RUN-2), and the moments.

Knows no socket and no clock: whoever reads frames hands them over with the time.
"""

from contract.frames import ENDINGS
from contract.tiers import Tier
from loadtests.frames import KINDS, Banner, Correction, Delta, Failure, Final, OfRequest


class Transcript:
    """Takes the frames of one request in the order they came. Times are seconds of any one clock."""

    __slots__ = (
        "_expected",
        "_resent",
        "_shown",
        "_text_at",
        "answered_intent",
        "banners",
        "cached",
        "characters",
        "code",
        "corrections",
        "ended_at",
        "finals",
        "first_token_at",
        "longest_gap_s",
        "problem",
        "reconnects",
        "request_id",
        "resends",
        "retry_after_s",
        "rung",
        "sent_at",
        "sequence_gaps",
        "stall_s",
        "stalls",
        "text_differs",
        "tier",
        "usd",
    )

    def __init__(self, request_id: str, sent_at: float, stall_s: float = 1.0) -> None:
        self.request_id = request_id
        self.sent_at = sent_at
        self.stall_s = stall_s  # a silence between two pieces of text that a person would notice
        self.first_token_at: float | None = None
        self.ended_at: float | None = None
        self.tier: Tier | None = None
        self.rung: str | None = None
        self.problem: str | None = None  # the first thing that went wrong, in words
        self.code: str | None = None  # of the error frame, if that is how it ended
        self.retry_after_s: float | None = None
        self.characters = self.sequence_gaps = self.corrections = self.finals = self.banners = 0
        self.longest_gap_s, self.stalls = 0.0, 0
        self.resends = self.reconnects = 0
        self.text_differs = False  # the text that was shown is not the one of the final frame
        self.usd = 0.0
        self.answered_intent: str | None = None
        self.cached = False
        self._expected = 0
        self._resent = False
        self._text_at = 0.0
        self._shown: list[str] = []

    @property
    def ended(self) -> bool:
        """Whether a final or an error frame was seen."""
        return self.ended_at is not None

    def take(self, frame: OfRequest, at: float) -> None:
        """One more frame."""
        if frame.request_id != self.request_id:
            # A banner may come at any time; anything else belongs to an answer that was already over.
            if type(frame) is not Banner:
                self.fail(f"a {KINDS[type(frame)]} frame of another request")
            return
        number = frame.sequence_number
        if type(frame) is Delta and number == self._expected != 0 and self.ended_at is None:
            self._expected = number + 1
            self._text(frame.text, at)
            return
        self._count(frame, number)
        match frame:
            case Delta():
                self._text(frame.text, at)
            case Correction():
                self.corrections += 1
                self._shown.clear()
                self._text(frame.text, at)
            case Final():
                self._finish(frame, at)
            case Failure():
                self.ended_at = self.ended_at or at
                self.code, self.retry_after_s = frame.code, frame.retry_after_s
                self.fail(f"{frame.code}: {frame.message}")
            case Banner():
                self.banners += 1

    def whole(self, frame: Final, at: float) -> None:
        """An answer of which only the last frame is sent."""
        if frame.request_id != self.request_id:
            self.fail("a final frame of another request")
        self._finish(frame, at)

    def came(self, at: float, characters: int) -> None:
        """Something came whole that is no answer of the agent: a product, the result of a tool."""
        self.first_token_at = self.ended_at = at
        self.finals, self.characters = 1, characters

    def fail(self, problem: str) -> None:
        """Something went wrong; the first thing that did is kept."""
        self.problem = self.problem or problem

    def interrupted(self) -> None:
        """The connection was lost: what was sent meanwhile is asked for again, and is no gap."""
        self.reconnects += 1
        self._resent = True

    def asked_again(self) -> None:
        """The ending was asked for once more: it may come twice."""
        self.resends += 1
        self._resent = True

    def _count(self, frame: OfRequest, number: int) -> None:
        """Order: 0, 1, 2 ..., begun by start (an error needs none), nothing after the end."""
        kind, again = KINDS[type(frame)], self._resent
        if again and self.ended and kind in ENDINGS:
            return
        if number != self._expected:
            # Frames that went to a connection that was lost, and an answer begun anew after it, are no gap.
            if not (again and (number > self._expected or number == 0)):
                self.sequence_gaps += 1
        elif (kind == "start") != (number == 0) and kind != "error":
            self.fail(f"a {kind} frame as number {number}")
        if self.ended:
            self.fail("ended twice" if kind in ENDINGS else f"a {kind} frame after the end")
        if again and number == 0:
            self._shown.clear()
        self._expected = number + 1

    def _text(self, text: str, at: float) -> None:
        if not text:
            return
        self._shown.append(text)
        if self.first_token_at is None:
            self.first_token_at = at
        else:
            gap = at - self._text_at
            if gap > self.longest_gap_s:
                self.longest_gap_s = gap
            if gap > self.stall_s:
                self.stalls += 1
        self._text_at = at

    def _finish(self, frame: Final, at: float) -> None:
        # Asked for again, it may come a second time: the same ending is one ending.
        self.finals = 1 if self._resent else self.finals + 1
        if self.ended:
            return
        self.ended_at = at
        # A short answer may come whole, without a delta before it.
        self.first_token_at = self.first_token_at or at
        self.tier, self.rung = frame.tier, frame.rung
        self.characters = len(frame.text)
        self.usd = frame.usage.usd
        self.answered_intent, self.cached = frame.about.intent, frame.about.cached is not None
        self.text_differs = bool(self._shown) and not self._resent and "".join(self._shown) != frame.text
        self._shown.clear()
