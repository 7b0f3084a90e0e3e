"""The verifier of consumer contracts: the stand-ins keep them, and whoever does not is told so."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from aiohttp import web
from typer.testing import CliRunner

from concierge.app import app
from contract import consumers as contracts
from contract.consumers import FRESH_DAYS, Consumer, Interaction, consumers
from contract.errors import DONE, FAILED, INCONCLUSIVE
from rehearsal.contracts import verify
from rehearsal.contracts.verify import ContractsError, Report, against, against_stand_ins
from rehearsal.serving import serving
from tests.rehearsal.serving_helpers import in_thread

GOOD = {"asin": "B01", "currency": "USD", "price": 19.99, "list_price": 24.99}
SAMPLES = {"asin": "B01"}


@pytest.fixture(scope="module")
def kept() -> Report:
    return against_stand_ins()


def test_the_stand_ins_keep_every_contract(kept):
    assert [line for line in kept.lines if line.came != "kept"] == []
    assert set(kept.kept) == set(consumers())
    assert kept.exit_code == DONE


def test_every_provider_the_requirement_names_has_a_contract():
    named = {"catalogue", "pricing", "orders", "returns", "shipping", "promotions"}
    assert named <= set(consumers())


def pricing(price: Any, several: Any = None, status: int = 200) -> Any:
    """A price service of our own making."""

    async def one(request: web.Request) -> web.Response:
        if request.match_info["asin"] != "B01":
            return web.json_response({}, status=404)
        return web.json_response(price, status=status)

    async def all_(_: web.Request) -> web.Response:
        return web.json_response(several or {"prices": [GOOD], "missing": ["B0NOBODYS0"]})

    made = web.Application()
    made.add_routes([web.get("/v1/prices/{asin}", one), web.post("/v1/prices", all_)])
    return lambda: serving(made)


def came(served: Any) -> Report:
    with in_thread(served) as url:
        return against({"pricing": url}, SAMPLES)


@pytest.mark.parametrize(
    ("price", "why"),
    [
        ({**GOOD, "price": "19.99"}, "price: is no paid: str"),
        ({**GOOD, "price": 0}, "price: is no paid: int"),
        ({**GOOD, "asin": ""}, "asin: is no name: an empty text"),
        ({"asin": "B01", "price": 1, "list_price": 1}, "currency: is missing"),
        ([], "asin: is missing"),
    ],
)
def test_a_broken_answer_is_caught_and_named_by_its_field(price, why):
    report = came(pricing(price))

    (broken,) = [line for line in report.lines if line.came == "broken"]
    assert broken.interaction == "the price of a product"
    assert why in broken.why
    assert (report.exit_code, report.kept) == (FAILED, [])


def test_another_status_is_caught():
    (broken,) = [line for line in came(pricing({}, status=500)).lines if line.came == "broken"]
    assert broken.why == ("status 500, not 200",)


def test_a_field_no_answer_showed_is_not_taken_for_kept():
    report = came(pricing(GOOD, {"prices": [], "missing": ["B0NOBODYS0"]}))

    (unseen,) = [line for line in report.lines if line.came == "unseen"]
    assert "prices[].price" in unseen.why[0]
    assert (report.exit_code, report.kept) == (INCONCLUSIVE, [])


def test_more_than_was_promised_breaks_nothing():
    assert came(pricing({**GOOD, "tax": 7})).exit_code == DONE


@pytest.mark.parametrize(
    ("provider", "place"), [("pricing", "http://127.0.0.1:9"), ("catalogue", "127.0.0.1:9")]
)
def test_a_provider_that_cannot_be_reached_shows_nothing(provider, place):
    report = against({provider: place}, SAMPLES)

    assert {line.came for line in report.lines} == {"silent"}
    assert report.exit_code == INCONCLUSIVE


def test_nothing_is_written_at_a_provider_unless_it_may_be():
    asked: list[str] = []

    async def refuse(request: web.Request) -> web.Response:
        asked.append(request.headers["Idempotency-Key"])
        return web.json_response({}, status=404)

    made = web.Application()
    made.router.add_route("*", "/{any:.*}", refuse)
    with in_thread(lambda: serving(made)) as url:
        careful = against({"returns": url}, {})
        assert (asked, careful.exit_code) == ([], INCONCLUSIVE)
        assert {line.came for line in careful.lines} == {"skipped"}
        against({"returns": url}, {"order": "ORD-1"}, writes=True)
    assert len(set(asked)) == 3  # each with a key of its own


def test_what_must_be_known_is_asked_for_before_anything_is_sent():
    with pytest.raises(ContractsError, match="give --sample asin="):
        against({"pricing": "http://127.0.0.1:9"}, {})
    with pytest.raises(ContractsError, match="no contract with nobody: there are catalogue, pricing"):
        against_stand_ins(["nobody"])


# --- Freshness ------------------------------------------------------------------------------------------


@pytest.fixture
def files(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Copies of the contracts, for those who write into them."""
    for name in consumers():
        (tmp_path / f"{name}.toml").write_bytes(contracts.file_of(name).read_bytes())
    monkeypatch.setattr(verify, "file_of", lambda provider: tmp_path / f"{provider}.toml")
    yield tmp_path


def test_a_verification_is_written_into_what_was_kept(files, kept, tmp_path):
    day, notes = date(2027, 1, 2), tmp_path / "build" / "verified.json"

    verify.record(["pricing"], day, notes, kept)

    before, after = contracts.file_of("pricing").read_text(), (files / "pricing.toml").read_text()
    (changed,) = set(after.splitlines()) - set(before.splitlines())
    assert changed == "verified = 2027-01-02"
    assert len(after.splitlines()) == len(before.splitlines())
    assert "2027-01-02" not in (files / "orders.toml").read_text()
    assert json.loads(notes.read_text())["verified"] == "2027-01-02"


def consumer(verified: date) -> Consumer:
    asked = Interaction(name="it", method="GET", path="/")
    return Consumer(provider="x", what="x", protocol="http", verified=verified, interactions=(asked,))


@pytest.mark.parametrize(("days", "fresh"), [(0, True), (FRESH_DAYS, True), (FRESH_DAYS + 1, False)])
def test_a_contract_is_fresh_for_seven_days(days, fresh):
    today = date(2026, 12, 24)
    assert consumer(today - timedelta(days=days)).fresh(today) is fresh


# --- The command ----------------------------------------------------------------------------------------


def test_the_command_lists_and_verifies():
    listed = CliRunner().invoke(app, ["contracts", "list", "--json"])
    assert set(json.loads(listed.stdout)) == set(consumers())
    verified = CliRunner().invoke(app, ["contracts", "verify", "promotions", "--json"])
    assert verified.exit_code == DONE
    assert json.loads(verified.stdout)["kept"] == ["promotions"]


def test_the_command_tells_what_is_broken():
    with in_thread(pricing({**GOOD, "price": "19.99"})) as url:
        options = ["--url", f"pricing={url}", "--sample", "asin=B01"]
        said = CliRunner().invoke(app, ["contracts", "verify", *options])

    assert said.exit_code == FAILED
    assert "price: is no paid: str" in said.stdout
