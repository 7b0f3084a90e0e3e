"""The places the agent asks, as its tasks are told them: what `runtime/places.py` reads, name for name."""

from collections.abc import Mapping

from pulumi import Input, Output

from components.cache import PORT as CACHE_PORT
from components.gateway_ws import STAGE
from components.network_balancer import GRPC_PORT
from stacks.areas.data import Data
from stacks.areas.doors import Doors
from stacks.areas.mind import Mind
from stacks.site import Site

_TABLES = ("sessions", "feedback", "carts", "wishlist", "profiles", "transactions", "product-graph")


def variables(site: Site, data: Data, mind: Mind, doors: Doors) -> Mapping[str, Input[str]]:
    """Only what is there: what has no place is off."""
    return {
        "CONCIERGE_SEARCH_URL": Output.concat("https://", mind.search.endpoint),
        "CONCIERGE_CACHE_URL": Output.concat(
            f"rediss://{data.cache.user_name}@",
            data.cache.endpoint,
            f":{CACHE_PORT}?iam={data.cache.group_id}",
        ),
        **{
            f"CONCIERGE_TABLE_{table.upper().replace('-', '_')}": data.tables.names[table]
            for table in _TABLES
        },
        "CONCIERGE_TABLE_TICKETS": data.tickets.table,
        "CONCIERGE_TABLE_PII_VAULT": data.tables.names["pii-vault"],
        "CONCIERGE_TABLE_CUSTOMER_KEYS": data.tables.names["customer-keys"],
        "CONCIERGE_KMS_CUSTOMER_KEYS": site.keys["customer-keys"],
        **{f"CONCIERGE_ENDPOINT_{what.upper()}": name for what, name in mind.inference.names.items()},
        **_doors(doors),
        **_shop(site, doors),
    }


def _doors(doors: Doors) -> Mapping[str, Input[str]]:
    """Whose tokens count, what signs our own, and where connections of the gateway are answered."""
    clients = [doors.identity.web_client_id, *doors.identity.machine_client_ids.values()]
    return {
        "CONCIERGE_ISSUER": doors.identity.issuer,
        "CONCIERGE_CLIENTS": Output.all(*clients).apply(",".join),
        **({"CONCIERGE_TOKEN_SECRET": doors.token_secret} if doors.token_secret else {}),
        "CONCIERGE_CALLBACK_URL": Output.concat("https://", doors.websocket.endpoint, f"/{STAGE}"),
    }


def _shop(site: Site, doors: Doors) -> Mapping[str, Input[str]]:
    shop = site.settings.shop
    named = {
        "CONCIERGE_PRODUCT_SEARCH_URL": shop.product_search,
        "CONCIERGE_PRICING_URL": shop.pricing,
        "CONCIERGE_RECOMMENDATION_URL": shop.recommendation,
        "CONCIERGE_SHIPPING_URL": shop.shipping,
        "CONCIERGE_PROMOTIONS_URL": shop.promotions,
        "CONCIERGE_ORDERS_URL": shop.orders,
        "CONCIERGE_CARDS_URL": shop.cards,
        "CONCIERGE_PERSONALIZE_CAMPAIGN": shop.campaign,
    }
    found: dict[str, Input[str]] = {name: place for name, place in named.items() if place is not None}
    if shop.catalogue:
        found["CONCIERGE_CATALOGUE"] = Output.concat(doors.entry.dns_name, f":{GRPC_PORT}")
    return found
