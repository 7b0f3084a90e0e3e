"""Plays a story from what was asked for to its verdict: checks first, then one `GameDay`."""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path

import plan
from contract.errors import ConciergeError
from plan import Plan
from plan.show import summary_line
from rehearsal import beforehand, dashboards, plans, protection
from rehearsal.evidence import Schedule
from rehearsal.game_day import GameDay
from rehearsal.machine import speed_here
from rehearsal.played import InterruptedStoryError, Options, Result
from rehearsal.story import Story
from rehearsal.story_clock import StoryClock
from rehearsal.timeline import Timeline, Told
from stacks import settings, stackfile


def run(
    story: Story,
    options: Options,
    folder: Path,
    listener: Callable[[Told], None],
    watch: Callable[[GameDay], None] = lambda _: None,
) -> Result:
    """Plays the story. Only the main thread may call it. `watch` is given the day once its traffic has begun.

    `folder` is made once everything that was asked for has proved good; another beside it, if it is there.
    """
    stack_name = options.stack or story.stack
    speed = options.speed or speed_here(story.speed)
    schedule = Schedule.of(story, options.rate * story.traffic.rate, options.seed, speed)
    beforehand.check_without(options.without)
    changes = protection.without_rungs(
        stack_name, options.changes, beforehand.without(options.without, "rung")
    )
    found = stackfile.read(stack_name).changed(changes)
    known = settings.parse(found.config, file=found.path.name, lines=found.lines)
    clock = StoryClock(speed)
    timeline = Timeline(listener, clock)
    build = stackfile.root_of() / "build"
    usual = plans.kept(stack_name, build)
    planned = plan.run(stack_name, changes=changes) if changes else usual
    beforehand.check_alarms(story, (planned, usual), options.without)
    own = beforehand.make(folder)
    timeline.tell("plan", summary_line(planned))
    with ExitStack() as stack:
        day = GameDay(story, options, own, timeline, planned, known, schedule, stack)
        try:
            day.begin()
            watch(day)
            evidence = day.play()
        except KeyboardInterrupt:
            raise _interrupted(day) from None
    return replace(day.result(evidence), pages=_pages(planned, build))


def _pages(planned: Plan, build: Path) -> Sequence[dashboards.Page]:
    """The stack's dashboards; where it declares none, as dev does, prod's war room stands in for them."""
    with suppress(dashboards.DashboardError):
        return dashboards.pages(planned)[:1]
    with suppress(ConciergeError):
        return dashboards.pages(plans.kept("prod", build), "war-room")[:1]
    return ()


def _interrupted(day: GameDay) -> KeyboardInterrupt:
    """With what was seen until then, where the story had begun."""
    evidence = day.so_far()
    return KeyboardInterrupt() if evidence is None else InterruptedStoryError(day.result(evidence))


def folder_for(story: Story, root: Path) -> Path:
    """build/rehearsals/<time>-<story>; `run` makes it, or one beside it."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    return root / "build" / "rehearsals" / f"{stamp}-{story.id}"
