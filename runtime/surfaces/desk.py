"""What REST hands out and takes in for the tables: tickets, and verdicts on answers."""

from collections.abc import Callable
from datetime import datetime
from typing import TypedDict

from contract.controls import Controls
from contract.people import Person
from runtime.experiment import Trial
from runtime.sessions.opening import Stores
from runtime.sessions.sessions import Clock
from runtime.sessions.table import NotTheirsError
from runtime.surfaces.rest import Feedback, HandOut, Rate, Ticket


class Desk(TypedDict):
    """None: the environment has no table for it."""

    rate: Rate | None
    hand_out: HandOut | None


def desk(stores: Stores, wall: Clock, controls: Callable[[], Controls], trial: Trial | None = None) -> Desk:
    """The two, as far as there are tables. `trial`: the experiment that hears of verdicts."""
    return {"rate": _rate(stores, trial), "hand_out": _hand_out(stores, wall, controls)}


def _rate(stores: Stores, trial: Trial | None) -> Rate | None:
    feedback = stores.feedback
    if feedback is None:
        return None

    async def rate(person: Person, verdict: Feedback) -> bool:
        """Only of an answer in a session of theirs."""
        try:
            memory = await stores.sessions.open(verdict.session_id, person.owner)
        except NotTheirsError:
            return False
        if not memory.knows(verdict.request_id):
            return False
        await feedback.write(memory, verdict.request_id, verdict.rating, verdict.comment)
        if trial is not None:
            trial.rated(person, verdict.rating)
        return True

    return rate


def _hand_out(stores: Stores, wall: Clock, controls: Callable[[], Controls]) -> HandOut | None:
    tickets = stores.tickets
    if tickets is None:
        return None

    async def hand_out(person: Person) -> Ticket:
        ticket = await tickets.issue(person.id, person.kind)
        widget = controls().widget
        return Ticket(
            ticket=ticket.text,
            expires_in_s=_left(ticket.expires_at, wall()),
            offered=widget is None or widget.value,
        )

    return hand_out


def _left(end: datetime, now: datetime) -> int:
    return max(0, int((end - now).total_seconds()))
