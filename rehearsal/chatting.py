"""`concierge chat`: a conversation in a terminal, with an agent that runs somewhere or one started for it."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from contract.errors import FAILED, WrongUseError
from contract.frames import Final, ServerFrame, encode
from rehearsal import daemon
from rehearsal.agent import agent
from rehearsal.chat_line import ChatLine
from rehearsal.chat_screen import ChatScreen
from rehearsal.chat_typed import CARD, Typed, carded, shown, typed
from rehearsal.processes import Processes

PROMPT = "you> "
CARDS = "CONCIERGE_CARDS_URL"


@dataclass(frozen=True, kw_only=True)
class Options:
    """`url` None: an agent is started on the stand-ins that are up. `json`: the frames as they are."""

    url: str | None = None
    person: str | None = None
    token: str | None = None
    session: str | None = None
    resume_token: str | None = None
    json: bool = False


def chat(options: Options, folder: Path, console: Console) -> int:
    """Until the input ends; the exit code says whether the last message was answered."""
    with _place(options, folder) as (url, network):
        return asyncio.run(_talk(url, network, options, console))


@contextmanager
def _place(options: Options, folder: Path) -> Iterator[tuple[str, str | None]]:
    """Where the agent is, and the card network."""
    if options.url is not None:
        yield options.url, os.environ.get(CARDS)
        return
    state = daemon.require(folder)
    with Processes(folder / "chat") as processes:
        url = str(agent(processes, state.stack, state.variables).ready_line()["url"])
        yield url, state.variables.get(CARDS)


async def _talk(url: str, network: str | None, options: Options, console: Console) -> int:
    live = console.is_terminal and not options.json
    screen = ChatScreen(console, live=live)
    last: Final | None = None
    answered = True
    async with ChatLine.open(url, options.person, options.token) as line:
        if options.session is not None:
            resumed = await line.resume(options.session, options.resume_token)
            for turn in resumed.turns:
                console.print(f"{PROMPT}{turn.asked}\n{turn.answered}", style="dim", markup=False)
        async for text in _lines(live=live):
            try:
                ending = await _answer(line, await _meant(text, last, network, live=live), screen, options)
            except WrongUseError as wrong:
                console.print(str(wrong), style="red", markup=False)
                answered = False
                continue
            answered = isinstance(ending, Final)
            last = ending if isinstance(ending, Final) else last
    return 0 if answered else FAILED


async def _meant(text: str, last: Final | None, network: str | None, *, live: bool) -> Typed:
    if text.startswith(CARD):
        return Typed(await carded(text, network, ask=live))
    return typed(text, last)


async def _answer(line: ChatLine, asked: Typed, screen: ChatScreen, options: Options) -> ServerFrame | None:
    """The ending of one message; what has to be confirmed is confirmed first."""
    word = await line.confirm(asked.proposal) if asked.proposal is not None else None
    began, last = asyncio.get_running_loop().time(), None
    async for frame in line.ask(asked.text, word):
        _tell(frame, asyncio.get_running_loop().time() - began, screen, options)
        last = frame
    return last


def _tell(frame: ServerFrame, seconds: float, screen: ChatScreen, options: Options) -> None:
    if options.json:
        print(encode(frame), flush=True)
    else:
        screen.frame(frame, seconds)


async def _lines(*, live: bool) -> AsyncIterator[str]:
    """What the person types, empty lines left out; not blocking the answers' loop."""
    while True:
        if live:
            print(PROMPT, end="", flush=True)
        line = await asyncio.to_thread(sys.stdin.readline)
        if not line:
            return
        if text := line.strip():
            if not live:
                print(f"{PROMPT}{shown(text)}", file=sys.stderr, flush=True)
            yield text
