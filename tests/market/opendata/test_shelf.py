"""Answers are given again only while nothing was published, and take no more memory than they may."""

from market.opendata.shelf import Answer, Shelf


def test_an_answer_is_found_in_its_state_and_forgotten_in_the_next() -> None:
    shelf = Shelf(10_000)
    shelf.keep("0-1", "/a", Answer(b"one"))
    found = shelf.find("0-1", "/a")
    assert found is not None
    assert found.content == b"one"
    assert shelf.find("0-1", "/b") is None
    assert shelf.find("0-2", "/a") is None
    shelf.keep("0-2", "/b", Answer(b"two"))
    assert shelf.find("0-2", "/a") is None
    assert shelf.find("0-1", "/a") is None


def test_what_was_asked_for_longest_ago_is_given_up_first() -> None:
    shelf = Shelf(4_000)
    for question in "abc":
        shelf.keep("1", question, Answer(question.encode() * 600))
    assert shelf.find("1", "a") is not None
    shelf.keep("1", "d", Answer(b"d" * 600))
    assert [question for question in "abcd" if shelf.find("1", question)] == ["a", "c", "d"]
    assert shelf.held <= 4_000


def test_an_answer_larger_than_the_shelf_is_not_kept_and_one_kept_twice_counts_once() -> None:
    shelf = Shelf(2_000)
    shelf.keep("1", "a", Answer(b"x" * 5_000))
    assert (shelf.find("1", "a"), shelf.held) == (None, 0)
    for _ in range(3):
        shelf.keep("1", "b", Answer(b"x" * 400))
    assert shelf.held == Answer(b"x" * 400).size


def test_an_answer_is_packed_and_named_once() -> None:
    answer = Answer(b"{}" * 1000)
    assert answer.packed is answer.packed
    assert answer.tag == Answer(b"{}" * 1000).tag != Answer(b"[]").tag
