"""A rehearsal that was measured, small enough to keep: what was asked, who answered, and how long each took.

Made from what a load run leaves (`samples.jsonl`, the runtime's log). The simulator's tables come from
those that are for calibration; the others are what it is held against, and it never sees them.
"""

import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field

from contract.base import Shape
from contract.errors import InconclusiveError
from contract.faults import Stage
from sizing import documents
from sizing.documents import SizingError
from sizing.traffic import Floats

FOLDER = Path(__file__).with_name("rehearsals")
_PER_E = 100.0  # buckets of a factor e: neighbours differ by one in a hundred
OWN, CACHE = "template", "cache"  # rungs of answers that no model gave, as the runtime calls them
Buckets = Mapping[int, int]
# Buckets of the times to the first text and to the end, and how often the model was asked: with tools, again.
Spoken = tuple[int, int, int]
# When, in hundredths of a second; intent; whether it is short; who answered it before the ladder, or nobody.
Asked = tuple[int, str, bool, str]
# Of a message, what neither a model nor the ladder took. Beyond it the machine was measured, not the agent.
MOST_AROUND_MS = 1_500.0


class MachineBusyError(InconclusiveError):
    """A rehearsal that says more about this machine than about the agent."""


class Recording(Shape):
    """Times are counts by bucket."""

    name: str
    role: Literal["calibration", "held-out"]
    length_s: float = Field(gt=0)
    faults: tuple[Stage, ...] = ()
    asked: tuple[Asked, ...] = Field(description="each message, in order of its time")
    answered: Mapping[str, Mapping[str, tuple[int, int]]] = Field(
        description="intent -> rung -> messages, short ones and longer ones"
    )
    failed: int = 0
    first: Mapping[str, Buckets] = Field(description="rung -> times to the first text")
    whole: Mapping[str, Buckets] = Field(description="rung -> times to the end")
    around: Buckets = Field(description="of a message with a model: its whole time less the ladder's")
    ladder: Buckets = Field(
        description="of a message with a model: the ladder's time, whatever rungs it took"
    )
    good: Mapping[str, Mapping[str, tuple[Spoken, ...]]] = Field(
        description="intent -> rung -> each message that one call answered"
    )
    calls: Mapping[str, Mapping[str, Buckets]] = Field(description="rung -> outcome -> times of calls")

    @property
    def messages(self) -> int:
        return sum(sum(counts) for rungs in self.answered.values() for counts in rungs.values())

    def share(self, rungs: Iterable[str]) -> float:
        """Of the answers, those that came from one of these."""
        wanted = set(rungs)
        count = sum(sum(n) for by in self.answered.values() for rung, n in by.items() if rung in wanted)
        return count / max(1, self.messages)

    def throttled(self, rung: str) -> float | None:
        """Share of the calls on a rung that were throttled; None where there were none."""
        by = {outcome: sum(buckets.values()) for outcome, buckets in self.calls.get(rung, {}).items()}
        return by.get("throttled", 0) / sum(by.values()) if sum(by.values()) else None


def bucket(ms: float) -> int:
    """The bucket of a time."""
    return math.floor(math.log(max(ms, 0.1)) * _PER_E)


def buckets(times_ms: Iterable[float]) -> dict[int, int]:
    """Counts by bucket."""
    return dict(sorted(Counter(bucket(ms) for ms in times_ms).items()))


def middle(key: int) -> float:
    """Of a bucket, in milliseconds."""
    return math.exp((key + 0.5) / _PER_E)


def spread_out(found: Iterable[Buckets]) -> Floats:
    """The times again, in order, each as the middle of its bucket."""
    total: Counter[int] = Counter()
    for one in found:
        total.update(one)
    values = [middle(key) for key in sorted(total)]
    return np.repeat(np.array(values), [total[key] for key in sorted(total)])


def known(role: str | None = None) -> Sequence[Recording]:
    """The recordings of this checkout."""
    found = [read(path) for path in sorted(FOLDER.glob("*.json"))]
    return [one for one in found if role is None or one.role == role]


def read(path: Path) -> Recording:
    """One of them."""
    return documents.read(path, Recording)


def write(found: Recording, path: Path) -> None:
    """One line a field, so that a change of one shows."""
    fields = found.model_dump(mode="json")
    lines = (
        f"  {json.dumps(key)}: {json.dumps(value, separators=(',', ':'))}" for key, value in fields.items()
    )
    documents.write(path, "{\n" + ",\n".join(lines) + "\n}\n")


class Load(Shape):
    """What is known of a run from its scenario: what was asked, not what came of it."""

    name: str
    role: Literal["calibration", "held-out"]
    length_s: float
    faults: tuple[Stage, ...]
    short: frozenset[int] = Field(description="numbers of the messages that are simple by their length")


