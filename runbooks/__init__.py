"""One script an incident (OPS-4), each in a module named like its id in `contract/runbooks.toml`.

A script says how to find out, when to act, what to change and what must get better; `runbooks.engine` plans,
applies, verifies, undoes and records. This room imports only `contract`: it has to run on a laptop with half
a network, when everything else is down.
"""

from importlib import import_module
from importlib.util import find_spec

from contract.errors import WrongUseError
from contract.runbooks import catalogue
from runbooks.engine import Runbook


def scripts() -> tuple[str, ...]:
    """Ids of the catalogue that have a script."""
    return tuple(sorted(key for key, entry in catalogue().items() if find_spec(f"runbooks.{entry.module}")))


def load(name: str) -> Runbook:
    """The runbook of an incident."""
    if name not in scripts():
        known = ", ".join(scripts())
        why = "has no script yet" if name in catalogue() else "is not in contract/runbooks.toml"
        raise WrongUseError(f"runbook {name!r} {why}; there are: {known}")
    runbook: Runbook = import_module(f"runbooks.{catalogue()[name].module}").RUNBOOK
    return runbook
