"""How an idle user waits: until its socket says something, somebody rings, or a moment comes. Needs gevent.

Thousands of users wait at a time, so waiting must cost nothing: no polling, and no greenlet beside the
user's own.
"""

from gevent.hub import Waiter, get_hub

_NOTHING = object()


class Doorbell:
    """One waiter at a time; a ring while nobody waits is kept for who waits next."""

    __slots__ = ("_rung", "_waiter")

    def __init__(self) -> None:
        self._waiter: Waiter | None = None
        self._rung = False

    def ring(self) -> None:
        """Wakes the waiter. May be called from any greenlet."""
        self._rung = True
        if self._waiter is not None:
            get_hub().loop.run_callback(self._wake, self._waiter)

    def wait(self, descriptor: int | None, seconds: float) -> None:
        """Comes back when it was rung, when `descriptor` can be read, or after so long."""
        if self._rung:
            self._rung = False
            return
        loop = get_hub().loop
        waiter = self._waiter = Waiter()
        timer = loop.timer(max(0.0, seconds))
        timer.start(self._wake, waiter)
        reader = None
        if descriptor is not None:
            reader = loop.io(descriptor, 1)
            reader.start(self._wake, waiter)
        try:
            waiter.get()
        finally:
            self._waiter = None
            self._rung = False
            timer.close()
            if reader is not None:
                reader.close()

    def _wake(self, waiter: Waiter | None) -> None:
        """Only the first of several reasons wakes it."""
        if self._waiter is waiter and waiter is not None:
            self._waiter = None
            waiter.switch(_NOTHING)
