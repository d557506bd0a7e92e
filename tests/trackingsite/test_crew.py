"""Several children under one parent."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from trackingsite.supervision import Child, Crew, GaveUpError, StopSignal, keeper


@pytest.fixture
def lines() -> list[str]:
    """What the crew has written to the console."""
    return []


@pytest.fixture
def hire(tmp_path: Path, lines: list[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Crew]]:
    """Makes a crew of Python one-liners, by name."""
    monkeypatch.setattr(keeper, "PAUSES", (0.0,))
    with StopSignal() as stop:

        def hire(**scripts: str) -> Crew:
            children = [
                Child(name, [sys.executable, "-uc", script], output=subprocess.PIPE) for name, script in scripts.items()
            ]
            return Crew(children, logs=tmp_path, write=lines.append, stop=stop)

        yield hire


def work_until(crew: Crew, condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        crew.turn()


TALK = "import time; print('hello\\nhow are you'); time.sleep(60)"


def test_passes_on_what_each_child_says(hire: Callable[..., Crew], lines: list[str], tmp_path: Path) -> None:
    with hire(web=TALK, workers=TALK) as crew:
        crew.start()
        work_until(crew, lambda: len(lines) == 4)

    assert sorted(lines) == ["web     | hello", "web     | how are you", "workers | hello", "workers | how are you"]
    assert (tmp_path / "web.log").read_text() == "hello\nhow are you\n"


def test_keeps_secrets_out_of_console_and_log(hire: Callable[..., Crew], lines: list[str], tmp_path: Path) -> None:
    with hire(web="print('GET /postback/acme/s3cret/?email=a@example.com')") as crew:
        crew.start()
        work_until(crew, lambda: lines)

    assert "s3cret" not in lines[0] + (tmp_path / "web.log").read_text()
    assert "example.com" not in lines[0]


def test_copes_with_output_that_is_no_text(hire: Callable[..., Crew], lines: list[str]) -> None:
    script = "import sys; sys.stdout.buffer.write(b'\\xff\\x00' + b'x' * 200_000 + b'\\nlast words without an end')"

    with hire(web=script) as crew:
        crew.start()
        work_until(crew, lambda: any("last words" in line for line in lines))

    assert sum(map(len, lines)) > 200_000


def test_starts_a_child_again_and_leaves_the_others_alone(hire: Callable[..., Crew], lines: list[str]) -> None:
    with hire(web=TALK, workers=TALK) as crew:
        crew.start()
        web, workers = (each.child.pid for each in crew.keepers)
        work_until(crew, lambda: len(lines) == 4)
        os.kill(web, signal.SIGKILL)
        work_until(crew, lambda: len(lines) == 7)

        assert "web ended by signal 9; starting it again in 0 s." in lines
        assert [each.child.pid for each in crew.keepers][1] == workers
        assert crew.keepers[0].child.pid != web


def test_gives_up_on_a_child_that_cannot_start(hire: Callable[..., Crew], lines: list[str]) -> None:
    with hire(web="raise SystemExit('the port is taken')", workers=TALK) as crew:
        crew.start()
        with pytest.raises(GaveUpError, match=r"web ended 5 times in a row.*web\.log"):
            work_until(crew, lambda: False)

    assert lines.count("web     | the port is taken") == 5
    assert not [each for each in crew.keepers if each.child.is_running]


def test_never_gives_up_on_a_child_that_is_killed_again_and_again(hire: Callable[..., Crew], lines: list[str]) -> None:
    with hire(web="import os; os.kill(os.getpid(), 9)") as crew:
        crew.start()
        work_until(crew, lambda: len(lines) == 8)

        assert crew.keepers[0].failures == 0


def test_never_gives_up_once_all_have_worked(hire: Callable[..., Crew], lines: list[str]) -> None:
    with hire(web="raise SystemExit('cannot go on')") as crew:
        crew.start()
        crew.is_settled = True
        work_until(crew, lambda: lines.count("web     | cannot go on") == 7)

        assert crew.keepers[0].failures >= 6


def test_ends_grandchildren_that_a_child_leaves_behind(hire: Callable[..., Crew], lines: list[str]) -> None:
    script = (
        "import subprocess, sys; "
        "print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'], stdout=2).pid); "
        "import time; time.sleep(60)"
    )
    with hire(web=script) as crew:
        crew.start()
        work_until(crew, lambda: lines)
        grandchild = psutil.Process(int(lines[0].split("|")[1]))

    assert grandchild.wait(5) is None or not grandchild.is_running()
