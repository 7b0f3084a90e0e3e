"""`concierge size`: from traffic to capacity and money, and an event before it happens."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from concierge import output, size_output
from contract.errors import FAILED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from concierge.output import Renderable
    from sizing.assumptions import Assumptions
    from sizing.case import Case
    from sizing.simulate import Simulated
    from sizing.story import Story

app = typer.Typer(
    no_args_is_help=True,
    help="How much an event needs, what it costs, and what gives way first: docs/capacity.md.",
)

Stack = Annotated[str, typer.Option(help="Stack whose settings are held against the load.")]
History = Annotated[
    Path | None,
    typer.Option("--traffic", metavar="FILE", help="A history: CSV (time,messages) or CloudWatch's JSON."),
]
Profile = Annotated[
    str | None,
    typer.Option("--scenario", metavar="NAME", help="A load scenario's curve instead (`load list`)."),
]
Rate = Annotated[
    float | None, typer.Option(min=0.001, help="Messages a second in the busiest minute, events not counted.")
]
Events = Annotated[
    list[str] | None,
    typer.Option("--event", metavar="NAME:FROM:TO:TIMES", help="A known peak, hours from the start."),
]
Sessions = Annotated[
    float | None, typer.Option(min=1, help="People connected at the peak [what the messages make of it].")
]
Percentile = Annotated[float, typer.Option(help="Of the minutes that units cover.")]
Headroom = Annotated[float, typer.Option(help="Times the peak that everything else carries.")]
Assume = Annotated[
    Path | None, typer.Option("--assume", metavar="FILE", help="Instead of sizing/data/assumptions.toml.")
]
QuoteFile = Annotated[
    Path | None, typer.Option("--quote", metavar="FILE", help="Instead of sizing/data/quote.toml.")
]
Changes = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A setting turned for this question.")
]


@app.command()
def demand(
    stack: Stack = "prod",
    traffic: History = None,
    scenario: Profile = None,
    rate: Rate = None,
    event: Events = None,
    assume: Assume = None,
    json: output.JsonFlag = False,
) -> None:
    """What the messages of each minute ask for: model calls, tokens, streams, sessions, tables, search."""
    case = _case(stack, traffic, scenario, rate, event, assume)
    _print(size_output.demand_facts(case), size_output.demand(case), json=json)


@app.command()
def units(
    stack: Stack = "prod",
    traffic: History = None,
    scenario: Profile = None,
    rate: Rate = None,
    event: Events = None,
    percentile: Percentile = 75.0,
    assume: Assume = None,
    quote: QuoteFile = None,
    json: output.JsonFlag = False,
) -> None:
    """How many model units to buy at which term, what is saved, and how sensitive that is."""
    case = _case(stack, traffic, scenario, rate, event, assume, quote, percentile=percentile)
    _print(size_output.units_facts(case), size_output.units(case), json=json)


@app.command()
def capacity(
    stack: Stack = "prod",
    traffic: History = None,
    scenario: Profile = None,
    rate: Rate = None,
    event: Events = None,
    sessions: Sessions = None,
    headroom: Headroom = 1.2,
    percentile: Percentile = 75.0,
    assume: Assume = None,
    quote: QuoteFile = None,
    write: Annotated[
        Path | None, typer.Option("--write", metavar="FILE", help="Keep the settings patch there.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Hold the patched stack against plan and every policy of ours.")
    ] = False,
    json: output.JsonFlag = False,
) -> None:
    """How much of everything the busiest minute needs with a zone or a region lost, as a settings patch."""
    from sizing import documents, patch

    case = _case(
        stack, traffic, scenario, rate, event, assume, quote,
        percentile=percentile, sessions=sessions, headroom=headroom,
    )  # fmt: skip
    text = patch.text(case.needs, case.peaks, case.quotes.root, case.region)
    changes = patch.changes(case.needs)
    checked = size_output.checked(stack, changes, case.changed(changes)) if check else None
    if write is not None:
        documents.write(write, text)
    facts, shown = size_output.capacity_facts(case, text, checked), size_output.capacity(case, text, checked)
    _print(facts, shown, json=json)
    if write is not None:
        output.note(f"wrote {write}")
    if checked is not None and checked.refused:
        raise typer.Exit(FAILED)


@app.command()
def cost(
    stack: Stack = "prod",
    traffic: History = None,
    scenario: Profile = None,
    rate: Rate = None,
    event: Events = None,
    percentile: Percentile = 75.0,
    what_if: Annotated[
        list[str] | None,
        typer.Option("--what-if", metavar="KEY=VALUE", help="What a setting would do to the bill."),
    ] = None,
    assume: Assume = None,
    quote: QuoteFile = None,
    json: output.JsonFlag = False,
) -> None:
    """What it costs: a message, an intent, a resolved conversation, a day; what a setting would change."""
    case = _case(stack, traffic, scenario, rate, event, assume, quote, percentile=percentile)
    found = size_output.costs(case, size_output.pairs(what_if or (), "--what-if"))
    _print(size_output.cost_facts(case, found), size_output.cost(case, found), json=json)


@app.command()
def simulate(
    rate: Annotated[float, typer.Option(help="Messages a second when everybody is there.")] = 50_000.0,
    sessions: Annotated[float, typer.Option(help="People connected.")] = 500_000.0,
    hours: Annotated[float, typer.Option(help="How long.")] = 1.0,
    ramp: Annotated[float, typer.Option(help="Minutes in which people arrive.")] = 10.0,
    flash: Annotated[
        list[str] | None,
        typer.Option(metavar="MINUTE:SECONDS:TIMES", help="A flash sale; several for several."),
    ] = None,
    lose: Annotated[
        list[str] | None, typer.Option(metavar="zone@MINUTE|region@MINUTE", help="What is lost, and when.")
    ] = None,
    stack: Stack = "prod",
    patched: Annotated[
        bool, typer.Option("--patched", help="With the settings and quotas that `size capacity` asks for.")
    ] = False,
    changes: Changes = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same answer.")] = 1,
    assume: Assume = None,
    json: output.JsonFlag = False,
) -> None:
    """Play an event in minutes: where the first bottleneck is, what fixes it, what people get meanwhile."""
    from sizing.story import Flash, Loss, Story

    assumed = _assumed(assume)
    story = Story(
        rate=rate,
        sessions=sessions,
        hours=hours,
        ramp_s=min(ramp * 60, hours * 3600),
        flashes=tuple(Flash.parse(text) for text in flash or ()),
        losses=tuple(Loss.parse(text) for text in lose or ()),
        connected_s=assumed.conversation.connected_s,
    )
    case = _case(stack, None, None, story.peak, None, assume, sessions=sessions, changes=changes)
    found = _simulated(case, story, seed, patched=patched)
    _print(size_output.simulated_facts(found, case), size_output.simulated(found, case), json=json)


@app.command()
def compare(
    stack: Annotated[str, typer.Option(help="Stack that the rehearsals ran on.")] = "dev",
    json: output.JsonFlag = False,
) -> None:
    """Hold the simulator against rehearsals it was not calibrated on; exit code 1 unless five hold wholly."""
    from sizing import assumptions, recording
    from sizing import compare as comparing
    from sizing.case import settings_of
    from sizing.measured import Measured

    settings = settings_of(stack, {})
    runtime = settings.runtime_in(settings.regions.primary.name)
    measured = Measured.of(recording.known("calibration"))
    rows: list[comparing.Row] = []
    for one in recording.known("held-out"):
        output.progress(f"{one.name}: {one.messages} messages")
        rows += comparing.compare(one, measured, runtime, assumptions.usual())
    _print(size_output.compared_facts(rows), size_output.compared(rows), json=json)
    raise typer.Exit(0 if len(comparing.whole(rows)) >= comparing.ENOUGH else FAILED)


@app.command()
def record(
    run: Annotated[Path, typer.Argument(help="Folder of a `concierge load run --samples` without --host.")],
    scenario: Annotated[str, typer.Option(help="The scenario it ran: a name or a .toml file.")],
    for_calibration: Annotated[
        bool, typer.Option("--for-calibration/--held-out", help="What it is for; decide before you look.")
    ] = False,
    stack: Annotated[str, typer.Option(help="Stack it ran on.")] = "dev",
    to: Annotated[Path | None, typer.Option(help="The file [sizing/rehearsals/NAME.json].")] = None,
    json: output.JsonFlag = False,
) -> None:
    """Keep a rehearsal for the simulator: counts and times, a few kilobytes."""
    from concierge import size_inputs
    from loadtests import scenario as scenarios
    from sizing import recording
    from sizing.case import settings_of

    words = settings_of(stack, {}).runtime.routing.simple_words
    asked = size_inputs.asked(
        scenarios.load(scenario), "calibration" if for_calibration else "held-out", words
    )
    found = recording.of_run(asked, run)
    path = to or recording.FOLDER / f"{found.name}.json"
    recording.write(found, path)
    facts = {"file": str(path), "messages": found.messages, "failed": found.failed, "role": found.role}
    _print(
        facts,
        [f"{found.name}: {found.messages} messages, {found.failed} failed, {found.role}: {path}"],
        json=json,
    )


@app.command()
def report(
    folder: Annotated[
        Path, typer.Option(help="Where the page, its pictures and the files for runbooks go.")
    ] = Path("build/sizing"),
    stack: Stack = "prod",
    traffic: History = None,
    scenario: Profile = None,
    rate: Rate = None,
    event: Events = None,
    sessions: Sessions = None,
    percentile: Percentile = 75.0,
    seed: Annotated[int, typer.Option(min=0, help="Of the simulation.")] = 1,
    assume: Assume = None,
    quote: QuoteFile = None,
    json: output.JsonFlag = False,
) -> None:
    """All of it on one page with pictures (HTML and PNG), the patch, and the forecast that runbooks read."""
    from concierge import size_report

    case = _case(
        stack, traffic, scenario, rate, event, assume, quote, percentile=percentile, sessions=sessions
    )
    written = size_report.write(case, folder, seed, output.progress)
    _print({"written": [str(path) for path in written]}, [str(path) for path in written], json=json)


def _case(
    stack: str,
    traffic: Path | None,
    scenario: str | None,
    rate: float | None,
    event: list[str] | None,
    assume: Path | None,
    quote: Path | None = None,
    *,
    percentile: float = 75.0,
    headroom: float = 1.2,
    sessions: float | None = None,
    changes: list[str] | None = None,
) -> "Case":
    """The question, from what was written on the line."""
    from concierge import size_inputs
    from sizing import capacities, history
    from sizing import quote as quotes
    from sizing import traffic as traffics
    from sizing.case import BASELINE, Case, settings_of

    if traffic is not None and scenario is not None:
        reason = "choose one of --traffic and --scenario"
        raise typer.BadParameter(reason)
    assumed = _assumed(assume)
    if traffic is not None:
        ordinary = history.read(traffic, assumed.spread)
    elif scenario is not None:
        ordinary = size_inputs.profile(scenario, assumed.spread)
    else:
        ordinary = traffics.of_day(assumed.hours, rate or BASELINE, assumed.spread)
    changed = size_output.pairs(changes or (), "--set")
    return Case(
        stack=stack,
        settings=settings_of(stack, changed),
        ordinary=ordinary if rate is None else ordinary.at_peak(rate),
        events=tuple(traffics.event(text) for text in event or ()),
        assumed=assumed,
        quotes=quotes.read(quote) if quote is not None else quotes.assumed_quotes(),
        known=capacities.usual(),
        percentile=percentile / 100,
        headroom=headroom,
        sessions=sessions,
        changes=changed,
    )


def _assumed(path: Path | None) -> "Assumptions":
    from sizing import assumptions

    return assumptions.read(path) if path is not None else assumptions.usual()


def _simulated(case: "Case", story: "Story", seed: int, *, patched: bool) -> "Simulated":
    from sizing import patch, recording
    from sizing.measured import Measured
    from sizing.simulate import simulate as play

    measured = Measured.of(recording.known("calibration"))
    known, settings = case.known, case.settings
    if patched:
        settings = case.changed(patch.changes(case.needs)).settings
        known = known.granted(case.target)
    return play(story, settings, known, case.assumed, measured, seed)


def _print(facts: "Mapping[str, Any]", shown: "Sequence[Renderable]", *, json: bool) -> None:
    if json:
        output.document(facts)
    else:
        output.show(*shown)
