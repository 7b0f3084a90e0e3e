"""What the messages of each minute ask of the estate: model calls, tokens, streams, sessions, work beside."""

from collections.abc import Mapping
from dataclasses import dataclass

from sizing.assumptions import Assumptions
from sizing.traffic import MINUTE_S, Floats, Traffic

ANSWER_S = {
    "haiku": 1.5,
    "sonnet": 4.0,
    "opus": 8.0,
}  # a whole answer; rehearsal/bedrock/pace.toml and the way there


@dataclass(frozen=True)
class Demand:
    """Per minute of the traffic. Rates are means of the minute."""

    traffic: Traffic
    assumed: Assumptions

    @property
    def messages(self) -> Floats:
        return self.traffic.messages

    def calls(self, model: str) -> Floats:
        """Calls of a model in each minute."""
        return self.messages * self.assumed.calls_a_message.get(model, 0.0)

    def input_tokens(self, model: str) -> Floats:
        return self.calls(model) * self.assumed.calls[model].input

    def output_tokens(self, model: str) -> Floats:
        return self.calls(model) * self.assumed.calls[model].output

    def tokens(self, model: str, output_weight: float = 1.0) -> Floats:
        """What counts against units and quotas; a token that is written may weigh more."""
        return self.input_tokens(model) + output_weight * self.output_tokens(model)

    @property
    def models(self) -> tuple[str, ...]:
        """Those that are called at all."""
        return tuple(name for name, calls in self.assumed.calls_a_message.items() if calls > 0)

    @property
    def streams(self) -> Floats:
        """Answers that are being written at a time (Little's law)."""
        shape = self.messages / MINUTE_S
        return shape * sum(calls * ANSWER_S[model] for model, calls in self.assumed.calls_a_message.items())

    @property
    def sessions(self) -> Floats:
        """People who are connected at a time."""
        return self.messages / MINUTE_S * self.assumed.conversation.message_every_s

    def work(self, what: str) -> Floats:
        """Calls, units or bytes of one kind in each minute."""
        a_message: float = getattr(self.assumed.work, what)
        return self.messages * a_message


def summary(demand: Demand) -> Mapping[str, tuple[float, float]]:
    """What -> (mean, peak), a second where it is a rate: for tables and documents."""
    found: dict[str, Floats] = {"messages/s": demand.messages / MINUTE_S}
    for model in demand.models:
        found[f"{model} calls/s"] = demand.calls(model) / MINUTE_S
        found[f"{model} input tokens/min"] = demand.input_tokens(model)
        found[f"{model} output tokens/min"] = demand.output_tokens(model)
    found["streams at a time"] = demand.streams
    found["sessions at a time"] = demand.sessions
    for name, what in _SHOWN.items():
        found[f"{name}/s"] = demand.work(what) / MINUTE_S
    return {name: (float(values.mean()), float(values.max())) for name, values in found.items()}


_SHOWN = {
    "classifier calls": "classify",
    "embeddings": "embed",
    "searches": "search",
    "reranks": "rerank",
    "catalogue lookups": "catalogue",
    "Valkey commands": "valkey",
    "table reads": "table_reads",
    "table writes": "table_writes",
}
