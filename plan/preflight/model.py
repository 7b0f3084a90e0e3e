"""What a check is and what it may say. Plain frozen data; nothing here knows AWS."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from contract.errors import DONE, FAILED, INCONCLUSIVE

if TYPE_CHECKING:
    from plan.preflight.facts import Facts


class Status(StrEnum):
    """From the worst to the best: the order in which a person wants to read them."""

    PROBLEM = "problem"
    UNKNOWN = "unknown"
    WARNING = "warning"
    OK = "ok"

    @property
    def rank(self) -> int:
        """0 is the worst."""
        return list(Status).index(self)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check found. A fix and a lead time of its own replace the check's."""

    status: Status
    sentence: str
    fix: str | None = None
    lead_time: str | None = None


def ok(sentence: str) -> Verdict:
    return Verdict(Status.OK, sentence)


def warning(sentence: str, fix: str | None = None, lead_time: str | None = None) -> Verdict:
    return Verdict(Status.WARNING, sentence, fix, lead_time)


def problem(sentence: str, fix: str | None = None, lead_time: str | None = None) -> Verdict:
    return Verdict(Status.PROBLEM, sentence, fix, lead_time)


def unknown(sentence: str, fix: str | None = None) -> Verdict:
    return Verdict(Status.UNKNOWN, f"could not check: {sentence}", fix, "")


@dataclass(frozen=True, kw_only=True)
class Check:
    """One question to AWS or to the plan.

    `types`: asked only where the plan declares one of these; none: always. `actions`: every IAM action `look`
    needs, from which the read-only policy is made. `everywhere`: asked once in each region of the plan, else
    once. `look` is given the region to ask in; what it raises becomes `unknown`.
    """

    id: str
    title: str
    why: str
    fix: str
    lead_time: str
    look: "Callable[[Facts, str], Iterable[Verdict]]"
    actions: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    everywhere: bool = True


@dataclass(frozen=True, slots=True)
class Finding:
    """One verdict of one check, and where it was found; no region: it holds for the whole account."""

    check: Check
    region: str | None
    verdict: Verdict

    @property
    def status(self) -> Status:
        return self.verdict.status

    @property
    def fix(self) -> str:
        """What to do, for whatever is not in order."""
        return "" if self.status is Status.OK else self.verdict.fix or self.check.fix

    @property
    def lead_time(self) -> str:
        """How long that takes."""
        if self.status is Status.OK:
            return ""
        return self.check.lead_time if self.verdict.lead_time is None else self.verdict.lead_time


@dataclass(frozen=True)
class Report:
    """Every finding, the worst first."""

    stack: str
    account: str | None
    findings: tuple[Finding, ...]

    def count(self, status: Status) -> int:
        return sum(finding.status is status for finding in self.findings)

    @property
    def exit_code(self) -> int:
        """A warning is no reason to stop; what nobody could check is no reason to go on."""
        if self.count(Status.PROBLEM):
            return FAILED
        return INCONCLUSIVE if self.count(Status.UNKNOWN) else DONE
