from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discourse.corpus.privacy import Key
from discourse.readers.account import Account
from discourse.readers.records import Draft, Item, Reason, Withdrawal
from discourse.schema import POSTS

KEY = Key.made_up("account")
Taken = tuple[Draft | Reason, str, int]


def draft(number: int, text: str = "peace", **given: object) -> Draft:
    return Draft("x", str(9000 + number), "42", "2025-05-07T10:00:00Z", text, **given)  # type: ignore[arg-type]


def closed(*taken: Taken) -> Account:
    account = Account(KEY)
    for item, file, line in taken:
        account.take(item, file, line)
    return account


def test_a_duplicate_keeps_the_first_and_the_larger_count_of_each_kind() -> None:
    corpus = closed(
        (draft(1, likes=2, quotes=None, replies=None), "b", 1),
        (draft(1, likes=1, reposts=5, replies=None), "a", 9),
        (draft(1, likes=3, quotes=0, replies=None), "a", 10),
    ).close()
    assert corpus.posts.select("source_file", "source_line", "likes", "reposts", "quotes", "replies").rows() == [
        ("a", 9, 3, 5, 0, None)
    ]
    assert corpus.quarantine.rows() == [("a", 10, "duplicate", "duplicate"), ("b", 1, "duplicate", "duplicate")]
    assert corpus.files.rows() == [("a", "unknown", 2, 1, 1, 0), ("b", "unknown", 1, 0, 1, 0)]


def test_another_text_or_author_under_one_id_is_a_conflict_with_the_first() -> None:
    corpus = closed(
        (draft(1), "a", 1),
        (draft(1, "war", likes=9), "a", 2),
        (draft(1, "war"), "a", 3),
        (draft(1), "a", 4),
        (Draft("x", "9001", "43", "2025-05-07T10:00:00Z", "peace"), "a", 5),
    ).close()
    assert corpus.posts.select("text", "likes").rows() == [("peace", None)]
    assert corpus.quarantine.select("source_line", "reason", "outcome").rows() == [
        (2, "conflicting_duplicate", "quarantined"),
        (3, "conflicting_duplicate", "quarantined"),
        (4, "duplicate", "duplicate"),
        (5, "conflicting_duplicate", "quarantined"),
    ]


def test_one_id_on_two_platforms_is_two_posts() -> None:
    other = Draft("forum", "9001", "42", "2025-05-07T10:00:00Z", "peace")
    assert closed((draft(1), "a", 1), (other, "a", 2)).close().posts["post_id"].to_list() == ["forum:9001", "x:9001"]


def test_what_no_reader_knows_yet_is_null() -> None:
    posts = closed((draft(1), "a", 1)).close().posts
    assert posts.columns == list(POSTS.columns)
    unknown = ["side", "side_basis", "lang", "lang_confidence", "text_norm", "sentiment", "copy_id"]
    assert posts.select(unknown).null_count().row(0) == (1,) * 7


def test_the_history_says_what_became_of_the_rows() -> None:
    step = closed((draft(1), "a", 1), (draft(1), "b", 1), (Reason.API_ERROR, "a", 2)).close().history[0]
    assert (step.step, step.before, step.after) == ("read", 3, 1)
    assert step.reason == "2 files: 1 duplicates, 1 set aside"


def test_count_is_by_file_and_reason() -> None:
    account = closed((Reason.INVALID_UTF8, "a", 1), (Reason.INVALID_UTF8, "b", 1), (Reason.API_ERROR, "a", 2))
    assert account.count(Reason.INVALID_UTF8, "a") == 1
    assert account.count(Reason.API_ERROR, "b") == 0


ITEMS = st.one_of(
    st.builds(draft, st.integers(1, 4), st.sampled_from(["peace", "war"]), likes=st.none() | st.integers(0, 3)),
    st.sampled_from([Reason.INVALID_JSON, Reason.MISSING_ID]),
    st.builds(draft, st.just(5), likes=st.just(-1)),
)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(ITEMS, st.sampled_from("abc")), max_size=15), st.randoms(use_true_random=False))
def test_any_order_of_files_gives_one_corpus_and_every_row_is_somewhere(
    items: list[tuple[Draft, str]], random: object
) -> None:
    taken = [(item, file, line) for line, (item, file) in enumerate(items, start=1)]
    shuffled = taken[:]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = closed(*taken).close(), closed(*shuffled).close()
    assert one.posts.equals(other.posts, null_equal=True)
    assert one.quarantine.equals(other.quarantine)
    assert one.files.equals(other.files)
    outcomes = one.quarantine.group_by("outcome").len()
    aside = dict(outcomes.rows())
    totals = one.files.select(pl.col("read", "accepted", "duplicates", "quarantined").sum()).row(0)
    expected = (len(items), len(one), aside.get("duplicate", 0), aside.get("quarantined", 0))
    assert totals == expected
    assert sum(expected[1:]) == len(items)


def test_the_account_does_not_show_its_rows() -> None:
    shown = repr(closed((draft(1, "canary words"), "a", 1)))
    assert "canary" not in shown
    assert "9001" not in shown


@pytest.mark.parametrize("reason", list(Reason))
def test_each_reason_is_a_lower_case_word(reason: Reason) -> None:
    assert reason.value == reason.name.lower()


def test_a_withdrawn_post_and_its_reposts_are_not_taken_in_whatever_order_they_come() -> None:
    def draft(number: int, **given: Any) -> Draft:
        return Draft("x", str(number), "42", "2025-05-07T10:00:00Z", f"text {number}", **given)

    items: list[tuple[Item, str, int]] = [
        (draft(9001), "a.jsonl", 1),
        (Withdrawal("x", 9001), "b.jsonl", 1),
        (draft(9002), "b.jsonl", 2),
        (draft(9003, kind="repost", parent="9001"), "b.jsonl", 3),
        (draft(9004, kind="reply", parent="9001"), "b.jsonl", 4),  # somebody else's words: it stays
        (Withdrawal("youtube", "9002"), "b.jsonl", 5),  # another platform's number
    ]
    for order in (items, items[::-1]):
        account = Account(Key.made_up("withdrawn"))
        for item in order:
            account.take(*item)
        corpus = account.close()
        assert corpus.posts["post_id"].to_list() == ["x:9002", "x:9004"]
        assert corpus.files.select("file", "read", "accepted", "duplicates", "quarantined").rows() == [
            ("a.jsonl", 1, 0, 0, 1),
            ("b.jsonl", 5, 2, 0, 3),
        ]
        assert corpus.quarantine.select("source_file", "source_line", "reason").rows() == [
            ("a.jsonl", 1, "deleted"),
            ("b.jsonl", 1, "not_a_post"),
            ("b.jsonl", 3, "deleted"),
            ("b.jsonl", 5, "not_a_post"),
        ]
