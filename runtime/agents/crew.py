"""The supervisor (RUN-15): who begins with a message, and what the customer's own yes is worth.

No model decides it: the intent is known before any is asked, so that it costs neither time nor tokens. A
specialist that finds it was the wrong one hands over.
"""

from collections.abc import Callable, Mapping
from typing import Any

from contract.frames import Confirmed, Proposal
from contract.intents import Intent
from contract.people import Person
from contract.runtime_settings import ToolsSettings
from runtime.agents.errand import Errand
from runtime.agents.specialists import of_intent
from runtime.answer.texts import Wording
from runtime.measures import Measures
from runtime.safety.confirmation import LIVES, Deed
from runtime.telemetry import Telemetry
from runtime.tools.paying import Signing, wish_of
from runtime.tools.tool import Caller
from runtime.tools.toolbox import Toolbox
from runtime.understand.entities import Entities
from runtime.understand.intent import Understanding

_INTENTS: Mapping[Deed, Intent] = {"pay": Intent.PAYMENT, "refund": Intent.REFUND}


class Crew:
    """All agents over one box of tools."""

    def __init__(
        self,
        toolbox: Toolbox,
        signing: Signing,
        settings: ToolsSettings,
        telemetry: Telemetry,
        measures: Measures | None,
        now: Callable[[], float],
    ) -> None:
        self.toolbox = toolbox
        self._signing = signing
        self._settings = settings
        self._telemetry = telemetry
        self._measures = measures
        self._now = now

    def errand(
        self,
        intent: Intent,
        caller: Caller,
        request_id: str,
        words: Wording,
        learn: Callable[[Mapping[str, Any]], None],
    ) -> Errand | None:
        """None: it is answered from facts, or there is no tool for it."""
        begins = of_intent().get(intent)
        if begins is None or not any(name in self.toolbox.tools for name in begins.tools):
            return None
        return Errand(
            toolbox=self.toolbox,
            settings=self._settings,
            telemetry=self._telemetry,
            measures=self._measures,
            now=self._now,
            begins=begins,
            caller=caller,
            request_id=request_id,
            given_up=words.given_up,
            learn=learn,
        )

    def confirm(self, person: Person, session_id: str, request_id: str, proposal: Proposal) -> Confirmed:
        """The word, for the client of the customer who says yes; never for a model."""
        word = self._signing.confirmations().give(wish_of(proposal, person.id, session_id))
        return Confirmed(request_id=request_id, confirmation=word, expires_in_s=int(LIVES.total_seconds()))

    def confirmed(self, word: str) -> Understanding | None:
        """What a message with this word is about, whatever it says beside."""
        wish = self._signing.confirmations().wish(word)
        if wish is None:
            return None
        named = Entities(orders=(wish.cart,)) if wish.deed == "refund" else Entities()
        return Understanding(intent=_INTENTS[wish.deed], by="session", entities=named)
