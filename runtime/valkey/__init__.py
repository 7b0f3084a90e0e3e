"""Valkey as the runtime sees it: ask it something, and within milliseconds the reply comes, or an error.

One connection for everything, commands back to back (`connection`), kept up in the background (`client`),
found and signed in to as its URL says (`address`). What the replies mean is the business of `limits` and
`caches`. Nothing here is ever the only copy of anything.
"""

from runtime.valkey.client import Valkey
from runtime.valkey.opened import opened
from runtime.valkey.port import (
    AnswerError,
    DownError,
    LateError,
    Nowhere,
    RefusedError,
    Reply,
    Script,
    Store,
    ValkeyError,
    word,
)

__all__ = [
    "AnswerError",
    "DownError",
    "LateError",
    "Nowhere",
    "RefusedError",
    "Reply",
    "Script",
    "Store",
    "Valkey",
    "ValkeyError",
    "opened",
    "word",
]
