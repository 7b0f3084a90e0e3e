"""The words of a message that say which product is wanted, for a search that takes every word for one."""

import re
import tomllib
from functools import cache
from pathlib import Path

from runtime.understand import entities


def telling(message: str) -> str:
    """The message without what people say around it; all of it where nothing else is left.

    Languages without blanks have no words to leave out, and pass as they are.
    """
    words = re.findall(r"[^\W_][\w'’-]*", entities.without(message))
    left = [word for word in words if word.lower().replace("’", "'") not in _around()]
    return " ".join(left) or message


@cache
def _around() -> frozenset[str]:
    text = Path(__file__).with_name("words.toml").read_text(encoding="utf-8")
    return frozenset(tomllib.loads(text)["around"].split())
