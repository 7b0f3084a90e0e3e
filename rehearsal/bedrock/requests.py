"""What a Converse request must be: its model, its body. Refuses with the words Bedrock uses.

Only text is read; other content blocks are let through unread.
"""

from collections.abc import Collection, Iterator
from functools import cache
from typing import Literal

from pydantic import BaseModel, Field, ValidationError

from contract.models import Model, models
from rehearsal.bedrock.refusals import RefusedError, invalid


class Block(BaseModel):
    """A content block; `text` where it is one of text."""

    text: str | None = None


class Message(BaseModel):
    """One turn."""

    role: Literal["user", "assistant"]
    content: list[Block]


class Inference(BaseModel):
    """Limits of the answer."""

    max_tokens: int | None = Field(None, ge=1, alias="maxTokens")
    temperature: float | None = Field(None, ge=0, le=1)
    top_p: float | None = Field(None, ge=0, le=1, alias="topP")


class Conversation(BaseModel):
    """The body, as far as the stand-in reads it."""

    messages: list[Message] = []
    system: list[Block] = []
    inference: Inference = Field(Inference(), alias="inferenceConfig")

    @property
    def question(self) -> str:
        """The person's last words."""
        said = [message for message in self.messages if message.role == "user"][-1]
        return " ".join(block.text for block in said.content if block.text)

    @property
    def input_text(self) -> str:
        """All that the model reads."""
        blocks = [*self.system, *(block for message in self.messages for block in message.content)]
        return " ".join(block.text for block in blocks if block.text)


def model_of(model_id: str, denied: Collection[str]) -> Model:
    """The model behind an id, inference profile or ARN. `denied`: keys this account was not given."""
    bare = model_id.rpartition("/")[2]
    found = _by_id().get(bare)
    if found is None:
        if model_id.startswith("arn:"):
            raise RefusedError(
                "ResourceNotFoundException",
                "Could not resolve the foundation model from the provided model identifier.",
            )
        raise invalid("The provided model identifier is invalid.")
    if found.state == "end-of-life":
        raise RefusedError(
            "ResourceNotFoundException",
            "This model version has reached the end of its life. "
            "Please refer to the AWS documentation for more details.",
        )
    if found.profile and bare == found.id:
        raise invalid(
            f"Invocation of model ID {model_id} with on-demand throughput isn't supported. Retry your "
            "request with the ID or ARN of an inference profile that contains this model."
        )
    if found.key in denied:
        raise RefusedError(
            "AccessDeniedException", "You don't have access to the model with the specified model ID."
        )
    return found


def conversation(body: bytes, *, prefill: bool) -> Conversation:
    """The checked body. `prefill`: the model goes on from an answer that has begun."""
    try:
        read = Conversation.model_validate_json(body)
    except ValidationError as wrong:
        raise _schema_refusal(wrong) from None
    for problem in _problems(read.messages):
        raise invalid(problem)
    if read.messages[-1].role == "assistant":
        _check_begun(read.messages[-1], prefill)
    return read


@cache
def _by_id() -> dict[str, Model]:
    return {name: model for model in models().values() for name in (model.id, *model.profile.values())}


def _schema_refusal(wrong: ValidationError) -> RefusedError:
    first = wrong.errors(include_url=False, include_input=False)[0]
    if first["type"] == "json_invalid":
        return RefusedError("SerializationException", "The request body is not valid JSON.")
    place = ".".join(str(part) for part in first["loc"]) or "body"
    return invalid(
        f"1 validation error detected: Value at '{place}' failed to satisfy constraint: {first['msg']}"
    )


def _problems(messages: list[Message]) -> Iterator[str]:
    if not messages or messages[0].role != "user":
        yield (
            "A conversation must start with a user message. "
            "Try again with a conversation that starts with a user message."
        )
    for number, message in enumerate(messages):
        if number and message.role == messages[number - 1].role:
            yield (
                "A conversation must alternate between user and assistant roles. "
                "Make sure the conversation alternates between user and assistant roles and try again."
            )
        yield from _content_problems(f"messages.{number}", message.content)


def _check_begun(last: Message, prefill: bool) -> None:
    if not prefill:
        raise invalid(
            "This model does not support assistant message prefill. "
            "The conversation must end with a user message."
        )
    if (text := last.content[-1].text) and text != text.rstrip():
        raise invalid("messages: final assistant content cannot end with trailing whitespace")


def _content_problems(place: str, content: list[Block]) -> Iterator[str]:
    if not content:
        yield (
            f"The content field in the Message object at {place} is empty. "
            "Add a ContentBlock object to the content field and try again."
        )
    for number, block in enumerate(content):
        if block.text is not None and not block.text.strip():
            yield (
                f"The text field in the ContentBlock object at {place}.content.{number} is blank. "
                "Add text to the text field, and try again."
            )
