"""What a rule is: a small function over a resource, with what it asks, why, and what to do when it fires.

Nothing in here knows AWS. `policies/rules/` holds the rules, an area a file.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import wraps

from policies.finding import Finding, Severity
from policies.view import Node, NotYetKnown, View

Faults = Iterable[str]
Alone = Callable[[Node], Faults]
Among = Callable[[Node, View], Faults]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """`types` are the resources it looks at; `alone`: it needs no others to judge one.

    `protected` is its severity where `environment.protect` is set, `elsewhere` in all other environments.
    """

    id: str
    requirement: str
    what: str
    why: str
    fix: str
    types: tuple[str, ...]
    check: Among
    alone: bool
    protected: Severity
    elsewhere: Severity

    def severity(self, *, protected: bool) -> Severity:
        return self.protected if protected else self.elsewhere

    def faults(self, view: View) -> Iterator[tuple[Node, str]]:
        """Each resource that breaks the rule, and how. What is not known yet breaks none."""
        for node in view.of(*self.types):
            for message in self._of(node, view):
                yield node, message

    def _of(self, node: Node, view: View) -> list[str]:
        found: list[str] = []
        try:
            for message in self.check(node, view):
                found.append(message)  # noqa: PERF402 - what was found before something unknown stays found
        except NotYetKnown:
            pass
        return found

    def findings(self, view: View, *, protected: bool) -> list[Finding]:
        severity = self.severity(protected=protected)
        return [
            Finding(rule=self.id, severity=severity, urn=node.urn, message=message, fix=self.fix)
            for node, message in self.faults(view)
        ]


def among(
    identifier: str,
    requirement: str,
    *types: str,
    why: str,
    fix: str,
    protected: Severity = "mandatory",
    elsewhere: Severity = "mandatory",
) -> Callable[[Among], Rule]:
    """A rule that judges a resource by what stands around it; the function's docstring says what it asks."""

    def made(check: Among) -> Rule:
        return Rule(
            id=identifier,
            requirement=requirement,
            what=_what(check.__doc__),
            why=why,
            fix=fix,
            types=types,
            check=check,
            alone=False,
            protected=protected,
            elsewhere=elsewhere,
        )

    return made


def _among(check: Alone) -> Among:
    """A check that is given the others too, and does not look at them."""

    @wraps(check)
    def asked(node: Node, _: View) -> Faults:
        return check(node)

    return asked


def each(
    identifier: str,
    requirement: str,
    *types: str,
    why: str,
    fix: str,
    protected: Severity = "mandatory",
    elsewhere: Severity = "mandatory",
) -> Callable[[Alone], Rule]:
    """A rule that judges a resource by itself."""
    declared = among(
        identifier, requirement, *types, why=why, fix=fix, protected=protected, elsewhere=elsewhere
    )

    def made(check: Alone) -> Rule:
        @wraps(check)
        def by_itself(node: Node, _: View) -> Faults:
            return check(node)

        return replace(declared(by_itself), alone=True)

    return made


def _what(docstring: str | None) -> str:
    assert docstring, "a rule says in its docstring what it asks"  # noqa: S101 - a rule without one is a bug
    return " ".join(docstring.split())
