"""OPS-4: which incidents of the catalogue have a script, and which do not have one yet."""

import pytest

from contract.errors import WrongUseError
from contract.runbooks import catalogue
from runbooks import load, scripts

# This list only ever gets shorter: whoever writes a script takes its line away.
MISSING = [
    "agent-loop",
    "az-loss",
    "bedrock-latency",
    "bedrock-outage",
    "cache-stampede",
    "catalogue-slow",
    "connection-drops",
    "cost-spike",
    "dax-down",
    "dead-letters",
    "deploy-rollback",
    "dynamodb-hot-partition",
    "event-scale-down",
    "event-scale-up",
    "gdpr-erase",
    "haiku-degraded",
    "irrelevant-results",
    "opensearch-disk",
    "opensearch-red",
    "opensearch-slow",
    "pricing-down",
    "region-failover",
    "reindex",
    "restore-drill",
    "sagemaker-latency",
    "sagemaker-unresponsive",
    "secret-rotation",
    "stale-contracts",
    "task-kill-storm",
    "throughput-review",
    "valkey-down",
    "waf-blocks",
    "websocket-limit",
]


def test_the_list_of_missing_scripts_is_exact() -> None:
    assert sorted(set(catalogue()) - set(scripts())) == MISSING


@pytest.mark.parametrize("name", scripts())
def test_every_script_is_the_runbook_of_its_incident(name: str) -> None:
    assert load(name).id == name


@pytest.mark.parametrize(("name", "why"), [("cost-spike", "has no script yet"), ("lunch", "is not in")])
def test_a_runbook_that_is_not_there_is_told(name: str, why: str) -> None:
    with pytest.raises(WrongUseError, match=f"'{name}' {why}.*there are: .*bedrock-throttled"):
        load(name)
