"""What one of each part carries (`data/capacities.toml`): measured, limits of AWS, or guesses that say so."""

from collections.abc import Mapping
from functools import cache
from typing import Annotated

from pydantic import Field

from contract.base import Shape
from contract.search import embedders, index
from sizing import documents
from sizing.target import Target

FILE = documents.DATA / "capacities.toml"
Positive = Annotated[float, Field(gt=0)]


class Known(Shape):
    """Where a figure is from."""

    source: str = Field(min_length=1)
    guess: bool = False


class Tasks(Known):
    """A service of the agent. `share`: of messages that reach it."""

    cpu_ms: Positive
    share: float = Field(1.0, gt=0, le=1)


class Chat(Tasks):
    """What also holds sessions."""

    memory_mb_idle: Positive
    kb_session: Positive


class SearchNodes(Known):
    """A data node of the search domain."""

    cpu_ms: Positive
    gb_a_core: Positive


class ValkeyNodes(Known):
    """Commands a second of one primary, by node type."""

    commands: Mapping[str, Positive]


class Endpoints(Known):
    """A SageMaker instance."""

    most_invocations: int = Field(gt=0)


class GatewayLimits(Known):
    """The WebSocket API."""

    message_kb: Positive
    connect_ms: Positive


class TableLimits(Known):
    """One on-demand table."""

    reads: Positive
    writes: Positive


class ModelQuota(Shape):
    """On-demand quota a minute."""

    requests: Positive
    tokens: Positive


class ModelQuotas(Known):
    """Of the models on the ladder."""

    sonnet: ModelQuota
    haiku: ModelQuota
    burndown: float = Field(ge=1)

    def of(self, model: str) -> ModelQuota:
        found: ModelQuota = getattr(self, model)
        return found


class EmbedderQuota(Known):
    """Of the index's embedder, where it is Bedrock's: requests a minute."""

    requests: Positive


class Capacities(Shape):
    """The whole file."""

    busy: float = Field(gt=0, lt=1)
    lead_days: int = Field(gt=0)
    chat: Chat
    rest: Tasks
    tools: Tasks
    search: SearchNodes
    valkey: ValkeyNodes
    endpoints: Endpoints
    gateway: GatewayLimits
    tables: TableLimits
    models: ModelQuotas
    embedder: EmbedderQuota

    def granted(self, target: Target) -> "Capacities":
        """With every quota that the target asks for."""
        return self.model_copy(
            update={
                "models": self.models.model_copy(
                    update={m: self._of_model(target, m) for m in ("sonnet", "haiku")}
                ),
                "embedder": self.embedder.model_copy(
                    update={"requests": max(self.embedder.requests, target.work_s("embed") * 60)}
                ),
                "tables": self.tables.model_copy(
                    update={
                        "reads": max(self.tables.reads, target.work_s("table_reads")),
                        "writes": max(self.tables.writes, target.work_s("table_writes")),
                    }
                ),
            }
        )

    def _of_model(self, target: Target, model: str) -> ModelQuota:
        usual = self.models.of(model)
        return ModelQuota(
            requests=max(usual.requests, target.requests_s(model) * 60),
            tokens=max(usual.tokens, self.quota_tokens(target, model)),
        )

    def quota_tokens(self, target: Target, model: str) -> float:
        """Tokens a minute as a quota counts them: what is written burns down several."""
        call = target.assumed.calls[model]
        return target.calls_s(model) * 60 * (call.input + self.models.burndown * call.output)


@cache
def usual() -> Capacities:
    """The file of this checkout."""
    return documents.read(FILE, Capacities)


def endpoints() -> Mapping[str, str]:
    """Models of our own that the agent asks -> the work of a message that is theirs."""
    asked = {"intent": "classify", "embed": "embed", "rerank": "rerank"}
    return {name: work for name, work in asked.items() if name != "embed" or not embeds_in_bedrock()}


def embeds_in_bedrock() -> bool:
    """An index's vectors are one embedder's; an endpoint that embeds otherwise is asked by nobody."""
    return embedders()[index().embedder].service == "bedrock"
