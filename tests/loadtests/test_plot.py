"""The plots are valid SVG, and everything on them is inside the drawing and can be read."""

import re
from collections.abc import Iterator, Mapping, Sequence
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests import plot
from loadtests.plot import COLOURS, HEIGHT, MARKS, WIDTH, Mark

SVG = "{http://www.w3.org/2000/svg}"
BINS = [0.0, 2.0, 4.0, 6.0]
KINDS = st.sampled_from(sorted(MARKS))
TEXTS = st.text(max_size=60)
SECONDS = st.floats(-10, 4_000)
marks = st.lists(
    st.builds(Mark, KINDS, TEXTS, SECONDS)
    | st.builds(
        lambda kind, text, at, length: Mark(kind, text, at, at + length),
        KINDS,
        TEXTS,
        SECONDS,
        st.floats(0, 900),
    ),
    max_size=12,
)
heights = st.none() | st.floats(0, 1e7)


def stacked(
    shares: Mapping[str, Sequence[float]], marks: Sequence[Mark] = (), bins: Sequence[float] = BINS
) -> ET.Element:
    colours = dict(zip(shares, COLOURS, strict=False))
    return ET.fromstring(plot.stacked("Who answered", bins, shares, marks, colours))


def lines(
    series: Mapping[str, Sequence[float | None]],
    marks: Sequence[Mark] = (),
    limit: float | None = None,
    bins: Sequence[float] = BINS,
) -> ET.Element:
    return ET.fromstring(plot.lines("First token", bins, series, marks, limit))


def corners(drawing: ET.Element) -> Iterator[tuple[float, float]]:
    """Every point that is drawn: of areas, lines, boxes and where texts begin."""
    for element in drawing.iter():
        tag = element.tag.removeprefix(SVG)
        if tag == "polygon":
            yield from (_point(pair) for pair in element.attrib["points"].split())
        elif tag == "path":
            yield from _of_path(element.attrib["d"])
        elif tag == "rect":
            x, y, width, height = (float(element.attrib[key]) for key in ("x", "y", "width", "height"))
            assert width > 0
            yield from ((x, y), (x + width, y + height))
        elif tag == "text":
            yield float(element.attrib["x"]), float(element.attrib["y"])


def _point(pair: str) -> tuple[float, float]:
    x, y = pair.split(",")
    return float(x), float(y)


def _of_path(d: str) -> Iterator[tuple[float, float]]:
    x, y = 0.0, 0.0
    for step, arguments in re.findall(r"([MLHVh])([^MLHVh]*)", d):
        numbers = [float(number) for number in arguments.split()]
        match step:
            case "M" | "L":
                x, y = numbers
            case "H":
                (x,) = numbers
            case "V":
                (y,) = numbers
            case "h":
                x += numbers[0]
        yield x, y


def inside(drawing: ET.Element) -> bool:
    return all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in corners(drawing))


def labels(drawing: ET.Element) -> list[tuple[str, str, float, float, float]]:
    """(whole text, shown text, left, right, top) of each mark's label."""
    found = []
    for group in drawing.iter(f"{SVG}g"):
        title, box, text = list(group)
        left, width = float(box.attrib["x"]), float(box.attrib["width"])
        found.append((title.text or "", text.text or "", left, left + width, float(box.attrib["y"])))
    return found


def texts(drawing: ET.Element) -> list[str]:
    return ["".join(text.itertext()) for text in drawing.iter(f"{SVG}text")]


# --- Anything that may come ---------------------------------------------------------------------------------


@given(marks, st.integers(1, 60), st.floats(0.1, 60), TEXTS)
def test_any_marks_on_any_shares_are_valid_xml_inside_the_drawing(told, count, width, name):
    bins = [number * width for number in range(count)]
    half = [0.5] * count

    assert inside(stacked({name: half, f"not {name}": half}, told, bins))


