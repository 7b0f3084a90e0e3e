"""What is made from the types of the protocol: docs/protocol.md, and docs/openapi.json for REST."""

import json
import re
import typing
from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from contract import frames
from contract.base import Shape
from runtime.surfaces.rest import OPERATIONS, STATUSES, TOKEN_HEADER, Operation
from runtime.surfaces.socket import MESSAGE_BYTES, SPOKEN

_INTRODUCTION = f"""\
# The protocol

What clients and the agent say to each other. Made from the types by `make docs`; the REST API is in
[openapi.json](openapi.json) as well.

## Over a WebSocket

One JSON object a message, at most {MESSAGE_BYTES // 1024} KB. The version is agreed on in the handshake:
offer `{SPOKEN[0]}` (and `{SPOKEN[1]}` while you still speak that) as subprotocols; without an offer the
newest is spoken. Behind API Gateway, offer `ticket.<ticket>` beside them: `POST /v1/ticket` hands one out,
good for one connection within a minute, and says in `offered` whether to offer the chat to people who have
not opened it. On AgentCore, and wherever the agent is reached directly, a bearer
token in `Authorization` says who you are; without one you are a guest.

Every frame of an answer carries its `request_id` and a `sequence_number` 0, 1, 2 ... without a gap. An answer
begins with `start`, may have a `banner`, then `delta`s, and ends with exactly one `final` or `error`.
`correction` says: forget the text so far, `text` replaces it; the numbers run on. A client shows what it has,
and takes `final.text` as the last word.

- **Lost the end?** Send `resend` with the request's id; on another connection with the session's id, too.
- **Lost the connection?** Connect again and send `resume` with the session's id. A guest needs the token that
  `start` and `reconnect` bring (over REST: the header `{TOKEN_HEADER}`); who is signed in needs none.
- **The server ends** (a deployment)? What runs finishes, then `reconnect` comes and the connection ends.
- **Told `too_many_requests` or `closed`?** Wait `retry_after_s`, then send the message again, by the same id.
- **A message sent twice** under one id is answered once.

Version {frames.PROTOCOL - 1} is served as well: its clients get no `resumed` and no `reconnect`, and a
`final` without `cards`, `actions` and `about`.

"""


def protocol_page() -> str:
    """docs/protocol.md."""
    parts = [_INTRODUCTION]
    parts += ["### What a client sends\n", *_frames(typing.get_args(frames.ClientFrame))]
    parts += ["### What the agent sends\n", *_frames(typing.get_args(frames.ServerMessage))]
    inner = (frames.Usage, frames.Card, frames.Action, frames.About, frames.Source, frames.Said)
    parts += ["### What frames are made of\n", *_frames(inner)]
    parts += ["## Over REST\n", _operations()]
    return "\n".join(parts)


def openapi() -> str:
    """docs/openapi.json: what REST offers, for clients that are generated."""
    shapes: list[type[BaseModel]] = [frames.Failure]
    for one in OPERATIONS:
        shapes += [shape for shape in (one.body, one.answer) if shape is not None]
    names, schemas = models_json_schema(
        [(shape, "validation") for shape in dict.fromkeys(shapes)],
        ref_template="#/components/schemas/{model}",
    )
    del names
    paths: dict[str, dict[str, Any]] = {}
    for one in OPERATIONS:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one)
    document = {
        "openapi": "3.1.0",
        "info": {"title": "concierge", "version": str(frames.PROTOCOL)},
        "paths": paths,
        "components": {
            "schemas": {**schemas["$defs"], "Refusal": _REFUSAL},
            "securitySchemes": {"user": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }
    return json.dumps(document, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


_REFUSAL = {
    "type": "object",
    "description": "Why there is no answer.",
    "required": ["code", "message"],
    "properties": {
        "code": {"type": "string", "enum": [*STATUSES, "denied", "not_found"]},
        "message": {"type": "string"},
        "retry_after_s": {"type": "number"},
    },
}


def _operation(one: Operation) -> dict[str, Any]:
    refused = {"description": "refused", "content": _content("Refusal")}
    done = {"description": one.does}
    if one.answer is not None:
        done["content"] = _content(one.answer.__name__)  # type: ignore[assignment]
    made: dict[str, Any] = {
        "summary": one.does,
        "responses": {"200" if one.answer else "204": done, "default": refused},
    }
    if one.user:
        made["security"] = [{"user": []}]
    if one.body is not None:
        made["requestBody"] = {"required": True, "content": _content(one.body.__name__)}
    names = re.findall(r"{(\w+)}", one.path)
    if names:
        made["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names
        ]
    return made


def _content(name: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}


def _operations() -> str:
    lines = ["| | who | what |", "| --- | --- | --- |"]
    lines += [
        f"| `{one.method} {one.path}` | {'signed in' if one.user else 'anybody'} | {one.does} |"
        for one in OPERATIONS
    ]
    codes = ", ".join(f"`{code}` {status}" for code, status in STATUSES.items())
    return "\n".join(
        [
            *lines,
            "",
            f"A refusal is JSON with `code` and `message`: {codes}, `denied` 401, `not_found` 404.",
            "",
        ]
    )


def _frames(shapes: Iterable[type[Shape]]) -> Iterator[str]:
    for shape in shapes:
        fields = shape.model_fields
        kind = fields["type"].default if "type" in fields else None
        yield f"#### `{kind or shape.__name__}`\n"
        yield f"{' '.join((shape.__doc__ or '').split())}\n"
        rows = [
            f"| `{name}` | {_type(field.annotation)} | {_default(field)} | {field.description or ''} |"
            for name, field in fields.items()
            if name != "type"
        ]
        yield "\n".join(["| field | is | default | |", "| --- | --- | --- | --- |", *rows, ""])


def _default(field: Any) -> str:
    if field.is_required():
        return "needed"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, Shape):
        return "an empty one"
    return f"`{json.dumps(value, default=str)}`" if value not in ((), {}) else "none"


def _type(annotation: Any) -> str:
    """As a person would say it."""
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return ", ".join(f"`{one}`" for one in inner)
    if origin is tuple:
        return f"list of {_type(inner[0])}"
    if inner and type(None) in inner:
        return " or ".join(_type(one) for one in inner if one is not type(None)) + ", or null"
    if origin is not None and inner:
        return "object of texts"
    names = {str: "text", int: "whole number", float: "number", bool: "true or false"}
    return names.get(annotation) or f"`{annotation.__name__}`"
