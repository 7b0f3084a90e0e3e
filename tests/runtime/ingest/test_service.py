"""Ingest on its stand-ins: an index, a bucket, a queue, and searches while the index is rebuilt."""

import asyncio
import json
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import boto3
import pytest

from contract import search
from contract.cutover import Cutover
from contract.ingest_settings import IngestSettings
from contract.runtime_settings import RetrievalSettings, RuntimeSettings
from rehearsal import serving, standins
from rehearsal.bedrock.server import Bedrock
from rehearsal.processes import Processes
from rehearsal.search.server import Search
from runtime.ingest.opening import open_ingest
from runtime.ingest.origins import OriginError
from runtime.ingest.queue import Queue
from runtime.ingest.wire import IndexAwayError
from runtime.ingest.worker import Worker
from runtime.places import Places
from runtime.retrieval.opening import open_retrieval
from runtime.telemetry import Telemetry
from tests.rehearsal.serving_helpers import fault, http, in_thread
from tests.runtime.ingest.files_helpers import Place
from tests.runtime.retrieval_helpers import CALM, PATIENT

REGION, BUCKET = "us-east-1", "concierge-documents"
HASTY = IngestSettings(patience_s=1.0, longest_wait_s=0.1, write_actions=7)
CARE = "# Care\n\n" + "\n\n".join(f"Step {n}: wipe the lamp with a soft cloth." for n in range(80))
SINCE = datetime(2026, 11, 1, tzinfo=UTC)


@dataclass
class Library:
    """Where the stand-ins are."""

    search: Search
    url: str

    def visit(self, scene, *, cutover: Cutover | None = None, ingest: IngestSettings = HASTY, **more):
        settings = RuntimeSettings(ingest=ingest)

        async def play():
            async with open_ingest(
                Places(search=self.url),
                settings,
                region=REGION,
                wall=lambda: datetime.now(UTC),
                cutover=lambda: cutover,
                **more,
            ) as opened:
                return await scene(opened)

        return asyncio.run(play())

    def take(self, place: Place, **more):
        return self.visit(lambda opened: opened.run().all(place, most_gone=1.0), **more)

    def rows(self, index: str) -> dict[str, dict]:
        """What a search can find of what was taken in, but for when it was written."""
        return {
            name: {key: value for key, value in row.items() if key != "updated" and value is not None}
            for name, row in self.search.cluster.indices[index].documents.items()
            if not row["deleted"] and row.get("digest", row["chunk"] > 0)
        }

    def find(self, question: str, cutover: Cutover | None = None, **settings):
        async def play():
            async with open_retrieval(
                Places(search=self.url),
                RetrievalSettings(**{**PATIENT, **settings}),
                CALM,
                region=REGION,
                cutover=lambda: cutover,
            ) as parts:
                return await parts.retrieval.find(question)

        return asyncio.run(play())

    @contextmanager
    def broken(self, kind: str, **how):
        status, said = http("POST", f"{self.url}/_concierge/faults", fault("search", kind, **how))
        assert status == 201, said
        try:
            yield
        finally:
            http("DELETE", f"{self.url}/_concierge/faults")


@pytest.fixture(scope="module")
def aws(tmp_path_factory):
    """moto, for S3 and SQS."""
    with Processes(tmp_path_factory.mktemp("moto")) as processes:
        yield standins.url(standins.start_aws(processes))


@pytest.fixture
def library(monkeypatch):
    domain, bedrock = Search(seed=7, speed=60), Bedrock(speed=60)
    index = search.index()
    domain.cluster.templates[index.name] = search.template(index, version="2.19", replicas=0)
    domain.cluster.create(f"{index.name}-000001", {"aliases": {index.name: {"is_write_index": True}}})
    with ExitStack() as stack:
        url = stack.enter_context(in_thread(lambda: serving.serving(domain.app())))
        models = stack.enter_context(in_thread(lambda: serving.serving(bedrock.app())))
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nobody")
        monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", models)
        yield Library(domain, url)


# -- The index -----------------------------------------------------------------------------------------------


def test_all_of_a_place_once_and_its_changes_after_it(library):
    place = Place({"help/care.md": CARE.encode(), "help/a.md": b"# A\n\none\n", "help/b.md": b"# A\n\none\n"})
    first = library.take(place)
    assert {became.value: count for became, count in first.counts.items()} == {"new": 2, "duplicate": 1}
    rows = library.rows("documents-000001")
    assert {row["source"] for row in rows.values()} == {"help/a.md", "help/care.md"}
    assert all(len(row["vector"]) == 1024 for row in rows.values())
    assert {row["section"] for row in rows.values()} == {""}
    place.files = {
        "help/b.md": b"# A\n\none\n",
        "help/care.md": CARE.replace("Step 79", "Step last").encode(),
    }
    report = library.take(place)
    assert {became.value: count for became, count in report.counts.items()}["changed"] == 1
    assert {row["source"] for row in library.rows("documents-000001").values()} == {
        "help/b.md",
        "help/care.md",
    }


