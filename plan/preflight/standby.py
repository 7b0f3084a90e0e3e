"""Whether the standby could take over today: as much room, the same keys, copies of the data (NET-7)."""

from collections.abc import Callable, Iterable, Iterator

from contract.models import models
from plan.preflight.facts import Facts
from plan.preflight.model import Check, Verdict, ok, problem, unknown
from plan.preflight.models import ladder, quota_of
from plan.preflight.quotas import ACTIONS, granted, rows
from plan.preflight.refusals import code

Beside = Callable[[Facts, str, str], Iterator[Verdict]]


def _both(look: Beside) -> Callable[[Facts, str], Iterator[Verdict]]:
    """A look at the primary beside the standby, where there is one."""

    def beside(facts: Facts, _: str) -> Iterator[Verdict]:
        if facts.standby is None:
            yield ok("no standby region")
        else:
            yield from look(facts, facts.primary, facts.standby)

    return beside


def _quotas(facts: Facts, primary: str, standby: str) -> Iterator[Verdict]:
    return _compared(primary, standby, _account_quotas(facts, primary, standby))


def _account_quotas(facts: Facts, *regions: str) -> "Iterator[tuple[str, list[float | None]]]":
    for quota in rows().values():
        declared = any(facts.declared(token, regions[0]) for token in quota.types)
        if declared and quota.code is not None:
            yield quota.title, [granted(facts, region, quota.service, quota.code) for region in regions]


def _model_quotas(facts: Facts, primary: str, standby: str) -> Iterator[Verdict]:
    return _compared(primary, standby, _ladder_quotas(facts, primary, standby))


def _ladder_quotas(facts: Facts, *regions: str) -> "Iterator[tuple[str, list[float | None]]]":
    for key in ladder(facts, regions[0]):
        model = models()[key]
        found = facts.client("bedrock", regions[0]).get_foundation_model(modelIdentifier=model.id)
        name = found["modelDetails"]["modelName"]
        for unit in ("requests", "tokens"):
            yield (
                f"{key}, {unit} a minute",
                [quota_of(facts, region, model, name, unit) for region in regions],
            )


def _compared(
    primary: str, standby: str, pairs: "Iterable[tuple[str, list[float | None]]]"
) -> Iterator[Verdict]:
    """Granted in the primary and forgotten in the standby: the commonest way a failover fails."""
    unlisted, same, lower = [], 0, 0
    for title, (here, there) in pairs:
        if here is None or there is None:
            unlisted.append(title)
        elif there < here:
            lower += 1
            yield problem(f"{title}: {there:,.0f} in {standby}, {here:,.0f} in {primary}")
        else:
            same += 1
    if unlisted:
        yield unknown(f"not listed in both regions: {', '.join(unlisted)}")
    if same and not lower:
        yield ok(f"{same} quotas are at least as high in {standby}")


def _keys(facts: Facts, primary: str, standby: str) -> Iterator[Verdict]:
    """A copy encrypted with a key that is not there cannot be read there."""
    wanted, there = _aliases(facts, primary), _aliases(facts, standby)
    if not wanted and not there:
        yield ok("no key stands yet: `up` makes both sides")
        return
    planned = {alias.inputs["name"] for alias in facts.declared("kms.Alias", standby)}
    missing = sorted(planned - there)
    if wanted and missing:
        yield problem(f"{len(missing)} keys stand in {primary} only: {', '.join(missing[:3])}")
    else:
        yield ok(f"{len(there)} keys stand in both regions")


def _aliases(facts: Facts, region: str) -> set[str]:
    """Aliases of the plan that exist and lead to a key."""
    planned = {alias.inputs["name"] for alias in facts.declared("kms.Alias", region)}
    found = facts.every("kms", region, "list_aliases", "Aliases")
    return {alias["AliasName"] for alias in found if alias.get("TargetKeyId")} & planned


def _replicas(facts: Facts, primary: str, standby: str) -> Iterator[Verdict]:
    client, bad, whole = facts.client("dynamodb", primary), [], 0
    for table in facts.declared("dynamodb.Table", primary):
        if not any(r["regionName"] == standby for r in table.inputs.get("replicas", ())):
            continue
        name = table.inputs["name"]
        try:
            found = client.describe_table(TableName=name)["Table"]
        except client.exceptions.ClientError as error:
            if code(error) != "ResourceNotFoundException":
                raise
            continue
        states = {r["RegionName"]: r.get("ReplicaStatus") for r in found.get("Replicas", ())}
        if states.get(standby) == "ACTIVE":
            whole += 1
        else:
            bad.append(problem(f"{name}: its copy in {standby} is {states.get(standby, 'missing')}"))
    yield from bad or [ok(f"{whole} tables have a copy in {standby}" if whole else "no table stands yet")]


def _check(id_: str, title: str, look: Beside, *actions: str, why: str, fix: str, lead_time: str) -> Check:
    return Check(
        id=id_,
        title=title,
        why=why,
        fix=fix,
        lead_time=lead_time,
        look=_both(look),
        actions=actions,
        everywhere=False,
    )


CHECKS = (
    _check(
        "standby-quotas",
        "Standby: quotas",
        _quotas,
        *ACTIONS,
        why="Failing over may not wait for a request to AWS.",
        fix="Request the primary's values in the standby region too.",
        lead_time="as long as it took in the primary",
    ),
    _check(
        "standby-model-quotas",
        "Standby: model quotas",
        _model_quotas,
        *ACTIONS,
        "bedrock:GetFoundationModel",
        why="All traffic of the primary comes to the standby's models.",
        fix="Request the primary's tokens and requests in the standby region too.",
        lead_time="one to three weeks",
    ),
    _check(
        "standby-keys",
        "Standby: keys",
        _keys,
        "kms:ListAliases",
        why="Copied data is read with the standby's own keys.",
        fix="Run `up`; look at what it says of the standby's keys.",
        lead_time="minutes",
    ),
    _check(
        "standby-tables",
        "Standby: table copies",
        _replicas,
        "dynamodb:DescribeTable",
        why="A table without its copy starts empty after failing over.",
        fix="Run `up`; a copy of a large table takes hours.",
        lead_time="minutes to hours",
    ),
)
