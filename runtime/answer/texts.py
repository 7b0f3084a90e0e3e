"""What the concierge says in words of its own, from `texts.toml`, in the person's language if it has it."""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from pydantic import Field, model_validator

from contract.base import Shape
from contract.intents import Intent

USUAL = "en"
_JAPANESE = re.compile(r"[\u3040-\u30ff]")
_HAN = re.compile(r"[\u4e00-\u9fff]")


class Wording(Shape):
    """Everything in one language."""

    greeting: str = Field(min_length=1)
    thanks: str = Field(min_length=1)
    farewell: str = Field(min_length=1)
    agreement: str = Field(min_length=1)
    human: str = Field(min_length=1)
    ask_back: str = Field(min_length=1, description="before the things a message may mean")
    sign_in: str = Field(min_length=1, description="when a guest asks for what is a customer's own")
    no_order: str = Field(min_length=1, description="when an order is nobody's, or somebody else's")
    no_orders: str = Field(min_length=1)
    order: str = Field(min_length=1)
    due: str = Field(min_length=1)
    refunds: str = Field(min_length=1)
    parcel: str = Field(min_length=1)
    product: str = Field(min_length=1)
    priced: str = Field(min_length=1)
    unpriced: str = Field(min_length=1)
    sold_out: str = Field(min_length=1)
    passage: str = Field(min_length=1)
    refused: str = Field(min_length=1, description="to a message that tries to give orders to the model")
    given_up: str = Field(min_length=1, description="when an agent that calls tools was stopped")
    confirm_pay: str = Field(min_length=1, description="a button")
    confirm_refund: str = Field(min_length=1, description="a button")
    talk_to_human: str = Field(min_length=1, description="a button")
    see_product: str = Field(min_length=1, description="a button")
    see_order: str = Field(min_length=1, description="a button")
    add_to_cart: str = Field(min_length=1, description="a button")
    meanings: Mapping[Intent, str] = Field(description="what a message may mean, as a person would say it")
    statuses: Mapping[str, str] = Field(default_factory=dict, description="states of orders in words")

    @model_validator(mode="after")
    def _every_intent(self) -> "Wording":
        if missing := set(Intent) - self.meanings.keys():
            raise ValueError(f"meanings: {', '.join(sorted(missing))} is missing")
        return self

    def chitchat(self, kind: str) -> str:
        """What is said to a greeting, a farewell ..."""
        return {
            "greeting": self.greeting,
            "thanks": self.thanks,
            "farewell": self.farewell,
            "agreement": self.agreement,
        }[kind]

    def status(self, name: str) -> str:
        return self.statuses.get(name.upper(), name.replace("_", " ").lower())


@cache
def wordings() -> Mapping[str, Wording]:
    """Language -> wording."""
    rows = tomllib.loads(Path(__file__).with_name("texts.toml").read_text(encoding="utf-8"))
    return {language: Wording.model_validate(row) for language, row in rows.items()}


def wording(language: str) -> Wording:
    """That of the language, else the usual one."""
    known = wordings()
    return known.get(language.partition("-")[0].lower()) or known[USUAL]


def language_of(message: str, hint: str = "") -> str:
    """By its letters; where they leave it open, what the client says. Kana is always Japanese."""
    if _JAPANESE.search(message):
        return "ja"
    if _HAN.search(message):
        return "ja" if hint.lower().startswith("ja") else "zh"
    return hint.partition("-")[0].lower() or USUAL
