"""Relief by the controls document (OPS-5), the mildest first. Each ends by itself."""

from collections.abc import Callable

from contract.runtime_settings import RuntimeSettings
from contract.tiers import Tier
from runbooks.engine.controls import TurnControl, always, usual
from runbooks.engine.world import World

MINUTES = 30
THRESHOLD = 0.03
KEEP_THRESHOLD = f"concierge:runtime routing.haiku_threshold: {THRESHOLD}"


def _threshold(settings: RuntimeSettings) -> float:
    return settings.routing.haiku_threshold


def haiku_sooner(value: float = THRESHOLD, minutes: int = MINUTES) -> TurnControl:
    """Simple messages go to Haiku at 3 instead of 5 % errors."""
    return TurnControl(
        control="haiku_threshold",
        setting=_threshold,
        value=value,
        minutes=minutes,
        enough=lambda present: present <= value,
        effect="simple messages start on Haiku sooner",
        keep=KEEP_THRESHOLD,
    )


def haiku_never(minutes: int = MINUTES) -> TurnControl:
    """Nobody is moved to Haiku, whatever Sonnet's errors."""
    return TurnControl(
        control="haiku_threshold",
        setting=_threshold,
        value=1.0,
        minutes=minutes,
        enough=lambda present: present >= 1.0,
        effect="nobody is moved to Haiku while it is ill",
    )


def cache(mode: str = "aggressive", minutes: int = MINUTES) -> TurnControl:
    """Aggressive answers more from the semantic cache (25-30 % fewer model calls); off asks it nothing."""
    effects = {
        "aggressive": "25 to 30 % of the model calls are saved by looser cache hits",
        "off": "nobody waits for the cache",
    }
    return TurnControl(
        control="cache_mode",
        setting=usual("normal"),
        value=mode,
        minutes=minutes,
        enough=lambda present: present == mode,
        effect=effects[mode],
    )


def canned_first(minutes: int = MINUTES) -> TurnControl:
    """The top 200 questions are answered from the store, before any model."""
    return TurnControl(
        control="canned_first",
        setting=usual(False),
        value=True,
        minutes=minutes,
        enough=lambda present: present is True,
        effect="the 200 commonest questions need no model",
    )


def banner(text: str, minutes: int = MINUTES) -> TurnControl:
    """People are told what is going on. Somebody's banner that is up stays."""
    return TurnControl(
        control="banner",
        setting=usual(""),
        value=text,
        minutes=minutes,
        enough=lambda present: present != "",
        effect="people know, and ask less often",
    )


def standby_region(when: Callable[[World], bool] = always, minutes: int = MINUTES) -> TurnControl:
    """Model calls go to the standby region."""
    return TurnControl(
        control="region",
        setting=usual(""),
        value=lambda world: world.inventory.regions["standby"].region,
        minutes=minutes,
        enough=lambda present: present != "",
        effect="model calls leave this region",
        when=when,
    )


def tier(lowest: Tier, minutes: int = MINUTES, when: Callable[[World], bool] = always) -> TurnControl:
    """Everybody is served by one tier at best."""
    order = list(Tier)
    return TurnControl(
        control="forced_tier",
        setting=usual(None),
        value=lowest,
        minutes=minutes,
        enough=lambda present: present is not None and order.index(Tier(present)) >= order.index(lowest),
        effect=f"everybody is served by tier {lowest.value} or lower",
        when=when,
    )
