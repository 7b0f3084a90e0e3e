"""OpenSearch as a store of vectors (VEC-1): an engine that has them, nodes that hold them, callers known."""

import re
from typing import Any

from checkov.common.models.enums import CheckCategories, CheckResult
from checkov.terraform.checks.resource.base_resource_check import BaseResourceCheck

DOMAIN = ["aws_opensearch_domain"]
# HNSW graphs live in memory beside the heap: memory-optimised Graviton nodes, never burstable ones.
VECTOR_NODE = re.compile(r"^r[678]gd?\.[a-z0-9]+\.search$")
# From 2.17 on the engine keeps vectors on disk as well and knows the modes that sizing reckons with.
OLDEST = (2, 17)
LOGS = frozenset({"AUDIT_LOGS", "ES_APPLICATION_LOGS", "INDEX_SLOW_LOGS", "SEARCH_SLOW_LOGS"})


class VectorEngine(BaseResourceCheck):
    def __init__(self) -> None:
        super().__init__(
            name="Ensure the search domain runs OpenSearch 2.17 or newer, for its kNN engines",
            id="CKV_CONCIERGE_9",
            categories=[CheckCategories.GENERAL_SECURITY],
            supported_resources=DOMAIN,
        )

    def scan_resource_conf(self, conf: dict[str, Any]) -> CheckResult:
        self.evaluated_keys = ["engine_version"]
        found = re.fullmatch(r"OpenSearch_(\d+)\.(\d+)", conf.get("engine_version", [""])[0])
        new = found is not None and (int(found[1]), int(found[2])) >= OLDEST
        return CheckResult.PASSED if new else CheckResult.FAILED


class VectorNodes(BaseResourceCheck):
    def __init__(self) -> None:
        super().__init__(
            name="Ensure data nodes that hold vectors are memory-optimised Graviton nodes",
            id="CKV_CONCIERGE_10",
            categories=[CheckCategories.GENERAL_SECURITY],
            supported_resources=DOMAIN,
        )

    def scan_resource_conf(self, conf: dict[str, Any]) -> CheckResult:
        self.evaluated_keys = ["cluster_config"]
        types = [cluster.get("instance_type", [""])[0] for cluster in conf.get("cluster_config", [{}])]
        return CheckResult.PASSED if all(VECTOR_NODE.match(type_) for type_ in types) else CheckResult.FAILED


class CallersByRole(BaseResourceCheck):
    def __init__(self) -> None:
        super().__init__(
            name="Ensure search has fine-grained access by IAM roles and no passwords of its own",
            id="CKV_CONCIERGE_11",
            categories=[CheckCategories.IAM],
            supported_resources=DOMAIN,
        )

    def scan_resource_conf(self, conf: dict[str, Any]) -> CheckResult:
        self.evaluated_keys = ["advanced_security_options"]
        options = conf.get("advanced_security_options", [{}])[0]
        on = options.get("enabled", [False])[0] is True
        passwords = options.get("internal_user_database_enabled", [False])[0] is True
        master = [who for who in options.get("master_user_options", []) if who.get("master_user_arn")]
        return CheckResult.PASSED if on and master and not passwords else CheckResult.FAILED


class EveryLog(BaseResourceCheck):
    def __init__(self) -> None:
        super().__init__(
            name="Ensure search writes its audit, error and both slow logs",
            id="CKV_CONCIERGE_12",
            categories=[CheckCategories.LOGGING],
            supported_resources=DOMAIN,
        )

    def scan_resource_conf(self, conf: dict[str, Any]) -> CheckResult:
        self.evaluated_keys = ["log_publishing_options"]
        written = {
            options["log_type"][0]
            for options in conf.get("log_publishing_options", [])
            if options.get("enabled", [True])[0] is True
        }
        return CheckResult.PASSED if written >= LOGS else CheckResult.FAILED


VectorEngine()
VectorNodes()
CallersByRole()
EveryLog()
