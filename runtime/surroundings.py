"""What the environment tells the runtime: who it is, where its documents are, whose tokens count.

The stack writes these into the task definition; a rehearsal into the environment of the program. Where the
services are that it asks, `runtime.places` reads.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from contract import cutover, rungs
from contract.errors import WrongUseError
from runtime.documents import Names
from runtime.surfaces.identity import Issuer

_NEEDED = ("CONCIERGE_ENVIRONMENT", "CONCIERGE_SETTINGS", "CONCIERGE_CONTROLS", "AWS_REGION")
MODELS, ISSUER, CLIENTS = "CONCIERGE_MODELS", "CONCIERGE_ISSUER", "CONCIERGE_CLIENTS"
KEYS_URL, TOKEN_SECRET, CALLBACK_URL = (
    "CONCIERGE_KEYS_URL",
    "CONCIERGE_TOKEN_SECRET",
    "CONCIERGE_CALLBACK_URL",
)
VARIABLES = (*_NEEDED, MODELS, ISSUER, CLIENTS, KEYS_URL, TOKEN_SECRET, CALLBACK_URL)


class StartError(WrongUseError):
    """The runtime cannot start as it was told to."""


@dataclass(frozen=True)
class Surroundings:
    """Without `models`: no guardrail. Without `issuer`: whoever calls may say who they are.

    `token_secret` names what signs resume tokens; without one they are good at this task alone. `callback`:
    the management URL of the WebSocket API; without one its callbacks are not served.
    """

    environment: str
    settings: str
    controls: str
    region: str
    models: str | None = None
    issuer: Issuer | None = None
    token_secret: str | None = None
    callback: str | None = None

    @property
    def names(self) -> Names:
        return Names(
            self.controls, rungs.folder(self.environment), self.models, cutover.parameter(self.environment)
        )

    @classmethod
    def read(cls, variables: Mapping[str, str]) -> Self:
        if missing := [name for name in _NEEDED if not variables.get(name)]:
            raise StartError(f"set {', '.join(missing)} in the environment: the task definition names them")
        environment, settings, controls, region = (variables[name] for name in _NEEDED)
        return cls(
            environment,
            settings,
            controls,
            region,
            models=variables.get(MODELS) or None,
            issuer=_issuer(variables),
            token_secret=variables.get(TOKEN_SECRET) or None,
            callback=variables.get(CALLBACK_URL) or None,
        )


def _issuer(variables: Mapping[str, str]) -> Issuer | None:
    """`CONCIERGE_KEYS_URL` where the keys are not at the issuer's usual place."""
    issuer = variables.get(ISSUER, "").rstrip("/")
    if not issuer:
        return None
    clients = frozenset(variables.get(CLIENTS, "").split(",")) - {""}
    if not clients:
        raise StartError(f"{ISSUER} is set: name the clients its tokens are for in {CLIENTS}")
    return Issuer(issuer, variables.get(KEYS_URL) or f"{issuer}/.well-known/jwks.json", clients)
