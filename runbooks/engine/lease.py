"""Nobody applies one runbook twice at once: a parameter that is created, never overwritten, and that ends.

Parameter Store knows no conditional write but creation, so a lease is taken by creating its parameter. One
whose time is over is removed first. Whoever holds it looks again before each change whether it still does.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import AwareDatetime, ValidationError

from contract.base import Shape
from contract.errors import InconclusiveError
from runbooks.engine.aws import AwsError
from runbooks.engine.world import World

MINUTES = 45  # longer than any runbook's time budget: who was killed is out of the way by then


class LeaseError(InconclusiveError):
    """Somebody else is at work, or nobody can tell."""


class Holder(Shape):
    """Who has it."""

    run: str
    who: str
    until: AwareDatetime


@dataclass(frozen=True)
class Lease:
    """The right to apply one runbook in one region."""

    world: World
    runbook: str
    run: str

    @property
    def parameter(self) -> str:
        return f"/concierge/{self.world.environment}/runbooks/{self.runbook}"

    def take(self) -> None:
        """LeaseError names who has it."""
        holder = self._holder()
        if holder and holder.run != self.run:
            if holder.until > self.world.clock.now():
                raise LeaseError(_held(self.runbook, holder))
            self._remove()
        try:
            self._create()
        except AwsError as refused:
            if refused.code != "ParameterAlreadyExists":
                raise LeaseError(f"nobody can tell whether another run is on: {refused}") from refused
        self.check()

    def check(self) -> None:
        """Before each change: another may have thought us dead."""
        holder = self._holder()
        if holder is None or holder.run != self.run:
            taken = _held(self.runbook, holder) if holder else "it is gone"
            raise LeaseError(f"the lease is not ours any more, nothing more is changed: {taken}")

    def end(self) -> None:
        """Only ours; one that cannot be ended now ends by itself."""
        try:
            holder = self._holder()
            if holder and holder.run == self.run:
                self._remove()
        except LeaseError:
            return

    def _create(self) -> None:
        until = self.world.clock.now() + timedelta(minutes=MINUTES)
        value = Holder(run=self.run, who=self.world.operator, until=until).model_dump_json()
        self.world.aws.bookkeeping(
            "ssm", "put_parameter", Name=self.parameter, Value=value, Type="String", Overwrite=False
        )

    def _remove(self) -> None:
        try:
            self.world.aws.bookkeeping("ssm", "delete_parameter", Name=self.parameter)
        except AwsError as error:
            if error.code != "ParameterNotFound":
                raise LeaseError(f"the lease {self.parameter} cannot be ended: {error}") from error

    def _holder(self) -> Holder | None:
        try:
            text = self.world.aws.bookkeeping("ssm", "get_parameter", Name=self.parameter)["Parameter"][
                "Value"
            ]
        except AwsError as error:
            if error.code == "ParameterNotFound":
                return None
            raise LeaseError(f"nobody can tell whether another run is on: {error}") from error
        try:
            return Holder.model_validate_json(text)
        except ValidationError:
            raise LeaseError(f"{self.parameter} is no lease: delete that parameter") from None


def _held(runbook: str, holder: Holder) -> str:
    until: datetime = holder.until
    return f"{holder.who} is applying {runbook} (run {holder.run}), at most until {until:%H:%M} UTC"
