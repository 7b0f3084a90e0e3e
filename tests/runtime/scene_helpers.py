"""Scenes at a desk in virtual time, and the models that answer in them."""

from collections.abc import Callable
from typing import Any

from runtime.testing import loop
from runtime.testing.desk import Desk
from runtime.testing.models import says

HAIKU = says("Hi ", "from Haiku", first_s=0.2)
MODELS = {"sonnet": says("Hi ", "from Sonnet"), "haiku": HAIKU}


def at_desk(scene: Callable[[Desk], Any], *args: Any) -> Any:
    async def main() -> Any:
        return await scene(Desk(*args))

    return loop.run(main())
