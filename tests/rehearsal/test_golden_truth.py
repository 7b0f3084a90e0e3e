"""What golden prompts and questions expect is true of the shop they are asked about."""

from rehearsal.evaluating import SHOP_SEED, truth
from rehearsal.retrieval_corpus import pages, sections
from rehearsal.shop.goods import Catalogue
from rehearsal.shop.knowledge import documents
from rehearsal.shop.trade import Trade
from runtime.eval.golden import golden
from runtime.eval.retrieval import queries

CATALOGUE = Catalogue(SHOP_SEED)
TRADE = Trade(CATALOGUE, SHOP_SEED)
TITLES = [one.title.casefold() for one in documents(SHOP_SEED)]


def test_products_exist_and_prices_are_right():
    goods = CATALOGUE.products
    for prompt in golden():
        expect = prompt.expect
        assert {*expect.products, *expect.one_of, *expect.prices} <= set(goods), prompt.id
        for asin, dollars in expect.prices.items():
            assert goods[asin].price == round(dollars * 100), prompt.id
        assert prompt.hints.get("asin", "B0LBGJZUMU") in goods, prompt.id


def test_genres_exist_and_something_fits_the_range():
    for prompt in golden():
        expect = prompt.expect
        if expect.genre or expect.most or expect.least:
            fits = [
                good
                for good in CATALOGUE.products.values()
                if expect.genre in ("", good.kind, good.category)
                and (expect.least or 0) * 100 <= good.price <= (expect.most or 1e9) * 100
            ]
            assert fits, prompt.id


def test_orders_are_those_of_the_person_who_asks():
    for prompt in golden():
        mine = {order.id for order in TRADE.of(prompt.person)} if prompt.person else set()
        assert set(prompt.expect.orders) <= mine, prompt.id
        assert prompt.person is None or prompt.person in TRADE.customers, prompt.id


def test_what_is_to_be_cited_is_there():
    for prompt in golden():
        if wanted := prompt.expect.cites:
            assert any(word.casefold() in title for word in wanted.split("|") for title in TITLES), prompt.id


def test_questions_are_answered_by_sections_there_are():
    there = sections()
    for query in queries():
        assert all(f"{section}-{query.lang}" in there for section in query.relevant), query.id
    assert sum(len(page.blocks) for page in pages()) == 2 * len(there)


def test_the_truth_is_the_shops():
    true = truth()
    assert len(true.goods) == len(CATALOGUE.products)
    assert {499, 3_500, 1_299} <= true.said
