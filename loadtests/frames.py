"""Frames as the load generator reads them: the checks of `contract.frames`, in an eighth of the time.

Every frame is checked: JSON, text encoding, type, required fields, the types of all that is read here. A
key that
is not read is passed over, so that a newer server does no harm and costs nothing. A test holds these shapes
to the
contract's. Of the kinds here `resumed` and `reconnect` belong to a connection, all others to a request.
"""

from typing import Annotated, Literal, get_args

import msgspec

from contract import frames as contract
from contract.frames import FrameError
from contract.intents import Intent
from contract.tiers import Tier

Number = Annotated[int, msgspec.Meta(ge=0)]
Dollars = Annotated[float, msgspec.Meta(ge=0)]
CODES = frozenset(get_args(contract.Failure.model_fields["code"].annotation))
# Newest first: what a client offers in the handshake.
PROTOCOLS = tuple(f"{contract.SUBPROTOCOL}{version}" for version in sorted(contract.SERVED, reverse=True))


class Start(msgspec.Struct, tag_field="type", tag="start", gc=False):
    """The request was accepted."""

    request_id: str
    sequence_number: Number
    session_id: str
    protocol_version: int = 2


class Delta(msgspec.Struct, tag_field="type", tag="delta", gc=False):
    """More text."""

    request_id: str
    sequence_number: Number
    text: str


class Correction(msgspec.Struct, tag_field="type", tag="correction", gc=False):
    """Text so far is withdrawn and replaced."""

    request_id: str
    sequence_number: Number
    reason: str
    text: str = ""


class Usage(msgspec.Struct, gc=False):
    """What an answer cost."""

    usd: Dollars = 0.0
    input_tokens: Number = 0
    output_tokens: Number = 0


class About(msgspec.Struct, gc=False):
    """How the runtime came to its answer."""

    intent: Intent | None = None
    cached: Literal["exact", "semantic"] | None = None
    variant: str | None = None


class Final(msgspec.Struct, tag_field="type", tag="final"):
    """The whole answer."""

    request_id: str
    sequence_number: Number
    text: str
    tier: Tier
    rung: str
    from_knowledge_base: bool = False
    usage: Usage = msgspec.field(default_factory=Usage)
    about: About = msgspec.field(default_factory=About)


class Banner(msgspec.Struct, tag_field="type", tag="banner", gc=False):
    """A notice."""

    request_id: str
    sequence_number: Number
    text: str


class Failure(msgspec.Struct, tag_field="type", tag="error", gc=False):
    """No answer."""

    request_id: str
    sequence_number: Number
    code: str
    message: str
    retry_after_s: float | None = None


class Resumed(msgspec.Struct, tag_field="type", tag="resumed", gc=False):
    """The session of a connection that was lost goes on in this one."""

    session_id: str


class Reconnect(msgspec.Struct, tag_field="type", tag="reconnect", gc=False):
    """This server is about to leave: come again after so long, with the token."""

    after_s: Dollars
    session_id: str
    resume_token: str


OfRequest = Start | Delta | Correction | Final | Banner | Failure
OfConnection = Resumed | Reconnect
Kind = Literal["start", "delta", "correction", "final", "banner", "error"]
KINDS: dict[type[OfRequest], Kind] = {
    Start: "start",
    Delta: "delta",
    Correction: "correction",
    Final: "final",
    Banner: "banner",
    Failure: "error",
}

_DECODER: msgspec.json.Decoder[OfRequest | OfConnection] = msgspec.json.Decoder(OfRequest | OfConnection)


def decode(text: bytes) -> OfRequest | OfConnection:
    """A frame from the runtime; FrameError names the first thing wrong with it."""
    try:
        frame = _DECODER.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as wrong:
        raise FrameError(str(wrong)) from None
    if type(frame) is Failure and frame.code not in CODES:
        raise FrameError(f"code: {frame.code!r} is none of {', '.join(sorted(CODES))}")
    return frame


class _Ask(msgspec.Struct, tag_field="type", tag="message", omit_defaults=True):
    request_id: str
    text: str
    session_id: str | None = None


class _Resend(msgspec.Struct, tag_field="type", tag="resend", omit_defaults=True):
    request_id: str
    session_id: str | None = None


class _Resume(msgspec.Struct, tag_field="type", tag="resume", omit_defaults=True):
    session_id: str
    resume_token: str | None = None


_ENCODER = msgspec.json.Encoder()


def ask(request_id: str, text: str, session_id: str | None) -> bytes:
    """A message of the person."""
    return _ENCODER.encode(_Ask(request_id, text, session_id))


def resend(request_id: str, session_id: str | None) -> bytes:
    """Asks for the last frame of a request again (RUN-2)."""
    return _ENCODER.encode(_Resend(request_id, session_id))


def resume(session_id: str, resume_token: str | None) -> bytes:
    """Takes up a session of a connection that was lost (RUN-16)."""
    return _ENCODER.encode(_Resume(session_id, resume_token))
