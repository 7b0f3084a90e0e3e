"""A rehearsal as it is watched: the screen, the page in a real browser, and a person who is asked."""

import http.client
import io
import threading
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from rich.console import Console

from contract.errors import WrongUseError
from rehearsal import live, live_screen, live_web
from rehearsal.live import AlarmSeen, Bin, Desk, Line, Question, State
from tests.rehearsal.browser_helpers import browser
from tests.rehearsal.evidence_helpers import LENGTH_S, ZERO, traffic

BINS = tuple(
    Bin(at_s=10.0 * number, tiers={"T0": 30, "T1": 10 + number}, p95_ms=600.0 + 100 * number)
    for number in range(20)
)
STATE = State(
    title="Prime Day",
    second=205.0,
    length_s=660.0,
    speed=3.0,
    scene="Sonnet says nothing for long",
    due=4.0,
    served=3.9,
    sent=812,
    messages=2_590,
    failed=0,
    tiers={"T0": 0.2, "T1": 0.8},
    first_token_ms=(480.0, 2_900.0),
    breakers={"sonnet": "open", "haiku": "closed"},
    alarms=(
        AlarmSeen(name="bedrock-throttled", state="ALARM", expected=True),
        AlarmSeen(name="cost-spike", state="ALARM", expected=False),
    ),
    judged=20,
    red=2,
    usd=1.93,
    lines=(
        Line(second=165.0, kind="fault", text="injected: slow 100 % of the calls to bedrock"),
        Line(second=190.0, kind="alarm", text="concierge-dev-bedrock-throttled is <b>ALARM</b>"),
    ),
    bins=BINS,
    question=None,
)


class Shown:
    """Shows a state, and the desk's question with it."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def state(self) -> State:
        return STATE.model_copy(update={"question": self.desk.question})


def asked(desk: Desk) -> tuple[threading.Thread, list[bool]]:
    """Somebody waits for an answer."""
    said: list[bool] = []
    thread = threading.Thread(target=lambda: said.append(desk.ask("bedrock-throttled", "an alarm")))
    thread.start()
    while desk.question is None:
        thread.join(0.01)
    return thread, said


# --- In numbers ---------------------------------------------------------------------------------------------


def test_the_story_so_far_is_in_even_stretches():
    found = live.bins(traffic(), ZERO, LENGTH_S)

    assert [one.at_s for one in found] == [10.0 * number for number in range(LENGTH_S // 10)]
    assert found[0] == Bin(at_s=0, tiers={"T0": 40}, p95_ms=600.0)
    assert found[8].tiers == {"T1": 40}


@pytest.mark.parametrize("yes", [True, False])
def test_a_person_answers_what_is_asked(yes: bool):
    desk = Desk()
    thread, said = asked(desk)
    assert desk.question == Question(runbook="bedrock-throttled", alarm="an alarm")
    desk.answer(yes=yes)
    thread.join()

    assert said == [yes]
    assert Shown(desk).state().question is None


def test_when_the_story_is_over_nobody_waits_for_an_answer():
    desk = Desk()
    thread, said = asked(desk)
    desk.close()
    thread.join()

    assert said == [False]
    assert desk.ask("another", "alarm") is False
    desk.answer(yes=True)  # to nobody


# --- On a screen --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [80, 100, 160])
def test_the_screen_shows_it_all_and_fits(width: int):
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(live_screen.draw(Shown(Desk()).state(), width))
    text = console.export_text()

    for words in (
        "Prime Day",
        "3:25 of 11:00",
        "812 of 2590",
        "2,900 ms",
        "$1.93",
        "sonnet open",
        "18 green",
    ):
        assert words in text, words
    assert "bedrock-throttled" in text
    assert max(map(len, text.splitlines())) <= width


def test_the_screen_asks():
    state = STATE.model_copy(update={"question": Question(runbook="deploy-rollback", alarm="deploy-errors")})
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(live_screen.draw(state, 100))

    assert "apply runbook deploy-rollback for deploy-errors?  y / n, Enter" in console.export_text()


# --- As a page ----------------------------------------------------------------------------------------------


def call(url: str, method: str, path: str, body: str = "", **headers: str) -> tuple[int, str]:
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=10)
    connection.request(method, path, body or None, {"Host": place.netloc, **headers})
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def test_the_page_and_its_state_are_served_and_nothing_else():
    desk = Desk()
    with live_web.served(Shown(desk), desk) as url:
        assert call(url, "GET", "/")[0] == 200
        assert State.model_validate_json(call(url, "GET", "/state")[1]) == STATE
        assert call(url, "GET", "/../report.py")[0] == 404
        assert call(url, "POST", "/answer", "yes please")[0] == 400
        assert call(url, "POST", "/elsewhere", '{"yes": true}')[0] == 404


@pytest.mark.parametrize(
    "headers", [{"Host": "evil.example"}, {"Origin": "http://evil.example"}], ids=["name", "origin"]
)
def test_another_page_of_the_browser_is_told_nothing_and_answers_nothing(headers: dict[str, str]):
    desk = Desk()
    thread, said = asked(desk)
    with live_web.served(Shown(desk), desk) as url:
        assert call(url, "GET", "/state", **headers)[0] == 403
        assert call(url, "POST", "/answer", '{"yes": true}', **headers)[0] == 403
        assert said == []
        assert call(url, "POST", "/answer", '{"yes": true}')[0] == 204
    thread.join()

    assert said == [True]


def test_a_port_that_is_taken_is_one_line():
    desk = Desk()
    with (
        live_web.served(Shown(desk), desk) as url,
        pytest.raises(WrongUseError, match=r"--web: port \d+ cannot be used: "),
        live_web.served(Shown(desk), desk, urlsplit(url).port or 0),
    ):
        pass


@pytest.mark.prove
@pytest.mark.long
def test_the_page_lives_in_a_browser_and_obeys_the_keyboard(tmp_path: Path):
    """What is text stays text; a question is answered with a key."""
    desk = Desk()
    thread, said = asked(desk)
    with live_web.served(Shown(desk), desk) as url, browser() as window:
        window.go(url)
        window.until("document.getElementById('title').textContent === 'Prime Day'")
        assert window.ask("document.querySelectorAll('#lines b').length") == 0
        assert "<b>ALARM</b>" in window.ask("document.getElementById('lines').textContent")
        assert window.ask("document.querySelectorAll('#course rect').length") == 40
        assert window.ask("document.querySelectorAll('#chips .red').length") == 3
        window.until("!document.getElementById('question').hidden")
        (tmp_path / "page.png").write_bytes(window.picture())
        window.press("y")
        thread.join(20)
        assert said == [True]
        window.press(" ")
        window.until("document.getElementById('clock').textContent.includes('held')")
    assert (tmp_path / "page.png").stat().st_size > 10_000
