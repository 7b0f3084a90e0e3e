"""What was expected of the environment: the file that `concierge size report` left, if one is named."""

from pathlib import Path

from contract.errors import WrongUseError
from contract.forecast import Forecast, read
from runbooks.engine import World

INPUT = ("forecast", "optional; forecast.json of `concierge size report`: what was expected")


def expected(world: World) -> Forecast | None:
    """None where no file was named; a file of another environment is refused."""
    named = world.inputs.get(INPUT[0], "").strip()
    if not named:
        return None
    found = read(Path(named))
    if found.environment != world.environment:
        raise WrongUseError(
            f"{named}: is a forecast of {found.environment}, not of {world.environment}: name the other file"
        )
    return found
