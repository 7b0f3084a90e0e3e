"""Where documents come from: a folder, or a bucket and a prefix. Both are listed whole and read one by one.

An address is a document's name for ever: what it is found by, what it is deleted by, what an answer cites.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from contract.errors import InconclusiveError, WrongUseError
from runtime.ingest import formats
from runtime.ingest.reading import ReadingError

S3 = "s3://"
GONE = "is not there any more"
_GONE, _DENIED = frozenset({"NoSuchKey", "404", "NotFound"}), frozenset({"AccessDenied", "403", "Forbidden"})
T = TypeVar("T")


class OriginError(WrongUseError):
    """Nothing can be read from there."""


class AwayError(InconclusiveError):
    """The store of documents does not answer: nothing is known of any document."""


class GoneError(ReadingError):
    """It was listed, and is not there any more."""


@dataclass(frozen=True, slots=True)
class Item:
    """A file by its address, with its size in bytes."""

    address: str
    size: int


@dataclass(frozen=True, slots=True)
class Content:
    """`version`: another one means other bytes; `labels`: what the store says of it."""

    data: bytes
    version: str
    labels: Mapping[str, str] = field(default_factory=dict)


class Origin(Protocol):
    """`scope`: every address of it begins so. `left_out`: names of files that hold no document, so far."""

    scope: str
    left_out: list[str]

    def items(self) -> AsyncIterator[Item]: ...

    async def read(self, address: str) -> Content: ...

    async def version(self, address: str) -> str:
        """Of what is there now; GoneError where nothing is."""
        ...


class Folder:
    """A folder, or one file. Addresses begin with its name, wherever on the disk it is."""

    def __init__(self, path: Path) -> None:
        self._path = path.resolve()
        if not self._path.exists():
            raise OriginError(f"{path} is not there: name a file, a folder, or s3://bucket/prefix")
        self._alone = self._path.is_file()
        self.scope = self._path.name if self._alone else f"{self._path.name}/"
        self.left_out: list[str] = []
        if self._alone and not formats.known(self._path.name):
            raise OriginError(f"{path}: its format is none of {', '.join(formats.READERS)}")

    async def items(self) -> AsyncIterator[Item]:
        for item in await asyncio.to_thread(self._listed):
            yield item

    async def read(self, address: str) -> Content:
        return await asyncio.to_thread(self._content, address)

    def _listed(self) -> list[Item]:
        """In one order on every machine. Hidden files and what a link leads to outside are not meant."""
        if self._alone:
            return [Item(self.scope, self._path.stat().st_size)]
        found = []
        for folder, below, names in os.walk(self._path, onerror=_unreadable):
            below[:] = sorted(name for name in below if not name.startswith("."))
            for file in (Path(folder) / name for name in sorted(names) if not name.startswith(".")):
                address = f"{self.scope}{file.relative_to(self._path).as_posix()}"
                if not formats.known(file.name):
                    self.left_out.append(address)
                elif file.is_file() and file.resolve().is_relative_to(self._path):
                    found.append(Item(address, file.stat().st_size))
        return found

    async def version(self, address: str) -> str:
        return await asyncio.to_thread(self._opened, address, _version)

    def _content(self, address: str) -> Content:
        return self._opened(address, lambda file: Content(file.read_bytes(), _version(file)))

    def _opened(self, address: str, work: Callable[[Path], T]) -> T:
        try:
            return work(self._path if self._alone else self._path / address.removeprefix(self.scope))
        except FileNotFoundError:
            raise GoneError(GONE) from None
        except OSError as error:
            raise ReadingError(f"cannot be opened: {error.strerror}") from None


class Bucket:
    """What lies in a bucket below a prefix. `client`: that of S3."""

    def __init__(self, client: Any, bucket: str, prefix: str) -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = prefix
        self.scope = f"{S3}{bucket}/{prefix}"
        self.left_out: list[str] = []

    async def items(self) -> AsyncIterator[Item]:
        try:
            pages = self._client.get_paginator("list_objects_v2")
            async for page in pages.paginate(Bucket=self._bucket, Prefix=self._prefix):
                for found in page.get("Contents", ()):
                    address = f"{S3}{self._bucket}/{found['Key']}"
                    if formats.known(found["Key"]):
                        yield Item(address, found["Size"])
                    elif not found["Key"].endswith("/"):
                        self.left_out.append(address)
        except (ClientError, BotoCoreError) as error:
            raise self._refused(error) from error

    async def read(self, address: str) -> Content:
        found = await self._got(address, self._client.get_object)
        async with found["Body"] as body:
            return Content(await body.read(), found["ETag"], found.get("Metadata", {}))

    async def version(self, address: str) -> str:
        return str((await self._got(address, self._client.head_object))["ETag"])

    async def _got(self, address: str, call: Callable[..., Awaitable[Any]]) -> Any:
        try:
            return await call(Bucket=self._bucket, Key=address.removeprefix(f"{S3}{self._bucket}/"))
        except (ClientError, BotoCoreError) as error:
            code = _code(error)
            if code in _GONE:
                raise GoneError(GONE) from None
            if code in _DENIED:
                raise ReadingError("may not be read: allow s3:GetObject on it") from None
            raise AwayError(f"S3: {address}: {code or error}") from error

    def _refused(self, error: Exception) -> WrongUseError | InconclusiveError:
        code = _code(error)
        if code == "NoSuchBucket":
            return OriginError(f"there is no bucket {self._bucket}: correct the name")
        if code in _DENIED:
            return OriginError(f"bucket {self._bucket} may not be listed: allow s3:ListBucket on it")
        return AwayError(f"S3 does not list {self.scope}: {code or error}")


def split(address: str) -> tuple[str, str]:
    """Bucket and key of an address in S3."""
    bucket, _, key = address.removeprefix(S3).partition("/")
    if not bucket:
        raise OriginError(f"{address} names no bucket: write s3://bucket/prefix")
    return bucket, key


def _code(error: Exception) -> str:
    return str(error.response["Error"].get("Code", "")) if isinstance(error, ClientError) else ""


def _version(file: Path) -> str:
    told = file.stat()
    return f"{told.st_mtime_ns}-{told.st_size}"


def _unreadable(error: OSError) -> None:
    """A folder that cannot be listed is no empty folder: its documents are not gone."""
    raise OriginError(f"{error.filename} cannot be listed: {error.strerror}")