@given(marks, st.lists(heights, min_size=1, max_size=60), st.none() | st.floats(1, 1e5))
def test_any_marks_on_any_lines_are_valid_xml_inside_the_drawing(told, values, limit):
    bins = [2.0 * number for number in range(len(values))]

    assert inside(lines({"p95": values}, told, limit, bins))


@given(marks)
def test_labels_stay_inside_and_their_text_inside_them(told: list[Mark]):
    """By a width that is generous for the usual fonts; a wide character counts double."""
    for _, shown, left, right, _ in labels(stacked({"T0": [1.0] * 4}, told)):
        assert left >= 0
        assert right <= WIDTH
        assert sum(6.4 if character.isascii() else 14 for character in shown) <= max(0, right - left - 9.9)


def test_nothing_at_all_is_still_a_drawing():
    assert inside(stacked({}, bins=[]))
    assert inside(lines({}, bins=[]))
    assert inside(lines({"p50": [None] * 4, "p95": [0.0] * 4}))


def test_hostile_text_is_text():
    """A name from a file or an error message is never markup, nor what XML cannot hold."""
    hostile = '<script>alert("1")</script> & \x00\x1b[31m\ud800'
    drawing = stacked({hostile: [1.0] * 4}, [Mark("fault", hostile, 0, 4_000), Mark("alarm", hostile, 3)])

    assert not list(drawing.iter(f"{SVG}script")) + list(drawing.iter("script"))
    assert texts(drawing)[1].startswith("<script>alert(")


# --- Marks ------------------------------------------------------------------------------------------------


def test_what_lasted_is_a_bar_as_long_as_it_lasted():
    drawing = stacked({"T0": [1.0] * 4}, [Mark("fault", "throttle", 2, 6)])

    ((_, shown, left, right, top),) = labels(drawing)
    eighth = (WIDTH - plot.LEFT - plot.RIGHT) / 8
    assert shown == "throttle"
    assert (left, right) == pytest.approx((plot.LEFT + 2 * eighth, plot.LEFT + 6 * eighth), abs=2)
    assert top < plot.TOP


def test_faults_at_the_same_time_stand_below_each_other_and_above_what_happened_meanwhile():
    drawing = stacked(
        {"T0": [1.0] * 4},
        [
            Mark("fault", "long", 0, 8),
            Mark("fault", "short", 2, 4),
            Mark("fault", "late", 5, 6),
            Mark("alarm", "red", 3),
        ],
    )

    tops = {whole: top for whole, *_, top in labels(drawing)}
    assert tops["long"] < tops["short"] == tops["late"] < tops["red"]


def test_a_bar_too_short_for_its_name_shows_what_fits_and_the_whole_when_pointed_at():
    drawing = stacked(
        {"T0": [1.0] * 4}, [Mark("fault", "throttle sonnet 100%", 2, 3), Mark("fault", "x" * 99, 5, 5.05)]
    )

    (whole, shown, *_), (_, nothing, *_) = labels(drawing)
    assert whole == "throttle sonnet 100%"
    assert whole.startswith(shown.removesuffix("…"))
    assert shown.endswith("…")
    assert nothing == ""


def test_a_bar_of_no_length_can_be_seen():
    ((_, _, left, right, _),) = labels(stacked({"T0": [1.0] * 4}, [Mark("fault", "blink", 2, 2)]))

    assert right - left >= 1


def test_the_axis_reaches_to_what_happened_after_the_last_message():
    drawing = stacked({"T0": [1.0] * 4}, [Mark("runbook", "runbook undone", 93.0)])

    ((_, shown, _, right, _),) = labels(drawing)
    assert shown == "runbook undone"
    assert right == pytest.approx(WIDTH - plot.RIGHT)
    assert "90 s" in texts(drawing)


