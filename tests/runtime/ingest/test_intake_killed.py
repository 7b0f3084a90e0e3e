"""Any story of files, runs, events and deaths ends with an index that says what the files say, once."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from runtime.ingest.documents import documents
from runtime.ingest.outcomes import Became
from runtime.testing.loop import run as virtually
from tests.runtime.ingest.files_helpers import Place
from tests.runtime.ingest.index_helpers import SMALL, KilledError, Memory, intake, run

NAMES = st.sampled_from(("help/a.md", "help/b.md", "help/c.json"))
LENGTHS = st.sampled_from((0, 3, 8))
SALTS = st.integers(0, 1)
DEATHS = st.integers(0, 6)
WORKERS = st.integers(0, 1)


def content(name: str, length: int, salt: int) -> bytes:
    if name.endswith(".json"):
        rows = ", ".join(f'{{"id": "{n}", "text": "number {n} of {salt}"}}' for n in range(length // 2 + 1))
        return f"[{rows}]".encode()
    return ("# T\n\n" + "\n\n".join(f"Line {n} of {salt} is here." for n in range(length + 1))).encode()


class Stories(RuleBasedStateMachine):
    """`due`: files that an event tells of, and nobody has taken yet, and those of a run that died.

    Two workers take them, as long as they live; a run begins as a process of its own.
    """

    def __init__(self) -> None:
        super().__init__()
        self.place, self.memory, self.due = Place(), Memory(), set[str]()
        self.workers = [intake(self.memory), intake(self.memory)]

    @rule(name=NAMES, length=LENGTHS, salt=SALTS)
    def written(self, name, length, salt):
        self.place.files[name] = content(name, length, salt)
        self.due.add(name)

    @rule(name=NAMES)
    def deleted(self, name):
        if self.place.files.pop(name, None) is not None:
            self.due.add(name)

    @rule()
    def refreshed(self):
        self.memory.refresh()

    @precondition(lambda self: self.due)
    @rule(dies_after=DEATHS, whole=st.booleans(), which=WORKERS)
    def died(self, dies_after, whole, which):
        self.memory.dies_after = dies_after
        try:
            self.run() if whole else self.events(which)
        except KilledError:
            self.workers[which] = intake(self.memory)
            self.due.update(self.place.files if whole else ())
        finally:
            self.memory.dies_after = None

    @rule()
    def run(self):
        """What was written before is to be seen by now: so nothing is kept twice."""
        self.memory.refresh()
        virtually(run(self.memory).all(self.place, most_gone=1.0))
        self.due.clear()
        self.says_what_the_files_say()
        kept = [row["digest"] for row in self.memory.live().values() if row["chunk"] == 0]
        assert len(kept) == len(set(kept))

    @precondition(lambda self: self.due)
    @rule(which=WORKERS)
    def events(self, which):
        """All at once, or one after the other in any order."""
        self.taken(which, sorted(self.due))
        self.due.clear()
        self.says_what_the_files_say()

    @precondition(lambda self: self.due)
    @rule(data=st.data(), which=WORKERS)
    def event(self, data, which):
        name = data.draw(st.sampled_from(sorted(self.due)))
        self.taken(which, [name])
        self.due.discard(name)
        if not self.due:
            self.says_what_the_files_say()

    def taken(self, which, files):
        outcomes = virtually(self.workers[which].told(self.place, files))
        assert not [one for one in outcomes if one.became is Became.FAILED]

    def says_what_the_files_say(self):
        made = [
            document
            for name, said in self.place.files.items()
            for document in documents(name, said, {}, "shop", SMALL)
        ]
        live = self.memory.live()
        kept, wanted = {row["document"] for row in live.values()}, {one.id: one for one in made}
        assert kept <= wanted.keys()
        assert {wanted[name].digest for name in kept} == {one.digest for one in made}
        for name in kept:
            rows = sorted((row["chunk"], row["text"]) for row in live.values() if row["document"] == name)
            assert rows == list(enumerate(chunk.text for chunk in wanted[name].chunks))
        assert all("vector" in row for row in live.values())

    def teardown(self):
        self.run()


Stories.TestCase.settings = settings(max_examples=80, stateful_step_count=12, deadline=None)
TestStories = Stories.TestCase


class MoreStories(Stories):
    """The same, many times over."""


MoreStories.TestCase.settings = settings(max_examples=2_000, stateful_step_count=25, deadline=None)
TestMoreStories = pytest.mark.long(pytest.mark.prove(MoreStories.TestCase))
