"""`concierge load`: what loads there are, running one, and what to make of what was measured."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from concierge import load_output, output

if TYPE_CHECKING:
    from loadtests.launch import Launch
    from loadtests.scenario import Scenario

app = typer.Typer(no_args_is_help=True, help="Load: Locust scenarios with gates, baselines and a report.")

Name = Annotated[str, typer.Argument(help="Name of a scenario in loadtests/scenarios/, or a .toml file.")]
RunPath = Annotated[Path, typer.Argument(help="Folder of a run, or its run.json.")]


@app.command("list")
def list_(json: output.JsonFlag = False) -> None:
    """Every scenario, with what it shows."""
    from loadtests import scenario

    found = [scenario.load(name) for name in scenario.known()]
    if json:
        output.document({"scenarios": [load_output.facts(one) for one in found]})
    else:
        output.show(load_output.scenarios(found))


@app.command()
def show(scenario: Name, json: output.JsonFlag = False) -> None:
    """One scenario: who comes when, what must hold, what can be switched off."""
    from loadtests import scenario as scenarios

    found = scenarios.load(scenario)
    if json:
        output.document(load_output.facts(found))
    else:
        output.show(*load_output.scenario(found))


@app.command()
def run(
    scenario: Name = "prime-day",
    host: Annotated[
        str | None, typer.Option(help="Where the runtime is. None: stand-ins and a runtime start here.")
    ] = None,
    length: Annotated[float, typer.Option(help="Seconds, at the same rates; 0: as it is.")] = 0.0,
    rate: Annotated[float, typer.Option(help="So many times the messages, and the people.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Moments and texts follow from it.")] = 1,
    workers: Annotated[int, typer.Option(min=0, help="So many workers and a master; 0: one process.")] = 0,
    off: Annotated[
        list[str] | None, typer.Option(metavar="SWITCH", help="Without --host: turn this off (load show).")
    ] = None,
    stack: Annotated[str, typer.Option(help="Without --host: stack whose plan is stood in for.")] = "dev",
    folder: Annotated[Path | None, typer.Option(help="For the results [build/loads/<time>-<name>].")] = None,
    samples: Annotated[bool, typer.Option(help="Also one JSON line a message: samples.jsonl.")] = False,
    compare: Annotated[
        Path | None, typer.Option(help="A baseline: exit code 1 when something got worse.")
    ] = None,
    save_baseline: Annotated[Path | None, typer.Option(help="Keep this run there as a baseline.")] = None,
    json: output.JsonFlag = False,
) -> None:
    """Run one: report.html, run.json and tables in a folder; exit code 0, 1 or 3 by its gates."""
    from loadtests import compare as comparing
    from loadtests import run as runs
    from loadtests import scenario as scenarios
    from loadtests.launch import Launch
    from loadtests.verdict import judge
    from rehearsal import load_here
    from stacks import stackfile

    found = scenarios.load(scenario)
    baseline = runs.read(compare) if compare else None
    wish = Launch(
        scenario=scenario,
        host=host or "",
        folder=folder or load_here.folder_for(found, stackfile.root_of()),
        length_s=length,
        rate=rate,
        seed=seed,
        workers=workers,
        samples=samples,
        switched_off=tuple(off or ()),
    )
    code = _launch(found, wish, stack)
    finished = runs.finished(wish.folder)
    if finished is None:
        raise typer.Exit(code)
    verdict = judge(finished)
    compared = comparing.compare(baseline, finished) if baseline else None
    if json:
        output.document(load_output.document(finished, compared, wish.folder))
    else:
        print("\n".join((*verdict.lines, *load_output.moved(compared))))
    output.note(f"report: {wish.folder / 'report.html'}")
    if save_baseline is not None:
        runs.keep_as_baseline(finished, verdict.exit_code, save_baseline)
    raise typer.Exit(code or (compared.exit_code if compared else 0))


@app.command()
def compare(before: RunPath, after: RunPath, json: output.JsonFlag = False) -> None:
    """A run beside an earlier one: which percentile moved, and how sure that is."""
    from loadtests import compare as comparing
    from loadtests import run as runs

    found = comparing.compare(runs.read(before), runs.read(after))
    if json:
        output.document(load_output.comparison(found))
    else:
        print("\n".join(load_output.moved(found)))
    raise typer.Exit(found.exit_code)


@app.command()
def report(run: RunPath, json: output.JsonFlag = False) -> None:
    """Write the report of a run again, beside its run.json."""
    from loadtests import report as reports
    from loadtests import run as runs

    folder = run if run.is_dir() else run.parent
    page = reports.write(runs.read(run), folder)
    if json:
        output.document({"report": str(page)})
    else:
        print(page)


@app.command("from-log")
def from_log(
    log: Annotated[Path, typer.Argument(help="Redacted conversations, one JSON line a message.")],
    name: Annotated[str, typer.Option(help="What the scenario is called.")],
    folder: Annotated[Path, typer.Option(help="Where its two files go.")] = Path(),
    length: Annotated[
        float | None, typer.Option(help="Played in so many seconds, at the log's rates.")
    ] = None,
    json: output.JsonFlag = False,
) -> None:
    """Turn a log of real conversations into a scenario: its mix, its words, its pauses, its curve."""
    from loadtests import from_log as logs
    from loadtests import scenario as scenarios

    path = logs.write(name, logs.read(log), folder, length_s=length)
    found = scenarios.load(str(path))
    if json:
        output.document({"scenario": str(path), **load_output.facts(found)})
    else:
        output.show(*load_output.scenario(found))
        output.note(f"written: {path}; run it: concierge load run {path}")


@app.command()
def fleet(
    messages: Annotated[float, typer.Option(help="Messages a second, in all.")] = 50_000.0,
    sessions: Annotated[int, typer.Option(help="Connected people, in all.")] = 500_000,
    frames: Annotated[float, typer.Option(help="Frames of an answer.")] = 20.0,
    targets: Annotated[int, typer.Option(help="Addresses that the host's name resolves to.")] = 4,
    vcpu: Annotated[float, typer.Option(help="Of a worker task.")] = 1.0,
    memory: Annotated[int, typer.Option(help="Of a worker task, in MB.")] = 2_048,
    measured: Annotated[Path | None, typer.Option(help="What `bench/load.py --json` printed.")] = None,
    json: output.JsonFlag = False,
) -> None:
    """How many workers a load needs, and what stops it first."""
    from loadtests import fleet as fleets

    wish = fleets.Wish(
        messages_s=messages,
        sessions=sessions,
        frames=frames,
        targets=targets,
        worker_vcpu=vcpu,
        worker_memory_mb=memory,
    )
    found = fleets.size(wish, fleets.read(measured) if measured else None)
    if json:
        output.document(load_output.fleet_facts(found))
    else:
        output.show(*load_output.fleet(found))


def _launch(found: "Scenario", wish: "Launch", stack: str) -> int:
    """Against a host, or against stand-ins on this machine."""
    from loadtests import launch

    found.without(wish.switched_off)  # a switch it has not is told before anything starts
    changes: dict[str, str] = {}
    for name in wish.switched_off:
        changes |= found.switches[name].settings
    if wish.host:
        if changes:
            reason = "a runtime elsewhere keeps its settings: leave --host out"
            raise typer.BadParameter(reason, param_hint="--off")
        return launch.run(wish)
    from rehearsal import load_here

    return load_here.run(found, wish, stack, changes, output.progress)
