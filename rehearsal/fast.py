"""A program of ours whose time runs faster: `python -m rehearsal.fast SPEED MODULE [arguments]`.

Its event loop counts `speed` seconds while one passes, so that every wait, deadline and window of the program
shrinks alike. What it computes takes as long as ever: at three times the speed it seems three times as slow.
"""

import asyncio
import runpy
import selectors
import sys
from collections.abc import Sequence
from typing import Any


class FastSelector(selectors.DefaultSelector):
    """Waits for sockets; a wait asked for in fast seconds takes less of ours."""

    def __init__(self, speed: float) -> None:
        super().__init__()
        self._speed = speed

    def select(self, timeout: float | None = None) -> Any:
        return super().select(None if timeout is None else timeout / self._speed)


class FastLoop(asyncio.SelectorEventLoop):
    """`time` is in fast seconds, and so is everything that is scheduled."""

    def __init__(self, speed: float) -> None:
        super().__init__(FastSelector(speed))
        self._speed = speed

    def time(self) -> float:
        return super().time() * self._speed


class FastPolicy(asyncio.DefaultEventLoopPolicy):
    """`asyncio.run` takes its loop from here."""

    def __init__(self, speed: float) -> None:
        super().__init__()
        self._speed = speed

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        return FastLoop(self._speed)


def command(speed: float, module: str, arguments: Sequence[str] = ()) -> list[str]:
    """How such a program is started; at our own speed it is started as always."""
    plain = [module, *arguments]
    return [sys.executable, "-m", *plain] if speed == 1 else [
        sys.executable, "-m", "rehearsal.fast", str(speed), *plain,
    ]  # fmt: skip


def main() -> None:
    speed, module, *arguments = sys.argv[1:]
    asyncio.set_event_loop_policy(FastPolicy(float(speed)))
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
