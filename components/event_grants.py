"""What may be done to model units around events, and by whom (MOD-3, RUN-17).

The machine that buys can publish and delete nothing; the one that deletes cannot buy, and touches only what
carries the tags of the first. AWS chooses the id of what is bought, so the tags are the fence.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pulumi import Input, Output

from components.grants import Grant, trace, use_key
from components.place import Place
from components.service_role import deliver_logs


@dataclass(frozen=True, kw_only=True)
class EventGrants:
    """`owner`: value of the tag ManagedBy. `rungs`: folder of the parameters that are published."""

    environment: str
    place: Place
    owner: str
    rungs: str
    notices_key_arn: Input[str]

    def up(self, model_ids: Sequence[str], topic_arns: Sequence[Input[str]]) -> list[Grant]:
        """Buys units of these models, in any context variant, and publishes them."""
        place = self.place
        models = [
            place.ownerless_arn("bedrock", f"foundation-model/{model}{variant}")
            for model in model_ids
            for variant in ("", ":*")
        ]
        tagged = self._tags("RequestTag")
        return [
            Grant("BuyUnits", ["bedrock:CreateProvisionedModelThroughput"], models, tagged),
            Grant("TagUnits", ["bedrock:TagResource"], [self._units()], tagged),
            Grant("PublishRungs", ["ssm:GetParameter", "ssm:PutParameter"], [self._parameters()]),
            *self._both(topic_arns),
        ]

    def down(self, topic_arns: Sequence[Input[str]]) -> list[Grant]:
        """Withdraws rungs and deletes their units."""
        delete = ["bedrock:DeleteProvisionedModelThroughput"]
        return [
            Grant("DeleteUnits", delete, [self._units()], self._tags("ResourceTag")),
            Grant("WithdrawRungs", ["ssm:DeleteParameter", "ssm:GetParameter"], [self._parameters()]),
            *self._both(topic_arns),
        ]

    def start(self, machine_arns: Sequence[Input[str]], dead_letters_arn: Input[str]) -> list[Grant]:
        """Starts the machines, and keeps what could not be started."""
        return [
            Grant("StartMachines", ["states:StartExecution"], machine_arns),
            Grant("KeepDeadLetters", ["sqs:SendMessage"], [dead_letters_arn]),
            use_key(self.place, self.notices_key_arn, ["sqs"]),
        ]

    def _both(self, topic_arns: Sequence[Input[str]]) -> list[Grant]:
        return [
            Grant("LookAtUnits", ["bedrock:GetProvisionedModelThroughput"], [self._units()]),
            Grant("Tell", ["sns:Publish"], topic_arns),
            use_key(self.place, self.notices_key_arn, ["sns"]),
            deliver_logs(self.place),
            trace(self.place),
        ]

    def _units(self) -> Output[str]:
        return self.place.arn("bedrock", "provisioned-model/*")

    def _parameters(self) -> Output[str]:
        return self.place.arn("ssm", f"parameter{self.rungs}/*")

    def _tags(self, key: str) -> dict[str, Any]:
        said = {"Stack": self.environment, "ManagedBy": self.owner}
        return {"StringEquals": {f"aws:{key}/{tag}": value for tag, value in said.items()}}