@given(
    st.lists(
        st.builds(Mark, KINDS, st.sampled_from(["alarm red", "runbook applied"]), st.floats(0, 90)),
        max_size=8,
    )
)
def test_labels_of_moments_do_not_cover_each_other(told: list[Mark]):
    """As long as there are rows for them; further ones share the last row."""
    found = labels(stacked({"T0": [1.0] * 4}, told))

    for number, (_, _, left, right, top) in enumerate(found):
        for _, _, other_left, other_right, other_top in found[:number]:
            assert top != other_top or right < other_left or left > other_right


def test_a_label_stands_on_the_side_that_has_room():
    early, late = labels(
        stacked({"T0": [1.0] * 4}, [Mark("alarm", "alarm red", 1), Mark("alarm", "alarm green", 8)])
    )

    eighth = (WIDTH - plot.LEFT - plot.RIGHT) / 8
    assert early[2] == pytest.approx(plot.LEFT + eighth, abs=1)
    assert late[3] == pytest.approx(WIDTH - plot.RIGHT, abs=1)


# --- Colours ----------------------------------------------------------------------------------------------


def luminance(colour: str) -> float:
    """As WCAG counts it."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("kind", MARKS)
def test_white_can_be_read_on_every_mark(kind: str):
    """Labels bring their own ground, so it does not matter whether the page is light or dark."""
    assert contrast("#ffffff", MARKS[kind]) >= 4.5


def test_there_is_a_colour_for_each_layer():
    assert len(set(COLOURS)) == len(COLOURS)


# --- Shares and lines ---------------------------------------------------------------------------------------


def test_shares_are_stacked_from_the_bottom_up():
    drawing = stacked({"T0": [1.0, 0.75, 0.0, 0.0], "T1": [0.0, 0.25, 1.0, 0.0]})
    first, second = (
        [_point(pair) for pair in area.attrib["points"].split()] for area in drawing.iter(f"{SVG}polygon")
    )

    bottom, top = HEIGHT - plot.BOTTOM, plot.TOP
    quarter = (bottom - top) / 4
    assert [y for _, y in first[:8:2]] == [top, top + quarter, bottom, bottom]
    assert [y for _, y in second[:8:2]] == [top, top, top, bottom]


def test_a_line_is_broken_where_nothing_was_measured():
    (path,) = (
        p for p in lines({"p95": [1.0, None, 2.0, 3.0]}).iter(f"{SVG}path") if p.attrib.get("fill") == "none"
    )

    assert re.findall("[ML]", path.attrib["d"]) == ["M", "M", "L"]


@pytest.mark.parametrize(
    ("highest", "limit", "ticks"),
    [
        (400.0, 2_500.0, ["0 ms", "1,000 ms", "2,000 ms", "3,000 ms"]),
        (9_100.0, 2_500.0, ["0 ms", "5,000 ms", "10,000 ms", "15,000 ms"]),
        (0.2, None, ["0 ms", "0.5 ms", "1 ms", "1.5 ms"]),
        (3.0, None, ["0 ms", "1 ms", "2 ms", "3 ms"]),
        (0.0, None, ["0 ms", "0.5 ms", "1 ms", "1.5 ms"]),
    ],
)
def test_the_scale_has_round_numbers_and_holds_everything(
    highest: float, limit: float | None, ticks: list[str]
):
    drawing = lines({"p95": [0.0, highest, None, 0.0]}, limit=limit)

    assert [text for text in texts(drawing) if text.endswith(" ms") and "limit" not in text] == ticks


def test_the_limit_is_drawn_and_named():
    assert "limit 2,500 ms" in texts(lines({"p95": [400.0] * 4}, limit=2_500))


@pytest.mark.parametrize(("length", "most"), [(8, "8 s"), (90, "90 s"), (3_600, "3500 s")])
def test_seconds_are_labelled_so_that_they_do_not_run_into_each_other(length: int, most: str):
    drawing = stacked({"T0": [1.0] * length}, bins=[float(second) for second in range(length)])

    seconds = [text for text in texts(drawing) if re.fullmatch(r"\d+ s", text)]
    assert seconds[-1] == most
    assert len(seconds) <= 13
