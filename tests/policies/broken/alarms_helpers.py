"""One thing broken at a time, for the rules of `policies/rules/alarms.py`."""

from tests.policies.breaking_helpers import (
    ALARM,
    Case,
    all_alarms_of,
    case,
    dropping,
    removing,
    setting,
)

CASES: list[Case] = [
    # Alarms.
    case(
        "an alarm nobody hears",
        "alarm-acts",
        setting("cloudwatch.MetricAlarm primary-alarms-bedrock-throttled", "alarmActions", []),
    ),
    case(
        "an alarm that is switched off",
        "alarm-acts",
        setting("cloudwatch.MetricAlarm primary-alarms-bedrock-throttled", "actionsEnabled", False),
    ),
    case(
        "an alarm into a topic that is not there",
        "alarm-acts",
        setting(
            "cloudwatch.MetricAlarm primary-alarms-bedrock-throttled",
            "alarmActions",
            ["arn:aws:sns:us-east-1:123456789012:nowhere"],
        ),
    ),
    case("an alarm that says nothing of missing data", "alarm-decides", dropping(ALARM, "treatMissingData")),
    case("an alarm that can never fire", "alarm-decides", setting(ALARM, "datapointsToAlarm", 9)),
    case("an alarm without a runbook", "alarm-runbook", dropping(ALARM, "tags")),
    case(
        "an alarm with a runbook that is not there",
        "alarm-runbook",
        setting(ALARM, "tags.Runbook", "call-bob"),
    ),
    case("an alarm that says another runbook", "alarm-runbook", setting(ALARM, "tags.Runbook", "cost-spike")),
    case("a table nobody watches", "alarm-coverage", all_alarms_of("TableName", "concierge-prod-orders")),
    case("search nobody watches", "alarm-coverage", all_alarms_of("DomainName", "concierge-prod-search")),
    case(
        "a service nobody watches",
        "alarm-coverage",
        all_alarms_of("ServiceName", "concierge-prod-rest"),
        "full",
    ),
    case(
        "an endpoint nobody watches",
        "alarm-coverage",
        lambda draft: draft.remove_where(
            "cloudwatch.MetricAlarm",
            lambda alarm: (
                alarm.inputs.get("dimensions", {}).get("EndpointName") == "concierge-prod-intent"
                and "rollback" not in alarm.name
            ),
        ),
        "full",
    ),
    case(
        "new connections nobody counts",
        "connections-alarmed",
        removing("cloudwatch.MetricAlarm primary-alarms-ws-new-connections"),
    ),
]
