"""A deployed environment as a target: FIS for what it can do, the agent's own hook for what it cannot."""

from chaos.faults import Target
from chaos.faults.hook import HOOK
from contract.errors import WrongUseError
from contract.faults import DRILL, ActiveFault, Experiment, Fault, FaultKind, Stage

FIS = "fis"
_LONGEST_S = 3_600.0


class AwsTarget:
    """Two targets as one: `fis` where a fault says so."""

    def __init__(self, hook: Target, fis: Target) -> None:
        self._hook, self._fis = hook, fis

    def inject(self, fault: Fault) -> ActiveFault:
        return (self._fis if fault.target == FIS else self._hook).inject(fault)

    def active(self) -> tuple[ActiveFault, ...]:
        return (*self._hook.active(), *self._fis.active())

    def clear(self, fault_id: str) -> bool:
        return (self._hook if fault_id.startswith(HOOK) else self._fis).clear(fault_id)

    def clear_all(self) -> None:
        """Both, also when one of them does not answer."""
        try:
            self._hook.clear_all()
        finally:
            self._fis.clear_all()


def as_in_aws(experiment: Experiment) -> Experiment:
    """The experiment as it is made there: one drill of FIS for all its stages, where it names one."""
    if experiment.fis is None:
        return experiment
    length = experiment.length_s
    fault = Fault(
        target=FIS,
        kind=FaultKind.DRILL,
        match={DRILL: experiment.fis},
        lease_s=min(_LONGEST_S, length + 600),
    )
    return experiment.model_copy(update={"method": (Stage(at_s=0, for_s=length, fault=fault),)})


def require_allowed(experiment: Experiment, stack: str) -> None:
    """The environment guard."""
    if stack not in experiment.limits.environments:
        allowed = ", ".join(experiment.limits.environments)
        raise WrongUseError(
            f"experiment {experiment.id} may run in {allowed}, not in {stack}: limits.environments says so"
        )
