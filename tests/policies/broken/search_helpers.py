"""One thing broken at a time, for the rules of `policies/rules/search.py`."""

from tests.policies.breaking_helpers import (
    SEARCH,
    Case,
    case,
    setting,
)

CASES: list[Case] = [
    # Search.
    case(
        "search on x86", "search-graviton", setting(SEARCH, "clusterConfig.instanceType", "r6i.large.search")
    ),
    case(
        "search on small nodes",
        "search-graviton",
        setting(SEARCH, "clusterConfig.instanceType", "m7g.large.search"),
    ),
    case("search in one zone", "search-zones", setting(SEARCH, "clusterConfig.zoneAwarenessEnabled", False)),
    case("nodes that do not fit zones", "search-zones", setting(SEARCH, "clusterConfig.instanceCount", 4)),
    case("no masters", "search-masters", setting(SEARCH, "clusterConfig.dedicatedMasterEnabled", False)),
    case("two masters", "search-masters", setting(SEARCH, "clusterConfig.dedicatedMasterCount", 2)),
    case("search for everybody", "search-access", setting(SEARCH, "advancedSecurityOptions.enabled", False)),
    case(
        "no audit of search",
        "search-logs",
        lambda draft: draft.edit(
            SEARCH,
            "logPublishingOptions",
            lambda logs: [log for log in logs if log["logType"] != "AUDIT_LOGS"],
        ),
    ),
    case(
        "search that does not tune itself",
        "search-tuned",
        setting(SEARCH, "autoTuneOptions.desiredState", "DISABLED"),
    ),
]
