"""The card network: tokens for cards, authorisations, captures and refunds. It moves nobody's money.

Cards are checked by their check digit. Some of the well-known test numbers are declined, so that a refusal
can be rehearsed; a card number is never kept, nor said again.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from random import Random
from typing import Any

from aiohttp import web

from rehearsal.faulty import Handler
from rehearsal.shop.once import Once
from rehearsal.shop.trade import OPENED

# last four digits of a test card -> why its issuer declines
DECLINED = {
    "0002": "card_declined",
    "9995": "insufficient_funds",
    "0069": "expired_card",
    "0127": "incorrect_cvc",
}


@dataclass
class Authorization:
    """Money that is held, and how much of it was taken and given back."""

    id: str
    token: str
    cents: int
    currency: str
    status: str = "AUTHORIZED"
    captured: int = 0
    refunded: int = 0

    def shown(self) -> dict[str, Any]:
        return {
            "authorizationId": self.id,
            "status": self.status,
            "amount": self.cents / 100,
            "captured": self.captured / 100,
            "refunded": self.refunded / 100,
            "currency": self.currency,
        }


class Cards:
    """The network as one merchant sees it."""

    def __init__(self, seed: int) -> None:
        self._random = Random(f"{seed}/cards")  # noqa: S311 - made-up tokens
        self._tokens: dict[str, str] = {}  # token -> last four digits
        self._held: dict[str, Authorization] = {}
        self._once = Once()

    def handlers(self) -> Mapping[str, tuple[str, str, Handler]]:
        return {
            "tokenize": ("POST", "/v1/tokens", self._tokenize),
            "token": ("GET", "/v1/tokens/{token}", self._token),
            "authorize": ("POST", "/v1/authorizations", self._authorize),
            "list": ("GET", "/v1/authorizations", self._list),
            "show": ("GET", "/v1/authorizations/{id}", self._show),
            "capture": ("POST", "/v1/authorizations/{id}/captures", self._capture),
            "refund": ("POST", "/v1/authorizations/{id}/refunds", self._refund),
            "release": ("POST", "/v1/authorizations/{id}/releases", self._release),
        }

    async def _tokenize(self, request: web.Request) -> web.Response:
        asked = await request.json()
        number = re.sub(r"\D", "", str(asked.get("number", "")))
        if not (12 <= len(number) <= 19 and _checks(number)):
            return _error(400, "invalid_number", "this is no card number")
        if not _in_future(str(asked.get("expiry", ""))):
            return _error(400, "invalid_expiry", "expiry must be MM/YY and not past")
        token = f"tok_{self._random.getrandbits(96):024x}"
        self._tokens[token] = number[-4:]
        return web.json_response(self._shown(token), status=201)

    async def _token(self, request: web.Request) -> web.Response:
        token = request.match_info["token"]
        if token not in self._tokens:
            return _error(404, "unknown_token", "no such token")
        return web.json_response(self._shown(token))

    def _shown(self, token: str) -> dict[str, str]:
        return {"token": token, "last4": self._tokens[token], "network": "visa"}

    async def _authorize(self, request: web.Request) -> web.Response:
        asked = await request.json()

        async def make() -> web.Response:
            token, cents = str(asked.get("token", "")), _cents(asked)
            if token not in self._tokens:
                return _error(404, "unknown_token", "no such token")
            if cents is None:
                return _error(400, "invalid_amount", "amount must be above 0")
            if why := DECLINED.get(self._tokens[token]):
                return _error(402, why, "the issuer has declined")
            held = Authorization(
                f"auth_{self._random.getrandbits(64):016x}", token, cents, str(asked.get("currency", "USD"))
            )
            self._held[held.id] = held
            return web.json_response(held.shown(), status=201)

        return await self._once.do(request, asked, make)

    async def _list(self, _: web.Request) -> web.Response:
        """As the merchant's statement has them."""
        return web.json_response({"authorizations": [held.shown() for held in self._held.values()]})

    async def _show(self, request: web.Request) -> web.Response:
        held = self._held.get(request.match_info["id"])
        return (
            web.json_response(held.shown()) if held else _error(404, "unknown_authorization", "no such one")
        )

    async def _capture(self, request: web.Request) -> web.Response:
        def take(held: Authorization, cents: int) -> bool:
            if held.status == "RELEASED" or held.captured + cents > held.cents:
                return False
            held.captured += cents
            held.status = "CAPTURED"
            return True

        return await self._move(request, take)

    async def _refund(self, request: web.Request) -> web.Response:
        def give(held: Authorization, cents: int) -> bool:
            if held.refunded + cents > held.captured:
                return False
            held.refunded += cents
            held.status = "REFUNDED" if held.refunded == held.captured else held.status
            return True

        return await self._move(request, give)

    async def _release(self, request: web.Request) -> web.Response:
        asked = await request.json()

        async def make() -> web.Response:
            held = self._held.get(request.match_info["id"])
            if held is None:
                return _error(404, "unknown_authorization", "no such authorization")
            if held.captured:
                return _error(409, "captured", "what was taken can only be refunded")
            held.status = "RELEASED"
            return web.json_response(held.shown(), status=201)

        return await self._once.do(request, asked, make)

    async def _move(self, request: web.Request, move: Any) -> web.Response:
        asked = await request.json()

        async def make() -> web.Response:
            held, cents = self._held.get(request.match_info["id"]), _cents(asked)
            if held is None:
                return _error(404, "unknown_authorization", "no such authorization")
            if cents is None or not move(held, cents):
                return _error(400, "invalid_amount", "amount is more than there is")
            return web.json_response(held.shown(), status=201)

        return await self._once.do(request, asked, make)


def _cents(asked: Mapping[str, Any]) -> int | None:
    try:
        cents = round(float(asked.get("amount", 0)) * 100)
    except (TypeError, ValueError):
        return None
    return cents if cents > 0 else None


def _checks(number: str) -> bool:
    digits = [int(digit) for digit in reversed(number)]
    return (sum(digits[::2]) + sum(sum(divmod(digit * 2, 10)) for digit in digits[1::2])) % 10 == 0


def _in_future(expiry: str) -> bool:
    match = re.fullmatch(r"(0[1-9]|1[0-2])/(\d\d)", expiry)
    return match is not None and date(2000 + int(match[2]), int(match[1]), 28) >= OPENED


def _error(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"error": {"code": code, "message": message}}, status=status)
