"""A certificate for a domain and every name directly below it, proven by a record in the domain's zone.

CloudFront reads certificates of us-east-1 only: for it, hand over a provider of that region. Gateways and
balancers want one of their own region. ACM renews them as long as the record stays.
"""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import Output

from components.alarms import Watch
from components.base import Component
from contract.alarms import Alarm, Widget, graphs

# ACM renews sixty days before the end; what is not renewed by then needs somebody.
SOON_DAYS = 30


@dataclass(frozen=True, kw_only=True)
class CertificateArgs:
    """`zone_id`: the public hosted zone of `domain`."""

    domain: str
    zone_id: str


class Certificate(Component):
    """Issued when `arn` is known: what uses it waits for that."""

    kind = "edge:Certificate"
    arn: Output[str]

    def __init__(self, name: str, args: CertificateArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        certificate = aws.acm.Certificate(
            f"{name}-certificate",
            domain_name=args.domain,
            subject_alternative_names=[f"*.{args.domain}"],
            validation_method="DNS",
            opts=self.child(),
        )
        # The domain and its wildcard are proven by one and the same record.
        asked = certificate.domain_validation_options[0]
        record = aws.route53.Record(
            f"{name}-proof",
            zone_id=args.zone_id,
            name=asked.resource_record_name,
            type=asked.resource_record_type,
            records=[asked.resource_record_value],
            ttl=300,
            # Every region's certificate of one domain asks for the same record.
            allow_overwrite=True,
            opts=self.child(),
        )
        self.arn = aws.acm.CertificateValidation(
            f"{name}-issued",
            certificate_arn=certificate.arn,
            validation_record_fqdns=[record.fqdn],
            opts=self.child(),
        ).certificate_arn
        self.register_outputs({"arn": self.arn})

    def alarms(self) -> list[Watch]:
        ending = Alarm(
            id=f"{self.name}-ends",
            namespace="AWS/CertificateManager",
            metric="DaysToExpiry",
            computed=("CertificateArn",),
            statistic="Minimum",
            comparison="LessThanThreshold",
            threshold=SOON_DAYS,
            period_s=86_400,
            datapoints=1,
            of=1,
            missing="notBreaching",
            severity="ticket",
            impact="In a month nobody can connect: the certificate is not renewed. Is its record there?",
            runbook="secret-rotation",
        )
        return [Watch(ending, {"CertificateArn": self.arn})]

    def widgets(self) -> list[Widget]:
        return graphs(
            "AWS/CertificateManager",
            {"Days until certificates end": ("DaysToExpiry", "Minimum")},
            across=("CertificateArn",),
        )
