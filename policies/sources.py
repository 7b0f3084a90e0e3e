"""Everybody who checks a plan, asked one after the other. A further check is one more line in `SOURCES`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from plan.model import Plan
from policies import view
from policies.finding import Finding
from policies.rules import RULES


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What one of them found. `checked`: in words, with counts and versions: `79 rules of ours`."""

    findings: Sequence[Finding]
    checked: str


# Takes the plan, and whether its environment is protected.
Source = Callable[[Plan, bool], Answer]


def ours(plan: Plan, protected: bool) -> Answer:
    """The rules of this room."""
    seen = view.of_plan(plan)
    found = [finding for rule in RULES.values() for finding in rule.findings(seen, protected=protected)]
    return Answer(findings=found, checked=f"{len(RULES)} rules of ours")


SOURCES: Mapping[str, Source] = {"ours": ours}


@dataclass(frozen=True, kw_only=True)
class Report:
    """What all of them found in a stack."""

    stack: str
    protected: bool
    answers: Mapping[str, Answer]

    @property
    def findings(self) -> list[Finding]:
        """All there are: mandatory first, then by rule and resource."""
        found = [finding for answer in self.answers.values() for finding in answer.findings]
        return sorted(found, key=lambda f: (f.severity != "mandatory", f.rule, f.urn, f.message))

    @property
    def mandatory(self) -> int:
        return sum(finding.severity == "mandatory" for finding in self.findings)


def ask(plan: Plan, *, protected: bool, sources: Mapping[str, Source] = SOURCES) -> Report:
    """Asks every source about the plan."""
    answers = {name: source(plan, protected) for name, source in sources.items()}
    return Report(stack=plan.stack, protected=protected, answers=answers)
