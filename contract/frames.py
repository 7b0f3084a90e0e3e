"""The messages between a client and the runtime (RUN-2): JSON objects, one a WebSocket message.

Server frames of one request carry `sequence_number` 0, 1, 2 ... without a gap, beginning with `start` and
ending with exactly one `final` or `error`. A `correction` says: forget the text so far, `text` replaces it.
"""

from collections.abc import Mapping
from typing import Annotated, Literal, TypeVar

from pydantic import Field, TypeAdapter, ValidationError, field_validator

from contract.base import Shape
from contract.errors import WrongUseError
from contract.tiers import Tier

PROTOCOL = 2
ID_CHARACTERS = 64  # of the longest request_id
SERVED = (PROTOCOL - 1, PROTOCOL)


class FrameError(WrongUseError):
    """A message that is no frame."""


class Frame(Shape):
    """What every server frame carries."""

    request_id: str
    sequence_number: int = Field(ge=0)


class Start(Frame):
    """The request was accepted."""

    type: Literal["start"] = "start"
    session_id: str
    protocol_version: int = PROTOCOL


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


class Final(Frame):
    """The whole answer, who gave it, and what it cost."""

    type: Literal["final"] = "final"
    text: str
    tier: Tier
    rung: str
    from_knowledge_base: bool = False
    usage: Usage = Usage()


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


class Ask(Shape):
    """A message of the person."""

    type: Literal["message"] = "message"
    request_id: str = Field(min_length=1, max_length=ID_CHARACTERS)
    text: str = Field(min_length=1, max_length=4_000)
    session_id: str | None = Field(None, min_length=1, max_length=64)
    context_hints: Mapping[str, str] = Field(default_factory=dict)

    @field_validator("text")
    @classmethod
    def _says_something(cls, text: str) -> str:
        if text.isspace():
            raise ValueError("only white space: say something")
        return text


class Resend(Shape):
    """Asks for the last frame of a request again (RUN-2)."""

    type: Literal["resend"] = "resend"
    request_id: str = Field(min_length=1, max_length=ID_CHARACTERS)


ServerFrame = Start | Delta | Correction | Final | Banner | Failure
ClientFrame = Ask | Resend
ENDINGS = ("final", "error")
T = TypeVar("T")

_SERVER: TypeAdapter[ServerFrame] = TypeAdapter(Annotated[ServerFrame, Field(discriminator="type")])
_CLIENT: TypeAdapter[ClientFrame] = TypeAdapter(Annotated[ClientFrame, Field(discriminator="type")])


def encode(frame: ServerFrame | ClientFrame) -> str:
    """One line of JSON."""
    return frame.model_dump_json()


def decode_server(text: str | bytes) -> ServerFrame:
    """A frame from the runtime; FrameError names the first thing wrong with it."""
    return _decode(_SERVER, text)


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
