"""A file written whole or not at all, and nothing destroyed that was there before."""

import os
import stat
from pathlib import Path

import pytest

from plan import files


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_was_written_is_there_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    files.write_atomic(path, b"one")
    files.write_atomic(path, b"two")
    assert path.read_bytes() == b"two"
    assert list(tmp_path.iterdir()) == [path]


def test_a_pipe_or_a_folder_is_refused_and_stays_what_it_is(tmp_path: Path) -> None:
    pipe, folder = tmp_path / "pipe", tmp_path / "folder"
    os.mkfifo(pipe)
    folder.mkdir()
    for path in (pipe, folder):
        with pytest.raises(OSError, match="not a regular file"):
            files.write_atomic(path, b"content")
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert folder.is_dir()
    assert sorted(tmp_path.iterdir()) == [folder, pipe]


def test_and_so_is_a_symlink_to_one(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    link = tmp_path / "link"
    link.symlink_to("pipe")
    with pytest.raises(OSError, match="not a regular file"):
        files.write_atomic(link, b"content")
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


@pytest.mark.parametrize("exists", [True, False])
def test_a_symlink_stays_one_and_its_target_is_written(tmp_path: Path, exists: bool) -> None:
    (tmp_path / "elsewhere").mkdir()
    target, link = tmp_path / "elsewhere" / "file", tmp_path / "link"
    if exists:
        target.write_bytes(b"old")
    link.symlink_to(target)
    files.write_atomic(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert list((tmp_path / "elsewhere").iterdir()) == [target]


def test_symlinks_in_a_circle_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to("one")
    with pytest.raises(OSError, match="symbolic links"):
        files.write_atomic(tmp_path / "one", b"content")
    assert (tmp_path / "one").is_symlink()


@pytest.mark.parametrize("mode", [0o640, 0o600, 0o666])
def test_a_file_keeps_its_mode(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(mode)
    files.write_atomic(path, b"new")
    assert mode_of(path) == mode


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o027, 0o640), (0o077, 0o600)])
def test_a_new_file_has_the_mode_that_the_umask_leaves(tmp_path: Path, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        files.write_atomic(tmp_path / "file", b"new")
    finally:
        os.umask(before)
    assert mode_of(tmp_path / "file") == mode


def test_a_name_as_long_as_the_system_takes_does_too(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 255)
    files.write_atomic(path, b"new")
    assert path.read_bytes() == b"new"


def test_a_name_that_is_too_long_is_named_itself(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 256)
    with pytest.raises(OSError, match="File name too long") as error:
        files.write_atomic(path, b"new")
    assert error.value.filename == str(path)


def test_an_error_while_cleaning_up_does_not_hide_the_real_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise OSError(28, "No space left on device")

    def fails_too(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "fsync", fails)
    monkeypatch.setattr(Path, "unlink", fails_too)
    with pytest.raises(OSError, match="No space left on device"):
        files.write_atomic(tmp_path / "file", b"new")
