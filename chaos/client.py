"""A customer of our own: asks over REST as a guest, and writes down what came back and when.

For where no load generator is: a deployed environment, and experiments that another toolkit runs. What people
see is all it knows.
"""

import http.client
import json
import math
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any
from urllib.parse import urlsplit

from contract.errors import WrongUseError

PATH = "/v1/guest/chat/message"
QUESTIONS = (
    "What is your return policy?",
    "Please compare two good headphones for long flights, and say which one you would take and why",
    "How long does delivery take?",
    "Which washing machine under 500 dollars would you recommend for a family of five, and why that one?",
    "hello",
)
_HTTP = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}


@dataclass(frozen=True)
class Answer:
    """One message: when it was due, and what became of it. `error`: why there is no whole answer. `over_ms`:
    until nothing more was waited for, however it ended."""

    due: float
    first_token_ms: float | None = None
    end_to_end_ms: float | None = None
    tier: str | None = None
    error: str | None = None
    gaps: int = 0
    endings: int = 0
    cached: bool = False
    usd: float = 0.0
    over_ms: float = 0.0


def ask(host: str, text: str, within_s: float = 30.0) -> Answer:
    """Never raises for what the other side does: a failure is an answer too."""
    place = urlsplit(host)
    if place.scheme not in _HTTP or not place.hostname:
        raise WrongUseError(f"host {host!r}: must be an address such as http://127.0.0.1:8080")
    due, began = time.time(), time.monotonic()
    connection = _HTTP[place.scheme](place.hostname, place.port, timeout=within_s)
    try:
        body = json.dumps({"request_id": f"probe-{time.monotonic_ns()}", "text": text})
        headers = {"Content-Type": "application/json", "Accept": "text/event-stream"}
        connection.request("POST", PATH, body, headers)
        response = connection.getresponse()
        if response.status != http.HTTPStatus.OK:
            return Answer(due, error=f"status {response.status}", endings=0)
        return _followed(_frames(response), due, began)
    except (OSError, http.client.HTTPException, ValueError) as lost:
        return Answer(due, error=str(lost) or type(lost).__name__)
    finally:
        connection.close()


def _frames(response: http.client.HTTPResponse) -> Iterator[Mapping[str, Any]]:
    for line in response:
        if line.startswith(b"data:"):
            yield json.loads(line.removeprefix(b"data:"))


def _followed(frames: Iterator[Mapping[str, Any]], due: float, began: float) -> Answer:
    first: float | None = None
    last, gaps, endings = None, 0, []
    for frame in frames:
        number = frame.get("sequence_number")
        gaps += last is not None and number is not None and number != last + 1
        last = number if number is not None else last
        if frame["type"] in {"delta", "correction"} and first is None:
            first = (time.monotonic() - began) * 1_000
        if frame["type"] in {"final", "error"}:
            endings.append(frame)
    took = (time.monotonic() - began) * 1_000
    if not endings:
        return Answer(due, first, error="the answer has no end", gaps=gaps)
    ending = endings[-1]
    error = str(ending.get("code", "error")) if ending["type"] == "error" else None
    cached = bool(ending.get("about", {}).get("cached"))
    usd = float(ending.get("usage", {}).get("usd", 0.0))
    return Answer(due, first, took, ending.get("tier"), error, gaps, len(endings), cached, usd)


def measures(found: Sequence[Answer]) -> dict[str, float | None]:
    """As an experiment's probes name them; nothing of nobody."""
    if not found:
        return {}
    answered = [one for one in found if one.error is None]
    return {
        "failed_share": 1 - len(answered) / len(found),
        "sequence_gaps": float(sum(one.gaps for one in found)),
        "ended_twice": float(sum(one.endings > 1 for one in found)),
        "first_token_p50_ms": _rank([one.first_token_ms for one in answered], 0.50),
        "first_token_p95_ms": _rank([one.first_token_ms for one in answered], 0.95),
        "end_to_end_p95_ms": _rank([one.end_to_end_ms for one in answered], 0.95),
        "canned_share": sum(one.tier == "T2" for one in answered) / len(answered) if answered else None,
        "made_share": made_share([(one.cached, one.usd) for one in answered]),
    }


def made_share(answers: Sequence[tuple[bool, float]]) -> float | None:
    """Of answers, each kept or shared or not and what it cost: those a model made for one person alone."""
    made = sum(usd > 0 and not cached for cached, usd in answers)
    shared = sum(cached for cached, _ in answers)
    return made / (made + shared) if made + shared else None


def _rank(values: Sequence[float | None], share: float) -> float | None:
    """The nearest rank: always a value that was measured."""
    ordered = sorted(value for value in values if value is not None)
    return ordered[math.ceil(share * len(ordered)) - 1] if ordered else None


class Prober:
    """Asks at an even rate, whether or not earlier ones are answered, until `stop`."""

    def __init__(self, host: str, rate: float, within_s: float = 30.0) -> None:
        self._host, self._every_s, self._within_s = host, 1 / rate, within_s
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._seen: list[Answer] = []
        self._thread = threading.Thread(target=self._run, name="prober", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def seen(self, begin: float = 0.0, end: float = math.inf) -> list[Answer]:
        """Answers to what was due in this time."""
        with self._lock:
            return [one for one in self._seen if begin <= one.due < end]

    def _run(self) -> None:
        asking: list[threading.Thread] = []
        for number in count():
            if self._over.wait(self._every_s):
                break
            text = QUESTIONS[number % len(QUESTIONS)]
            asking.append(threading.Thread(target=self._ask, args=(text,), daemon=True))
            asking[-1].start()
            asking = [thread for thread in asking if thread.is_alive()]
        for thread in asking:
            thread.join(self._within_s)

    def _ask(self, text: str) -> None:
        answer = ask(self._host, text, self._within_s)
        over = replace(answer, over_ms=(time.time() - answer.due) * 1_000)
        with self._lock:
            self._seen.append(over)