def of_run(load: Load, folder: Path) -> Recording:
    """From the folder of a load run that kept its samples."""
    samples = [_since_free(line) for line in _lines(folder / "samples.jsonl")]
    log = folder / "runtime" / "runtime.out"
    lines = list(_lines(log))
    told = [line for line in lines if "_aws" in line]
    told_of_tools = [line for line in lines if line.get("tool") and line.get("via") == "agent"]
    if not samples or not told:
        raise SizingError(f"{folder}: holds no run with --samples and a runtime of its own: run it again")
    generate = {
        line["request_id"]: line["stages"]["generate"]
        for line in told
        if "generate" in line.get("stages", {})
    }
    if not generate or all(sample.get("error") for sample in samples):
        raise SizingError(f"{folder}: no message was answered by a model: look at its runtime/runtime.err")
    outside = {
        line["request_id"]: line["EndToEnd"] - generate[line["request_id"]]
        for line in told
        if line.get("request_id") in generate and "EndToEnd" in line
    }
    calls = [line for line in told if "ModelThrottled" in line]
    found = Recording(
        **load.model_dump(exclude={"short"}),
        asked=_asked(samples, load.short),
        answered=_answered(samples, load.short),
        failed=sum(1 for sample in samples if sample.get("error")),
        first=_by_rung(samples, "first_token_ms"),
        whole=_by_rung(samples, "end_to_end_ms"),
        around=buckets(
            sample["end_to_end_ms"] - generate[sample["request_id"]]
            for sample in samples
            if sample.get("end_to_end_ms") and sample["request_id"] in generate
        ),
        ladder=buckets(generate.values()),
        good=_good(samples, calls, outside, Counter(line["request_id"] for line in told_of_tools)),
        calls=_calls(calls),
    )
    around = float(np.quantile(spread_out([found.around]), 0.95))
    if around > MOST_AROUND_MS:
        raise MachineBusyError(
            f"{folder}: one message in twenty spent {around:,.0f} ms outside models "
            f"({MOST_AROUND_MS:,.0f} at most): the machine was too busy, run it again when it is not"
        )
    return found


def _since_free(sample: dict[str, Any]) -> dict[str, Any]:
    """Timed from when its customer could ask: who still reads waits for no answer."""
    busy = sample.get("busy_ms", 0.0)
    times = {key: sample[key] - busy for key in ("first_token_ms", "end_to_end_ms") if sample.get(key)}
    return sample | times


def _number(sample: Mapping[str, Any]) -> int:
    """Of the message in the schedule."""
    return int(str(sample["request_id"]).rpartition("-")[2])


def _asked(samples: Sequence[Mapping[str, Any]], short: frozenset[int]) -> tuple[Asked, ...]:
    """What came, and not what the ladder made of it."""
    found = []
    for sample in samples:
        before = sample.get("rung") if sample.get("rung") in (OWN, CACHE) else ""
        found.append((round(sample["at_s"] * 100), sample["intent"], _number(sample) in short, before or ""))
    return tuple(sorted(found))


def _answered(
    samples: Sequence[Mapping[str, Any]], short: frozenset[int]
) -> dict[str, dict[str, tuple[int, int]]]:
    found: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0]))
    for sample in samples:
        if not sample.get("error"):
            found[sample["intent"]][sample.get("rung") or "none"][_number(sample) not in short] += 1
    return {
        intent: {rung: (counts[0], counts[1]) for rung, counts in sorted(rungs.items())}
        for intent, rungs in sorted(found.items())
    }


def _by_rung(samples: Sequence[Mapping[str, Any]], what: str) -> dict[str, dict[int, int]]:
    found: dict[str, list[float]] = defaultdict(list)
    for sample in samples:
        if not sample.get("error") and sample.get(what) is not None:
            found[sample.get("rung") or "none"].append(sample[what])
    return {rung: buckets(times) for rung, times in sorted(found.items())}


def _good(
    samples: Sequence[Mapping[str, Any]],
    calls: Sequence[Mapping[str, Any]],
    outside: Mapping[str, float],
    tools: Mapping[str, int],
) -> dict[str, dict[str, tuple[Spoken, ...]]]:
    """The time to the first text is the client's, less what came before the call."""
    once = Counter(call["request_id"] for call in calls)
    spoke = {call["request_id"]: call for call in calls if call["outcome"] == "ok"}
    found: dict[str, dict[str, list[Spoken]]] = defaultdict(lambda: defaultdict(list))
    for sample in samples:
        name = sample["request_id"]
        if once[name] == 1 and name in spoke and name in outside and sample.get("first_token_ms"):
            whole = spoke[name]["seconds"] * 1000
            first = min(whole, sample["first_token_ms"] - outside[name])
            found[sample["intent"]][spoke[name]["Rung"]].append(
                (bucket(first), bucket(whole), 1 + tools.get(name, 0))
            )
    return {
        intent: {rung: tuple(sorted(spoken)) for rung, spoken in sorted(by.items())}
        for intent, by in sorted(found.items())
    }


def _calls(calls: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, dict[int, int]]]:
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for call in calls:
        found[call["Rung"]][call["outcome"]].append(call["seconds"] * 1000)
    return {
        rung: {outcome: buckets(times) for outcome, times in sorted(by.items())}
        for rung, by in sorted(found.items())
    }


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """JSON lines; what is none is passed over."""
    for line in documents.text(path).splitlines():
        if line.startswith("{"):
            try:
                yield json.loads(line)
            except ValueError:
                continue
