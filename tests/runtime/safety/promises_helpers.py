"""What holds for every text there is, for each stage: asked by hypothesis, and by a fuzzer."""

from itertools import pairwise

from runtime.safety.injection import detector
from runtime.safety.letters import low
from runtime.safety.normal import normal
from runtime.safety.output.context import Context, Goods
from runtime.safety.output.money import amounts, discounts
from runtime.safety.output.rules import USUAL, wording
from runtime.safety.output.stages import STAGES, check, check_part
from runtime.safety.pii import find, redact, redacted

LUMO = Goods("B0LAMP0001", ("Lumo L200 desk lamp, red", "ルモ L200 デスクランプ"), 4_999, 5_999)
KNOWN = Context(goods=(LUMO,), asins=frozenset({LUMO.asin}), said=frozenset({5_000}))
UNKNOWN = Context(goods=(Goods(LUMO.asin, LUMO.titles),), asins=frozenset({LUMO.asin}))


def input_holds(text: str) -> None:
    """Normal form, injection, personal data."""
    assert len(low(text)) == len(text)
    once = normal(text)
    assert normal(once).strip() == normal(normal(once)).strip()
    assert 0 <= detector().judge(text).score <= 1
    assert 0 <= detector().judge(text, "found").score <= 1
    found = find(text)
    assert all(a.end <= b.start for a, b in pairwise(found))
    out, originals = redacted(text)
    assert redact(ended := redact(redact(out))) == ended  # words stand nearer once something is out: it ends
    for one in reversed(originals):  # what was taken out leads back to the text
        mark = f"[{one.kind}]"
        assert out.startswith(mark, one.start)
        out = out[: one.start] + one.value + out[one.start + len(mark) :]
    assert out == text


def output_holds(text: str) -> None:
    """Each of the six stages, and all of them."""
    for one in amounts(text):
        assert 0 <= one.start < one.end <= len(text)
    assert all(one.percent >= 0 for one in discounts(text))
    for context in (KNOWN, UNKNOWN):
        for _, stage in STAGES:
            out, findings = stage(text, context)
            assert findings or out == text
        whole = check(text, context).text
        said = whole.removesuffix(f" {wording(USUAL).look}")  # our own sentence is put behind again
        assert check(said, context).text == whole
        assert isinstance(check_part("", text, context), str)
    assert not [one for one in amounts(check(text, UNKNOWN).text) if one.currency == "USD"]
