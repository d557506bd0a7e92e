"""Our own click id: short, lower case, sortable, and not to be guessed."""

import time

import pytest

from conversions.click_ids import is_click_id, new_click_id


def test_it_fits_the_tightest_networks():
    assert all(is_click_id(new_click_id()) for _ in range(1000))


def test_no_two_are_alike():
    assert len({new_click_id() for _ in range(10_000)}) == 10_000


def test_ids_sort_by_time():
    ids = []
    for _ in range(20):
        ids.append(new_click_id())
        time.sleep(0.002)

    assert ids == sorted(ids)


def test_ids_of_one_moment_differ_in_most_places(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(time, "time_ns", lambda: 1_800_000_000_000_000_000)

    first, second = new_click_id(), new_click_id()

    assert first[:9] == second[:9]
    assert sum(a != b for a, b in zip(first[10:], second[10:], strict=True)) > 8


@pytest.mark.parametrize(
    "text", ["", "a" * 25, "a" * 27, "A" * 26, "a" * 25 + "-", "a" * 26 + "\n", "é" * 26, "٣" * 26]
)
def test_anything_else_is_none_of_ours(text: str):
    assert not is_click_id(text)
