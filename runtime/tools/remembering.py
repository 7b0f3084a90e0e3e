"""Tools for what the shop remembers of a customer across sessions: told, looked at, forgotten."""

from typing import Literal

from pydantic import Field

from contract.base import Shape
from runtime.accounts.opening import Accounts
from runtime.safety.pii import redact
from runtime.safety.watch import speaks_to_model
from runtime.tools.shapes import Noted, Nothing
from runtime.tools.tool import Caller, Code, Tool, ToolError, there

Subject = Literal["budget", "size", "colour", "brand", "genre", "language", "delivery"]


class Like(Shape):
    subject: Subject
    words: str = Field(min_length=1, max_length=120, description="what the customer likes, in a few words")


class Forget(Shape):
    subject: Subject


class Likes(Shape):
    likes: dict[str, str]
    note: str = ""


class Remembering:
    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def tools(self) -> list[Tool]:
        if self._accounts.preferences is None:
            return []
        keep = "Remembers a preference of the customer for later: a size, a budget, a colour, a brand."
        see, drop = "The preferences that are remembered.", "Forgets a preference."
        return [
            Tool("remember_preference", keep, Like, Noted, self._keep, "write", signed_in=True),
            Tool("view_preferences", see, Nothing, Likes, self._likes, signed_in=True),
            Tool("forget_preference", drop, Forget, Noted, self._forget, "write", signed_in=True),
        ]

    async def _keep(self, asked: Like, caller: Caller) -> Noted:
        """What would be told to a model for ever may be no order to it, and nothing personal."""
        if speaks_to_model(asked.words):
            raise ToolError(Code.DECLINED, "that is no preference: nothing is remembered")
        words = redact(asked.words)
        await there(self._accounts.preferences).keep(caller.person.id, asked.subject, words)
        return Noted(note=f"the preferred {asked.subject} is remembered: {words}")

    async def _likes(self, _: Nothing, caller: Caller) -> Likes:
        found = await there(self._accounts.preferences).of(caller.person.id)
        return Likes(likes=dict(found), note="" if found else "nothing is remembered")

    async def _forget(self, asked: Forget, caller: Caller) -> Noted:
        await there(self._accounts.preferences).keep(caller.person.id, asked.subject, "")
        return Noted(note=f"no preferred {asked.subject} is remembered any more")
