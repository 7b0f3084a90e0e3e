"""The decision most runbooks make: act when one check is sure of the cause, unless another knows better."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from runbooks.engine.shape import Decision, Finding


@dataclass(frozen=True)
class Blame:
    """Acts when `cause` was found, and none of `unless`; those name the runbook that fits better.

    `needs`: checks that must have seen that all is well before anything is done.
    """

    cause: str
    unless: Mapping[str, str] = field(default_factory=dict)
    needs: tuple[str, ...] = ()

    def __call__(self, findings: Mapping[str, Finding]) -> Decision:
        """Compares what was found."""
        found = findings[self.cause]
        for check, see in self.unless.items():
            if findings[check].cause:
                return Decision(course="leave", why=findings[check].what, see=see)
        if found.cause is None:
            return Decision(course="unclear", why=found.what)
        if not found.cause:
            return Decision(course="leave", why=found.what)
        for check in self.needs:
            if findings[check].cause is not False:
                unsure: Decision = Decision(
                    course="unclear" if findings[check].cause is None else "leave",
                    why=f"{found.what}; but {findings[check].what}",
                )
                return unsure
        return Decision(course="act", why=found.what)

    def words(self) -> str:
        """For the page and for `show`."""
        parts = [f"act when `{self.cause}` finds trouble"]
        parts += [f"not when `{check}` does (see {see})" for check, see in self.unless.items()]
        parts += [f"only when `{check}` has seen that all is well" for check in self.needs]
        return "; ".join(parts)
