"""One person at the keyboard: who they are, and which client carries what they say (chat, REST, tools,
catalogue)."""

from contextlib import suppress
from functools import cache

from loadtests.client import ChatClient, UnreachableError, Who, socket_url
from loadtests.generator import Due, Generator
from loadtests.green_line import GreenLine
from loadtests.lookups import CatalogueClient
from loadtests.rest import RestClient, tickets
from loadtests.tools import ToolClient
from loadtests.transcript import Transcript


@cache
def catalogue() -> CatalogueClient:
    """One channel carries the lookups of a whole process, as in the runtime."""
    return CatalogueClient()


class Somebody:
    """A person. `place` counts the people of all workers: it says which customer this is."""

    __slots__ = (
        "_chat",
        "_connect_each",
        "_generator",
        "_host",
        "_orders",
        "_rest",
        "_tools",
        "_who",
        "characters",
    )

    def __init__(self, generator: Generator, host: str, guest: bool, place: int) -> None:
        customers = generator.scenario.shop.customers
        customer = customers[place % len(customers)]
        self._generator, self._host = generator, host
        self._orders = customer.orders
        self._who = who = Who() if guest else Who(customer.id, customer.token)
        self._rest: RestClient | None = None
        self._tools: ToolClient | None = None
        self._connect_each = generator.scenario.connect_each
        self._chat = ChatClient(
            socket_url(host),
            self._who,
            generator.connections,
            generator.scenario.good.stall_ms / 1_000,
            line=GreenLine,
            ticket=tickets(who),
        )
        self.characters = 0  # of the last answer

    @property
    def descriptor(self) -> int | None:
        """Of the socket on which somebody might say something at any time."""
        return self._chat.web_socket.fileno() if self._chat.web_socket is not None else None

    def arrive(self) -> None:
        """Opens the chat, where people sit with an open chat."""
        if "chat" in self._generator.scenario.channels and not self._connect_each:
            self._open()

    def leave(self) -> None:
        """Closes everything."""
        for client in (self._chat, self._rest, self._tools):
            if client is not None:
                client.close()

    def breathe(self) -> None:
        """Nothing was due: pings are answered, and a socket that was lost is opened again."""
        self._chat.breathe()
        if not self._chat.connected:
            self.arrive()

    def say(self, due: Due, request_id: str, until: float) -> Transcript:
        """One message, by the way in of its conversation."""
        seen = self._said(due, request_id, until)
        self.characters = seen.characters
        return seen

    def _said(self, due: Due, request_id: str, until: float) -> Transcript:
        arrival, scenario = due.arrival, self._generator.scenario
        order = self._orders[arrival.conversation % len(self._orders)]
        text = arrival.text(scenario.shop, order)
        match arrival.person.channel:
            case "tools":
                self._tools = self._tools or ToolClient(self._host, self._who)
                slots = {"asin": arrival.goods(scenario.shop)[0], "order": order, "text": text}
                return self._tools.call(request_id, arrival.intent, slots, until)
            case "catalogue":
                client = catalogue()
                return client.look_up(request_id, arrival.goods(scenario.shop, scenario.lookups), until)
            case channel:
                client_ = self._chat if channel == "chat" else self._over_rest()
                return client_.ask(request_id, text, self._session(arrival.conversation), until)

    def _session(self, conversation: int) -> str | None:
        """A guest is the session that a connection begins with; a customer has as many as they like."""
        if self._who.customer is None:
            return None
        shared = self._generator.scenario.one_session
        return f"{self._generator.run_id}-{self._who.customer if shared else conversation}"

    def _over_rest(self) -> RestClient:
        self._rest = self._rest or RestClient(self._host, self._who)
        return self._rest

    def after(self, due: Due) -> None:
        """A conversation may be all that a connection was for."""
        if due.arrival.last and self._connect_each:
            self._chat.close()

    def _open(self) -> None:
        # Who cannot connect counts among the connections, and tries again with the next message.
        with suppress(UnreachableError):
            self._chat.open()
