"""One person at the keyboard: who they are, and which client carries what they say (chat, REST, tools,
catalogue)."""

from contextlib import suppress
from typing import Protocol

from loadtests.client import ChatClient, UnreachableError, Who, socket_url
from loadtests.generator import Due, Generator
from loadtests.green_line import GreenLine
from loadtests.transcript import Transcript


class Client(Protocol):
    """A way in."""

    def ask(self, request_id: str, text: str, session_id: str | None, until: float) -> Transcript:
        """Sends a message and waits for its end."""

    def close(self) -> None:
        """Leaves."""


class Somebody:
    """A person. `place` counts the people of all workers: it says which customer this is."""

    __slots__ = ("_chat", "_connect_each", "_generator", "_host", "_orders", "_others", "_who", "characters")

    def __init__(self, generator: Generator, host: str, guest: bool, place: int) -> None:
        customers = generator.scenario.shop.customers
        customer = customers[place % len(customers)]
        self._generator, self._host = generator, host
        self._orders = customer.orders
        self._who = Who(None if guest else customer.id)
        self._others: dict[str, Client] = {}
        self._connect_each = generator.scenario.connect_each
        self._chat = ChatClient(
            socket_url(host),
            self._who,
            generator.connections,
            generator.scenario.good.stall_ms / 1_000,
            line=GreenLine,
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
        for client in (self._chat, *self._others.values()):
            client.close()

    def breathe(self) -> None:
        """Nothing was due: pings are answered, and a socket that was lost is opened again."""
        self._chat.breathe()
        if not self._chat.connected:
            self.arrive()

    def say(self, due: Due, request_id: str, until: float) -> Transcript:
        """One message, by the way in of its conversation."""
        arrival = due.arrival
        order = self._orders[arrival.conversation % len(self._orders)]
        text = arrival.text(self._generator.scenario.shop, order)
        session = f"{self._generator.run_id}-{arrival.conversation}"
        seen = self._client(arrival.person.channel).ask(request_id, text, session, until)
        self.characters = seen.characters
        return seen

    def after(self, due: Due) -> None:
        """A conversation may be all that a connection was for."""
        if due.arrival.last and self._connect_each:
            self._chat.close()

    def _client(self, channel: str) -> Client:
        if channel == "chat":
            return self._chat
        raise NotImplementedError(channel)

    def _open(self) -> None:
        # Who cannot connect counts among the connections, and tries again with the next message.
        with suppress(UnreachableError):
            self._chat.open()
