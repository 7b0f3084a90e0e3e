"""A guardrail at work: `ApplyGuardrail`, and what a guarded Converse does with a question and an answer."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, Field

from rehearsal.bedrock.findings import INPUT, OUTPUT, Findings, assess, ground
from rehearsal.bedrock.guardrail_rules import Guardrail

_UNIT = 1_000  # characters of a text unit
_POLICIES = {
    "topicPolicyUnits": "topics",
    "contentPolicyUnits": "filters",
    "wordPolicyUnits": "words",
    "sensitiveInformationPolicyUnits": "pii",
    "sensitiveInformationPolicyFreeUnits": "patterns",
    "contextualGroundingPolicyUnits": "grounding",
}


class GuardText(BaseModel):
    """A text, and what it is to the guardrail."""

    text: str
    qualifiers: list[Literal["grounding_source", "query", "guard_content"]] = []


class GuardBlock(BaseModel):
    """Content of ApplyGuardrail; only text is read."""

    text: GuardText | None = None


class Application(BaseModel):
    """The body of ApplyGuardrail."""

    source: Literal["INPUT", "OUTPUT"]
    content: list[GuardBlock] = Field(min_length=1)
    scope: Literal["INTERVENTIONS", "FULL"] = Field("INTERVENTIONS", alias="outputScope")


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of a text. `text` is what may be shown; `assessment` is what was found."""

    text: str
    intervened: bool
    blocked: bool
    assessment: Mapping[str, Any]
    guarded: int

    @property
    def reason(self) -> str:
        if self.blocked:
            return "Guardrail blocked."
        return "Guardrail masked." if self.intervened else "No action."


def check(rules: Guardrail, texts: Iterable[GuardText], direction: str) -> Checked:
    """Holds texts against a guardrail. Sources and the question are read, not judged."""
    given = list(texts)
    judged = " ".join(text.text for text in given if _is_judged(text))
    sources, query = (_joined(given, kind) for kind in ("grounding_source", "query"))
    found = assess(rules, judged, direction)
    if direction == OUTPUT and sources and query:
        ground(rules, judged, sources, query, found)
    message = rules.blocked_input if direction == INPUT else rules.blocked_output
    return Checked(
        text=message if found.blocked else found.text,
        intervened=found.blocked or found.masked,
        blocked=found.blocked,
        assessment=_assessment(rules, found, len(judged), grounded=bool(sources and query)),
        guarded=len(judged),
    )


def apply(rules: Guardrail, asked: Application) -> dict[str, Any]:
    """The answer of ApplyGuardrail."""
    checked = check(rules, [block.text for block in asked.content if block.text], asked.source)
    return {
        "usage": checked.assessment["invocationMetrics"]["usage"],
        "action": "GUARDRAIL_INTERVENED" if checked.intervened else "NONE",
        "actionReason": checked.reason,
        "outputs": [{"text": checked.text}] if checked.intervened else [],
        "assessments": [checked.assessment],
        "guardrailCoverage": checked.assessment["invocationMetrics"]["guardrailCoverage"],
    }


def trace(rules: Guardrail, asked: Checked | None, answered: Checked | None) -> dict[str, Any]:
    """What a call sees that asked for the trace."""
    said: dict[str, Any] = {}
    if asked:
        said["inputAssessment"] = {rules.id: asked.assessment}
    if answered:
        said["outputAssessments"] = {rules.id: [answered.assessment]}
    last = answered or asked
    if last:
        said["actionReason"] = last.reason
    return {"guardrail": said}


def _is_judged(text: GuardText) -> bool:
    return not text.qualifiers or "guard_content" in text.qualifiers


def _joined(texts: Iterable[GuardText], qualifier: str) -> str:
    return " ".join(text.text for text in texts if qualifier in text.qualifiers)


def _assessment(rules: Guardrail, found: Findings, guarded: int, *, grounded: bool) -> dict[str, Any]:
    coverage = {"textCharacters": {"guarded": guarded, "total": guarded}}
    policies: dict[str, Any] = {**found.policies}
    if "sensitiveInformationPolicy" in policies:  # both lists are required, also when one is empty
        policies["sensitiveInformationPolicy"] = {
            "piiEntities": [],
            "regexes": [],
            **policies["sensitiveInformationPolicy"],
        }
    if "wordPolicy" in policies:
        policies["wordPolicy"] = {"customWords": [], "managedWordLists": [], **policies["wordPolicy"]}
    return {
        **policies,
        "invocationMetrics": {
            "guardrailProcessingLatency": 40 + guarded // 50,
            "usage": _usage(rules, guarded, grounded=grounded),
            "guardrailCoverage": coverage,
        },
    }


def _usage(rules: Guardrail, guarded: int, *, grounded: bool) -> dict[str, int]:
    """Text units are charged by policy, and only for policies the guardrail has."""
    units = -(-guarded // _UNIT)
    used = {name: units if getattr(rules, has) else 0 for name, has in _POLICIES.items()}
    return used if grounded else {**used, "contextualGroundingPolicyUnits": 0}
