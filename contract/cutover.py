"""Moving searches from one generation of the index to the next (VEC-5): one small document while it lasts.

Ingest writes to both generations while `dual_write` holds; the agent sends `share` of its searches to `to`.
No document: there is one generation, and the alias names it.
"""

from pydantic import AwareDatetime, Field, ValidationError

from contract.base import Shape
from contract.errors import WrongUseError


class Cutover(Shape):
    """How far it is. `since`: when the present share began."""

    origin: str = Field(min_length=1, description="the generation that is left")
    to: str = Field(min_length=1, description="the generation that takes over")
    dual_write: bool = True
    share: float = Field(0.0, ge=0, le=1, description="of searches that read the new one")
    since: AwareDatetime


def parameter(environment: str) -> str:
    """Where the document is."""
    return f"/concierge/{environment}/cutover"


def parse(text: str) -> Cutover:
    """A document from its JSON text."""
    try:
        return Cutover.model_validate_json(text)
    except ValidationError as invalid:
        first = invalid.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "document"
        raise WrongUseError(f"cutover: {place}: {first['msg']}") from None


def render(cutover: Cutover) -> str:
    return cutover.model_dump_json()
