"""What would carry a part that was full in a simulation: settings that are not in force yet, or a quota."""

import math
from functools import reduce
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sizing.case import Case
    from sizing.simulate import Simulated
    from sizing.stages import Limit, Part
    from stacks.settings import Settings

_CHAT, _CACHE, _CAP = "agent.services.chat.minimum", "data.cache.node_type", "runtime.rates.model_calls"
_CARRIED_BY = {"runtime.shedding.most": _CHAT}  # that one protects a task: more of them carry more
_GRANTED = {
    "gateway.websocket.connections_per_second": "quota-websocket-connections",
    "gateway.websocket.messages_per_second": "quota-api-rate",
}  # settings that only repeat a quota


def fix(part: "Part", found: "Simulated", case: "Case") -> str:
    """The settings that carry it and are not in force yet, or the quota to ask for."""
    if part.limit is not None:
        return _quota(part.limit, part.needed or 0.0, case)
    key = _CARRIED_BY.get(part.key, part.key)
    values, needed = _wanted(key, found, case), part.needed
    notes = _short(key, case)
    if key == _CACHE:
        values, notes = _cache(values, notes, part, found, case)
    elif needed is not None and not (values and key == "search.nodes"):  # fewer of a larger kind
        notes += _raised(values, key, math.ceil(needed - 1e-6), found, case)
    notes += _standby(key, found, case)
    told = ", ".join(f"{name.rpartition('.')[2]} {_text(name, value)}" for name, value in values.items())
    if told:
        return "; ".join((f"{key.rpartition('.')[0]}: {told}", *notes))
    return "; ".join(notes) or "no setting: it passes by itself"


def _quota(limit: "Limit", needed: float, case: "Case") -> str:
    """As much of it as was planned for, or more where more came."""
    planned = next((ask.needed for ask in case.asks if ask.what == limit.what), 0.0)
    told = f"a quota: {math.ceil(max(needed, planned) - 1e-6):,} {limit.what}"
    return f"{told} ({limit.allowed:,.0f} granted do not carry it)" if planned <= limit.allowed else told


def _wanted(key: str, found: "Simulated", case: "Case") -> dict[str, float | str]:
    """What `size capacity` would set of that part, and is not what was played."""
    part = next((need.part for need in case.needs if need.key == key), None)
    wanted: dict[str, float | str] = {}
    for need in case.needs:
        if need.part == part:
            needed, now = _figure(need.needed), _in_force(found.settings, need.key)
            text = isinstance(needed, str) or isinstance(now, str)
            if needed != now if text else needed > now:
                wanted[need.key] = needed
    return wanted


def _short(key: str, case: "Case") -> list[str]:
    return [need.short for need in case.needs if need.key == key and need.short]


def _raised(
    values: dict[str, float | str], key: str, needed: int, found: "Simulated", case: "Case"
) -> list[str]:
    """Raises the setting to what the busiest moments need; what is to be known of that."""
    now, most = _in_force(found.settings, key), _most(found.settings, key)
    if key == "search.nodes":
        needed = math.ceil(needed / found.settings.search.zones) * found.settings.search.zones
    wanted = max(needed, values.get(key, 0), now)
    if most is not None and wanted > most:
        values.update({key: most} if now < most else {})
        return [f"{needed:,} would carry all of it, and {most:,} is the most that can be set"]
    if wanted <= now:
        return []
    planned = key in values
    values[key] = wanted
    if key == _CHAT and wanted > found.settings.agent.services.chat.maximum:
        values["agent.services.chat.maximum"] = wanted
    told = [] if planned else [f"{now:,.0f} are in force and do not carry it"]
    return [*told, *_granted(key, wanted, case)]


def _granted(key: str, wanted: float, case: "Case") -> list[str]:
    """The quota behind the setting, where no account has as much."""
    from plan.preflight import quotas

    if key not in _GRANTED:
        return []
    what = quotas.rows()[_GRANTED[key]].title
    usual = next((ask.usual for ask in case.asks if ask.what == what), None)
    return [f"ask for that quota: {what}"] if usual is not None and wanted > usual else []


def _cache(
    values: dict[str, float | str], notes: list[str], part: "Part", found: "Simulated", case: "Case"
) -> tuple[dict[str, float | str], list[str]]:
    """Kinds of nodes, by what a primary carries; no kind shortens the moment in which there is none."""
    commands, came = case.known.valkey.commands, float(part.demand.max())
    now = found.settings.data.cache.node_type
    if values or commands.get(now, 0.0) < came:
        larger = [kind for kind, most in commands.items() if most >= came]
        if not values and larger:
            values = {_CACHE: min(larger, key=lambda kind: commands[kind])}
        return values, notes or ([] if values else [f"no setting: {now} is the largest"])
    return {}, ["no setting: a replica takes over within half a minute"]


def _standby(key: str, found: "Simulated", case: "Case") -> list[str]:
    """What runs in the other region when this one is lost."""
    regions = found.settings.regions
    if key != _CHAT or found.story.lost_from("region") is None:
        return []
    if regions.standby is None:
        return _short("regions.standby_percent", case)
    return [] if regions.standby_percent >= 100 else ["regions.standby_percent 100"]


def _in_force(settings: "Settings", key: str) -> Any:
    value: Any = reduce(getattr, key.split("."), settings)
    return value.most / value.per_s if key == _CAP else value


def _most(settings: "Settings", key: str) -> int | None:
    """The largest value that the setting takes."""
    section, _, knob = key.rpartition(".")
    fields = type(reduce(getattr, section.split("."), settings)).model_fields
    return next((most for rule in fields[knob].metadata if (most := getattr(rule, "le", None))), None)


def _figure(value: float | str) -> Any:
    """A need's number; that of a bucket as calls a second."""
    import yaml

    if isinstance(value, str) and value.startswith("{"):
        bucket = yaml.safe_load(value)
        return bucket["most"] / bucket["per_s"]
    return value


def _text(key: str, value: float | str) -> str:
    if isinstance(value, str):
        return value
    number = math.ceil(value - 1e-6)
    return f"{{most: {number}, per_s: 1.0}}" if key == _CAP else str(number)
