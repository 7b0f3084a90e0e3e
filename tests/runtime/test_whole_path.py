"""A message's whole path over sockets and stand-ins: every intent, every frame, every part that may fail."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from contract.controls import Control, Controls
from contract.frames import Resend, Resume, encode
from contract.intents import Intent
from contract.runtime_settings import Experiment
from contract.tiers import Tier
from contract.traffic_settings import BucketSettings, RateSettings
from tests.runtime.house_helpers import CUSTOMER, OTHER, Agent, House, Socket, later

CAMERA = "Which camera do you recommend for travel?"
BATTERY = "How long does the battery of the headphones last?"


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110 - the server has no event for it
            await asyncio.sleep(0.01)


def turned(value: Any) -> Control[Any]:
    return Control(value=value, who="on-call", why="test", expires_at=later())


# --- Intents ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        (BATTERY, Intent.PRODUCT_INFO),
        ("Compare the Aurora camera with the Heron camera", Intent.COMPARISON),
        (CAMERA, Intent.RECOMMENDATION),
        ("Where is my order?", Intent.ORDER_STATUS),
        ("How much is express delivery?", Intent.DELIVERY),
        ("I want a refund", Intent.REFUND),
        ("The mug arrived broken", Intent.COMPLAINT),
        ("Add it to my cart", Intent.CART),
        ("Can I pay with a credit card?", Intent.PAYMENT),
        ("What can you do for me?", Intent.GENERAL),
        ("I want to talk to a human", Intent.ESCALATION),
        ("この商品の値段を教えてください", Intent.PRODUCT_INFO),
        ("返品したいのですが", Intent.REFUND),
    ],
)
def test_every_intent_is_answered_in_frames_without_a_gap(
    house: House, shown: Any, text: str, intent: Intent
):
    async def scene(agent: Agent) -> Any:
        async with agent.socket() as socket:
            return await socket.ask(text)

    frames = house.play(scene)
    final = frames[-1]
    assert shown(frames) == final.text != ""
    assert final.about.intent is intent
    assert final.about.missing == ()


def test_orders_are_the_persons_own_and_a_small_model_tells_them(house: House):
    final = house.play(lambda agent: agent.final("Where is my order?"))
    assert final.tier is Tier.T1
    assert "ORD-" in final.text
    assert [action.kind for action in final.actions] == ["show_order"]


def test_somebody_elses_order_is_as_unknown_as_nobodys(house: House):
    async def scene(agent: Agent) -> Any:
        mine = await agent.final("Where is my order?")
        number = mine.actions[0].value
        with house.broken("bedrock"):
            return await agent.final(f"Where is my order {number}?", OTHER), number

    final, number = house.play(scene)
    assert final.tier is Tier.T2
    assert number in final.text
    assert "can't find" in final.text


def test_a_guest_is_asked_to_sign_in(house: House):
    async def scene(agent: Agent) -> Any:
        with house.broken("bedrock"):
            return await agent.final("Where is my order ORD-20001?", None)

    assert "sign in" in house.play(scene).text


def test_products_come_as_cards_with_the_price_that_pricing_gives(house: House):
    async def scene(agent: Agent) -> Any:
        final = await agent.final(CAMERA)
        async with agent.http.get(f"{house.aws.urls['pricing']}/v1/prices/{final.cards[0].asin}") as answer:
            return final, await answer.json()

    final, price = house.play(scene)
    assert final.cards[0].price_cents == round(price["price"] * 100)
    assert {action.kind for action in final.actions} >= {"show_product"}


def test_passages_are_named_as_sources(house: House):
    assert house.play(lambda agent: agent.final(BATTERY)).about.sources


def test_chitchat_needs_no_model(house: House):
    final = house.play(lambda agent: agent.final("Thank you so much!"))
    assert (final.rung, final.usage.usd) == ("template", 0)


def test_what_is_not_clear_is_asked_back(house: House):
    async def scene(agent: Agent) -> Any:
        return await agent.final("zzgl frobnicate quux blarg wibble wobble nonsense thing")

    final = house.play(scene)
    assert final.about.clarifies
    assert [action.kind for action in final.actions][-1] == "human"
    assert {action.kind for action in final.actions[:-1]} == {"ask"}


def test_a_short_message_goes_on_with_what_was_talked_about(house: House):
    async def scene(agent: Agent) -> Any:
        async with agent.socket() as socket:
            await socket.ask(CAMERA)
            await agent.server.settle(20)
            return (await socket.ask("and in blue?"))[-1]

    assert house.play(scene).about.intent in {Intent.RECOMMENDATION, Intent.PRODUCT_INFO}


# --- Parts that fail -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "match", "text", "lacking"),
    [
        ("search", {}, BATTERY, "search"),
        ("sagemaker", {"model": "rerank"}, BATTERY, "rerank"),
        ("product-search", {}, CAMERA, "product-search"),
        ("pricing", {}, CAMERA, "pricing"),
        ("orders", {}, "Where is my order?", "orders"),
    ],
)
def test_a_part_that_is_down_is_named_and_done_without(
    house: House, target: str, match: dict[str, str], text: str, lacking: str
):
    async def scene(agent: Agent) -> Any:
        with house.broken(target, match=match):
            return await agent.final(text)

    final = house.play(scene)
    assert final.type == "final"
    assert lacking in final.about.missing


def test_without_pricing_there_is_no_price_on_any_card(house: House):
    async def scene(agent: Agent) -> Any:
        with house.broken("pricing"):
            return await agent.final(CAMERA)

    cards = house.play(scene).cards
    assert cards
    assert {card.price_cents for card in cards} == {None}


def test_without_the_classifier_the_rules_decide(house: House):
    async def scene(agent: Agent) -> Any:
        with house.broken("sagemaker", match={"model": "intent"}):
            return await agent.final("my parcel, hm, it is not here yet or is it")

    final = house.play(scene)
    assert final.about.intent is Intent.DELIVERY
    assert not final.about.clarifies


def test_a_dead_cache_or_catalogue_takes_nothing_away(house: House):
    async def scene(agent: Agent) -> Any:
        with house.broken("cache", "reset"), house.broken("catalogue"):
            return await agent.final(BATTERY)

    final = house.play(scene)
    assert final.type == "final"
    assert final.text


def test_without_the_sessions_store_it_goes_on_and_says_so(house: House):
    final = house.play(
        lambda agent: agent.final(BATTERY), elsewhere={"AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.1:9"}
    )
    assert final.type == "final"


def test_when_every_model_is_down_rules_and_facts_still_answer(house: House):
    async def scene(agent: Agent) -> Any:
        with house.broken("bedrock"), house.broken("sagemaker"):
            return [await agent.final(text) for text in ("Where is my order?", CAMERA, BATTERY)]

    orders, products, passages = house.play(scene)
    assert {final.tier for final in (orders, products, passages)} == {Tier.T2}
    assert "Order ORD-" in orders.text
    assert products.cards[0].asin in products.text
    assert passages.text


# --- Frames ----------------------------------------------------------------------------------------------


def test_an_operators_banner_stands_beside_the_answer(house: House):
    async def scene(agent: Agent) -> Any:
        agent.controls = Controls(banner=turned("Deliveries are late today."))
        async with agent.socket() as socket:
            return await socket.ask("Hello")

    frames = house.play(scene)
    assert [frame.type for frame in frames] == ["start", "banner", "delta", "final"]


def test_a_stream_that_breaks_is_corrected_and_the_final_frame_says_so(house: House, shown: Any):
    async def scene(agent: Agent) -> Any:
        with house.broken("bedrock", "cut", match={"model": "sonnet"}):
            async with agent.socket() as socket:
                return await socket.ask(CAMERA)

    frames = house.play(scene)
    assert "correction" in {frame.type for frame in frames}
    assert shown(frames) == frames[-1].text
    assert frames[-1].about.changes


def test_a_client_of_the_version_before_gets_frames_as_it_knows_them(house: House):
    async def scene(agent: Agent) -> Any:
        async with agent.socket(version=2) as socket:
            await socket.send(CAMERA)
            lines: list[str] = []
            while not lines or '"final"' not in lines[-1]:
                lines.append(await socket.ws.receive_str(timeout=60))
            return socket.ws.protocol, lines

    protocol, lines = house.play(scene)
    assert protocol == "concierge.v2"
    assert '"protocol_version":2' in lines[0]
    assert not any(word in lines[-1] for word in ('"cards"', '"actions"', '"about"'))


def test_a_version_nobody_speaks_is_refused(house: House):
    async def scene(agent: Agent) -> int:
        async with agent.http.get(
            f"{agent.url}/ws", headers={"Sec-WebSocket-Protocol": "concierge.v1"}
        ) as answer:
            return answer.status

    assert house.play(scene) == 400


# --- Sessions --------------------------------------------------------------------------------------------


async def talked(agent: Agent, socket: Socket, *texts: str) -> str:
    for text in texts:
        await socket.ask(text)
    await agent.server.settle(20)
    assert socket.session_id is not None
    return socket.session_id


def test_a_customer_resumes_on_another_connection_and_the_model_knows_what_was_said(house: House):
    async def scene(agent: Agent) -> Any:
        async with agent.socket() as first:
            session_id = await talked(agent, first, "Hello", CAMERA)
        async with agent.socket() as second:
            await second.ws.send_str(encode(Resume(session_id=session_id)))
            return await second.frame()

    resumed = house.play(scene)
    assert resumed.type == "resumed"
    assert [turn.asked for turn in resumed.turns] == ["Hello", CAMERA]


def test_nobody_else_resumes_it(house: House):
    async def scene(agent: Agent) -> Any:
        async with agent.socket() as first:
            session_id = await talked(agent, first, CAMERA)
        async with agent.socket(OTHER) as second:
            await second.ws.send_str(encode(Resume(session_id=session_id)))
            refused = await second.frame()
            taken = (await second.ask(CAMERA, session_id=session_id))[-1]
        return refused, taken

    refused, taken = house.play(scene)
    assert (refused.type, refused.code) == ("error", "bad_request")
    assert (taken.type, taken.code) == ("error", "bad_request")


def test_a_guest_resumes_with_the_token_that_a_leaving_server_gave(house: House):
    async def scene(agent: Agent) -> Any:
        async with agent.socket(None) as first:
            session_id = await talked(agent, first, CAMERA)
            await agent.server.drain(20)
            return session_id, await first.frame()

    session_id, parting = house.play(scene)
    assert (parting.type, parting.session_id) == ("reconnect", session_id)

    async def back(agent: Agent) -> Any:
        async with agent.socket(None) as second:
            await second.ws.send_str(encode(Resume(session_id=session_id)))
            without = await second.frame()
            asked = (await second.ask("And what else?", session_id=session_id))[-1]
            token = parting.resume_token
            await second.ws.send_str(encode(Resume(session_id=session_id, resume_token=token)))
            return without, asked, await second.frame(), (await second.ask("Thanks"))[0]

    without, asked, resumed, start = house.play(back)
    assert (without.type, asked.type) == ("error", "error")
    assert [turn.asked for turn in resumed.turns] == [CAMERA]
    assert start.session_id == session_id


def test_a_lost_final_frame_is_sent_again_on_another_connection(house: House):
    async def scene(agent: Agent) -> Any:
        async with agent.socket() as first:
            final = (await first.ask(CAMERA, request_id="lost"))[-1]
            await agent.server.settle(20)
            session_id = first.session_id
        async with agent.socket() as second:
            await second.ws.send_str(encode(Resend(request_id="lost", session_id=session_id)))
            return final, await second.frame()

    final, again = house.play(scene)
    assert again == final


def test_a_gone_connection_stops_the_generation(house: House):
    async def scene(agent: Agent) -> Any:
        with house.broken("bedrock", "hang"):
            async with agent.socket() as socket:
                await socket.send("Tell me about the weather in the shop, in great detail, please")
                await socket.frame()
                await until(lambda: agent.opened.shedding.running == 1)
            await until(lambda: agent.opened.shedding.running == 0)
        return [line for line in agent.lines if "gone" in line.get("message", "")]

    assert len(house.play(scene)) == 1


def test_draining_under_load_loses_no_final_frame(house: House):
    async def scene(agent: Agent) -> Any:
        async def customer(number: int) -> list[Any]:
            async with agent.socket(f"c-{number}") as socket:
                await socket.send(CAMERA)
                frames = [await socket.frame()]
                begun.release()
                while frames[-1].type != "reconnect":
                    frames.append(await socket.frame())
                return frames

        begun = asyncio.Semaphore(0)
        customers = [asyncio.create_task(customer(number)) for number in range(20)]
        for _ in customers:
            await begun.acquire()
        await agent.server.drain(60)
        return await asyncio.gather(*customers)

    for frames in house.play(scene):
        assert [frame.type for frame in frames[-2:]] == ["final", "reconnect"]
        assert [frame.sequence_number for frame in frames[:-1]] == list(range(len(frames) - 1))


# --- Limits, caches, experiments -------------------------------------------------------------------------


def test_who_asks_too_much_is_told_when_to_come_back(house: House):
    few = RateSettings(user=BucketSettings(most=3), guest=BucketSettings(most=2))

    async def scene(agent: Agent) -> Any:
        async with agent.socket("c-many") as socket:
            users = [(await socket.ask("Hello"))[-1] for _ in range(4)]
        async with agent.socket(None) as socket:
            guests = [(await socket.ask("Hello"))[-1] for _ in range(3)]
        return users, guests, agent.values("Failed"), agent.values("Limited")

    users, guests, failed, limited = house.play(scene, rates=few)
    assert [frame.type for frame in users] == ["final", "final", "final", "error"]
    assert users[-1].code == "too_many_requests"
    assert 0 < users[-1].retry_after_s <= 20
    assert [frame.type for frame in guests] == ["final", "final", "error"]
    assert sum(failed) == 0
    assert sum(limited) == 2


def test_the_same_question_of_two_people_is_generated_once(house: House):
    async def scene(agent: Agent) -> Any:
        question = "Which tripods do you sell?"
        return [await agent.final(question, person) for person in (CUSTOMER, OTHER)]

    first, second = house.play(scene)
    assert first.about.cached is None
    assert second.about.cached == "exact"
    assert (second.text, second.cards, second.tier) == (first.text, first.cards, first.tier)
    assert second.usage.usd == 0


def test_a_cached_answer_whose_price_cannot_be_checked_is_not_shown(house: House):
    async def scene(agent: Agent) -> Any:
        question = "Tell me about the Nimbus monitor"
        first = await agent.final(question)
        with house.broken("pricing"):
            return first, await agent.final(question, OTHER)

    first, second = house.play(scene)
    assert first.cards[0].price_cents is not None
    assert second.about.cached is None
    assert second.cards[0].price_cents is None


def test_an_operator_turns_the_cache_off(house: House):
    async def scene(agent: Agent) -> Any:
        agent.controls = Controls(cache_mode=turned("off"))
        question = "Which laptops do you sell?"
        return [(await agent.final(question, person)).about.cached for person in (CUSTOMER, OTHER)]

    assert house.play(scene) == [None, None]


def test_nothing_about_orders_is_cached(house: House):
    async def scene(agent: Agent) -> Any:
        return [await agent.final("Where is my order?", person) for person in (CUSTOMER, OTHER, CUSTOMER)]

    finals = house.play(scene)
    assert {final.about.cached for final in finals} == {None}
    assert finals[0].actions != finals[1].actions


def test_a_person_keeps_their_variant(house: House):
    halves = Experiment(name="short", shares={"concise": 0.5})

    async def scene(agent: Agent) -> Any:
        people = [f"c-{number}" for number in range(40)]
        return [[(await agent.final("Hello", person)).about.variant for person in people] for _ in range(2)]

    first, again = house.play(scene, experiment=halves)
    assert first == again
    assert {"concise", None} == set(first)
    assert 8 < first.count("concise") < 32