def test_what_was_taken_in_is_found_with_where_it_stands(library):
    library.take(
        Place({"help/returns.md": b"# Returns\n\n## Books\n\nBooks can be sent back within 30 days.\n"})
    )
    library.search.cluster.indices["documents-000001"].refresh()
    (passage,) = library.find("How long can I send back books?").passages
    assert (passage.title, passage.section, passage.source) == ("Returns", "Books", "help/returns.md")


@pytest.mark.parametrize("kind", ["throttle", "unavailable"])
def test_an_index_that_pushes_back_is_waited_for(library, kind):
    with library.broken(kind, rate=0.5):
        report = library.take(
            Place({"help/care.md": CARE.encode()}), ingest=HASTY.model_copy(update={"patience_s": 20.0})
        )
    assert not report.failures
    assert library.rows("documents-000001")


def test_a_full_disk_ends_the_run_with_one_line_and_the_next_goes_on(library):
    place = Place({"help/care.md": CARE.encode()})
    with library.broken("disk-full"), pytest.raises(IndexAwayError, match="run it again"):
        library.take(place)
    assert not library.take(place).failures
    assert library.rows("documents-000001")


def test_an_index_of_another_embedder_is_not_written_to(library):
    index = library.search.cluster.indices["documents-000001"]
    index.mappings["_meta"] = {"embedder": "bge-large"}
    with pytest.raises(search.SearchError, match="holds vectors of bge-large, not of titan"):
        library.take(Place({"help/a.md": b"# A\n\none\n"}))
    assert not index.documents


def test_a_question_is_not_compared_with_vectors_of_another_embedder(library):
    library.take(Place({"help/returns.md": b"# Returns\n\nBooks can be sent back within 30 days.\n"}))
    index = library.search.cluster.indices["documents-000001"]
    index.refresh()
    assert library.find("books back").how == "vectors"
    index.mappings["_meta"] = {"embedder": "bge-large"}
    found = library.find("books back")
    assert (found.how, found.lacking) == ("words", ("embedder", "rerank")[:1])
    assert found.passages


# -- While it is rebuilt (VEC-5) -----------------------------------------------------------------------------


def during(share: float, **more) -> Cutover:
    return Cutover(origin="documents-000001", to="documents-2", share=share, since=SINCE, **more)


def test_both_generations_are_written_while_it_lasts(library):
    place = Place({"help/care.md": CARE.encode(), "help/a.md": b"# A\n\none\n"})
    library.take(place)
    library.search.cluster.create("documents-2", {})
    library.search.cluster.indices["documents-000001"].refresh()
    place.files["help/a.md"] = b"# A\n\ntwo\n"
    report = library.take(place, cutover=during(0.1))
    assert not report.failures
    assert library.rows("documents-000001") == library.rows("documents-2")
    place.files["help/a.md"] = b"# A\n\nthree\n"
    library.take(place, cutover=during(1.0, dual_write=False))
    assert library.rows("documents-000001") != library.rows("documents-2")


@pytest.mark.parametrize(
    ("share", "least", "most"), [(0.0, 0, 0), (0.1, 2, 20), (0.5, 30, 70), (1.0, 100, 100)]
)
def test_so_large_a_share_of_questions_reads_the_new_one(library, share, least, most):
    from runtime.retrieval.generations import read_by

    read = [read_by(f"question {n}", during(share)) for n in range(100)]
    assert least <= read.count("documents-2") <= most
    assert read == [read_by(f"question {n}", during(share)) for n in range(100)]
    assert read_by("question", None) == "documents"


def test_a_question_is_asked_of_its_generation(library):
    library.search.cluster.create("documents-2", {})
    place = Place({"help/a.md": b"# Lamps\n\nThe lamp is bright.\n"})
    library.take(
        place, cutover=Cutover(origin="documents-2", to="documents-2", since=SINCE, dual_write=False)
    )
    library.search.cluster.indices["documents-2"].refresh()
    assert not library.find("bright lamp", during(0.0)).passages
    assert library.find("bright lamp", during(1.0)).passages


# -- Bucket and queue ----------------------------------------------------------------------------------------


def event(kind: str, key: str) -> str:
    """As S3 sends it by way of EventBridge; the bulk run writes the same."""
    return json.dumps(
        {"detail-type": f"Object {kind}", "detail": {"bucket": {"name": BUCKET}, "object": {"key": key}}}
    )


