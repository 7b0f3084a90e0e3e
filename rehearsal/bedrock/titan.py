"""InvokeModel for Titan Text Embeddings V2: its body, its answer, its words of refusal."""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rehearsal.bedrock.answers import tokens
from rehearsal.bedrock.refusals import RefusedError, invalid
from rehearsal.embedding import embed

_MOST_CHARACTERS, _MOST_TOKENS = 50_000, 8_192


class Asked(BaseModel):
    """The body; a key nobody knows is refused, as AWS does."""

    model_config = ConfigDict(extra="forbid", strict=True)
    text: str = Field(alias="inputText", min_length=1)
    dimensions: Literal[256, 512, 1024] = 1024
    normalize: bool = True
    types: list[Literal["float", "binary"]] = Field(["float"], alias="embeddingTypes", min_length=1)


def read(body: bytes) -> Asked:
    """The checked body."""
    try:
        asked = Asked.model_validate_json(body)
    except ValidationError as wrong:
        raise _refusal(wrong) from None
    if len(asked.text) > _MOST_CHARACTERS:
        raise invalid(
            f"Malformed input request: expected maxLength: {_MOST_CHARACTERS}, actual: {len(asked.text)}, "
            "please reformat your input and try again."
        )
    if (count := tokens(asked.text)) > _MOST_TOKENS:
        raise invalid(
            f"Too many input tokens. Max input tokens: {_MOST_TOKENS}, request input token count: {count} "
        )
    return asked


def answer(asked: Asked) -> Mapping[str, Any]:
    """What AWS returns; the bare `embedding` only where floats were asked for."""
    vector = embed(asked.text, asked.dimensions)
    by_type: dict[str, list[float] | list[int]] = {}
    if "float" in asked.types:
        by_type["float"] = [float(np.float32(value)) for value in vector]
    if "binary" in asked.types:
        by_type["binary"] = [int(value > 0) for value in vector]
    said: dict[str, Any] = {"embeddingsByType": by_type, "inputTextTokenCount": tokens(asked.text)}
    return {"embedding": by_type["float"], **said} if "float" in by_type else said


def _refusal(wrong: ValidationError) -> RefusedError:
    first = wrong.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    match first["type"]:
        case "json_invalid":
            problem = "the input is not valid JSON"
        case "missing":
            problem = f"#: required key [{place}] not found"
        case "extra_forbidden":
            problem = f"#: extraneous key [{place}] is not permitted"
        case _:
            problem = f"#/{place}: {first['msg']}"
    return invalid(f"Malformed input request: {problem}, please reformat your input and try again.")
