"""Parts of the estate, made in moto under the names that the plan gives them."""

import json
from contextlib import ExitStack
from typing import Any

from rehearsal import serving
from rehearsal.search.server import Search
from tests.rehearsal.serving_helpers import http, in_thread
from tests.runbooks.beside_moto_helpers import Beside
from tests.runbooks.place_helpers import Place

OPEN: list[ExitStack] = []  # what stands in threads; the tests' fixture closes it
SERVICES = ("chat", "rest", "tools", "ingest")


def close_all() -> None:
    while OPEN:
        OPEN.pop().close()


def beside(place: Place) -> Beside:
    made: Beside = place.memory.setdefault("beside", Beside(place.session, place.heard))
    return made


def ecs(place: Place) -> None:
    """The four services in both regions, two tasks each, scaled between 2 and 50."""
    for role in place.inventory.regions:
        client, scaling = place.client("ecs", role), place.client("application-autoscaling", role)
        cluster = place.name("clusters", "agent", role)
        client.create_cluster(clusterName=cluster)
        for name in SERVICES:
            physical = place.name("services", name, role)
            _revision(client, physical)
            client.create_service(
                cluster=cluster, serviceName=physical, taskDefinition=f"{physical}:1", desiredCount=2
            )
            scaling.register_scalable_target(
                ServiceNamespace="ecs",
                ResourceId=f"service/{cluster}/{physical}",
                ScalableDimension="ecs:service:DesiredCount",
                MinCapacity=2,
                MaxCapacity=50,
            )
            run_tasks(place, name, 2, role)


def _revision(client: Any, family: str) -> None:
    container = {"name": "agent", "image": "agent", "memory": 512}
    client.register_task_definition(family=family, containerDefinitions=[container])


def roll_out(place: Place, name: str) -> None:
    """A new revision serves."""
    client, physical = place.client("ecs"), place.name("services", name)
    _revision(client, physical)
    client.update_service(
        cluster=place.name("clusters", "agent"),
        service=physical,
        taskDefinition=f"{physical}:2",
        forceNewDeployment=True,
    )
    run_tasks(place, name, 2)


def revision(place: Place, name: str) -> str:
    found = place.client("ecs").describe_services(
        cluster=place.name("clusters", "agent"), services=[place.name("services", name)]
    )
    return str(found["services"][0]["taskDefinition"]).rpartition(":")[2]


def deployment(place: Place, name: str) -> str:
    """The id of the deployment that serves."""
    found = place.client("ecs").describe_services(
        cluster=place.name("clusters", "agent"), services=[place.name("services", name)]
    )
    return str(found["services"][0]["deployments"][0]["id"])


def run_tasks(place: Place, name: str, count: int, role: str = "primary") -> None:
    """moto runs no tasks: how many run is what it is told."""
    from moto.ecs.models import ecs_backends

    region = place.inventory.regions[role].region
    services = ecs_backends["123456789012"][region].services
    cluster, physical = place.name("clusters", "agent", role), place.name("services", name, role)
    services[f"{cluster}:{physical}"].running_count = count


def least_tasks(place: Place, name: str) -> int:
    cluster, physical = place.name("clusters", "agent"), place.name("services", name)
    found = place.client("application-autoscaling").describe_scalable_targets(
        ServiceNamespace="ecs", ResourceIds=[f"service/{cluster}/{physical}"]
    )
    return int(found["ScalableTargets"][0]["MinCapacity"])


def sagemaker(place: Place) -> None:
    """The three endpoints, two instances each."""
    client, scaling = place.client("sagemaker"), place.client("application-autoscaling")
    for name, endpoint in place.inventory.primary.endpoints.items():
        client.create_model(ModelName=endpoint, PrimaryContainer={"Image": "model"}, ExecutionRoleArn=ROLE)
        configure(place, name, 1)
        client.create_endpoint(EndpointName=endpoint, EndpointConfigName=f"{endpoint}-1")
        resource = f"endpoint/{endpoint}/variant/main"
        named = {
            "ServiceNamespace": "sagemaker",
            "ResourceId": resource,
            "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
        }
        scaling.register_scalable_target(**named, MinCapacity=2, MaxCapacity=10)
        metric = {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}
        tracking = {"TargetValue": 2000.0, "PredefinedMetricSpecification": metric}
        scaling.put_scaling_policy(
            **named,
            PolicyName="calls",
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration=tracking,
        )

    def update(asked: dict[str, Any]) -> dict[str, Any]:
        from moto.sagemaker.models import sagemaker_backends

        endpoints = sagemaker_backends["123456789012"]["us-east-1"].endpoints
        endpoints[asked["EndpointName"]].endpoint_config_name = asked["EndpointConfigName"]
        return {"EndpointArn": f"arn:aws:sagemaker:us-east-1:123456789012:endpoint/{asked['EndpointName']}"}

    beside(place).answer("sagemaker", "UpdateEndpoint", update)


