"""How an answer looks in a terminal: text as it comes, cards, buttons, and a line about who answered."""

from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from contract.frames import Card, Failure, Final, ServerFrame


class ChatScreen:
    """Prints frames in their order. `live`: a terminal, where text appears as it comes."""

    def __init__(self, console: Console, *, live: bool) -> None:
        self._console = console
        self._live = live
        self._shown = 0

    def frame(self, frame: ServerFrame, seconds: float) -> None:
        """One frame, so many seconds after the question."""
        match frame.type:
            case "banner":
                self._console.print(Panel(frame.text, style="yellow"))
            case "delta":
                self._show(frame.text)
            case "correction":
                if self._live:
                    self._console.print()
                self._console.print(f"(the answer begins anew: {frame.reason})", style="yellow")
                self._show(frame.text)
            case "final":
                self._final(frame, seconds)
            case "error":
                self._error(frame)

    def _show(self, text: str) -> None:
        if self._live:
            self._console.print(text, end="", soft_wrap=True, markup=False)
            self._shown += len(text)

    def _final(self, final: Final, seconds: float) -> None:
        if self._live:
            self._console.print()
        else:
            self._console.print(final.text, markup=False)
        if final.cards:
            self._console.print(_cards(final.cards))
        for number, action in enumerate(final.actions, 1):
            self._console.print(Text.assemble(f"  [{number}] ", (action.label, "cyan")))
        for source in final.about.sources:
            self._console.print(Text(f"  source: {source.title}", style="dim"))
        self._console.print(Text(status(final, seconds), style="dim"))

    def _error(self, failure: Failure) -> None:
        later = f" Ask again in {failure.retry_after_s:.0f} s." if failure.retry_after_s else ""
        self._console.print(f"{failure.message}{later}", style="red", markup=False)


def status(final: Final, seconds: float) -> str:
    """Who answered, how, and what it cost."""
    about = final.about
    parts = [f"{final.tier.value}/{final.rung}"]
    if about.intent is not None:
        parts.append(about.intent.value)
    if about.cached is not None:
        parts.append(f"from the cache ({about.cached})")
    parts.append(f"{seconds:.2f} s")
    if final.usage.usd:
        parts.append(f"${final.usage.usd:.4f}")
    if about.missing:
        parts.append(f"without {', '.join(about.missing)}")
    if about.changes:
        parts.append(f"changed: {', '.join(about.changes)}")
    return " · ".join(parts)


def _cards(cards: tuple[Card, ...]) -> Table:
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 2))
    for card in cards:
        price = "see its page" if card.price_cents is None else f"${card.price_cents / 100:,.2f}"
        was = card.list_price_cents
        before = f"was ${was / 100:,.2f}" if was and card.price_cents and was > card.price_cents else ""
        stock = {True: "in stock", False: "sold out", None: ""}[card.in_stock]
        rating = "" if card.rating is None else f"{card.rating:.1f}/5"
        table.add_row(card.title, price, before, stock, rating, Text(card.asin, style="dim"))
    return table
