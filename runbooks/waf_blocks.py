"""WAF refuses many requests: an attack, or a rule that hits real customers?

An attack comes from few addresses: WAF does its work, leave it alone. When many different addresses are
refused by one rule, that rule counts instead of blocking until somebody has mended it; every other rule goes
on.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from runbooks.engine import About, Alarmed, Call, Decision, Finding, Runbook, Switch, World, calling
from runbooks.engine.places import Dimensions, acl
from runbooks.engine.steps import found
from runbooks.engine.watch import METRICS, Watch

ID = "waf-blocks"
LIST, GET, SAMPLES = "wafv2.list_web_acls", "wafv2.get_web_acl", "wafv2.get_sampled_requests"
FEW = 0.5  # of the sample from one address: an attack


def _acl(world: World) -> Mapping[str, Any]:
    name = world.named("acls", "regional")
    listed = world.aws.read("wafv2", "list_web_acls", Scope="REGIONAL")["WebACLs"]
    one = next(each for each in listed if each["Name"] == name)
    found: Mapping[str, Any] = world.aws.read(
        "wafv2", "get_web_acl", Name=name, Scope="REGIONAL", Id=one["Id"]
    )
    return {**found, "Id": one["Id"]}


def _by_rule(world: World) -> Mapping[str, Dimensions]:
    base = acl(world)["regional"]
    rules = _acl(world)["WebACL"]["Rules"]
    return {rule["Name"]: {**base, "Rule": rule["VisibilityConfig"]["MetricName"]} for rule in rules}


ALL = Watch(
    what="refused requests a minute",
    namespace="AWS/WAFV2",
    metric="BlockedRequests",
    of=acl,
    statistic="Sum",
    limit=500,
)
BY_RULE = Watch(
    what="refused requests a minute and rule",
    namespace="AWS/WAFV2",
    metric="BlockedRequests",
    of=_by_rule,
    statistic="Sum",
    limit=400,
    calls=(METRICS, LIST, GET),
)


@calling(LIST, GET, SAMPLES)
def who(world: World) -> Finding:
    """Who is refused: a few addresses, or many?"""
    web_acl = _acl(world)["WebACL"]
    end = world.clock.now()
    seen: Counter[str] = Counter()
    for rule in web_acl["Rules"]:
        answer = world.aws.read(
            "wafv2",
            "get_sampled_requests",
            WebAclArn=web_acl["ARN"],
            RuleMetricName=rule["VisibilityConfig"]["MetricName"],
            Scope="REGIONAL",
            TimeWindow={"StartTime": end - timedelta(minutes=10), "EndTime": end},
            MaxItems=100,
        )
        blocked = [one for one in answer["SampledRequests"] if one.get("Action") == "BLOCK"]
        seen.update(str(one["Request"]["ClientIP"]) for one in blocked)
    if not seen:
        return Finding(what="no refused request in the sample", cause=None)
    (worst, count), total = seen.most_common(1)[0], sum(seen.values())
    return Finding(
        what=f"{len(seen)} addresses in a sample of {total}, {count / total:.0%} from {worst}",
        evidence={"addresses": len(seen), "largest share": round(count / total, 3)},
        cause=count / total > FEW,
    )


def decide(findings: Mapping[str, Finding]) -> Decision:
    """Count instead of blocking only when one rule refuses many different people."""
    total, rule, people = findings["blocked"], findings["rules"], findings["who"]
    if total.cause is None:
        return Decision(course="unclear", why=total.what)
    if not total.cause:
        return Decision(course="leave", why=total.what)
    if people.cause is None:
        return Decision(course="unclear", why=f"{total.what}; {people.what}")
    if people.cause:
        return Decision(course="leave", why=f"an attack: {people.what}; WAF holds it")
    if len(rule.subjects) != 1:
        return Decision(course="leave", why=f"{total.what}, but no single rule stands out: {rule.what}")
    return Decision(course="act", why=f"real people are refused: {rule.what}; {people.what}")


def _present(world: World, name: str) -> str:
    rule = next(rule for rule in _acl(world)["WebACL"]["Rules"] if rule["Name"] == name)
    kind = rule.get("Action") or rule.get("OverrideAction") or {}
    return str(next(iter(kind), "none")).lower()


def _call(world: World, name: str, state: str) -> Call:
    """The whole web ACL, as the API wants it; only this rule differs. Its lock token stops us if stale."""
    known = _acl(world)
    web_acl = known["WebACL"]
    request = {
        "Name": web_acl["Name"],
        "Scope": "REGIONAL",
        "Id": known["Id"],
        "DefaultAction": web_acl["DefaultAction"],
        "VisibilityConfig": web_acl["VisibilityConfig"],
        "LockToken": known["LockToken"],
        "Rules": [_changed(rule, state) if rule["Name"] == name else rule for rule in web_acl["Rules"]],
    }
    return Call(service="wafv2", operation="update_web_acl", request=request)


def _changed(rule: Mapping[str, Any], state: str) -> dict[str, Any]:
    """A rule of ours has an action, a managed group an override."""
    key = "OverrideAction" if "OverrideAction" in rule else "Action"
    return {**rule, key: {state.capitalize(): {}}}


COUNT = Switch(
    name="only count",
    effect="this rule refuses nobody until it is put back; all others do",
    subjects=found("rules"),
    present=_present,
    wanted=lambda _, __, ___: "count",
    call=_call,
    calls=(LIST, GET, "wafv2.update_web_acl"),
    keep=lambda _, rule, __: f"concierge:waf: loosen what {rule} refuses (waf.rest_rate, waf.body_kb)",
)

RUNBOOK = Runbook(
    id=ID,
    about=About(
        impact="real people may be refused; or somebody attacks and is held",
        budget_min=15,
        escalate="security on-call, with the rule and the sample's largest addresses",
    ),
    diagnose={"blocked": ALL, "rules": BY_RULE, "who": who, "alarms": Alarmed(ID)},
    decide=decide,
    mitigate=(COUNT,),
    verify=ALL.well(within_s=600),
)
