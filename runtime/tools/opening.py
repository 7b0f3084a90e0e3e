"""Every tool whose parts are there, in one box."""

from collections.abc import Callable

from contract.runtime_settings import ToolsSettings
from runtime.accounts.opening import Accounts
from runtime.measures import Measures
from runtime.retrieval import Retrieval
from runtime.shop.opening import Shop
from runtime.telemetry import Telemetry
from runtime.tools.carting import Carting
from runtime.tools.goods import Goods
from runtime.tools.paying import Paying, Signing
from runtime.tools.remembering import Remembering
from runtime.tools.shopping import Shopping
from runtime.tools.supporting import Supporting
from runtime.tools.toolbox import Toolbox
from runtime.tools.wallet import Wallet


def toolbox(
    shop: Shop,
    accounts: Accounts,
    retrieval: Retrieval | None,
    signing: Signing,
    settings: ToolsSettings,
    telemetry: Telemetry,
    measures: Measures | None,
    now: Callable[[], float],
) -> Toolbox:
    """`now`: the loop's time."""
    goods, wallet = Goods(shop), Wallet(accounts, shop)
    tools = [
        *Shopping(shop, goods, retrieval).tools(),
        *Carting(accounts, goods).tools(),
        *wallet.tools(),
        *Paying(accounts, shop, goods, wallet, signing).tools(),
        *Supporting(shop).tools(),
        *Remembering(accounts).tools(),
    ]
    return Toolbox(tools, settings, telemetry, measures, now)
