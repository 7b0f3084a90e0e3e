"""`concierge simulate`: how the runtime behaves when much goes wrong, in virtual time."""

from time import perf_counter, process_time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from concierge import output

if TYPE_CHECKING:
    from runtime.testing.simulation import Story

app = typer.Typer(no_args_is_help=True, help="Try the runtime out in virtual time, thousands of times.")
TOLD_EVERY_S = 2.0


@app.callback()
def _simulate() -> None:
    """Keeps `simulate` a group of commands even while it has few."""


@app.command()
def failover(
    seeds: Annotated[int, typer.Option(min=1, max=10_000_000, help="How many stories to play.")] = 2_000,
    first: Annotated[
        int, typer.Option(min=0, help="The first seed; one story again: its seed, --seeds 1.")
    ] = 0,
    json: output.JsonFlag = False,
) -> None:
    """Random faults, random traffic: everybody gets one answer in time, and the best rung comes back.

    A story that breaks a promise prints its timeline, and the command ends with exit code 1.
    """
    from runtime.testing.simulation import tell

    began, told = process_time(), perf_counter()
    total = _Total()
    for seed in range(first, first + seeds):
        story = tell(seed)
        total.add(story)
        if (now := perf_counter()) >= told + TOLD_EVERY_S:
            told = now
            output.progress(f"{total.stories} of {seeds} stories, {total.requests} requests")
        if story.broken:
            break
    shown = total.document(process_time() - began)
    if json:
        output.document(shown)
    else:
        print("\n".join(_lines(total, shown)))
    raise typer.Exit(1 if total.broken else 0)


class _Total:
    """What all stories came to."""

    def __init__(self) -> None:
        self.stories = self.requests = self.calls = 0
        self.slowest_back_s = 0.0
        self.tiers: dict[str, int] = {}
        self.broken: Story | None = None

    def add(self, story: "Story") -> None:
        self.stories += 1
        self.requests += story.requests
        self.calls += story.calls
        self.slowest_back_s = max(self.slowest_back_s, story.back_s)
        for who, count in story.tiers.items():
            self.tiers[who] = self.tiers.get(who, 0) + count
        self.broken = story if story.broken else None

    def document(self, cpu_s: float) -> dict[str, Any]:
        broken = self.broken
        return {
            "stories": self.stories,
            "requests": self.requests,
            "model_calls": self.calls,
            "answered_by": dict(sorted(self.tiers.items())),
            "slowest_return_s": round(self.slowest_back_s, 1),
            "requests_per_cpu_minute": round(self.requests / cpu_s * 60),
            "broken": broken and {"seed": broken.seed, "why": broken.broken, "timeline": broken.timeline},
        }


def _lines(total: _Total, shown: dict[str, Any]) -> list[str]:
    who = ", ".join(f"{tier} {count}" for tier, count in shown["answered_by"].items())
    lines = [
        f"{total.stories} stories, {total.requests} requests, {total.calls} model calls; answered by: {who}",
        f"slowest return to T0 after the last fault: {shown['slowest_return_s']} s",
        f"{shown['requests_per_cpu_minute']:,} requests a minute of one core",
    ]
    if total.broken is None:
        return [*lines, "every promise was kept"]
    told = "\n".join(total.broken.timeline)
    seed = total.broken.seed
    again = f"again: concierge simulate failover --first {seed} --seeds 1"
    return [*lines, f"seed {seed} BROKE A PROMISE: {total.broken.broken}\n{told}", again]
