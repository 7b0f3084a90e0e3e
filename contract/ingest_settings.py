"""How documents are taken into the search (VEC-4), as `concierge:runtime` in a stack file may change it."""

from typing import Self

from pydantic import Field, model_validator

from contract.base import Knobs


class ChunkSettings(Knobs):
    """How a document is cut. Tokens are estimated: the embedder's own count is known to nobody but it."""

    least_tokens: int = Field(512, ge=20, description="a chunk is filled to so many, over short sections")
    most_tokens: int = Field(1_024, ge=40, le=4_000, description="no chunk is longer")
    least_overlap: int = Field(
        50, ge=0, description="tokens, at least, that a chunk repeats of the one before"
    )
    most_overlap: int = Field(100, ge=0, description="tokens, at most, that it repeats")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.least_tokens > self.most_tokens:
            raise ValueError(
                f"least_tokens {self.least_tokens} is more than most_tokens {self.most_tokens}: lower it"
            )
        if not self.least_overlap <= self.most_overlap <= self.most_tokens // 4:
            raise ValueError(
                f"least_overlap {self.least_overlap} and most_overlap {self.most_overlap} must go up, to a "
                f"quarter of most_tokens at most"
            )
        return self


class IngestSettings(Knobs):
    """Reading, embedding and writing, and how patient each is."""

    chunks: ChunkSettings = ChunkSettings()
    genre: str = Field("document", min_length=1, description="of documents that do not say theirs")
    category: str = Field("shop", min_length=1, description="of documents that do not say theirs")
    language: str = Field("en", min_length=2, description="where neither a document nor its letters say it")
    most_megabytes: int = Field(64, ge=1, description="a larger file is reported, not read")
    batch: int = Field(25, ge=1, le=500, description="documents that are compared and written together")
    batches: int = Field(4, ge=1, description="batches under way at a time, so what is held in memory")
    embeds: int = Field(16, ge=1, description="texts that are embedded at a time")
    embed_s: float = Field(10.0, gt=0, description="longest wait for one vector")
    writes: int = Field(4, ge=1, description="bulk requests at a time; fewer while the index pushes back")
    write_actions: int = Field(200, ge=1, le=5_000, description="lines of one bulk request")
    write_s: float = Field(30.0, gt=0, description="longest wait for one answer of the index")
    patience_s: float = Field(
        300.0, gt=0, description="how long a refusal that passes is tried again, before a run stops"
    )
    longest_wait_s: float = Field(15.0, gt=0, description="longest wait between two tries")
    most_gone: float = Field(
        0.2, ge=0, le=1, description="share of known documents that may be missing before nothing is deleted"
    )
