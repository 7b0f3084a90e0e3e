"""Writes `loadtests/data/shop.toml`: `python -m tools.load_data`. A test holds the file to the shop's own
data.

What load tests talk about must exist: the products, customers and orders of the shop that stands in here.
"""

from pathlib import Path

from rehearsal.load_here import SHOP_SEED
from rehearsal.shop.goods import Catalogue
from rehearsal.shop.trade import Trade

FILE = Path(__file__).parents[1] / "loadtests" / "data" / "shop.toml"
PRODUCTS = 160
_HEAD = """# What people talk about: products, customers and orders of the shop that stands in on one machine.
# Made by `python -m tools.load_data`. For another shop write such a file, and name it in the scenario: data
# = "it.toml".
"""


def text() -> str:
    """The whole file."""
    catalogue = Catalogue(SHOP_SEED)
    trade = Trade(catalogue, SHOP_SEED)
    goods = [*catalogue.products.values()]
    step = len(goods) // PRODUCTS
    lines = [_HEAD, "products = ["]
    lines += [
        f'  {{ asin = "{p.asin}", title = "{p.title}", kind = "{p.kind}" }},'
        for p in goods[::step][:PRODUCTS]
    ]
    lines += ["]", "customers = ["]
    for customer in trade.customers.values():
        orders = ", ".join(f'"{order.id}"' for order in trade.of(customer.id)[:3])
        if orders:
            lines.append(f'  {{ id = "{customer.id}", orders = [{orders}] }},')
    return "\n".join([*lines, "]"]) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
