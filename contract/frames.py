"""The messages between a client and the runtime (RUN-2): JSON objects, one a WebSocket message.

Server frames of one request carry `sequence_number` 0, 1, 2 ... without a gap, beginning with `start` and
ending with exactly one `final` or `error`. A `correction` says: forget the text so far, `text` replaces it.
Two frames belong to a connection and to no request: `resumed` and `reconnect`.

Version 3 brought those two, `resume`, and what a `final` tells beside its text. A client of version 2 gets
every frame as version 2 had it (`as_spoken`), and none of the new ones.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeGuard, TypeVar

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError, field_validator

from contract.base import Shape
from contract.errors import WrongUseError
from contract.intents import Intent
from contract.tiers import Tier

PROTOCOL = 3
ID_CHARACTERS = 64  # of the longest request_id
SERVED = (PROTOCOL - 1, PROTOCOL)
SUBPROTOCOL = "concierge.v"  # of a WebSocket handshake: `concierge.v3`


class FrameError(WrongUseError):
    """A message that is no frame."""


_AS_LONG_AS_A_CARD = re.compile(r"(?:[0-9][._:~-]?){14,19}")


def _nobodys_number(name: str) -> str:
    """Ids are logged and traced as they are: a client must not send a card's number for one."""
    if _AS_LONG_AS_A_CARD.fullmatch(name):
        raise ValueError("digits alone, as many as a card's number has: put a letter before them")
    return name


# What a client names a request or a session. Goes into every log line, so it has no room for words.
Id = Annotated[
    str,
    Field(min_length=1, max_length=ID_CHARACTERS, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:~-]*$"),
    AfterValidator(_nobodys_number),
]


class Frame(Shape):
    """What every server frame carries."""

    request_id: str
    sequence_number: int = Field(ge=0)


class Start(Frame):
    """The request was accepted."""

    type: Literal["start"] = "start"
    session_id: str
    protocol_version: int = PROTOCOL
    resume_token: str | None = Field(None, description="of a guest: what `resume` needs")


class Delta(Frame):
    """More text; chunk boundaries are the model's."""

    type: Literal["delta"] = "delta"
    text: str


class Correction(Frame):
    """All text so far is withdrawn and replaced by `text`."""

    type: Literal["correction"] = "correction"
    text: str = ""
    reason: str


class Usage(Shape):
    """What an answer cost."""

    input_tokens: int = Field(0, ge=0)
    output_tokens: int = Field(0, ge=0)
    usd: float = Field(0.0, ge=0)


class Card(Shape):
    """A product to show beside the text. Without a price where pricing did not answer: never a wrong one."""

    asin: str
    title: str
    price_cents: int | None = Field(None, ge=0)
    list_price_cents: int | None = Field(None, ge=0)
    currency: str = "USD"
    in_stock: bool | None = None
    rating: float | None = None


class Proposal(Shape):
    """Money that would move, if the person says yes: to exactly this."""

    deed: Literal["pay", "refund"]
    cents: int = Field(gt=0)
    currency: str = Field("USD", pattern="^[A-Z]{3}$")
    subject: str = Field(min_length=1, max_length=128, description="which cart, or which order")


class Action(Shape):
    """Something the person can do next with one tap."""

    kind: Literal["ask", "human", "show_product", "show_order", "add_to_cart", "confirm"]
    label: str
    value: str = Field("", description="what to ask, or which product or order")
    proposal: Proposal | None = Field(None, description="what `confirm` says yes to")


class Source(Shape):
    """Where a statement comes from."""

    title: str
    source: str = ""
    section: str = ""


class Used(Shape):
    """A tool that ran for an answer, as the model asked for it."""

    tool: str
    arguments: Mapping[str, Any] = Field(default_factory=dict)
    ok: bool = True


class About(Shape):
    """What is worth knowing of an answer beside what it says."""

    intent: Intent | None = None
    clarifies: bool = Field(False, description="a question back: what was meant is not clear")
    cached: Literal["exact", "semantic"] | None = None
    variant: str | None = Field(None, description="of the experiment this person takes part in")
    sources: tuple[Source, ...] = ()
    changes: tuple[str, ...] = Field((), description="what became of the text on its way, in words")
    missing: tuple[str, ...] = Field((), description="what could not be looked up for it")
    tools: tuple[Used, ...] = Field((), description="what ran for it, in order")


class Final(Frame):
    """The whole answer, who gave it, and what it cost."""

    type: Literal["final"] = "final"
    text: str
    tier: Tier
    rung: str
    from_knowledge_base: bool = False
    usage: Usage = Usage()
    cards: tuple[Card, ...] = ()
    actions: tuple[Action, ...] = ()
    about: About = About()


class Banner(Frame):
    """A notice to show beside the conversation."""

    type: Literal["banner"] = "banner"
    text: str