ROLE = "arn:aws:iam::123456789012:role/model"


def configure(place: Place, name: str, number: int) -> None:
    endpoint = place.name("endpoints", name)
    variant = {
        "VariantName": "main",
        "ModelName": endpoint,
        "InitialInstanceCount": 2,
        "InstanceType": "ml.m5.large",
        "InitialVariantWeight": 1.0,
    }
    place.client("sagemaker").create_endpoint_config(
        EndpointConfigName=f"{endpoint}-{number}", ProductionVariants=[variant]
    )


def endpoint(place: Place, name: str) -> dict[str, Any]:
    return dict(place.client("sagemaker").describe_endpoint(EndpointName=place.name("endpoints", name)))


def domain(place: Place) -> None:
    """The domain as AWS describes it: three data nodes of 100 GB."""
    place.client("opensearch").create_domain(
        DomainName=place.name("domains", "search"),
        EngineVersion="OpenSearch_2.19",
        ClusterConfig={"InstanceType": "r7g.2xlarge.search", "InstanceCount": 3},
        EBSOptions={"EBSEnabled": True, "VolumeType": "gp3", "VolumeSize": 100},
    )


def domain_config(place: Place) -> dict[str, Any]:
    found = place.client("opensearch").describe_domain_config(DomainName=place.name("domains", "search"))
    config = found["DomainConfig"]
    return {**config["ClusterConfig"]["Options"], **config["EBSOptions"]["Options"]}


def cluster(place: Place) -> None:
    """The cluster in that domain: one generation of the index with a hundred documents, and its snapshot."""
    nodes = place.memory.get("nodes", 3)
    stack = ExitStack()
    OPEN.append(stack)
    search = Search(nodes=nodes, speed=60)
    place.memory["search"] = search
    place.search_url = stack.enter_context(in_thread(lambda: serving.serving(search.app())))
    ask(place, "PUT", "/documents-1", generation("titan"))
    fill(place, "documents-1", 100)
    ask(place, "POST", "/_aliases", {"actions": [{"add": {"index": "documents-1", "alias": "documents"}}]})
    ask(place, "PUT", "/_snapshot/ours", {"type": "s3", "settings": {"bucket": "b"}})
    ask(place, "PUT", "/_snapshot/ours/hourly?wait_for_completion=true", {"indices": "documents-*"})


def generation(embedder: str, replicas: int = 2) -> dict[str, Any]:
    return {
        "settings": {"index": {"number_of_shards": 2, "number_of_replicas": replicas}},
        "mappings": {"_meta": {"embedder": embedder}, "properties": {"text": {"type": "text"}}},
    }


def fill(place: Place, index: str, count: int) -> None:
    lines = [
        json.dumps(part) for n in range(count) for part in ({"index": {"_id": str(n)}}, {"text": f"t{n}"})
    ]
    ask(place, "POST", f"/{index}/_bulk", ("\n".join(lines) + "\n").encode())
    ask(place, "POST", f"/{index}/_refresh")


def ask(place: Place, method: str, path: str, body: Any = None) -> Any:
    status, said = http(method, f"{place.search_url}{path}", body)
    assert status < 300 or status == 404, (path, status, said)
    return said


def valkey(place: Place) -> None:
    place.client("elasticache").create_replication_group(
        ReplicationGroupId=place.name("caches", "cache"),
        ReplicationGroupDescription="cache",
        Engine="valkey",
        CacheNodeType="cache.r7g.large",
        NumCacheClusters=3,
    )


def node_type(place: Place) -> str:
    found = place.client("elasticache").describe_replication_groups(
        ReplicationGroupId=place.name("caches", "cache")
    )
    return str(found["ReplicationGroups"][0]["CacheNodeType"])
