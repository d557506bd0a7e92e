"""How a command ends when whoever reads its output has enough."""

import os
import sys
from typing import Any

import pytest

import manage


def print_much(argv: list[str]) -> None:
    print("words\n" * 10_000)


def print_little(argv: list[str]) -> None:
    print("words")


def lose_a_connection(argv: list[str]) -> None:
    raise BrokenPipeError


@pytest.mark.parametrize("command", [print_much, print_little])
def test_output_that_nobody_reads_on_ends_without_a_word(command: Any, monkeypatch: pytest.MonkeyPatch):
    reading, writing = os.pipe()
    os.close(reading)
    monkeypatch.setattr(manage, "execute_from_command_line", command)

    with open(writing, "w") as output:
        monkeypatch.setattr(sys, "stdout", output)
        with pytest.raises(SystemExit) as end:
            manage.main()

    assert end.value.code == 141


def test_a_connection_that_broke_is_no_such_end(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(manage, "execute_from_command_line", lose_a_connection)

    with pytest.raises(BrokenPipeError):
        manage.main()
