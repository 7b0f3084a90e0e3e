"""`concierge rehearse`: an event on this machine, from the first message to the verdict."""

import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

import typer
from typer.core import TyperGroup

from concierge import output

if TYPE_CHECKING:
    from rehearsal.game_day import GameDay
    from rehearsal.live import Desk, Live
    from rehearsal.played import Options, Result
    from rehearsal.story import Story


class OrStory(TyperGroup):
    """What is no command of the group is the name of a story."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and args[0] not in ctx.help_option_names):
            args = ["story", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(cls=OrStory, help="Rehearse a retail event here; `concierge rehearse prime-day`.")


@app.command("story")
def rehearse(
    story: Annotated[str, typer.Argument(help="A story (see list), or a .yaml file of yours.")] = "prime-day",
    stack: Annotated[
        str | None, typer.Option(help="Stack whose plan is rehearsed; else the story's.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Moments and texts follow from it.")] = 7,
    speed: Annotated[
        float | None,
        typer.Option(
            min=1.0, max=3.0, help="Times as fast as the clock; else the story's, or what this machine can."
        ),
    ] = None,
    rate: Annotated[float, typer.Option(min=0.01, max=100.0, help="Times the story's messages.")] = 1.0,
    without: Annotated[
        list[str] | None,
        typer.Option(
            metavar="alarm|runbook|rung:NAME", help="Take one away, to see what it is worth. Repeatable."
        ),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Turn a setting for this run only."),
    ] = None,
    interactive: Annotated[
        bool, typer.Option("--interactive", help="You apply the runbooks: y or n, here or on the page.")
    ] = False,
    web: Annotated[bool, typer.Option("--web", help="Also as a page on loopback.")] = False,
    web_port: Annotated[int, typer.Option(min=0, max=65535, help="Its port; 0: any free one.")] = 0,
    counterfactual: Annotated[
        bool, typer.Option("--counterfactual", help="Then the same seed again without failover, to compare.")
    ] = False,
    json: output.JsonFlag = False,
) -> None:
    """Rehearse a story: stand-ins, agent, Locust, faults, alarms, runbooks, verdict, report."""
    from rehearsal import played, report
    from rehearsal import story as stories
    from rehearsal.live import Desk
    from stacks import stackfile

    if interactive and not (web or sys.stdin.isatty()):
        raise typer.BadParameter("needs a terminal, or --web", param_hint="--interactive")
    chosen, desk = stories.load(story), Desk()
    options = played.Options(
        stack=stack,
        seed=seed,
        speed=speed,
        rate=rate,
        changes=_changes(set_ or []),
        without=tuple(without or ()),
        ask=desk.ask if interactive else None,
    )
    with _Shown(desk, web_port if web else None, as_json=json) as shown:
        result = _played(chosen, options, stackfile.root_of(), shown)
    if counterfactual:
        report.write(result)  # there, whatever becomes of the second run
    compared = _compared(chosen, options, stackfile.root_of()) if counterfactual else None
    _finish(result, compared, as_json=json)
    raise typer.Exit(result.exit_code)


@app.command("list")
def list_(json: output.JsonFlag = False) -> None:
    """The stories that are here, and what each shows."""
    from rich.table import Table

    from rehearsal import story as stories

    found = [stories.load(name) for name in stories.names()]
    if json:
        output.document({one.id: one.model_dump(mode="json") for one in found})
        return
    table = Table("story", "minutes", "on the clock", "what it shows", box=None, pad_edge=False)
    for one in found:
        table.add_row(
            one.id,
            f"{one.length_s / 60:.0f}",
            f"{one.length_s / one.speed / 60:.1f}",
            f"{one.title}. {one.teller}",
        )
    output.show(table)


@app.command()
def diff(
    before: Annotated[Path, typer.Argument(help="Folder of a rehearsal, or its report.json.")],
    after: Annotated[Path, typer.Argument(help="The same of another: after a release, say.")],
    json: output.JsonFlag = False,
) -> None:
    """Compare two rehearsals side by side; exit code 1 when the second is worse."""
    from rehearsal import compare

    found = compare.between(compare.read(before), compare.read(after))
    if json:
        output.document(found.as_json())
    else:
        output.show(*compare.render(found))
    raise typer.Exit(found.exit_code)


class _Shown:
    """How a rehearsal is watched: a screen where there is a terminal, lines else, and a page if asked."""

    def __init__(self, desk: "Desk", port: int | None, *, as_json: bool) -> None:
        self._desk, self._port = desk, port
        self._screen = sys.stderr.isatty() and not as_json
        self._stack = ExitStack()
        self._live: Live | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._desk.close()
        self._stack.close()

    def tell(self, told: object) -> None:
        """A line of the story."""
        if not (self._screen and self._live):
            output.progress(str(told))

    def watch(self, day: "GameDay") -> None:
        """Its traffic has begun."""
        from rehearsal.live import Live

        live = self._live = Live(day, self._desk)
        if self._port is not None:
            from rehearsal import live_web

            output.note(f"page: {self._stack.enter_context(live_web.served(live, self._desk, self._port))}")
        if self._screen:
            from rich.console import Console

            from rehearsal import live_screen

            self._stack.enter_context(live_screen.shown(live, self._desk, Console(stderr=True)))

    def verdict(self, headline: str) -> None:
        """The last word, for those who look at the page."""
        if self._live is not None:
            self._live.verdict = headline


def _played(story: "Story", options: "Options", root: Path, shown: _Shown) -> "Result":
    """Ctrl-C ends it cleanly, with a report of what there was."""
    from rehearsal import playing, report
    from rehearsal.played import InterruptedStoryError

    folder = playing.folder_for(story, root)
    try:
        result = playing.run(story, options, folder, shown.tell, shown.watch)
    except InterruptedStoryError as interrupted:
        output.note(f"report of what there was: {report.write(interrupted.result)}")
        raise
    shown.verdict(report.headline(result))
    return result


def _compared(story: "Story", options: "Options", root: Path) -> Mapping[str, Any]:
    """The same once more, with nothing to fall back to and nobody on call."""
    from dataclasses import replace

    from rehearsal import playing, protection, report

    output.note("once more, without failover:")
    changes = protection.off(options.stack or story.stack, options.changes)
    folder = playing.folder_for(story, root)
    bare = replace(options, changes=changes, ask=lambda *_: False)
    result = playing.run(
        story, bare, folder.with_name(f"{folder.name}-bare"), lambda told: output.progress(str(told))
    )
    report.write(result)
    return report.as_json(result)


def _finish(result: "Result", compared: Mapping[str, Any] | None, *, as_json: bool) -> None:
    from rehearsal import report

    # Before anything is printed, for nobody may be reading; but a full disk must not hide the verdict either.
    try:
        page, refused = report.write(result, compared), None
    except report.ReportError as problem:
        page, refused = None, problem
    if as_json:
        output.document({**report.as_json(result), "report": str(page) if page else None})
    else:
        output.show(_verdict(report.headline(result), result))
    if refused is not None:
        raise refused
    output.note(f"report: {page}")


def _changes(pairs: list[str]) -> dict[str, str]:
    changes = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not key or not equals:
            raise typer.BadParameter(f"{pair!r} is not KEY=VALUE", param_hint="--set")
        changes[key] = value
    return changes


def _verdict(headline: str, result: "Result") -> "output.Renderable":
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    words = {True: Text("held", "green"), False: Text("FAILED", "bold red"), None: Text("not told", "yellow")}
    table = Table(box=None, show_header=False, pad_edge=False)
    for gate in result.gates:
        table.add_row(words[gate.held], gate.name, Text(gate.measured, "dim"))
    return Group(Text(f"\n{headline}", "bold"), table)
