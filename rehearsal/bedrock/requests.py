"""What a Converse request must be. Refuses with the words Bedrock uses.

Text, tools and their results, and guarded text are read; other content blocks are let through unread.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, Field, ValidationError

from rehearsal.bedrock.guardrails import GuardText
from rehearsal.bedrock.refusals import RefusedError, invalid

B = TypeVar("B", bound=BaseModel)


class ToolUse(BaseModel):
    """A tool the model asked for."""

    id: str = Field(alias="toolUseId")
    name: str
    input: Any = None


class ResultPart(BaseModel):
    """Part of what a tool said."""

    text: str | None = None
    data: Any = Field(None, alias="json")


class ToolResult(BaseModel):
    """What a tool said."""

    id: str = Field(alias="toolUseId")
    content: list[ResultPart] = []
    status: Literal["success", "error"] = "success"


class GuardContent(BaseModel):
    """Text that the guardrail is to look at."""

    text: GuardText | None = None


class Block(BaseModel):
    """A content block; the one field that it has, if it is known here."""

    text: str | None = None
    guarded: GuardContent | None = Field(None, alias="guardContent")
    tool_use: ToolUse | None = Field(None, alias="toolUse")
    tool_result: ToolResult | None = Field(None, alias="toolResult")

    @property
    def words(self) -> str:
        """The text of either kind."""
        return self.text or (self.guarded.text.text if self.guarded and self.guarded.text else "")


class Message(BaseModel):
    """One turn."""

    role: Literal["user", "assistant"]
    content: list[Block]


class Inference(BaseModel):
    """Limits of the answer."""

    max_tokens: int | None = Field(None, ge=1, alias="maxTokens")
    temperature: float | None = Field(None, ge=0, le=1)
    top_p: float | None = Field(None, ge=0, le=1, alias="topP")
    stops: list[str] = Field(default_factory=list, alias="stopSequences")


class ToolSpec(BaseModel):
    """A tool on offer; `schema_` is a JSON schema under the key `json`."""

    name: str = Field(pattern=r"^[a-zA-Z0-9_-]{1,64}$")
    description: str = ""
    schema_: Mapping[str, Any] = Field(alias="inputSchema")


class Offer(BaseModel):
    """An entry of the list of tools: a tool, or something that is not read here."""

    spec: ToolSpec | None = Field(None, alias="toolSpec")


class Choice(BaseModel):
    """Whether a tool must be used."""

    any: Mapping[str, Any] | None = None
    tool: Mapping[str, str] | None = None


class Tools(BaseModel):
    """The tools on offer."""

    offers: list[Offer] = Field(alias="tools", min_length=1)
    choice: Choice = Field(default_factory=Choice, alias="toolChoice")

    @property
    def specs(self) -> list[ToolSpec]:
        return [offer.spec for offer in self.offers if offer.spec]

    @property
    def forced(self) -> str:
        """Name of the one tool that must be used, if one must."""
        return self.choice.tool.get("name", "") if self.choice.tool else ""

    @property
    def forced_spec(self) -> ToolSpec | None:
        return next((spec for spec in self.specs if spec.name == self.forced), None)


class Guarding(BaseModel):
    """The guardrail of a call."""

    id: str = Field(alias="guardrailIdentifier")
    version: str = Field(alias="guardrailVersion")
    trace: Literal["enabled", "disabled", "enabled_full"] = "disabled"
    mode: Literal["sync", "async"] = Field("sync", alias="streamProcessingMode")


class Conversation(BaseModel):
    """The body, as far as the stand-in reads it."""

    # Made by factories: pydantic copies any other default that could change, for every request.
    messages: list[Message] = Field(default_factory=list)
    system: list[Block] = Field(default_factory=list)
    inference: Inference = Field(default_factory=Inference, alias="inferenceConfig")
    tools: Tools | None = Field(None, alias="toolConfig")
    guarding: Guarding | None = Field(None, alias="guardrailConfig")
    service_tier: dict[Literal["type"], Literal["priority", "default", "flex", "reserved"]] | None = Field(
        None, alias="serviceTier"
    )
    performance: dict[Literal["latency"], Literal["standard", "optimized"]] | None = Field(
        None, alias="performanceConfig"
    )
    metadata: Mapping[str, str] = Field(default_factory=dict, alias="requestMetadata")

    @property
    def question(self) -> str:
        """The person's last words; what stands before them in the same turn is what they are about."""
        for message in reversed(self.messages):
            if message.role == "user" and (said := [block.words for block in message.content if block.words]):
                return said[-1]
        return ""

    @property
    def results(self) -> list[ToolResult]:
        """What tools have said since the model spoke last."""
        return [block.tool_result for block in self.messages[-1].content if block.tool_result]

    @property
    def used(self) -> frozenset[str]:
        """Tools the model has asked for since the person spoke."""
        names: list[str] = []
        for message in reversed(self.messages):
            if message.role == "user" and any(block.words for block in message.content):
                break
            names += [block.tool_use.name for block in message.content if block.tool_use]
        return frozenset(names)

    @property
    def blocks(self) -> list[Block]:
        return [*self.system, *(block for message in self.messages for block in message.content)]

    @property
    def input_text(self) -> str:
        """All that the model reads."""
        return " ".join(text for block in self.blocks for text in _texts(block))

    def texts(self) -> list[GuardText]:
        """What a guardrail looks at: marked text, if any is; else the turns since the model spoke last."""
        marked = [block.guarded.text for block in self.blocks if block.guarded and block.guarded.text]
        asked = [message for message in self.messages if message.role == "user"][-1]
        return marked or [GuardText(text=b.words) for b in asked.content if b.words]