class Failure(Frame):
    """No answer. `retry_after_s` says when asking again makes sense."""

    type: Literal["error"] = "error"
    code: Literal["bad_request", "too_many_requests", "closed", "internal"]
    message: str
    retry_after_s: float | None = None


class Said(Shape):
    """One turn of a conversation, as it was."""

    request_id: str
    asked: str
    answered: str


class Resumed(Shape):
    """The answer to `resume`: the conversation goes on, and this is what was said last."""

    type: Literal["resumed"] = "resumed"
    session_id: str
    turns: tuple[Said, ...] = ()


class Reconnect(Shape):
    """This server ends. Connect again after so long and `resume` with the token; what runs still finishes."""

    type: Literal["reconnect"] = "reconnect"
    after_s: float = Field(ge=0)
    session_id: str
    resume_token: str


class Ask(Shape):
    """A message of the person."""

    type: Literal["message"] = "message"
    request_id: Id
    text: str = Field(min_length=1, max_length=4_000)
    session_id: Id | None = None
    confirmation: str | None = Field(
        None, min_length=1, max_length=1_024, description="the word that `confirm` gave; no model sees it"
    )
    context_hints: Mapping[str, str] = Field(
        default_factory=dict, max_length=16, description="what the person sees: page, asin, locale ..."
    )

    @field_validator("text")
    @classmethod
    def _says_something(cls, text: str) -> str:
        if text.isspace():
            raise ValueError("only white space: say something")
        return text


class Resend(Shape):
    """Asks for the last frame of a request again (RUN-2), on another connection with its session."""

    type: Literal["resend"] = "resend"
    request_id: Id
    session_id: Id | None = None


class Resume(Shape):
    """Goes on with a conversation on a new connection. A guest needs the token, a user is known."""

    type: Literal["resume"] = "resume"
    session_id: Id
    resume_token: str | None = Field(None, min_length=1, max_length=256)


class Confirm(Shape):
    """The person's own yes to money that moves, said to the server and to no model (RUN-14)."""

    type: Literal["confirm"] = "confirm"
    request_id: Id
    session_id: Id | None = None
    proposal: Proposal


class Confirmed(Shape):
    """The answer to `confirm`: good once, for minutes. Send the word with the message that wants it."""

    type: Literal["confirmed"] = "confirmed"
    request_id: str
    confirmation: str
    expires_in_s: int


ServerFrame = Start | Delta | Correction | Final | Banner | Failure
ServerMessage = ServerFrame | Resumed | Reconnect | Confirmed
ClientFrame = Ask | Resend | Resume | Confirm
ENDINGS = ("final", "error")
_SINCE_3 = {"cards", "actions", "about", "resume_token"}
T = TypeVar("T")

_SERVER: TypeAdapter[ServerMessage] = TypeAdapter(Annotated[ServerMessage, Field(discriminator="type")])
_CLIENT: TypeAdapter[ClientFrame] = TypeAdapter(Annotated[ClientFrame, Field(discriminator="type")])
_ID: TypeAdapter[str] = TypeAdapter(Id)


def is_id(named: object) -> TypeGuard[str]:
    """Whether a request or a session can be called so."""
    try:
        _ID.validate_python(named, strict=True)
    except ValidationError:
        return False
    return True


def encode(frame: ServerMessage | ClientFrame) -> str:
    """One line of JSON."""
    return frame.model_dump_json()


def as_spoken(frame: ServerMessage, version: int) -> str | None:
    """The line for a client of this version; None where that version has no such frame."""
    if version >= PROTOCOL:
        return encode(frame)
    if isinstance(frame, Resumed | Reconnect | Confirmed):
        return None
    if isinstance(frame, Start):
        frame = frame.model_copy(update={"protocol_version": version})
    return frame.model_dump_json(exclude=_SINCE_3)


def decode_server(text: str | bytes) -> ServerMessage:
    """A frame from the runtime; FrameError names the first thing wrong with it."""
    return _decode(_SERVER, text)


def decode_answer(text: str | bytes) -> ServerFrame:
    """A frame of an answer; FrameError for one that belongs to the connection."""
    frame = decode_server(text)
    if isinstance(frame, Resumed | Reconnect | Confirmed):
        raise FrameError(f"type: {frame.type} belongs to no answer")
    return frame


def decode_client(text: str | bytes) -> ClientFrame:
    """A frame from a client; FrameError names the first thing wrong with it."""
    return _decode(_CLIENT, text)


def _decode(adapter: TypeAdapter[T], text: str | bytes) -> T:
    try:
        return adapter.validate_json(text)
    except ValidationError as invalid:
        first = invalid.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "frame"
        raise FrameError(f"{place}: {first['msg']}") from None
