"""What an answer says of the tools that ran for it: each once, in order, with what the model asked for."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

from contract.frames import Used
from contract.runtime_settings import ToolsSettings
from runtime.agents.errand import Errand
from runtime.agents.specialists import HAND_OVER, specialists
from runtime.port import Asked


def test_every_call_is_told_also_one_that_was_not_allowed():
    errand = Errand(
        toolbox=cast("Any", SimpleNamespace(tools={})),
        settings=ToolsSettings(),
        telemetry=cast("Any", None),
        measures=None,
        now=lambda: 0.0,
        begins=specialists()["shopping"],
        caller=cast("Any", SimpleNamespace(word="")),
        request_id="r-1",
        given_up="",
        learn=lambda _: None,
    )

    async def play():
        for tool, arguments in (("pay", {"cart": "c-1"}), (HAND_OVER, {"to": "cart"}), ("add_to_cart", None)):
            await errand.use(Asked(tool, arguments), [])

    asyncio.run(play())
    assert errand.calls == [
        Used(tool="pay", arguments={"cart": "c-1"}, ok=False),
        Used(tool=HAND_OVER, arguments={"to": "cart"}),
        Used(tool="add_to_cart", ok=False),
    ]
