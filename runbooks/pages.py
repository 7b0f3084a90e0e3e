"""The page an alarm links to, made from the runbook itself, with the same headings every time."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module

from contract.runbooks import catalogue
from runbooks import load, scripts
from runbooks.engine import Blame, Decision, Finding, Runbook, Step, Watch


def page(runbook: Runbook, alarms: tuple[str, ...] = ()) -> str:
    """Markdown: Meaning, Impact, Diagnosis, Mitigation, Verification, Undo."""
    return "\n".join(_lines(runbook, alarms)) + "\n"


def index() -> str:
    """All of them, one line each."""
    lines = [
        "# Runbooks by incident",
        "",
        "Made by `make docs`. How to run them: [runbooks](../runbooks.md); and [how long](times.md).",
        "",
        "| runbook | incident | severity | owner | time |",
        "| --- | --- | --- | --- | ---: |",
    ]
    for name in scripts():
        entry, about = catalogue()[name], load(name).about
        lines.append(
            f"| [{name}]({name}.md) | {entry.incident} | {about.severity} | {entry.owner} "
            f"| {about.budget_min} min |"
        )
    return "\n".join(lines) + "\n"


def _lines(runbook: Runbook, alarms: tuple[str, ...]) -> Iterator[str]:
    entry, about = catalogue()[runbook.id], runbook.about
    yield f"# {entry.title}"
    yield ""
    yield f"Made by `make docs` from `runbooks/{entry.module}.py`."
    yield ""
    yield "```"
    yield f"concierge runbook run {runbook.id} --stack STACK{_asked(runbook)}"
    yield "```"
    yield ""
    yield f"{about.severity}, owner {entry.owner}, about {about.budget_min} minutes; role"
    yield f"`concierge-STACK-runbook-{runbook.id}`; {len(runbook.reads)} kinds of reads,"
    yield f"{len(runbook.calls - runbook.reads)} of changes."
    if alarms:
        shown = ", ".join(f"`{alarm}`" for alarm in alarms[:12])
        yield ""
        yield f"Alarms: {shown}{' and others of their kind' if len(alarms) > 12 else ''}."
    yield from ("", "## Meaning", "", f"{entry.incident.capitalize()}.", "")
    yield from _said(runbook)
    yield from ("", "## Impact", "", f"{about.impact.capitalize()}.")
    yield from ("", "## Diagnosis", "")
    yield from (f"- `{name}`: {question(check)}" for name, check in runbook.diagnose.items())
    yield from ("", f"Decision: {decides(runbook.decide)}")
    yield from ("", "## Mitigation", "")
    yield from _stages(runbook)
    if runbook.keep:
        yield from ("", f"To keep it, in the stack file: `{runbook.keep}`.")
    yield from ("", "## Verification", "")
    verify = runbook.verify
    yield f"{verify.what[:1].upper()}{verify.what[1:]}, within {verify.within_s / 60:g} minutes;"
    yield "when it does not get better, what was changed is taken back."
    yield from ("", "## Undo", "")
    yield from _undo(runbook)
    yield from ("", "## Escalation", "", f"{about.escalate[:1].upper()}{about.escalate[1:]}.")


def _asked(runbook: Runbook) -> str:
    return "".join(f" --set {name}=..." for name, _ in runbook.about.inputs)


def _said(runbook: Runbook) -> Iterator[str]:
    """The module's own words, and what it has to be told."""
    module = import_module(f"runbooks.{catalogue()[runbook.id].module}")
    yield from (inspect.getdoc(module) or "").splitlines()
    if runbook.about.inputs:
        yield ""
        yield from (f"- `--set {name}=`: {meaning}" for name, meaning in runbook.about.inputs)


def _stages(runbook: Runbook) -> Iterator[str]:
    for number, stage in enumerate(runbook.stages, 1):
        if len(runbook.stages) > 1:
            yield f"Stage {number}{'' if number == 1 else ', only when that was not enough'}:"
            yield ""
        yield from (f"- **{step.name}**: {effect(step)}" for step in stage)
        yield ""


def _undo(runbook: Runbook) -> Iterator[str]:
    yield "```"
    yield f'concierge runbook run {runbook.id} --stack STACK --undo --why "..."'
    yield "```"
    yield ""
    yield from (f"- {step.name}: {undoing(step)}" for step in runbook.steps.values())


def question(check: Callable[..., Finding]) -> str:
    """What a check asks, in its own words."""
    if isinstance(check, Watch):
        side = "below" if check.below else "above"
        limit = f"{check.limit:.0%}" if check.over else f"{check.limit:g}{check.unit}"
        return f"{check.what}, {side} {limit}? ({check.namespace} {check.metric}, {check.minutes} minutes)"
    return (inspect.getdoc(check) or "").partition("\n")[0]


def decides(decide: Callable[[Mapping[str, Finding]], Decision]) -> str:
    """When it acts."""
    return (
        decide.words() + "."
        if isinstance(decide, Blame)
        else (inspect.getdoc(decide) or "").partition("\n")[0]
    )


def effect(step: Step) -> str:
    return str(getattr(step, "effect", "")) or step.name


def undoing(step: Step) -> str:
    """How it goes back, or why not."""
    return str(getattr(step, "no_undo", "puts back the value it had"))
