"""Who sees how much of an original."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from runtime.vault.masking import KEPT, Role, Shown, masked, roles
from runtime.vault.sealing import SealError, seal, unseal

KEY, OTHER = b"k" * 32, b"o" * 32


@pytest.mark.parametrize(
    ("kind", "value", "part"),
    [
        ("email", "jane.doe@example.com", "j•••@example.com"),
        ("phone", "+1 415-555-0132", "•••32"),
        ("phone", "911", "[phone]"),
        ("address", "12 Main Street, Springfield 12345", "•••, Springfield •••••"),
        ("address", "東京都千代田区1-1", "[address]"),
        ("name", "Jane Doe", "J. D."),
    ],
)
def test_a_part_tells_who_it_may_be_and_not_where_to_reach_them(kind, value, part):
    assert masked(kind, value, Shown.WHOLE) == value
    assert masked(kind, value, Shown.PART) == part
    assert masked(kind, value, Shown.KIND) == f"[{kind}]"


@given(st.sampled_from(sorted(KEPT)), st.text(min_size=6, max_size=60))
def test_a_part_is_never_the_whole(kind, value):
    assert masked(kind, value, Shown.PART) != value


def test_every_role_sees_only_what_is_kept_and_whoever_counts_sees_nothing_of_it():
    assert {"customer", "support", "fulfilment", "analyst"} <= set(roles())
    for kind in KEPT:
        assert roles()["analyst"].sees(kind) is Shown.KIND
        assert roles()["support"].sees("card") is Shown.NOTHING
    assert roles()["fulfilment"].sees("address") is Shown.WHOLE
    assert roles()["support"].sees("address") is Shown.PART


@pytest.mark.parametrize("wrong", [{"whole": ["card"]}, {"whole": ["name"], "part": ["name"]}, {"what": ""}])
def test_a_role_that_says_something_else_is_none(wrong):
    with pytest.raises(ValidationError):
        Role(**{"what": "somebody", **wrong})


@given(st.binary(max_size=200))
def test_what_is_sealed_opens_with_its_key_for_its_purpose_and_in_no_other_way(plain):
    box = seal(KEY, plain, "a")
    assert unseal(KEY, box, "a") == plain
    assert seal(KEY, plain, "a") != box
    changed = box[:-1] + bytes([box[-1] ^ 1])
    for key, other, about in ((OTHER, box, "a"), (KEY, box, "b"), (KEY, changed, "a"), (KEY, b"", "a")):
        with pytest.raises(SealError):
            unseal(key, other, about)
