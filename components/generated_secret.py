"""Values that are generated and never seen by a person, of which two stay valid at a time.

One is the header by which gateways know our CloudFront distribution (NET-6); one seeds the keys that tell
clients apart (NET-8), one signs the tokens by which guests resume their sessions (RUN-16): both must be the
same in both regions.

To rotate, raise `generation` by one and run `up`: the new value is used, and the doors accept the new one
and the one before, so that no request fails while CloudFront spreads the change. The next rotation ends the
old one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components.alarms import Quiet
from components.base import Component

LENGTH = 48


@dataclass(frozen=True, kw_only=True)
class GeneratedSecretArgs:
    """`key_arn` encrypts it here, `replica_keys` where it can be read without asking here: region -> key.

    `purpose` is part of its name.
    """

    environment: str
    purpose: str
    generation: int
    key_arn: Input[str]
    replica_keys: Mapping[str, Input[str]]


class GeneratedSecret(Quiet, Component):
    """One secret a generation: the current one, and the one before."""

    kind = "edge:GeneratedSecret"
    quiet = "Secrets Manager knows no age; `components.secret_age` measures it"
    current: Output[str]
    accepted: list[Output[str]]
    digests: list[Output[str]]
    secret_name: str

    def __init__(
        self, name: str, args: GeneratedSecretArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        kept = [number for number in (args.generation, args.generation - 1) if number >= 1]
        self.accepted = [self._generation(number, args) for number in kept]
        self.current = self.accepted[0]
        self.digests = [Output.unsecret(value.apply(_digest)) for value in self.accepted]
        self.secret_name = _secret_name(args, args.generation)
        self.register_outputs({"secret_name": self.secret_name})

    def _generation(self, number: int, args: GeneratedSecretArgs) -> Output[str]:
        secret = aws.secretsmanager.Secret(
            f"{self.name}-{number}",
            name=_secret_name(args, number),
            description="Generated; rotated by its generation.",
            kms_key_id=args.key_arn,
            replicas=[
                {"region": region, "kms_key_id": key} for region, key in sorted(args.replica_keys.items())
            ],
            opts=self.child(),
        )
        fresh = aws.secretsmanager.get_random_password_output(
            password_length=LENGTH,
            exclude_punctuation=True,
            opts=pulumi.InvokeOutputOptions(parent=self),
        ).random_password
        value = aws.secretsmanager.SecretVersion(
            f"{self.name}-{number}-value",
            secret_id=secret.id,
            secret_string=Output.secret(fresh),
            # Asked for anew at every `up`, and used only at the first: the value stays what it was made.
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["secretString"]),
        )
        return Output.secret(value.secret_string.apply(str))


def _secret_name(args: GeneratedSecretArgs, number: int) -> str:
    return f"concierge-{args.environment}-{args.purpose}-{number}"


def _digest(value: str) -> str:
    return sha256(value.encode()).hexdigest()
