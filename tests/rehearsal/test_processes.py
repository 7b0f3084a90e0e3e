"""Programs of a rehearsal: started, waited for, stopped in order, and gone whatever happens to us."""

import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from rehearsal.processes import Process, ProcessError, Processes

# Says where it listens, and listens until it is ended: a closed port is how a test sees that it is gone.
LISTENS = """
import json, socket, time
server = socket.create_server(("127.0.0.1", 0))
print(json.dumps({"ready": True, "port": server.getsockname()[1]}), flush=True)
time.sleep(120)
"""
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + LISTENS
# Starts LISTENS itself, says its port, and ends.
LEAVES_A_CHILD = f"""
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", {LISTENS!r}], stdout=subprocess.PIPE, text=True)
print(child.stdout.readline(), end="", flush=True)
"""
HAS_A_CHILD = LEAVES_A_CHILD + "time.sleep(120)"
WATCHED = [sys.executable, "-m", "rehearsal.child", "--watch", "--parent"]


def python(code: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", textwrap.dedent(code), *arguments]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "run"


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except (ConnectionRefusedError, ConnectionResetError):  # nobody listens, or just ends
        return False
    return True


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in 20 s"
        time.sleep(0.01)


def port_of(process: Process) -> int:
    return int(process.ready_line()["port"])


# --- Starting -----------------------------------------------------------------------------------------


def test_a_program_says_that_it_is_ready_in_one_line_of_json(folder: Path) -> None:
    with Processes(folder) as processes:
        program = processes.start("listener", python("print('warming up'); print('[1]')\n" + LISTENS))

        assert listens(port_of(program))
        assert program.running
        processes.check()

    assert program.exit_code == -signal.SIGTERM
    assert (folder / "listener.out").read_text().startswith("warming up\n[1]\n{")
    assert (folder / "listener.err").read_text() == ""


def test_a_program_can_be_waited_for_by_its_port_or_its_address(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with Processes(folder) as processes:
        server = processes.start(
            "server", [sys.executable, "-m", "http.server", str(port), "-d", str(folder)]
        )

        server.listening(port)
        server.answering(f"http://127.0.0.1:{port}/")
        with pytest.raises(ProcessError, match=r"server does not answer http://.*/missing within 0\.1 s"):
            server.answering(f"http://127.0.0.1:{port}/missing", within_s=0.1)


def test_a_crash_is_told_by_name_with_the_last_words(folder: Path) -> None:
    with Processes(folder) as processes:
        broken = processes.start("runtime", python("raise SystemExit('no settings: set CONCIERGE_SETTINGS')"))

        with pytest.raises(ProcessError) as caught:
            broken.ready_line()

    assert str(caught.value).splitlines() == [
        f"runtime ended with exit code 1; the end of {folder}/runtime.err:",
        "  no settings: set CONCIERGE_SETTINGS",
    ]


def test_what_was_only_printed_are_last_words_too(folder: Path) -> None:
    with Processes(folder) as processes:
        broken = processes.start("runtime", python("print('bye'); import os; os.kill(os.getpid(), 9)"))

        with pytest.raises(ProcessError, match=r"(?s)runtime was killed by SIGKILL; .*runtime\.out:\n  bye"):
            broken.ready_line()


def test_a_program_that_does_not_exist_is_a_crash(folder: Path) -> None:
    with Processes(folder) as processes:
        missing = processes.start("missing", ["there-is-no-such-program"])

        with pytest.raises(ProcessError, match="cannot run there-is-no-such-program: No such file"):
            missing.ready_line()


def test_patience_ends(folder: Path) -> None:
    with Processes(folder) as processes:
        slow = processes.start("slow", python("import time; time.sleep(120)"))

        with pytest.raises(ProcessError, match=r"slow did not say that it is ready within 0\.1 s; it wrote"):
            slow.ready_line(within_s=0.1)
        with pytest.raises(ProcessError, match=r"slow did not end within 0\.1 s"):
            slow.wait(within_s=0.1)


def test_a_program_that_should_run_and_does_not_is_found(folder: Path) -> None:
    with Processes(folder) as processes:
        processes.start("stays", python("import time; time.sleep(120)"))
        goes = processes.start("goes", python("raise SystemExit(3)"))

        assert goes.wait(within_s=30) == 3
        with pytest.raises(ProcessError, match="goes ended with exit code 3"):
            processes.check()


def test_no_program_can_reach_an_aws_account(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-a-real-account")
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("KEPT", "yes")
    monkeypatch.setenv("no_proxy", "example.com")
    show = "import json, os; print(json.dumps({'ready': True, **os.environ}))"

    with Processes(folder) as processes:
        seen = processes.start("show", python(show), {"AWS_REGION": "us-east-1"}).ready_line()

    assert "of-a-real-account" not in seen.values()
    assert "AWS_PROFILE" not in seen
    assert seen["AWS_SHARED_CREDENTIALS_FILE"] == seen["AWS_CONFIG_FILE"] == os.devnull
    assert (seen["AWS_REGION"], seen["KEPT"]) == ("us-east-1", "yes")
    assert seen["NO_PROXY"] == seen["no_proxy"] == "127.0.0.1,localhost"


def test_only_the_main_thread_may_start_programs(folder: Path) -> None:
    """The kernel would end them with the thread, not with us."""
    problems: list[Exception] = []

    def start() -> None:
        try:
            processes.start("early", python(""))
        except RuntimeError as problem:
            problems.append(problem)

    with Processes(folder) as processes:
        thread = threading.Thread(target=start)
        thread.start()
        thread.join()

    assert "main thread" in str(problems[0])


# --- Stopping -----------------------------------------------------------------------------------------


def test_leaving_stops_the_last_one_first(folder: Path, tmp_path: Path) -> None:
    log = tmp_path / "stopped"
    signs_off = """
        import json, pathlib, signal, sys
        def sign_off(*_):
            with open(sys.argv[1], "a") as log:
                log.write(sys.argv[2] + "\\n")
            sys.exit(0)
        signal.signal(signal.SIGTERM, sign_off)
        print(json.dumps({"ready": True}))
        signal.pause()
    """
    with Processes(folder) as processes:
        for name in ("aws", "bedrock", "runtime"):
            processes.start(name, python(signs_off, str(log), name)).ready_line()

    assert log.read_text().split() == ["runtime", "bedrock", "aws"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, ValueError])
def test_whatever_ends_the_rehearsal_ends_its_programs(folder: Path, error: type[BaseException]) -> None:
    with pytest.raises(error), Processes(folder) as processes:
        ports = [port_of(processes.start(name, python(LISTENS))) for name in ("one", "two")]
        raise error

    assert not any(listens(port) for port in ports)


def test_a_program_deaf_to_sigterm_is_killed_after_a_grace(folder: Path) -> None:
    with Processes(folder) as processes:
        deaf = processes.start("deaf", python(DEAF))
        port = port_of(deaf)

        deaf.stop(grace_s=0.1)
        assert deaf.exit_code == -signal.SIGKILL
        assert not listens(port)
        deaf.stop()  # again: nothing left to do


def test_what_a_program_started_goes_with_it(folder: Path) -> None:
    with Processes(folder) as processes:
        port = port_of(processes.start("parent", python(HAS_A_CHILD)))

    until(lambda: not listens(port))


def test_what_a_program_left_behind_goes_too(folder: Path) -> None:
    with Processes(folder) as processes:
        parent = processes.start("parent", python(LEAVES_A_CHILD))
        assert parent.wait(within_s=30) == 0

        until(lambda: not listens(port_of(parent)))


# --- When we are killed -------------------------------------------------------------------------------


def test_no_program_outlives_a_rehearsal_that_is_killed(folder: Path) -> None:
    rehearsal = subprocess.Popen(
        python(
            """
            import sys, time
            from pathlib import Path
            from rehearsal.processes import Processes
            with Processes(Path(sys.argv[1])) as processes:
                for name in ("one", "two"):
                    processes.start(name, [sys.executable, "-c", sys.argv[2]]).ready_line()
                print("both run", flush=True)
                time.sleep(120)
            """,
            str(folder),
            DEAF,
        ),
        stdout=subprocess.PIPE,
    )
    with rehearsal:
        assert rehearsal.stdout is not None
        assert rehearsal.stdout.readline() == b"both run\n"
        ports = [json.loads((folder / f"{name}.out").read_text())["port"] for name in ("one", "two")]
        assert all(listens(port) for port in ports)

        rehearsal.kill()

        until(lambda: not any(listens(port) for port in ports))


def test_a_program_whose_parent_is_already_gone_never_starts() -> None:
    late = [
        sys.executable,
        "-m",
        "rehearsal.child",
        "--parent",
        str(os.getppid()),
        "--",
        *python("print('started')"),
    ]

    ended = subprocess.run(late, capture_output=True, text=True, check=False)

    assert ended.stdout == ""
    assert ended.stderr == "the parent is gone\n"
    assert ended.returncode == 1


def test_where_the_kernel_cannot_a_watcher_ends_the_program_and_its_children(tmp_path: Path) -> None:
    """What happens on macOS; `--watch` makes it happen anywhere."""
    out = tmp_path / "out"
    starter = f"""
        import os, subprocess, sys
        with open({str(out)!r}, "wb") as out:
            command = [*{WATCHED!r}, str(os.getpid()), "--", sys.executable, "-c", {HAS_A_CHILD!r}]
            subprocess.Popen(command, stdout=out, start_new_session=True)
        sys.stdin.read()
    """
    with subprocess.Popen(python(starter), stdin=subprocess.PIPE) as parent:
        until(lambda: out.exists() and out.read_text().endswith("\n"))
        port = json.loads(out.read_text())["port"]
        assert listens(port)

        parent.kill()

    until(lambda: not listens(port))


@pytest.mark.parametrize("code", [0, 3])
def test_a_watcher_ends_as_its_program_did(code: int) -> None:
    watched = [*WATCHED, str(os.getpid()), "--", *python(f"raise SystemExit({code})")]

    assert subprocess.run(watched, check=False).returncode == code


def test_a_watcher_passes_signals_on() -> None:
    command = [*WATCHED, str(os.getpid()), "--", *python(LISTENS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as watcher:
        assert watcher.stdout is not None
        port = json.loads(watcher.stdout.readline())["port"]
        try:
            watcher.terminate()

            assert watcher.wait(timeout=30) == -signal.SIGTERM
            assert not listens(port)
        finally:
            watcher.kill()
