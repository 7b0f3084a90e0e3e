"""Certificates and the zone that proves them (NET-7). Pulumi requests what is missing; DNS must answer."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from plan.model import Resource
from plan.preflight.facts import GLOBAL_REGION, Facts
from plan.preflight.model import Check, Verdict, ok, problem, warning
from plan.preflight.refusals import code

# ACM renews 60 days before the end; one that is nearer was refused by DNS, or is not ACM's to renew.
_NEAR = timedelta(days=45)
# Unasked, ACM lists RSA keys only.
_KEY_TYPES = (
    *("RSA_1024", "RSA_2048", "RSA_3072", "RSA_4096"),
    *("EC_prime256v1", "EC_secp384r1", "EC_secp521r1"),
)
_USABLE = ("ISSUED", "PENDING_VALIDATION")


def _certificates(facts: Facts, region: str) -> Iterator[Verdict]:
    for planned in facts.declared("acm.Certificate", region):
        domain = planned.inputs["domainName"]
        found = [c for c in _known(facts, region) if c["DomainName"] == domain]
        if not found:
            yield ok(f"{domain}: `up` requests it; DNS proves it within minutes")
            continue
        # Of several the best one counts: an expired one may lie beside its successor.
        verdicts = [_state(domain, certificate) for certificate in found]
        yield max(verdicts, key=lambda verdict: verdict.status.rank)


def _known(facts: Facts, region: str) -> Iterator[Mapping[str, Any]]:
    client = facts.client("acm", region)
    every = {"keyTypes": _KEY_TYPES}
    for summary in facts.every("acm", region, "list_certificates", "CertificateSummaryList", Includes=every):
        yield client.describe_certificate(CertificateArn=summary["CertificateArn"])["Certificate"]


def _state(domain: str, certificate: Mapping[str, Any]) -> Verdict:
    status = certificate["Status"]
    if status not in _USABLE:
        return problem(f"{domain}: {status} {certificate.get('FailureReason', '')}".rstrip())
    if status != "ISSUED":
        return warning(
            f"{domain}: not validated yet", "Wait for DNS; look at its CNAME in the zone.", "an hour"
        )
    ends = certificate.get("NotAfter")
    left = ends - datetime.now(tz=UTC) if ends else _NEAR * 2
    if left <= _NEAR:
        renewal = certificate.get("RenewalSummary", {}).get(
            "RenewalStatus", certificate.get("Type", "unknown")
        )
        return problem(f"{domain}: ends {ends:%Y-%m-%d}, in {left.days} days (renewal: {renewal})")
    return ok(f"{domain}: issued" + (f", ends {ends:%Y-%m-%d}" if ends else ""))


def _for_cloudfront(facts: Facts, _: str) -> Iterator[Verdict]:
    for distribution in facts.declared("cloudfront.Distribution"):
        arn = distribution.inputs.get("viewerCertificate", {}).get("acmCertificateArn")
        if not arn:
            yield ok("CloudFront's own certificate")
        elif arn.split(":")[3] != GLOBAL_REGION:
            yield problem(f"the certificate is in {arn.split(':')[3]}")
        elif uncovered := _uncovered(facts, arn, distribution.inputs.get("aliases", ())):
            yield problem(f"the certificate does not cover {', '.join(uncovered)}")
        else:
            yield ok(f"in {GLOBAL_REGION}, covers every alias")


def _uncovered(facts: Facts, arn: str, aliases: Iterable[str]) -> list[str]:
    # The waiting for its validation has the certificate's id too.
    owner = next((c for c in facts.declared("acm.Certificate") if c.id == arn), None)
    if owner is None:
        return []
    names = {owner.inputs["domainName"], *owner.inputs.get("subjectAlternativeNames", ())}
    return [alias for alias in aliases if not {alias, f"*.{alias.partition('.')[2]}"} & names]


def zones(facts: Facts) -> dict[str, list[Resource]]:
    """Hosted zone -> records the plan puts into it, for zones the plan does not make itself."""
    found: dict[str, list[Resource]] = {}
    for record in facts.declared("route53.Record"):
        zone = record.inputs["zoneId"]
        if facts.plan.owner_of(zone) is None:
            found.setdefault(zone, []).append(record)
    return found


def _zone(facts: Facts, region: str) -> Iterator[Verdict]:
    client = facts.client("route53", region)
    for zone, records in zones(facts).items():
        try:
            found = client.get_hosted_zone(Id=zone)["HostedZone"]
        except client.exceptions.ClientError as error:
            if code(error) not in {"NoSuchHostedZone", "InvalidInput"}:
                raise
            yield problem(f"{zone} does not exist in this account")
            continue
        name = found["Name"].rstrip(".")
        outside = sorted({r.inputs["name"] for r in records if not _within(r.inputs["name"], name)})
        if found.get("Config", {}).get("PrivateZone"):
            yield problem(f"{zone} ({name}) is private: nobody outside the VPC can resolve it")
        elif outside:
            yield problem(f"{zone} holds {name}, not {', '.join(outside[:3])}")
        else:
            yield ok(f"{zone} ({name})")


def _within(name: str, zone: str) -> bool:
    return f".{name.rstrip('.')}".endswith(f".{zone}")


CHECKS = (
    Check(
        id="certificates",
        title="Certificates",
        why="An expired certificate is an outage with a date.",
        fix="Restore its validation CNAME in the zone, or remove it so that `up` requests a new one.",
        lead_time="an hour; 72 hours at most",
        look=_certificates,
        actions=("acm:ListCertificates", "acm:DescribeCertificate"),
        types=("acm.Certificate",),
    ),
    Check(
        id="cloudfront-certificate",
        title="CloudFront's certificate",
        why="CloudFront takes certificates from us-east-1 only, and refuses aliases they do not cover.",
        fix="Request it in us-east-1 with every alias.",
        lead_time="an hour",
        look=_for_cloudfront,
        types=("cloudfront.Distribution",),
        everywhere=False,
    ),
    Check(
        id="hosted-zone",
        title="Hosted zone",
        why="Without it no certificate is proved and nobody finds the door.",
        fix="Set domain.name and domain.zone_id to a public zone of this account that holds the name.",
        lead_time="minutes; two days where a registrar must delegate",
        look=_zone,
        actions=("route53:GetHostedZone",),
        types=("route53.Record",),
        everywhere=False,
    ),
)
