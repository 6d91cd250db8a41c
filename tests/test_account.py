from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from accounts import Taken, take_all
from hypothesis import given, settings
from hypothesis import strategies as st

from discourse.corpus.posts import Corpus
from discourse.corpus.privacy import Key
from discourse.readers.account import Account, Tally
from discourse.readers.formats import Read
from discourse.readers.records import Draft, Item, Withdrawal
from discourse.readers.values import Reason
from discourse.schema import POSTS

KEY = Key.made_up("account")


def draft(number: int, text: str = "peace", **given: object) -> Draft:
    return Draft("x", str(9000 + number), "42", "2025-05-07T10:00:00Z", text, **given)  # type: ignore[arg-type]


def closed(*taken: Taken) -> Corpus:
    return take_all(KEY, taken)


def test_the_newest_record_of_a_text_stands_whole_with_the_first_file_and_line() -> None:
    corpus = closed(
        (draft(1, likes=2, quotes=None), "b", 1),
        (draft(1, likes=1, reposts=5), "a", 9),
        (draft(1, likes=3, quotes=0), "a", 10),
    )
    assert corpus.posts.select("source_file", "source_line", "likes", "reposts", "quotes", "replies").rows() == [
        ("a", 9, 3, None, 0, None)  # of one collection, never a mixture of two
    ]
    assert corpus.quarantine.rows() == [("a", 10, "duplicate", "duplicate"), ("b", 1, "duplicate", "duplicate")]
    assert corpus.files.rows() == [("a", "unknown", 2, 1, 1, 0, 0, 0), ("b", "unknown", 1, 0, 1, 0, 0, 0)]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_later_collection_wins_over_larger_counts(order: tuple[int, int]) -> None:
    early, late = "2025-05-08T00:00:00Z", "2025-05-09T00:00:00Z"
    pair = [draft(1, likes=9, collected_at=early), draft(1, likes=4, collected_at=late)]
    corpus = closed(*((pair[place], "a", line) for line, place in enumerate(order, start=1)))
    assert corpus.posts["likes"].to_list() == [4]


def test_a_changed_text_with_a_time_of_editing_is_a_version_and_the_last_one_stands() -> None:
    corpus = closed(
        (draft(1, "peace, edited", edited_at="2025-05-08T00:00:00Z"), "a", 1),
        (draft(1, "peace"), "b", 1),
        (draft(1, "peace, twice", edited_at="2025-05-08T09:00:00Z"), "c", 1),
    )
    assert corpus.posts["text"].to_list() == ["peace, twice"]
    assert corpus.files.select("file", "accepted", "edits", "quarantined").rows() == [
        ("a", 1, 0, 0), ("b", 1, 1, 0), ("c", 1, 1, 0),
    ]  # fmt: skip


def test_where_an_edit_makes_a_new_id_only_the_last_of_the_chain_stands() -> None:
    corpus = closed((draft(1), "a", 1), (draft(2, "peace!", version_of="9001"), "a", 2), (draft(3), "a", 3))
    assert corpus.posts["post_id"].to_list() == ["x:9002", "x:9003"]
    assert corpus.files.select("accepted", "edits").rows() == [(3, 1)]


def test_another_text_or_author_under_one_id_is_a_conflict_with_the_first() -> None:
    corpus = closed(
        (draft(1), "a", 1),
        (draft(1, "war", likes=9), "a", 2),
        (draft(1, "war"), "a", 3),
        (draft(1), "a", 4),
        (Draft("x", "9001", "43", "2025-05-07T10:00:00Z", "peace"), "a", 5),
    )
    assert corpus.posts.select("text", "likes").rows() == [("peace", None)]
    assert corpus.quarantine.select("source_line", "reason", "outcome").rows() == [
        (2, "conflicting_duplicate", "quarantined"),
        (3, "conflicting_duplicate", "quarantined"),
        (4, "duplicate", "duplicate"),
        (5, "conflicting_duplicate", "quarantined"),
    ]


def test_one_id_on_two_platforms_is_two_posts() -> None:
    other = Draft("forum", "9001", "42", "2025-05-07T10:00:00Z", "peace")
    assert closed((draft(1), "a", 1), (other, "a", 2)).posts["post_id"].to_list() == ["forum:9001", "x:9001"]


def test_what_no_reader_knows_yet_is_null() -> None:
    posts = closed((draft(1), "a", 1)).posts
    assert posts.columns == list(POSTS.columns)
    unknown = ["side", "side_basis", "lang", "lang_confidence", "text_norm", "sentiment", "copy_id"]
    assert posts.select(unknown).null_count().row(0) == (1,) * 7


def test_the_history_says_what_became_of_the_rows() -> None:
    step = closed((draft(1), "a", 1), (draft(1), "b", 1), (Reason.API_ERROR, "a", 2)).history[0]
    assert (step.step, step.before, step.after) == ("read", 3, 1)
    assert step.reason == "2 files: 1 duplicates, 1 set aside"


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
    files = sorted({file for _, file in items})
    random.shuffle(files)  # type: ignore[attr-defined]
    shuffled = [one for file in files for one in taken if one[1] == file]
    one, other = closed(*taken), closed(*shuffled)
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
    account = Account(KEY, print, print, print)
    account.open_file("a", "unknown")
    account.take(Read(1, draft(1, "canary words")))
    assert account.tallies == {"a": Tally("unknown", read=1)}
    assert "canary" not in repr(account)
    assert "9001" not in repr(account)


def test_the_bytes_of_what_was_set_aside_are_handed_on_with_the_way_it_was_read() -> None:
    aside: list[pl.DataFrame] = []
    account = Account(KEY, print, aside.append, print)
    account.open_file("a", "whatsapp", {"date_order": "dmy"})
    account.take(Read(4, Reason.BAD_QUOTES, (b"id\n", b'"9\n')))
    account.close_file()
    assert pl.concat(aside).rows() == [
        ("a", 4, "bad_quotes", '{"date_order": "dmy", "format": "whatsapp"}', b'id\n"9\n')
    ]


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
        corpus = take_all(Key.made_up("withdrawn"), order)
        assert corpus.posts["post_id"].to_list() == ["x:9002", "x:9004"]
        assert corpus.files.select("file", "read", "accepted", "duplicates", "quarantined", "deleted").rows() == [
            ("a.jsonl", 1, 1, 0, 0, 1),
            ("b.jsonl", 5, 5, 0, 0, 3),
        ]
        assert corpus.quarantine.height == 0


def test_a_notice_about_an_account_takes_all_its_posts_away_and_a_repeated_one_is_a_duplicate() -> None:
    notice = Withdrawal("x", "42", of="author")
    corpus = closed((draft(1), "a", 1), (notice, "b", 1), (notice, "b", 2), (draft(2), "c", 1), (draft(2), "c", 2))
    assert len(corpus) == 0
    assert corpus.files.select("accepted", "duplicates", "deleted").rows() == [(1, 0, 1), (1, 1, 1), (1, 1, 1)]
