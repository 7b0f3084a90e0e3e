"""What sizing leaves behind for runbooks: the forecast that `throughput-review` and `cost-spike` read."""

from datetime import date, timedelta

from contract.forecast import Forecast, UnitsForecast
from sizing.bill import Bill
from sizing.case import Case
from sizing.cost import Bought, models_bill
from sizing.demand import Demand

# Parts of our bill, as Cost Explorer names their services.
SERVICES = {
    "model": "Amazon Bedrock",
    "guardrail": "Amazon Bedrock",
    "embedder": "Amazon Bedrock",
    "tables": "Amazon DynamoDB",
    "tasks": "Amazon Elastic Container Service",
    "search": "Amazon OpenSearch Service",
    "cache": "Amazon ElastiCache",
    "inference": "Amazon SageMaker",
    "edge": "Amazon API Gateway",
    "logs": "AmazonCloudWatch",
}


def forecast(case: Case, bill: Bill, made_on: date) -> Forecast:
    """`bill`: of the case's demand, with the units that the stack has: so will Cost Explorer say."""
    traffic = case.demand.traffic
    return Forecast(
        environment=case.stack,
        made_on=made_on,
        source=traffic.source,
        starts=traffic.start,
        ends=traffic.start + timedelta(minutes=len(traffic.messages)),
        spread=traffic.spread,
        units=_units(case),
        day_usd=_by_service(bill, traffic.days),
        model_usd_per_minute=_busiest_usd(case),
    )


def _units(case: Case) -> dict[str, UnitsForecast]:
    found = {}
    for model, option in case.bought.options.items():
        quote = case.quotes[model]
        if quote is not None:
            found[model] = UnitsForecast(
                units=option.units,
                percentile=case.percentile,
                tokens_per_minute=quote.tokens_per_minute,
                term=option.term,
                utilisation=option.utilisation,
            )
    return found


def _by_service(bill: Bill, days: float) -> dict[str, float]:
    """A mean day; what Cost Explorer has no line of its own for is left out."""
    found: dict[str, float] = {}
    for part, usd in bill.by_part().items():
        service = SERVICES.get(part.split(" ")[0])
        if service is not None:
            found[service] = round(found.get(service, 0.0) + usd / days, 2)
    return found


def _busiest_usd(case: Case) -> float:
    """On demand, in the busiest minute: what the runtime itself measures as CostUsd."""
    traffic = case.demand.traffic
    busiest = traffic.messages[[int(traffic.messages.argmax())]]
    minute = Demand(traffic.only(busiest), case.assumed)
    return round(models_bill(minute, Bought({}, case.quotes), case.region).usd, 4)
