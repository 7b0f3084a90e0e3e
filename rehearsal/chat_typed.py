"""What a person types in a terminal beside messages: the number of a button, and `/card` for a card.

A button that confirms is the person's own yes: this client asks the server for the word, and no model sees
it. A card's number goes from here to the card network alone; the agent gets the token.
"""

import asyncio
import getpass
import re
from collections.abc import Sequence
from dataclasses import dataclass

import aiohttp

from contract.errors import InconclusiveError, WrongUseError
from contract.frames import Action, Final, Proposal

CARD = "/card"
_CARD = re.compile(r"/card(?:\s+([\d -]{12,23}))?(?:\s+(\d\d/\d\d))?\s*")
_SAYS = {
    "add_to_cart": "Add {value} to my cart",
    "show_product": "Tell me about {value}",
    "show_order": "Where is order {value}?",
}
NETWORK_S = 10.0


@dataclass(frozen=True, slots=True)
class Typed:
    """What is sent. `proposal`: what has to be confirmed before."""

    text: str
    proposal: Proposal | None = None


def typed(line: str, last: Final | None) -> Typed:
    """A message, or what the button of this number says; WrongUseError where there is no such button."""
    if not re.fullmatch(r"\d{1,2}", line):
        return Typed(line)
    actions: Sequence[Action] = last.actions if last is not None else ()
    number = int(line)
    if not 1 <= number <= len(actions):
        known = f"1 to {len(actions)}" if actions else "none yet: type a message"
        raise WrongUseError(f"there is no button {number}: {known}")
    action = actions[number - 1]
    text = _SAYS[action.kind].format(value=action.value) if action.kind in _SAYS else ""
    return Typed(text or action.value or action.label, action.proposal)


def shown(line: str) -> str:
    """The line as it may be printed again: without a card's number."""
    return CARD if line.startswith(CARD) else line


async def carded(line: str, network: str | None, *, ask: bool) -> str:
    """The message that puts a card on file. `ask`: a person is there, who is asked for what is missing."""
    found = _CARD.fullmatch(line)
    if found is None:
        raise WrongUseError(f"{CARD}: write {CARD} NUMBER MM/YY, or {CARD} alone to be asked")
    if network is None:
        raise WrongUseError(f"{CARD}: there is no card network here; set CONCIERGE_CARDS_URL")
    number, expiry = found[1], found[2]
    if number is None or expiry is None:
        if not ask:
            raise WrongUseError(f"{CARD}: write {CARD} NUMBER MM/YY")
        number, expiry = await asyncio.to_thread(_asked)
    return f"Use this card for payment: {await _token(network, number, expiry)}"


def _asked() -> tuple[str, str]:
    return getpass.getpass("card number (not shown): "), input("expires (MM/YY): ").strip()


async def _token(network: str, number: str, expiry: str) -> str:
    body = {"number": number, "expiry": expiry}
    patience = aiohttp.ClientTimeout(total=NETWORK_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=patience) as http,
            http.post(f"{network.rstrip('/')}/v1/tokens", json=body) as answer,
        ):
            said = await answer.json()
    except (aiohttp.ClientError, TimeoutError, ValueError):
        raise InconclusiveError(f"the card network at {network} does not answer") from None
    if "token" not in said:
        raise WrongUseError(f"{CARD}: {said.get('error', {}).get('message', 'not taken')}")
    return str(said["token"])
