"""Small golden prompts, answers and a shop of two products."""

from typing import Any

from runtime.eval.answers import Answer
from runtime.eval.golden import Prompt
from runtime.eval.truth import Good, Truth

LAMP = Good(
    asin="B0LAMP0001", title="Lumo desk lamp", kind="lamp", category="home", cents=4_999, list_cents=5_999
)
CABLE = Good(
    asin="B0CABLE001", title="Long cable", kind="cable", category="parts", cents=1_250, list_cents=1_250
)
SHOP = Truth.of([LAMP, CABLE], said=[499])


def prompt(name: str = "pi-1", text: str = "How much is the lamp?", **expect: Any) -> Prompt:
    about = {name: expect.pop(name) for name in ("person", "before", "group", "lang") if name in expect}
    return Prompt.model_validate(
        {"id": name, "text": text, "intent": "product_info", "expect": expect, **about}
    )


def answer(text: str = "The Lumo desk lamp costs $49.99.", name: str = "pi-1", **more: Any) -> Answer:
    about = {"intent": more.pop("intent", "product_info"), **more.pop("about", {})}
    final = {"type": "final", "text": text, "rung": "sonnet", "about": about, "usage": {"usd": 0.002}, **more}
    return Answer(id=name, final=final, shown=text, first_s=0.2, took_s=1.0)


def card(good: Good, cents: int | None = None) -> dict[str, Any]:
    return {"asin": good.asin, "title": good.title, "price_cents": good.cents if cents is None else cents}