@pytest.fixture
def stores(aws, monkeypatch):
    """S3 and a queue, empty."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", aws)
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", aws)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nobody")
    s3, sqs = boto3.client("s3", region_name=REGION), boto3.client("sqs", region_name=REGION)
    s3.create_bucket(Bucket=BUCKET)
    url = sqs.create_queue(QueueName="ingest", Attributes={"ReceiveMessageWaitTimeSeconds": "0"})["QueueUrl"]
    yield s3, sqs, url
    for found in s3.list_objects_v2(Bucket=BUCKET).get("Contents", ()):
        s3.delete_object(Bucket=BUCKET, Key=found["Key"])
    s3.delete_bucket(Bucket=BUCKET)
    sqs.delete_queue(QueueUrl=url)


def test_a_bucket_below_a_prefix(library, stores):
    s3, *_ = stores
    s3.put_object(
        Bucket=BUCKET,
        Key="raw/ja/返品.md",
        Body="# 返品\n\n三十日以内です。\n".encode(),
        Metadata={"genre": "faq"},
    )
    s3.put_object(Bucket=BUCKET, Key="raw/picture.png", Body=b"x")
    s3.put_object(Bucket=BUCKET, Key="processed/a.md", Body=b"# no\n")

    async def scene(opened):
        return await opened.run().all(await opened.origin(f"s3://{BUCKET}/raw/"))

    report = library.visit(scene)
    (row,) = library.rows("documents-000001").values()
    assert (row["source"], row["genre"], row["language"]) == (f"s3://{BUCKET}/raw/ja/返品.md", "faq", "ja")
    assert report.left_out == (f"s3://{BUCKET}/raw/picture.png",)


def test_a_bucket_that_is_not_there_is_told_in_one_line(library, stores):
    async def scene(opened):
        return await opened.run().all(await opened.origin("s3://nobodys/raw/"))

    with pytest.raises(OriginError, match="there is no bucket nobodys"):
        library.visit(scene)


def work(library, stores, *events: str, changed: list | None = None) -> list[dict]:
    """What the worker says while it empties the queue of these."""
    _, sqs, url = stores
    lines: list[dict] = []
    for body in events:
        sqs.send_message(QueueUrl=url, MessageBody=body)

    async def scene(opened):
        async def news() -> None:
            if changed is not None:
                changed.append(True)

        async def bucket(name: str):
            return await opened.bucket(name)

        telemetry = Telemetry("test", lambda: datetime.now(UTC), lambda line: lines.append(json.loads(line)))
        queue = Queue(await opened.clients.of("sqs"), url, 0)
        worker = Worker(
            queue, opened.intake, telemetry, origin=bucket, follow=opened.generations.follow, changed=news
        )
        while messages := await queue.receive():
            await worker.take(messages)

    library.visit(scene)
    return lines


def waiting(stores) -> int:
    _, sqs, url = stores
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    told = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(told[name]) for name in names)


def test_events_twice_late_and_in_any_order_end_in_what_is_there(library, stores):
    s3, *_ = stores
    s3.put_object(Bucket=BUCKET, Key="raw/a.md", Body=b"# A\n\none\n")
    changed: list = []
    work(library, stores, event("Deleted", "raw/a.md"), event("Created", "raw/a.md"), changed=changed)
    work(library, stores, event("Created", "raw/a.md"))
    assert len(library.rows("documents-000001")) == 1
    assert changed
    s3.delete_object(Bucket=BUCKET, Key="raw/a.md")
    work(library, stores, event("Created", "raw/a.md"))
    assert not library.rows("documents-000001")
    assert waiting(stores) == 0


def test_a_twin_is_kept_when_the_first_is_deleted(library, stores):
    s3, *_ = stores
    for name in ("a", "b"):
        s3.put_object(Bucket=BUCKET, Key=f"raw/{name}.md", Body=b"# A\n\none\n")
        work(library, stores, event("Created", f"raw/{name}.md"))
        library.search.cluster.indices["documents-000001"].refresh()
    assert {row["source"] for row in library.rows("documents-000001").values()} == {f"s3://{BUCKET}/raw/a.md"}
    s3.delete_object(Bucket=BUCKET, Key="raw/a.md")
    work(library, stores, event("Deleted", "raw/a.md"))
    assert {row["source"] for row in library.rows("documents-000001").values()} == {f"s3://{BUCKET}/raw/b.md"}


def test_what_fails_stays_in_the_queue_and_what_is_none_of_ours_does_not(library, stores):
    s3, *_ = stores
    s3.put_object(Bucket=BUCKET, Key="raw/bad.pdf", Body=b"no")
    s3.put_object(Bucket=BUCKET, Key="raw/a.md", Body=b"# A\n\none\n")
    lines = work(
        library,
        stores,
        event("Created", "raw/bad.pdf"),
        event("Created", "raw/a.md"),
        event("Created", "raw/picture.png"),
        "nonsense",
    )
    assert waiting(stores) == 1
    assert len(library.rows("documents-000001")) == 1
    told = [line for line in lines if line.get("message") == "a document could not be taken in"]
    assert [line["file"] for line in told] == [f"s3://{BUCKET}/raw/bad.pdf"]
    counted = {line["Outcome"]: line["IngestDocuments"] for line in lines if "IngestDocuments" in line}
    assert counted == {"new": 1, "failed": 1}


def test_while_the_index_is_away_messages_stay(library, stores):
    s3, *_ = stores
    s3.put_object(Bucket=BUCKET, Key="raw/a.md", Body=b"# A\n\none\n")

    with library.broken("disk-full"):
        lines = work(library, stores, event("Created", "raw/a.md"))
    assert waiting(stores) == 1
    assert any("could not be taken in" in line.get("message", "") for line in lines)
