"""Sending one interaction to a provider, over HTTP or gRPC: the status, and the answer as plain data."""

import json
from collections.abc import AsyncIterator, Callable, MutableSequence
from contextlib import asynccontextmanager
from typing import Any, Protocol
from uuid import uuid4

import aiohttp
import grpc
from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message

from contract.catalogue.rpc import CALLS
from contract.consumers import Consumer, Interaction

ANSWER_S = 10.0
_TLS = "https://"


class SilentError(Exception):
    """The provider cannot be asked: nobody listens, or no answer comes."""


class Provider(Protocol):
    """Somebody who can be asked."""

    async def ask(self, interaction: Interaction) -> tuple[int | str, Any]: ...


@asynccontextmanager
async def provider(consumer: Consumer, place: str) -> AsyncIterator[Provider]:
    if consumer.protocol == "grpc":
        async with _channel(place) as channel:
            yield _Grpc(channel)
    else:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_S)) as session:
            yield _Http(session, place.rstrip("/"))


class _Http:
    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def ask(self, interaction: Interaction) -> tuple[int | str, Any]:
        headers = {"Idempotency-Key": f"contract-{uuid4()}"} if interaction.writes else {}
        try:
            async with self._session.request(
                interaction.method or "GET",
                self._url + interaction.path,
                params=dict(interaction.query),
                json=dict(interaction.body) or None,
                headers=headers,
            ) as response:
                return response.status, _json(await response.text())
        except TimeoutError:
            raise SilentError(f"no answer in {ANSWER_S:g} s") from None
        except (aiohttp.ClientError, OSError, UnicodeDecodeError) as lost:
            raise SilentError(str(lost) or type(lost).__name__) from None


class _Grpc:
    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._channel = channel

    async def ask(self, interaction: Interaction) -> tuple[int | str, Any]:
        call = CALLS[interaction.call]
        ask: Callable[..., Any] = self._channel.unary_unary(
            call.path,
            request_serializer=call.request.SerializeToString,
            response_deserializer=call.response.FromString,
        )
        try:
            said = await ask(ParseDict(dict(interaction.body), call.request()), timeout=ANSWER_S)
        except grpc.aio.AioRpcError as refused:
            if refused.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
                raise SilentError(f"{refused.code().name}: {refused.details()}") from None
            return refused.code().name, None
        return "OK", plain(said)


def plain(message: Message) -> dict[str, Any]:
    """A message under the names of its .proto, with nothing in place of what was not sent but its zero."""
    found: dict[str, Any] = {}
    for field in message.DESCRIPTOR.fields:
        value = getattr(message, field.name)
        kind = field.message_type
        if kind is not None and kind.GetOptions().map_entry:
            found[field.name] = dict(value)
        elif isinstance(value, MutableSequence):
            found[field.name] = [plain(part) if kind else part for part in value]
        elif kind is None:
            found[field.name] = value
        elif message.HasField(field.name):
            found[field.name] = plain(value)
    return found


def _channel(place: str) -> grpc.aio.Channel:
    if place.startswith(_TLS):
        return grpc.aio.secure_channel(place.removeprefix(_TLS), grpc.ssl_channel_credentials())
    return grpc.aio.insecure_channel(place)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
