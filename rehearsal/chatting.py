"""`concierge chat`: a conversation in a terminal, with an agent that runs somewhere or one started for it."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from contract.errors import FAILED
from contract.frames import Final, ServerFrame, encode
from rehearsal import daemon
from rehearsal.agent import agent
from rehearsal.chat_line import ChatLine
from rehearsal.chat_screen import ChatScreen
from rehearsal.processes import Processes

PROMPT = "you> "


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
    with _url(options, folder) as url:
        return asyncio.run(_talk(url, options, console))


@contextmanager
def _url(options: Options, folder: Path) -> Iterator[str]:
    if options.url is not None:
        yield options.url
        return
    state = daemon.require(folder)
    with Processes(folder / "chat") as processes:
        yield str(agent(processes, state.stack, state.variables).ready_line()["url"])


async def _talk(url: str, options: Options, console: Console) -> int:
    live = console.is_terminal and not options.json
    screen = ChatScreen(console, live=live)
    answered = True
    async with ChatLine.open(url, options.person, options.token) as line:
        if options.session is not None:
            resumed = await line.resume(options.session, options.resume_token)
            for turn in resumed.turns:
                console.print(f"{PROMPT}{turn.asked}\n{turn.answered}", style="dim", markup=False)
        async for text in _lines(live=live):
            began, last = asyncio.get_running_loop().time(), None
            async for frame in line.ask(text):
                seconds = asyncio.get_running_loop().time() - began
                _tell(frame, seconds, screen, options)
                last = frame
            answered = isinstance(last, Final)
    return 0 if answered else FAILED


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
                print(f"{PROMPT}{text}", file=sys.stderr, flush=True)
            yield text
