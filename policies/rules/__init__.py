"""Every rule, an area a module. A rule knows a `View` and nothing of who made it."""

from collections.abc import Mapping

from policies.rule import Rule
from policies.rules import (
    access,
    alarms,
    compute,
    data,
    edge,
    encryption,
    exposure,
    models,
    operations,
    search,
    secrets,
    transport,
)

RULES: Mapping[str, Rule] = {
    rule.id: rule
    for module in (
        encryption,
        transport,
        exposure,
        compute,
        data,
        search,
        models,
        edge,
        access,
        secrets,
        alarms,
        operations,
    )
    for rule in module.RULES
}
