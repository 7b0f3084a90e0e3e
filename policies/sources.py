"""Everybody who checks a plan, all asked at once. A further check is one more line in `SOURCES`."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from contract.errors import WrongUseError
from plan.model import Plan
from policies import suppressions, view
from policies.finding import Finding, Source
from policies.rules import RULES


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What one of them found. `checked`: in words, with counts and versions: `79 rules of ours`."""

    findings: Sequence[Finding]
    checked: str


# Takes the plan, and whether its environment is protected.
Judge = Callable[[Plan, bool], Answer]


def ours(plan: Plan, protected: bool) -> Answer:
    """The rules of this room."""
    seen = view.of_plan(plan)
    found = [finding for rule in RULES.values() for finding in rule.findings(seen, protected=protected)]
    return Answer(findings=found, checked=f"{len(RULES)} rules of ours")


def checkov(plan: Plan, _: bool) -> Answer:
    """Checkov, in an environment of its own."""
    from policies.checkov import judge

    said = judge(plan)
    counts = f"{said.passed} passed, {said.failed} failed, {said.skipped} skipped"
    return Answer(findings=said.findings, checked=f"checkov {said.version}: {counts}")


def templates(plan: Plan, _: bool) -> Answer:
    """Documents that are no Pulumi: templates, state machines, event patterns."""
    from importlib.metadata import version

    from policies.templates import judge

    return Answer(findings=judge(plan), checked=f"cfn-lint {version('cfn-lint')}")


def iam(plan: Plan, _: bool) -> Answer:
    """Every policy document there is."""
    from policies.iam import judge
    from policies.iam.documents import documents

    return Answer(findings=judge(plan), checked=f"{len(list(documents(plan)))} policy documents")


# Checkov first: it waits for a program of its own while the others are asked.
SOURCES: Mapping[Source, Judge] = {"checkov": checkov, "ours": ours, "cfn-lint": templates, "iam": iam}


class UnknownSourceError(WrongUseError):
    """Nobody of this name checks a plan."""


def chosen(names: Sequence[str]) -> Mapping[Source, Judge]:
    """The sources of these names; all when none is named."""
    if unknown := sorted(set(names) - set(SOURCES)):
        raise UnknownSourceError(f"no source {unknown[0]!r}; there are: {', '.join(SOURCES)}")
    return {name: judge for name, judge in SOURCES.items() if not names or name in names}


@dataclass(frozen=True, kw_only=True)
class Report:
    """What all of them found in a stack. `waived`: what is let pass, with a reason."""

    stack: str
    protected: bool
    answers: Mapping[Source, Answer]
    findings: Sequence[Finding]
    waived: int

    @property
    def mandatory(self) -> int:
        return sum(finding.severity == "mandatory" for finding in self.findings)


def ask(plan: Plan, *, protected: bool, sources: Mapping[Source, Judge] = SOURCES) -> Report:
    """Asks every source about the plan, and leaves out what `suppressions.toml` lets pass."""
    with ThreadPoolExecutor() as pool:
        asked = {name: pool.submit(judge, plan, protected) for name, judge in sources.items()}
    answers = {name: answer.result() for name, answer in asked.items()}
    found = [finding for answer in answers.values() for finding in answer.findings]
    outcome = suppressions.apply(found, plan, protected=protected, sources=tuple(sources))
    return Report(
        stack=plan.stack,
        protected=protected,
        answers=answers,
        findings=sorted(outcome.left, key=_order),
        waived=len(outcome.waived),
    )


def _order(finding: Finding) -> tuple[bool, str, str, str]:
    """Mandatory first, then by rule and resource."""
    return finding.severity != "mandatory", finding.rule, finding.urn, finding.message
