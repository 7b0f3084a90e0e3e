"""Whether AWS grants as much as the plan needs. The quotas are data (`quotas.toml`); each becomes a check."""

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Self

from pydantic import model_validator

from contract.base import Shape
from plan.preflight.facts import Facts
from plan.preflight.model import Check, Verdict, ok, problem, unknown
from plan.preflight.needs import NEEDS, TAKEN
from plan.preflight.refusals import code as code_of

FILE = Path(__file__).with_name("quotas.toml")
ACTIONS = (
    "servicequotas:GetServiceQuota",
    "servicequotas:GetAWSDefaultServiceQuota",
    "servicequotas:ListServiceQuotas",
    "servicequotas:ListAWSDefaultServiceQuotas",
)
# What AWS, and what a stand-in for it, answers about a quota or a service it does not know.
_UNKNOWN_HERE = {"NoSuchResourceException", "NotImplemented", "404", "501"}


class Quota(Shape):
    """One row of `quotas.toml`."""

    title: str
    service: str
    code: str | None = None
    name: str | None = None
    types: tuple[str, ...]
    everywhere: bool = True
    needs: str
    taken: str | None = None
    actions: tuple[str, ...] = ()
    why: str
    lead_time: str

    @model_validator(mode="after")
    def _known(self) -> Self:
        if (self.code is None) == (self.name is None):
            raise ValueError("give one of code and name")
        if self.needs not in NEEDS or (self.taken is not None and self.taken not in TAKEN):
            raise ValueError("needs and taken are names in plan/preflight/needs.py")
        return self


@cache
def rows() -> Mapping[str, Quota]:
    """Id of its check -> quota."""
    found = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return {id_: Quota(**row) for id_, row in found.items()}


def granted(facts: Facts, region: str, service: str, code: str) -> float | None:
    """What was granted, else what every account has; None when AWS knows no such quota here."""
    return facts.once(("quota", region, service, code), lambda: _granted(facts, region, service, code))


def _granted(facts: Facts, region: str, service: str, code: str) -> float | None:
    client = facts.client("service-quotas", region)
    for ask in (client.get_service_quota, client.get_aws_default_service_quota):
        try:
            return float(ask(ServiceCode=service, QuotaCode=code)["Quota"]["Value"])
        except client.exceptions.ClientError as error:
            if code_of(error) not in _UNKNOWN_HERE:
                raise
    return None


def listed(facts: Facts, region: str, service: str) -> Mapping[str, float]:
    """Name -> value that holds, of every quota of a service; none when AWS knows no such service here."""
    return facts.once(("quotas", region, service), lambda: _listed(facts, region, service))


def _listed(facts: Facts, region: str, service: str) -> Mapping[str, float]:
    """AWS lists what was granted to this account apart from what every account has."""
    client = facts.client("service-quotas", region)
    values: dict[str, float] = {}
    for operation in ("list_aws_default_service_quotas", "list_service_quotas"):
        try:
            found = facts.every("service-quotas", region, operation, "Quotas", ServiceCode=service)
            values |= {quota["QuotaName"]: float(quota["Value"]) for quota in found}
        except client.exceptions.ClientError as error:
            if code_of(error) not in _UNKNOWN_HERE:
                raise
    return values


def held_against(granted: float, needed: float, taken: float = 0.0) -> Verdict:
    """The verdict on one number."""
    sums = f"{needed:,.0f} needed" + (f", {taken:,.0f} held by others" if taken else "")
    if needed + taken > granted:
        return problem(f"{granted:,.0f} granted, {sums}", f"Request {needed + taken:,.0f} or more.")
    return ok(f"{granted:,.0f} granted, {sums}")


def _look(quota: Quota, facts: Facts, region: str) -> Iterator[Verdict]:
    place = region if quota.everywhere else None
    needed = NEEDS[quota.needs](facts, place, quota.types)
    if needed == 0:
        yield ok("the plan needs none yet")
        return
    value = (
        granted(facts, region, quota.service, quota.code)
        if quota.code is not None
        else listed(facts, region, quota.service).get(quota.name or "")
    )
    if value is None:
        yield unknown(
            f"Service Quotas does not list it here; {needed:,.0f} needed",
            f"Look for {quota.name or quota.code} of {quota.service} in the Service Quotas console.",
        )
        return
    yield held_against(value, needed, TAKEN[quota.taken](facts, region) if quota.taken else 0.0)


def _endpoint_instances(facts: Facts, region: str) -> Iterator[Verdict]:
    """SageMaker has a quota for every instance type, and grants none of the larger ones unasked."""
    needed: dict[str, int] = {}
    for config in facts.declared("sagemaker.EndpointConfiguration", region):
        for variant in config.inputs.get("productionVariants", ()):
            if kind := variant.get("instanceType"):
                needed[kind] = needed.get(kind, 0) + variant.get("initialInstanceCount", 1)
    values = listed(facts, region, "sagemaker")
    for kind, count in sorted(needed.items()):
        value = values.get(f"{kind} for endpoint usage")
        if value is None:
            yield unknown(f"{kind}: Service Quotas does not list it here; {count} needed")
            continue
        verdict = held_against(value, count)
        yield Verdict(verdict.status, f"{kind}: {verdict.sentence}", verdict.fix)


def _check(id_: str, quota: Quota) -> Check:
    return Check(
        id=id_,
        title=quota.title,
        why=quota.why,
        fix="Request an increase in the Service Quotas console.",
        lead_time=quota.lead_time,
        look=partial(_look, quota),
        actions=(*ACTIONS, *quota.actions),
        types=quota.types,
        everywhere=quota.everywhere,
    )


CHECKS = (
    *(_check(id_, quota) for id_, quota in rows().items()),
    Check(
        id="quota-sagemaker-instances",
        title="SageMaker endpoint instances",
        why="Each instance type has a quota of its own; GPU and Inferentia types start at none.",
        fix="Request an increase in the Service Quotas console.",
        lead_time="two to five days",
        look=_endpoint_instances,
        actions=ACTIONS,
        types=("sagemaker.EndpointConfiguration",),
    ),
)
