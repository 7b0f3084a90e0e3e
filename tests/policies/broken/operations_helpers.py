"""One thing broken at a time, for the rules of `policies/rules/operations.py`."""

from tests.policies.breaking_helpers import (
    EXPERIMENT,
    TRAIL,
    Case,
    case,
    dropping,
    removing,
    replacing,
    setting,
)

CASES: list[Case] = [
    # Operations.
    case(
        "logs for ever",
        "log-retention",
        dropping("cloudwatch.LogGroup primary-agent-chat-log", "retentionInDays"),
    ),
    case(
        "logs for ten years",
        "log-retention",
        setting("cloudwatch.LogGroup primary-agent-chat-log", "retentionInDays", 3653),
    ),
    case("a log nobody declared", "log-declared", removing("cloudwatch.LogGroup primary-agent-chat-log")),
    case("no trail", "audit-trail bucket-own-key", removing(TRAIL)),
    case("a trail of one region", "trail-complete", setting(TRAIL, "isMultiRegionTrail", False)),
    case("a trail that proves nothing", "trail-complete", dropping(TRAIL, "enableLogFileValidation")),
    case("a trail that is off", "trail-complete", setting(TRAIL, "enableLogging", False)),
    case(
        "reads of the vault unseen",
        "vault-reads-recorded",
        lambda draft: draft.edit(
            TRAIL, "advancedEventSelectors", lambda said: [one for one in said if one["name"] != "tables"]
        ),
    ),
    case(
        "a region without recording",
        "config-records",
        setting("cfg.RecorderStatus standby-rules-on", "isEnabled", False),
    ),
    case(
        "a region without a pack of rules",
        "config-records",
        removing("cfg.ConformancePack primary-rules-cis"),
    ),
    case(
        "a region without an analyser",
        "access-analyzer",
        lambda draft: draft.remove_where(
            "accessanalyzer.Analyzer", lambda analyzer: analyzer.region == "us-west-2"
        ),
    ),
    case(
        "resources without an owner",
        "owner-tags",
        replacing("aws aws-primary", "defaultTags", '"Owner"', '"Who"'),
    ),
    case("no budget", "budget-told", removing("budgets.Budget primary-budgets-month")),
    case(
        "a budget nobody hears of at 80 %",
        "budget-told",
        setting("budgets.Budget primary-budgets-month", "notifications.0.subscriberSnsTopicArns", []),
    ),
    case(
        "an experiment nothing stops",
        "experiment-stops",
        setting(EXPERIMENT, "stopConditions", [{"source": "none"}]),
        "full",
    ),
    case(
        "an experiment stopped by an alarm that is not there",
        "experiment-stops",
        setting(EXPERIMENT, "stopConditions.0.value", "arn:aws:cloudwatch:us-east-1:123456789012:alarm:gone"),
        "full",
    ),
    case(
        "an experiment that may hit nothing",
        "experiment-stops",
        setting(EXPERIMENT, "experimentOptions.emptyTargetResolutionMode", "skip"),
        "full",
    ),
    case(
        "a queue without dead letters",
        "queue-redrives",
        dropping("sqs.Queue primary-ingest-queue", "redrivePolicy"),
    ),
    case(
        "dead letters gone in a day",
        "queue-redrives",
        setting("sqs.Queue primary-ingest-dead", "messageRetentionSeconds", 86_400),
    ),
    case(
        "a machine without a log",
        "machine-logged",
        dropping("sfn.StateMachine primary-events-event-up", "loggingConfiguration"),
    ),
]
