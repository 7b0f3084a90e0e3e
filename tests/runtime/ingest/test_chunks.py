"""Cutting: how long chunks are, what they repeat, and what each says of where it stands (VEC-4)."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from contract.ingest_settings import ChunkSettings
from runtime.ingest.chunks import cut, tokens
from runtime.ingest.reading import Block

RULES = ChunkSettings()
WORDS = st.sampled_from(
    ("charge", "the", "device", "battery.", "Never", "お手入れ。", "電源", "返品できます。", "x" * 60)
)
TEXT = st.lists(WORDS, min_size=1, max_size=600).map(" ".join)
BLOCKS = st.lists(
    st.builds(Block, TEXT, st.sampled_from(("", "A", "A / B", "C")), st.sampled_from((None, 1, 2))),
    max_size=8,
)


def paragraphs(count: int, section: str = "", words: int = 100, page: int | None = None) -> list[Block]:
    """Of as many words, each of one token."""
    return [Block(f"{section}{number} " + "word " * (words - 1), section, page) for number in range(count)]


def repeated(before: str, after: str) -> str:
    """What a chunk says again of the one before."""
    most = min(len(before), len(after))
    flat, follows = " ".join(before.split()), " ".join(after.split())
    return next((flat[-size:] for size in range(most, 0, -1) if follows.startswith(flat[-size:])), "")


def test_a_long_text_is_cut_into_512_to_1024_tokens_with_50_to_100_repeated():
    chunks = cut([Block(". ".join(f"Sentence number {n} of this text" for n in range(900)))], RULES)
    assert len(chunks) > 4
    for chunk in chunks[:-1]:
        assert 512 <= tokens(chunk.text) <= 1_024
    for before, after in pairwise(chunks):
        assert 50 <= tokens(repeated(before.text, after.text)) <= 100


def test_a_chunk_ends_where_a_section_ends_once_it_is_long_enough():
    blocks = [
        Block("A", "A", heading=True),
        *paragraphs(6, "A"),
        Block("B", "B", heading=True),
        *paragraphs(6, "B"),
    ]
    assert [chunk.section for chunk in cut(blocks, RULES)] == ["A", "B"]


def test_short_sections_stand_together():
    blocks = [part for name in "ABC" for part in (Block(name, name, heading=True), *paragraphs(1, name, 40))]
    (chunk,) = cut(blocks, RULES)
    assert chunk.section == "A – C"
    assert "A\n\nA0" in chunk.text


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        (("Care / Screen", "Care / Case"), "Care"),
        (("Care", "Care / Case"), "Care"),
        (("", "Case"), ""),
        (("Care / Screen", "Care / Screen"), "Care / Screen"),
    ],
)
def test_what_all_of_a_chunk_is_below(sections, said):
    (chunk,) = cut([block for name in sections for block in paragraphs(1, name, 20)], RULES)
    assert chunk.section == said


def test_a_heading_is_not_left_behind_at_the_end():
    blocks = [*paragraphs(9, "A", 110), Block("B", "B", heading=True), *paragraphs(4, "B", 110)]
    chunks = cut(blocks, RULES)
    assert not any(chunk.text.rstrip().endswith("\n\nB") for chunk in chunks)
    assert [chunk.section for chunk in chunks] == ["A", "B"]


def test_a_chunk_says_the_page_it_begins_on():
    chunks = cut([*paragraphs(9, words=100, page=1), *paragraphs(9, words=100, page=2)], RULES)
    assert [chunk.page for chunk in chunks] == [1, 2]


def test_japanese_is_cut_between_sentences_and_counted_by_letters():
    sentence = "書籍はお届けから三十日以内に返品できます。"
    chunks = cut([Block(sentence * 200)], RULES)
    assert all(chunk.text.endswith("。") for chunk in chunks)
    assert all(512 <= tokens(chunk.text) <= 1_024 for chunk in chunks[:-1])


@given(BLOCKS)
@settings(max_examples=60, deadline=None)
def test_nothing_is_lost_nothing_is_longer_and_it_is_always_the_same(blocks):
    rules = ChunkSettings(least_tokens=60, most_tokens=120, least_overlap=10, most_overlap=20)
    chunks = cut(blocks, rules)
    whole = " ".join(chunk.text for chunk in chunks)
    assert all(word in whole for block in blocks for word in block.text.split()[:1])
    assert sum(tokens(chunk.text) for chunk in chunks) >= sum(tokens(block.text) for block in blocks) * 0.98
    assert all(tokens(chunk.text) <= 120 for chunk in chunks)
    assert cut(blocks, rules) == chunks


@pytest.mark.parametrize(
    "wrong", [{"least_tokens": 2_000}, {"least_overlap": 200}, {"most_overlap": 600}, {"most_tokens": 9_000}]
)
def test_settings_that_cannot_be_kept(wrong):
    with pytest.raises(ValidationError):
        ChunkSettings(**wrong)
