"""What every test of the runtime may ask for: a desk in virtual time, and frames checked for their form."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import pytest

from contract.frames import ENDINGS, ServerFrame
from runtime.testing import loop
from runtime.testing.desk import Desk

if TYPE_CHECKING:
    from tests.runtime.house_helpers import House


@pytest.fixture
def at_desk():
    """`at_desk(scene, scripts, ...)` runs `scene(desk)` in virtual time and gives its result."""

    def play(scene: Callable[[Desk], Awaitable[object]], *args: Any, **kwargs: Any) -> Any:
        async def main() -> Any:
            return await scene(Desk(*args, **kwargs))

        return loop.run(main())

    return play


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[House]":
    """Every stand-in, for agents with all their parts; each `house.play` begins with an empty cache."""
    from tests.runtime.house_helpers import standing  # where the runtime stands alone there are none

    with standing(tmp_path_factory.mktemp("house")) as one:
        yield one


@pytest.fixture(scope="session")
def shown():
    """The text a client has in front of it after these frames; refuses frames that break RUN-2."""

    def read(frames: Sequence[ServerFrame]) -> str:
        assert [frame.sequence_number for frame in frames] == list(range(len(frames)))
        assert frames[0].type == "start"
        assert [frame.type in ENDINGS for frame in frames].index(True) == len(frames) - 1
        text = ""
        for frame in frames:
            if frame.type == "correction":
                text = ""
            if frame.type in {"delta", "correction"}:
                text += frame.text
        return text

    return read