def _texts(block: Block) -> Iterator[str]:
    if block.words:
        yield block.words
    if block.tool_use:
        yield str(block.tool_use.input)
    for part in block.tool_result.content if block.tool_result else ():
        yield part.text if part.text is not None else str(part.data)


def conversation(body: bytes, *, prefill: bool) -> Conversation:
    """The checked body. `prefill`: the model goes on from an answer that has begun."""
    read = parse(Conversation, body)
    for problem in _problems(read):
        raise invalid(problem)
    if read.messages[-1].role == "assistant":
        _check_begun(read.messages[-1], prefill)
    return read


def parse(shape: type[B], body: bytes | Mapping[str, Any]) -> B:
    """A body of this shape, or Bedrock's refusal of it."""
    try:
        return shape.model_validate_json(body) if isinstance(body, bytes) else shape.model_validate(body)
    except ValidationError as wrong:
        raise _schema_refusal(wrong) from None


def _schema_refusal(wrong: ValidationError) -> RefusedError:
    first = wrong.errors(include_url=False, include_input=False)[0]
    if first["type"] == "json_invalid":
        return RefusedError("SerializationException", "The request body is not valid JSON.")
    place = ".".join(str(part) for part in first["loc"]) or "body"
    return invalid(
        f"1 validation error detected: Value at '{place}' failed to satisfy constraint: {first['msg']}"
    )


def _problems(read: Conversation) -> Iterator[str]:
    messages = read.messages
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
        yield from _tool_problems(number, message, messages[number - 1] if number else None)
    if read.tools and read.tools.forced and not read.tools.forced_spec:
        yield f"The tool {read.tools.forced} in toolChoice is not among the tools of toolConfig."
    if read.tools is None and any(block.tool_use or block.tool_result for block in read.blocks):
        yield "The toolConfig field must be defined when using toolUse and toolResult content blocks."


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


def _tool_problems(number: int, message: Message, before: Message | None) -> Iterator[str]:
    """Each tool that was asked for is answered in the next turn, and nothing else is."""
    asked = [block.tool_use.id for block in before.content if block.tool_use] if before else []
    said = [block.tool_result.id for block in message.content if block.tool_result]
    place = f"messages.{number}.content"
    if len(said) > len(asked):
        yield (
            f"The number of toolResult blocks at {place} exceeds the number of toolUse blocks of "
            "previous turn."
        )
    if message.role == "user" and (missing := [id_ for id_ in asked if id_ not in said]):
        yield f"Expected toolResult blocks at {place} for the following Ids: {', '.join(missing)}"
