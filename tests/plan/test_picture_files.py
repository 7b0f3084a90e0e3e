"""The picture as a file: measured as it is rendered, the same everywhere, written whole or not at all."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
import resvg_py

from plan import Plan, picture, saved
from plan.picture import letters
from tests.plan.drawing_helpers import ink_right, png_size, read


@pytest.mark.parametrize("weight", [400, 500, 700])
def test_words_are_measured_as_they_are_rendered(weight: int):
    words = "Wer misst, weiß mehr: bedrock-agent-runtime, 10.0.112.0/20"
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="900" height="40">'
        f'<text y="28" font-family="Roboto" font-size="20" font-weight="{weight}">{words}</text></svg>'
    )
    image = resvg_py.svg_to_bytes(
        svg_string=svg, background="#ffffff", skip_system_fonts=True, font_files=letters.files()
    )
    measured = letters.width(words, letters.Face(20, weight))
    assert 0.93 * measured < ink_right(bytes(image)) < measured


def test_what_does_not_fit_is_cut_and_broken_between_words():
    face = letters.Face(12)
    assert letters.cut("internet", face, 200) == "internet"
    assert letters.cut("a name that goes on", face, 60).endswith("…")
    lines = letters.wrap("one two three four five six seven", face, 60, most=2)
    assert len(lines) == 2
    assert all(letters.width(line, face) <= 60 for line in lines)


def test_the_same_plan_gives_the_same_bytes_in_any_process(dev: Plan, root: Path, tmp_path: Path):
    code = (
        "import pathlib, sys; from plan import picture, saved;"
        "picture.write(saved.load(pathlib.Path(sys.argv[1])), pathlib.Path(sys.argv[2]))"
    )
    saved.save(dev, tmp_path / "dev.plan")
    for seed in ("1", "2"):
        target = tmp_path / f"{seed}.svg"
        subprocess.run(
            [sys.executable, "-W", "ignore", "-c", code, str(tmp_path / "dev.plan"), str(target)],
            cwd=root,
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
        )
        assert target.read_text(encoding="utf-8") == picture.draw(dev)


def test_a_png_is_twice_the_size_of_the_drawing(dev: Plan, tmp_path: Path):
    width, height = read(picture.draw(dev)).size
    picture.write(dev, tmp_path / "dev.png")
    assert png_size((tmp_path / "dev.png").read_bytes()) == (2 * width, 2 * height)
    assert width == 1600


def test_the_svg_needs_nothing_from_elsewhere(dev: Plan, tmp_path: Path):
    picture.write(dev, tmp_path / "dev.SVG")
    svg = (tmp_path / "dev.SVG").read_text(encoding="utf-8")
    assert svg == picture.draw(dev)
    assert svg.count("http") == 1, "only the namespace"
    assert 'font-family="Roboto, Helvetica, Arial, sans-serif"' in svg


@pytest.mark.parametrize("name", ["plan.jpg", "plan", "plan.svg.gz"])
def test_another_kind_of_file_is_refused(dev: Plan, tmp_path: Path, name: str):
    with pytest.raises(picture.PictureError, match=r"\.svg or \.png"):
        picture.write(dev, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_named(dev: Plan, tmp_path: Path):
    with pytest.raises(picture.PictureError, match=r"there is no folder .*nowhere"):
        picture.write(dev, tmp_path / "nowhere" / "plan.svg")


def test_a_write_that_fails_half_way_leaves_the_old_picture(dev: Plan, tmp_path: Path):
    """As on a full disk: the system takes the first thousand bytes and then no more."""
    target = tmp_path / "plan.svg"
    target.write_text("the old picture", encoding="utf-8")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(picture.PictureError, match=r"plan\.svg cannot be written: "):
            picture.write(dev, target)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert target.read_text(encoding="utf-8") == "the old picture"
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_in_the_way_is_one_clear_error(dev: Plan, tmp_path: Path):
    (tmp_path / "plan.svg").mkdir()
    with pytest.raises(picture.PictureError, match=r"plan\.svg cannot be written: "):
        picture.write(dev, tmp_path / "plan.svg")
    assert [path.name for path in tmp_path.iterdir()] == ["plan.svg"]


def test_so_is_a_pipe_and_it_stays(dev: Plan, tmp_path: Path):
    os.mkfifo(tmp_path / "plan.svg")
    with pytest.raises(picture.PictureError, match="there is something that is not a regular file"):
        picture.write(dev, tmp_path / "plan.svg")
    assert (tmp_path / "plan.svg").is_fifo()


def test_a_long_name_is_no_problem_and_a_symlink_stays_one(dev: Plan, tmp_path: Path):
    target, link = tmp_path / f"{'n' * 246}.svg", tmp_path / "link.svg"
    link.symlink_to(target)
    picture.write(dev, link)
    assert link.is_symlink()
    assert target.read_text(encoding="utf-8") == picture.draw(dev)
