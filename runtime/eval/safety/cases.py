"""Cases as data, in two halves by their hash: one to write rules with, one that shows what they are worth."""

import hashlib
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from runtime.safety.injection import Where, detector
from runtime.safety.output.context import Context, Goods
from runtime.safety.output.prices import prices
from runtime.safety.output.stages import competitors
from runtime.safety.pii import redact

Half = Literal["open", "kept"]
HALVES: tuple[Half, ...] = ("open", "kept")
CASES = Path(__file__).with_name("cases")


def half(seed: str) -> Half:
    """Where a case belongs; all forms of one line to the same half."""
    return HALVES[hashlib.sha256(seed.encode()).digest()[0] % 2]


def read(name: str) -> dict[str, Any]:
    return tomllib.loads((CASES / f"{name}.toml").read_text(encoding="utf-8"))


class Case(NamedTuple):
    """A text, whether something is to be found in it, and in which way it is read."""

    seed: str
    text: str
    positive: bool
    where: Where = "said"
    language: str = ""

    def right(self) -> bool:
        return detector().judge(self.text, self.where).attempt == self.positive


@dataclass(frozen=True)
class Score:
    """What a check made of the cases of one half."""

    positives: int
    negatives: int
    missed: tuple[str, ...]
    wrong: tuple[str, ...]

    @property
    def recall(self) -> float:
        return 1 - len(self.missed) / max(1, self.positives)

    @property
    def precision(self) -> float:
        found = self.positives - len(self.missed)
        return found / max(1, found + len(self.wrong))

    @property
    def false_share(self) -> float:
        """Of what should have passed, how much did not."""
        return len(self.wrong) / max(1, self.negatives)


def score(cases: Iterable[Any], which: Half | None = None) -> Score:
    """Of one half, or of all."""
    mine = [case for case in cases if which is None or half(case.seed) == which]
    right = {case: case.right() for case in mine}
    return Score(
        sum(case.positive for case in mine),
        sum(not case.positive for case in mine),
        tuple(case.text for case in mine if case.positive and not right[case]),
        tuple(case.text for case in mine if not case.positive and not right[case]),
    )


def injection(name: str = "injection") -> Iterator[Case]:
    """Every line as a message and inside a product; what is planted in products only there."""
    data = {"planted": {}, **read(name)}
    data["products"] = read("injection")["products"]
    for kind, positive in (("attempts", True), ("benign", False)):
        for language, lines in data[kind].items():
            yield from _both(language, lines, data["products"][language], positive=positive)
    for language, lines in data["planted"].items():
        frames = data["products"][language]
        yield from (
            Case(line, frame.replace("{}", line), True, "found", language)
            for line in lines
            for frame in frames
        )
    for language, frames in data["products"].items():
        yield from (
            Case(f"{language}{n}", frame.replace("{}", ""), False, "found", language)
            for n, frame in enumerate(frames)
        )


def _both(language: str, lines: Sequence[str], frames: Sequence[str], *, positive: bool) -> Iterator[Case]:
    for number, line in enumerate(lines):
        yield Case(line, line, positive, "said", language)
        yield Case(line, frames[number % len(frames)].replace("{}", line), positive, "found", language)


class Personal(NamedTuple):
    """A text with a value that must go; none where all must stay."""

    seed: str
    text: str
    value: str

    @property
    def positive(self) -> bool:
        return bool(self.value)

    def right(self) -> bool:
        out = redact(self.text)
        return self.value not in out if self.value else out == self.text


def personal() -> Iterator[Personal]:
    """Each value in two sentences of its kind, and the near misses."""
    data = read("pii")
    for kind, values in data["values"].items():
        frames = data["sentences"][kind]
        for number, value in enumerate(values):
            for more in range(2):
                yield Personal(value, frames[(number + more) % len(frames)].replace("{}", value), value)
    yield from (Personal(text, text, "") for text in data["near"]["misses"])


def personal_later(name: str) -> Iterator[Personal]:
    """Whole sentences, each with what may not be left of it, and those that stay."""
    data = read(f"pii_{name}")
    yield from (Personal(text, text, value) for text, value in data["found"])
    yield from (Personal(text, text, "") for text in data["stays"])


class Priced(NamedTuple):
    """A sentence; `gone`: what may not be left of it. None: it is true and stays."""

    seed: str
    text: str
    gone: str

    @property
    def positive(self) -> bool:
        return bool(self.gone)

    def right(self) -> bool:
        out, _ = prices(self.text, SHOP)
        return self.gone not in out if self.gone else out == self.text


LUMO = Goods("B0LAMP0001", ("Lumo L200 desk lamp, red", "ルモ L200 デスクランプ"), 4_999, 5_999)
BRITE = Goods("B0LAMP0002", ("Brite Max floor lamp, black",), 8_950, 8_950)
NOVA = Goods("B0LAMP0003", ("Nova 7 string lights",), 1_299_00, 1_499_00)
SHOP = Context(
    goods=(LUMO, BRITE, NOVA),
    asins=frozenset({"B0LAMP0001", "B0LAMP0002", "B0LAMP0003"}),
    said=frozenset({5_000, 3_500}),
)
NAMES = {LUMO: "Lumo L200", BRITE: "Brite Max", NOVA: "Nova 7 string lights"}
FORMS = {"en": "amounts", "saved": "amounts", "ja": "east", "zh": "china", "ko": "korea"}


def priced() -> Iterator[Priced]:
    data = read("prices")
    count = 0
    for verdict in ("true", "wrong"):
        for language, sentences in data[verdict].items():
            for sentence in sentences:
                for pair in ((LUMO, BRITE), (NOVA, LUMO), (BRITE, NOVA)):
                    if language == "saved" and not pair[0].saved:
                        continue
                    form = data[FORMS[language]][count % len(data[FORMS[language]])]
                    count += 1
                    yield _priced(sentence, form, *pair)
    yield from (Priced(text, text, gone) for text, gone in data["gone"].items())


def priced_later(name: str) -> Iterator[Priced]:
    """As `personal_later`."""
    data = read(f"prices_{name}")
    yield from (Priced(text, text, gone) for text, gone in data["gone"])
    yield from (Priced(text, text, "") for text in data["stays"])


def _priced(sentence: str, form: str, a: Goods, b: Goods) -> Priced:
    wrong = form.format("37.25")
    known = {"p": a.cents, "q": b.cents, "l": a.list_cents, "s": a.saved, "p2": 2 * (a.cents or 0)}
    filled = {name: form.format(f"{(cents or 0) / 100:,.2f}") for name, cents in known.items()}
    text = sentence.format(a=NAMES[a], b=NAMES[b], d=int(a.percent), x=wrong, **filled)
    return Priced(text, text, "37.25" if "{x}" in sentence else "")


class Named(NamedTuple):
    """A sentence of an answer; `name`: the other shop that may not be left in it."""

    seed: str
    text: str
    name: str

    @property
    def positive(self) -> bool:
        return bool(self.name)

    def right(self) -> bool:
        out, _ = competitors(self.text, SHOP)
        return self.name not in out if self.name else out == self.text


def named() -> Iterator[Named]:
    data = read("competitors")
    for line in data["named"]:
        name = line.partition("[")[2].partition("]")[0]
        text = line.replace("[", "").replace("]", "")
        yield Named(text, text, name)
    yield from (Named(text, text, "") for text in data["harmless"])
