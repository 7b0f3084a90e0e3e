"""What is asked of the Bedrock stand-in - models, questions, tools - and how what it says is read."""

from contextlib import AbstractContextManager
from typing import Any

from botocore.exceptions import ClientError

from contract.models import models
from rehearsal.bedrock.server import Bedrock, serving
from tests.rehearsal.serving_helpers import in_thread

SONNET = models()["sonnet"].callable_id("us-east-1")
HAIKU = models()["haiku"].callable_id("us-east-1")
TITAN = "amazon.titan-embed-text-v2:0"
QUESTION = "Which noise cancelling headphones are good for travel?"
ASK: list[dict[str, Any]] = [{"role": "user", "content": [{"text": QUESTION}]}]
PRODUCTS = {
    "products": [
        {"asin": "B0CAMERA01", "name": "Aurora mirrorless camera", "price": 899.0, "in_stock": True},
        {"asin": "B0TRIPOD02", "name": "Heron travel tripod", "price": 129.95, "in_stock": False},
    ]
}
SEARCH = {
    "name": "search_products",
    "description": "Searches the catalogue for products.",
    "inputSchema": {
        "json": {
            "type": "object",
            "properties": {
                "query": {"type": "string"},
                "limit": {"type": "integer", "minimum": 1, "maximum": 20},
                "sort": {"type": "string", "enum": ["price", "rating"]},
            },
            "required": ["query", "limit"],
        }
    },
}
ORDER = {
    "name": "get_order_status",
    "description": "Status of one order of the customer.",
    "inputSchema": {
        "json": {"type": "object", "properties": {"order_id": {"type": "string"}}, "required": ["order_id"]}
    },
}
TOOLS = {"tools": [{"toolSpec": SEARCH}, {"toolSpec": ORDER}]}


def standing_in(bedrock: Bedrock) -> AbstractContextManager[str]:
    """Its URL, as long as the block lasts."""
    return in_thread(lambda: serving(bedrock))


def asking(text: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": [{"text": text}]}]


def said(client: Any, text: str, **more: Any) -> str:
    answer = client.converse(modelId=HAIKU, messages=asking(text), **more)
    return "".join(block.get("text", "") for block in answer["output"]["message"]["content"])


def text_of(events: list[dict[str, Any]]) -> str:
    return "".join(e["contentBlockDelta"]["delta"]["text"] for e in events if "contentBlockDelta" in e)


def refused(client: Any, model_id: str = HAIKU) -> bool:
    """Whether a call is throttled; an accepted one is not read to its end."""
    try:
        client.converse_stream(modelId=model_id, messages=ASK)["stream"].close()
    except client.exceptions.ThrottlingException:
        return True
    return False


def assert_declared(client: Any, error: ClientError) -> None:
    """Status and name are a pair that the service's own model declares for this operation."""
    declared = {
        shape.name: shape.metadata["error"]["httpStatusCode"]
        for shape in client.meta.service_model.operation_model("ConverseStream").error_shapes
    }
    response = error.response
    name = response["Error"]["Code"]
    assert response["ResponseMetadata"]["HTTPStatusCode"] == declared[name]
    assert response["ResponseMetadata"]["HTTPHeaders"]["x-amzn-errortype"].startswith(f"{name}:")
    assert response["ResponseMetadata"]["RequestId"]
