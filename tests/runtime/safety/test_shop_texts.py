"""What the shop itself writes is no attempt and nobody's datum: manuals, policies, questions people ask."""

from rehearsal.shop.goods import Catalogue
from rehearsal.shop.knowledge import documents
from runtime.canned import canned
from runtime.safety.injection import detector
from runtime.safety.output.context import Context
from runtime.safety.output.stages import check, competitors, scope, toxicity
from runtime.safety.pii import find


def test_no_document_of_the_shop_is_left_out_and_none_loses_a_word():
    for document in documents():
        assert not detector().judge(f"{document.title}\n{document.text}", "found").attempt, document.text
        assert find(document.text) == (), document.text
        for stage in (toxicity, competitors, scope):
            assert stage(document.text, Context()) == (document.text, ()), document.text


def test_no_product_of_the_shop_loses_its_words():
    for product in Catalogue().products.values():
        said = f"{product.title}\n{product.title_ja}\n{product.description}"
        assert not detector().judge(said, "found").attempt, said
        assert find(said) == (), said


def test_what_people_ask_most_is_answered_as_it_stands():
    for known in canned().answers:
        assert check(known.text, Context()).text == known.text
        for ask in known.asks:
            assert not detector().judge(ask).attempt, ask
            assert find(ask) == (), ask
