"""`concierge eval`: golden prompts asked of one version or of two, and whether the newer may be released."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from concierge import eval_output, output
from contract.errors import DONE, FAILED, INCONCLUSIVE, WrongUseError

if TYPE_CHECKING:
    from runtime.eval.compare import Comparison
    from runtime.eval.run import Run
    from runtime.eval.truth import Truth
    from runtime.eval.verdict import Verdict

app = typer.Typer(
    no_args_is_help=True, help="Evaluation: golden prompts, retrieval, safety, and the gate of a release."
)

Json = output.JsonFlag
VERSION = "here, a checkout, a git revision, the URL of an agent, or the folder of an earlier run"


@app.command()
def prompts(
    intent: Annotated[list[str] | None, typer.Option(help="Only of this intent. May be repeated.")] = None,
    json: Json = False,
) -> None:
    """The golden prompts: how many there are of what."""
    from runtime.eval.golden import chosen, golden

    found = chosen(golden(), intents=intent or ())
    if json:
        output.document(
            {"prompts": [prompt.model_dump(mode="json", exclude_defaults=True) for prompt in found]}
        )
    else:
        output.show(eval_output.prompts(found))


@app.command()
def run(
    candidate: Annotated[str, typer.Option(help=f"What is judged: {VERSION}.")] = "here",
    against: Annotated[
        str | None, typer.Option(help="What it is held against, written the same way.")
    ] = None,
    intent: Annotated[
        list[str] | None, typer.Option(help="Only prompts of this intent. May be repeated.")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Only this prompt. May be repeated.")
    ] = None,
    first: Annotated[int, typer.Option(min=0, help="So many prompts of each intent; 0: all.")] = 0,
    budget: Annotated[
        float | None, typer.Option(min=0, help="Dollars that a version may cost, at most.")
    ] = None,
    at_once: Annotated[int, typer.Option(min=1, max=64, help="Prompts asked at a time.")] = 6,
    bedrock: Annotated[
        str, typer.Option(help="stand-in, or real: models of your own AWS account.")
    ] = "stand-in",
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A setting of the candidate alone.")
    ] = None,
    misbehave: Annotated[
        list[str] | None,
        typer.Option(metavar="KIND=RATE", help="The stand-in's models do wrong: wrong-price=0.2."),
    ] = None,
    stack: Annotated[str, typer.Option(help="Stack whose plan is stood in for.")] = "dev",
    token: Annotated[str | None, typer.Option(help="Bearer token, for an URL that checks who asks.")] = None,
    goods: Annotated[
        Path | None, typer.Option(help="For an URL: its products, JSON lines, that prices are held against.")
    ] = None,
    folder: Annotated[
        Path | None, typer.Option(help="For the results; one that is there is gone on with.")
    ] = None,
    json: Json = False,
) -> None:
    """Ask the golden prompts and judge the answers; exit code 0, 1 or 3 says whether it may be released.

    Killed or interrupted, the same command with --folder goes on where it was.
    """
    from rehearsal import evaluating
    from runtime.eval.golden import chosen, golden
    from runtime.eval.truth import Truth
    from stacks import stackfile

    asked = chosen(golden(), intents=intent or (), ids=only or (), first=first)
    root = stackfile.root_of()
    wish = evaluating.Wish(
        folder=folder or evaluating.folder_for(root),
        stack=stack,
        at_once=at_once,
        budget_usd=budget,
        bedrock=evaluating.bedrock(bedrock),
        misbehave=evaluating.misbehaviour(_pairs("--misbehave", misbehave or [])),
        changes=_pairs("--set", set_ or []),
        token=token,
    )
    versions = [evaluating.version(name, root) for name in (against, candidate) if name is not None]
    true = Truth.read(goods) if goods else evaluating.truth()
    runs = evaluating.ask_all(versions, asked, wish, output.progress)
    raise typer.Exit(_told(runs, wish.folder, true, json=json))


@app.command()
def report(
    run: Annotated[Path, typer.Argument(help="Folder of a run.")],
    against: Annotated[Path | None, typer.Option(help="Folder of the run it is held against.")] = None,
    json: Json = False,
) -> None:
    """Judge runs again, without asking anybody: after a changed check, or two runs of different days."""
    from rehearsal import evaluating
    from runtime.eval import run as runs

    found = [runs.read(folder) for folder in (against, run) if folder is not None]
    raise typer.Exit(_told(found, run, evaluating.truth(), json=json))


@app.command()
def judge(
    run: Annotated[Path | None, typer.Argument(metavar="[RUN]", help="Folder of a run to judge.")] = None,
    bedrock: Annotated[
        str, typer.Option(help="stand-in, or real: a model of your own account.")
    ] = "stand-in",
    json: Json = False,
) -> None:
    """Hold a judging model against people, then let it judge a run. Exit code 3: it agrees too little."""
    from rehearsal import evaluating, judging
    from runtime.eval import judge as judges
    from runtime.eval import run as runs
    from runtime.eval.golden import golden
    from runtime.eval.verdict import verdict
    from stacks import stackfile

    real = evaluating.bedrock(bedrock) == "real"
    asked = verdict(golden(), runs.read(run), evaluating.truth()).judged if run else ()
    found = judging.calibrated(judges.labelled(), stackfile.root_of() / "build" / "evals", real=real)
    opinions = judging.judged(asked, real=real) if asked and not found.refusal else {}
    if json:
        told = {name: one.model_dump() for name, one in opinions.items()}
        output.document({**found.model_dump(), "refusal": found.refusal, "judged": told})
    else:
        output.show(*eval_output.judge(found, asked, opinions))
    raise typer.Exit(INCONCLUSIVE if found.refusal else DONE)


@app.command()
def retrieval(
    of: Annotated[
        list[str] | None,
        typer.Argument(metavar="[SWEEP]...", help="chunking, k, hybrid, rerank; all, if none."),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(help="What --json printed of another version: exit code 1 for anything worse."),
    ] = None,
    bedrock: Annotated[
        str, typer.Option(help="stand-in, or real: the embedder of your own account.")
    ] = "stand-in",
    json: Json = False,
) -> None:
    """Find help pages for labelled questions, cut and searched in many ways; quality beside cost and time."""
    from rehearsal import evaluating, retrieval_sweep
    from runtime.eval import retrieval as measures

    before = measures.read(against) if against else None
    real = evaluating.bedrock(bedrock) == "real"
    found = retrieval_sweep.sweep(of or (), output.progress, real=real)
    lost = measures.worse(before, found) if before else ()
    if json:
        output.document({**found.model_dump(), "worse": [one.model_dump() for one in lost]})
    else:
        output.show(*eval_output.retrieval(found, lost))
    raise typer.Exit(FAILED if lost else DONE)


@app.command()
def safety(
    candidate: Annotated[
        str, typer.Option(help="Whose checks: here, a checkout, or a git revision.")
    ] = "here",
    against: Annotated[
        Path | None,
        typer.Option(help="What --json printed of another version: exit code 1 for anything worse."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the red team's disguises.")] = 7,
    each: Annotated[int, typer.Option(min=1, help="Disguised attacks of each kind.")] = 12,
    json: Json = False,
) -> None:
    """Score the safety checks: what they find, what they find wrongly, attacks in disguise."""
    from rehearsal import evaluating
    from runtime.eval.safety import suite as suites
    from stacks import stackfile

    root = stackfile.root_of()
    chosen = evaluating.version(candidate, root)
    if chosen.checkout is None:
        raise WrongUseError(
            f"--candidate {candidate}: checks are functions of a checkout: give one, or a revision"
        )
    before = suites.read(against) if against else None
    found = suites.suite(seed, each) if candidate == "here" else evaluating.safety_of(chosen.checkout)
    worse = suites.worse(before, found) if before else ()
    if json:
        output.document({**found.model_dump(), "worse": [one.model_dump() for one in worse]})
    else:
        output.show(*eval_output.safety(found, worse))
    raise typer.Exit(FAILED if worse else found.exit_code)


@app.command()
def redteam(
    seed: Annotated[int, typer.Option(help="Another one makes other attacks.")] = 7,
    each: Annotated[int, typer.Option(min=1, help="Attacks of each kind of disguise.")] = 12,
    json: Json = False,
) -> None:
    """Print attacks made of known ones, in disguise, and whether the checks know them."""
    from runtime.eval.safety.redteam import mutants

    found = [(one, one.case.right()) for one in mutants(seed, each)]
    if json:
        rows = [
            {"way": one.way, "family": one.family, "text": one.case.text, "found": ok} for one, ok in found
        ]
        output.document({"seed": seed, "attacks": rows})
    else:
        for one, ok in found:
            print(f"{'found ' if ok else 'MISSED'} {one.family}: {one.way}: {one.case.text!r}")


def _told(runs: "list[Run]", folder: Path, true: "Truth", *, json: bool) -> int:
    """Judges, writes the report beside the runs, prints."""
    from runtime.eval import compare, report
    from runtime.eval.golden import golden
    from runtime.eval.verdict import verdict

    verdicts = [verdict(golden(), one, true) for one in runs]
    comparison = compare.compare(*verdicts) if len(verdicts) == 2 else None
    page = folder / "report.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(report.two(comparison) if comparison else report.one(verdicts[-1]), encoding="utf-8")
    _print(verdicts[-1], comparison, page, json=json)
    return comparison.exit_code if comparison else verdicts[-1].exit_code


def _print(found: "Verdict", comparison: "Comparison | None", page: Path, *, json: bool) -> None:
    if json:
        told = eval_output.comparison_facts(comparison) if comparison else eval_output.facts(found)
        output.document({**told, "report": str(page)})
        return
    output.show(*(eval_output.comparison(comparison) if comparison else eval_output.verdict(found)))
    output.note(f"report: {page}")


def _pairs(option: str, given: list[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in given]
    if wrong := [
        text for text, (name, equals, _) in zip(given, pairs, strict=True) if not name or not equals
    ]:
        raise WrongUseError(f"{option} {wrong[0]}: write NAME=VALUE")
    return {name: value for name, _, value in pairs}
