"""Bedrock throttles Sonnet: for a while, send simple messages to Haiku earlier (OPS-5: at 3 instead of 5 %).

Everything it looks at is in CloudWatch and in the controls document, where a person would look as well.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from contract.runtime_settings import RuntimeSettings
from runbooks.engine import About, Decision, Finding, Runbook, Verify, World, calling
from runbooks.engine.alarms import ALARMS
from runbooks.engine.controls import READ, TurnControl, fetch, settings
from runbooks.engine.signals import Signal, read, settled
from runbooks.engine.watch import METRICS

ID = "bedrock-throttled"
THROTTLED = 0.02  # share of calls above which the alarm is red
UNHEALTHY = 0.05  # share of failed Haiku calls above which more traffic would not help
THRESHOLD = 0.03
MINUTES = 30
WINDOW_S, SLICE_S = 30, 10  # what the alarm looks at: three periods, two of which must be bad
ENOUGH_CALLS, ENOUGH_FALLBACK_CALLS = 20, 5
SEEN_S = 40  # of what was changed: how long is looked at, at most
FALL = 1 / 5
OTHER_TROUBLE = 0.15  # share of throttled calls at which it is more than this helps against

SONNET_THROTTLED = Signal("ModelThrottled", {"Rung": "sonnet"})
HAIKU_FAILED = Signal("ModelFailed", {"Rung": "haiku"})


@calling(METRICS)
def sonnet(world: World) -> Finding:
    """Is it throttled, as the alarm counts it?"""
    end = settled(world)
    seen = read(world, {"calls": SONNET_THROTTLED}, end, WINDOW_S)["calls"]
    slices = [seen.last(SLICE_S, end - timedelta(seconds=ago)) for ago in (20, 10, 0)]
    evidence: dict[str, float | str] = {
        "share": round(seen.share, 4),
        "limit": THROTTLED,
        "calls": seen.samples,
        "by 10 s": " ".join(f"{part.share:.3f}" for part in slices),
    }
    if seen.samples < ENOUGH_CALLS:
        what = f"{seen.samples:.0f} Sonnet calls in {WINDOW_S} s: too few to tell"
        return Finding(what=what, evidence=evidence, cause=None)
    bad = seen.share > THROTTLED or sum(part.share > THROTTLED for part in slices) >= 2
    what = f"Sonnet is {'' if bad else 'not '}throttled: {_percent(seen.share)} of {seen.samples:.0f} calls"
    return Finding(what=what, evidence=evidence, cause=bad)


@calling(METRICS)
def haiku(world: World) -> Finding:
    """Is the fallback healthy?"""
    seen = read(world, {"calls": HAIKU_FAILED}, settled(world), WINDOW_S)["calls"]
    evidence = {"share": round(seen.share, 4), "limit": UNHEALTHY, "calls": seen.samples}
    if seen.samples < ENOUGH_FALLBACK_CALLS:
        what = f"{seen.samples:.0f} Haiku calls in {WINDOW_S} s: too few to tell"
        return Finding(what=what, evidence=evidence, cause=None)
    bad = seen.share > UNHEALTHY
    what = f"Haiku {'fails' if bad else 'is healthy'}: {_percent(seen.share)} of its calls fail"
    return Finding(what=what, evidence=evidence, cause=bad)


@calling(METRICS)
def people(world: World) -> Finding:
    """What do people notice?"""
    seen = read(world, {"messages": Signal("Failed")}, settled(world), WINDOW_S)["messages"]
    if not seen.samples:
        return Finding(what=f"no message in {WINDOW_S} s", cause=None)
    what = f"{_percent(seen.share)} of {seen.samples:.0f} messages got no answer"
    return Finding(what=what, evidence={"unanswered": seen.total}, cause=seen.total > 0)


@calling(ALARMS)
def alarm(world: World) -> Finding:
    """What does the alarm say?"""
    name = world.named("alarms", ID)
    found = world.aws.read("cloudwatch", "describe_alarms", AlarmNames=[name])["MetricAlarms"]
    if not found:
        return Finding(what=f"there is no alarm {name}", cause=None)
    state = str(found[0]["StateValue"])
    reason = str(found[0].get("StateReason", ""))
    return Finding(what=f"alarm {name} is {state}", evidence={"reason": reason}, cause=state == "ALARM")


@calling(READ)
def threshold(world: World) -> Finding:
    """At which error rate do simple messages start on Haiku now? Settings, unless a control is turned."""
    _, controls = fetch(world)
    turned = controls.active(world.clock.now()).haiku_threshold
    value = turned.value if turned else _of_settings(settings(world))
    whose = f"turned by {turned.who}: {turned.why}" if turned else "as in the settings"
    what = f"simple messages start on Haiku at {_percent(value)} errors, {whose}"
    return Finding(what=what, evidence={"haiku_threshold": value}, cause=False)


def decide(findings: Mapping[str, Finding]) -> Decision:
    """Act only when Sonnet is throttled and Haiku could carry more."""
    calls, fallback = findings["sonnet"], findings["haiku"]
    if calls.cause is None:
        return Decision(course="unclear", why=calls.what)
    see = "haiku-degraded" if fallback.cause else None
    if not calls.cause:
        return Decision(course="leave", why=calls.what, see=see)
    if fallback.cause is None:
        return Decision(course="unclear", why=f"{calls.what}, but whether Haiku could help: {fallback.what}")
    if fallback.cause:
        return Decision(course="leave", why=f"{fallback.what}: more traffic there would hurt", see=see)
    return Decision(course="act", why=f"{calls.what}; {fallback.what}")


@calling(METRICS)
def asked_of_sonnet(world: World, since: datetime | None) -> float | None:
    """Sonnet calls for a thousand messages: of half a minute before, or of what was seen since.

    The throttled ones among them are a handful, which chance doubles or halves; they fall with the calls.
    Whether they end, the alarm says.
    """
    end = settled(world)
    span_s = WINDOW_S
    if since is not None:
        span_s = min(SEEN_S, (end - since) // timedelta(seconds=SLICE_S) * SLICE_S)
    if span_s < 2 * SLICE_S:
        return None
    seen = read(world, {"calls": SONNET_THROTTLED, "messages": Signal("Messages")}, end, span_s)
    messages = seen["messages"].total
    if since is not None and seen["calls"].share > OTHER_TROUBLE:
        return None  # fewer are asked for another reason: nearly all are refused, or the breaker is open
    return seen["calls"].samples * 1_000 / messages if messages else None  # silence is no improvement


def _of_settings(settings: RuntimeSettings) -> float:
    return settings.routing.haiku_threshold


def _percent(share: float) -> str:
    return f"{share:.1%}"


RUNBOOK = Runbook(
    id=ID,
    about=About(
        impact="answers come from the smaller model and are plainer",
        escalate="runtime on-call; a quota increase for Sonnet is a support case and takes days",
    ),
    diagnose={"sonnet": sonnet, "haiku": haiku, "people": people, "alarm": alarm, "threshold": threshold},
    decide=decide,
    mitigate=(
        TurnControl(
            control="haiku_threshold",
            setting=_of_settings,
            value=THRESHOLD,
            minutes=MINUTES,
            enough=lambda present: present <= THRESHOLD,
            effect="simple messages start on Haiku sooner",
        ),
    ),
    verify=Verify(
        what="Sonnet calls for 1,000 messages",
        within_s=45,  # the agent looks back a minute before it turns
        measure=asked_of_sonnet,
        better=lambda before, after: after <= before * (1 - FALL),
    ),
    keep=f"concierge:runtime routing.haiku_threshold: {THRESHOLD}",
)
