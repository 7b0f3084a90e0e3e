"""The golden prompts themselves: enough of every sort, none twice, none learned by heart."""

import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contract.intents import Intent
from runtime.eval.golden import Expect, GoldenError, alike, chosen, digest, golden, leaks
from tests.runtime.eval.golden_helpers import prompt

LARGE = ("product_info", "comparison", "recommendation", "order_status", "delivery", "refund")
FILE = """
intent: cart
prompts:
  - {id: ca-1, text: "show my cart please", expect: {intent: [cart]}}
"""


def test_there_are_enough_of_every_sort():
    found = golden()
    usual = Counter(one.intent.value for one in found if one.group == "usual")
    assert len(found) >= 500
    assert set(usual) == {intent.value for intent in Intent}
    assert min(usual[name] for name in LARGE) >= 60
    assert sum(one.group == "edge" for one in found) >= 80
    assert sum(one.lang == "ja" for one in found) >= 60


def test_every_prompt_can_be_checked_for_more_than_words_nobody_says():
    silent = Expect()
    weak = [
        one.id
        for one in golden()
        if one.group == "usual" and one.expect.model_copy(update={"never": (), "language": None}) == silent
    ]
    assert weak == []


def test_none_says_what_another_says():
    assert list(alike([prompt("a-1", "where is it"), prompt("a-2", "Where is  it??")])) != []
    assert list(alike([prompt("a-1", "where is it"), prompt("a-2", "where is it", person="c-1")])) == []


def test_none_was_learned_by_heart(root: Path):
    """Neither what the classifier was trained on, nor what rules and answers were written for."""
    assert list(leaks(golden(), _made_from(root))) == []
    assert [
        text for _, text in leaks([prompt("a-1", "cancel my whole order")], ["Cancel my whole order!"])
    ] != []


def _made_from(root: Path) -> Iterator[str]:
    for line in (root / "rehearsal/sagemaker/utterances.tsv").read_text("utf-8").splitlines():
        yield line.partition("\t")[2]
    cases = (root / "runtime/eval/safety/cases").glob("*.toml")
    for file in (root / "runtime/canned.toml", *cases):
        yield from (text for text in _texts(tomllib.loads(file.read_text("utf-8"))) if len(text) >= 8)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _texts(part)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("intent: cart\n", "intent: carts\n", "intent"),
        ("ca-1", "CA 1", "id"),
        ("expect: {intent: [cart]}", "expect: {intnt: [cart]}", "expect.intnt"),
        ("prompts:", "prompts: [", "parsing"),
        ("show my cart please", "", "text"),
    ],
)
def test_what_is_wrong_with_a_file_is_told_in_one_line(tmp_path: Path, before, after, said):
    (tmp_path / "cart.yaml").write_text(FILE.replace(before, after))
    with pytest.raises(GoldenError, match=r"cart\.yaml: ") as wrong:
        golden(tmp_path)
    assert said in str(wrong.value)
    assert "\n" not in str(wrong.value)


def test_an_id_is_given_once(tmp_path: Path):
    (tmp_path / "cart.yaml").write_text(FILE + '  - {id: ca-1, text: "empty it", expect: {}}\n')
    with pytest.raises(GoldenError, match="ca-1: two golden prompts"):
        golden(tmp_path)


def test_no_folder_is_no_prompts(tmp_path: Path):
    with pytest.raises(GoldenError, match="no golden prompts"):
        golden(tmp_path / "nowhere")


def test_some_can_be_chosen():
    found = golden()
    assert {one.intent for one in chosen(found, intents=["cart"])} == {Intent.CART}
    assert [one.id for one in chosen(found, ids=["ca-001"])] == ["ca-001"]
    assert len(chosen(found, first=2)) == 2 * (len(Intent) + 1)
    with pytest.raises(GoldenError, match="no golden prompt 'ca-999'"):
        chosen(found, ids=["ca-999"])
    with pytest.raises(GoldenError, match="no intent 'carts'"):
        chosen(found, intents=["carts"])
    with pytest.raises(GoldenError, match="fits"):
        chosen(found, intents=["cart"], lang="other")


def test_a_digest_is_of_what_is_asked_and_expected():
    assert digest([prompt()]) == digest([prompt()])
    assert digest([prompt()]) != digest([prompt(products=["B0LAMP0001"])])
