"""Any story of files, runs, events and deaths ends with an index that says what the files say, once."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from runtime.ingest.documents import documents
from runtime.testing.loop import run as virtually
from tests.runtime.ingest.files_helpers import Place
from tests.runtime.ingest.index_helpers import SMALL, KilledError, Letters, Memory, intake, run

NAMES = st.sampled_from(("help/a.md", "help/b.md", "help/c.md", "help/d.json"))
LENGTHS = st.sampled_from((0, 1, 8, 20))
DEATHS = st.one_of(st.none(), st.integers(0, 12))


def content(name: str, length: int, salt: int) -> bytes:
    if name.endswith(".json"):
        rows = ", ".join(f'{{"id": "{n}", "text": "number {n} of {salt}"}}' for n in range(length % 5 + 1))
        return f"[{rows}]".encode()
    return ("# T\n\n" + "\n\n".join(f"Line {n} of {salt} is here." for n in range(length + 1))).encode()


class Stories(RuleBasedStateMachine):
    """`due`: files that an event tells of, and nobody has taken yet."""

    def __init__(self) -> None:
        super().__init__()
        self.place, self.memory, self.due = Place(), Memory(), set[str]()

    @rule(name=NAMES, length=LENGTHS, salt=st.integers(0, 2))
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

    @rule(dies_after=DEATHS)
    def whole_run(self, dies_after):
        self.memory.dies_after = dies_after
        try:
            virtually(run(self.memory).all(self.place, most_gone=1.0))
        except KilledError:
            return
        finally:
            self.memory.dies_after = None
        self.due.clear()

    @precondition(lambda self: self.due)
    @rule(data=st.data(), dies_after=DEATHS)
    def events(self, data, dies_after):
        names = data.draw(st.lists(st.sampled_from(sorted(self.due)), min_size=1, unique=True))
        self.memory.dies_after = dies_after
        try:
            worker = intake(self.memory)
            outcomes = virtually(worker.take(self.place, names))
            if others := virtually(worker.left_alone(outcomes)):
                virtually(worker.take(self.place, others))
        except KilledError:
            return
        finally:
            self.memory.dies_after = None
        self.due -= set(names)

    @precondition(lambda self: not self.due)
    @rule()
    def says_what_the_files_say(self):
        made = [
            document
            for name, said in self.place.files.items()
            for document in documents(name, said, {}, "shop", SMALL)
        ]
        kept = {row["document"] for row in self.memory.live().values()}
        wanted = {one.id: one for one in made}
        assert kept <= wanted.keys()
        assert {wanted[name].digest for name in kept} == {one.digest for one in made}
        assert len({wanted[name].digest for name in kept}) == len(kept)
        for name in kept:
            rows = {key: row for key, row in self.memory.live().items() if row["document"] == name}
            said = [row["text"] for _, row in sorted(rows.items(), key=lambda pair: pair[1]["chunk"])]
            assert said == [chunk.text for chunk in wanted[name].chunks]
            assert all("vector" in row for row in rows.values())

    def teardown(self):
        self.memory.dies_after = None
        virtually(run(self.memory, vectors=Letters()).all(self.place, most_gone=1.0))
        self.says_what_the_files_say()


Stories.TestCase.settings = settings(max_examples=60, stateful_step_count=15, deadline=None)
TestStories = Stories.TestCase
