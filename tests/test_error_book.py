"""The error book: the worst first, readable by its owner alone, never where others look, never in what is shown."""

from __future__ import annotations

import stat
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from judging_world import made

from discourse.corpus.posts import Corpus
from discourse.errors import MeaningError, PrivacyError, UsageError
from discourse.judging.error_book import error_book
from discourse.judging.evaluate import Evaluation
from discourse.schema import ABSTAIN, FRAMES


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return made(60, seed=1, authors=30)[0]


def evaluation(corpus: Corpus, said: list[str], true: list[str], sure: list[float]) -> Evaluation:
    """Of each post the probability of what was said; the rest goes to the true frame."""
    posts = corpus.posts.select("post_id", "author_id", "lang").head(len(said))
    shares = {frame: np.zeros(len(said)) for frame in FRAMES}
    for at, (one, other, share) in enumerate(zip(said, true, sure, strict=True)):
        shares[other][at] = 1 - share
        if one != ABSTAIN:
            shares[one][at] += share
    return Evaluation(pl.DataFrame(), pl.DataFrame(), posts.with_columns(
        value=pl.Series(true), classifier=pl.Series(said), **{f"p_{frame}": shares[frame] for frame in FRAMES}
    ))  # fmt: skip


def some(corpus: Corpus) -> Evaluation:
    said = ["nationalist"] * 12 + ["both", "neither", ABSTAIN] + ["neither"] * 5
    true = ["neither"] * 12 + ["nationalist", "neither", "both"] + ["neither"] * 5
    return evaluation(corpus, said, true, [0.5 + 0.03 * at for at in range(12)] + [0.7] * 8)


def test_the_surest_mistakes_come_first_with_text_and_id(corpus: Corpus, tmp_path: Path) -> None:
    book = error_book(some(corpus), corpus, tmp_path / "out", most=3)
    lines = book.path.read_text("utf-8").splitlines()
    assert book.path == tmp_path / "out" / "error-book.md"
    assert lines[0] == "# Error book: private"
    assert [line for line in lines if line.startswith("## ")] == [
        "## en, coded nationalist: 1 wrong", "## en, coded neither: 12 wrong",
    ]  # fmt: skip
    shown = [line for line in lines if line.startswith("- ")]
    ids, texts = corpus.posts["post_id"], corpus.posts["text"]
    assert shown == [
        f"- said both (0.70), nationalist (0.30), {ids[12]}:",
        *(
            f"- said nationalist ({0.5 + 0.03 * at:.2f}), neither ({0.5 - 0.03 * at:.2f}), {ids[at]}:"
            for at in (11, 10, 9)
        ),
    ]
    quoted = [line.removeprefix("  > ") for line in lines if line.startswith("  > ")]
    assert quoted == [texts[at] for at in (12, 11, 10, 9)]


def test_only_its_owner_may_read_it_and_what_is_shown_holds_no_text(corpus: Corpus, tmp_path: Path) -> None:
    book = error_book(some(corpus), corpus, tmp_path)
    assert stat.S_IMODE(book.path.stat().st_mode) == 0o600
    assert repr(book) == "ErrorBook(13 mistakes in 20 tested posts; texts in the private file error-book.md)"
    shown = repr(book) + str(book.counts.rows())
    for column in ("text", "post_id", "author_id"):
        assert not any(value in shown for value in corpus.posts[column])


def test_counts_of_few_authors_are_not_told(corpus: Corpus, tmp_path: Path) -> None:
    counts = error_book(some(corpus), corpus, tmp_path).counts
    assert counts.rows() == [("en", "nationalist", "both", None, None), ("en", "neither", "nationalist", 12, 12)]


@pytest.mark.parametrize(("authors", "known"), [(9, None), (10, 18)])
def test_ten_authors_are_enough(authors: int, known: int | None, tmp_path: Path) -> None:
    corpus, _ = made(18, seed=2, authors=authors)
    given = evaluation(corpus, ["both"] * 18, ["neither"] * 18, [0.9] * 18)
    assert error_book(given, corpus, tmp_path).counts["n"].to_list() == [known]


def test_a_text_cannot_change_the_lines_around_it(corpus: Corpus, tmp_path: Path) -> None:
    nasty = "one\n## en, coded both: 9 wrong\r\n- said\x1b[31m \u202eevil\u200c \ud800 end"
    posts = corpus.posts.with_columns(text=pl.when(pl.col("post_id") == "x:00000").then(pl.lit("T")).otherwise("text"))
    changed = Corpus(posts.with_columns(pl.col("text").replace({"T": nasty.replace("\ud800", "")})))
    given = evaluation(changed, ["both"], ["neither"], [0.9])
    lines = error_book(given, changed, tmp_path).path.read_text("utf-8").splitlines()
    assert sum(line.startswith("## ") for line in lines) == 1
    assert "  > one ## en, coded both: 9 wrong - said�[31m �evil\u200c end" in lines


def test_no_mistakes_make_an_empty_book(corpus: Corpus, tmp_path: Path) -> None:
    book = error_book(evaluation(corpus, ["both", ABSTAIN], ["both", "both"], [0.9, 0.2]), corpus, tmp_path)
    assert (book.mistakes, book.tested, book.counts.height) == (0, 2, 0)
    assert "##" not in book.path.read_text("utf-8")


def test_a_language_that_is_not_known_has_its_own_part(corpus: Corpus, tmp_path: Path) -> None:
    given = evaluation(corpus, ["both"], ["neither"], [0.9])
    bare = Evaluation(given.scores, given.confusion, given.predictions.with_columns(lang=pl.lit(None, pl.String)))
    assert "## unknown, coded neither: 1 wrong" in error_book(bare, corpus, tmp_path).path.read_text("utf-8")


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("figures", "figures"),
        ("figures/demo", "figures"),
        ("Figures/demo/deep", "figures"),
        ("out/figures/a", "figures"),
        ("figures/out", "figures"),
        ("docs", "docs"),
        ("out/docs/a", "docs"),
        ("a/notebooks", "notebooks"),
    ],
)
def test_no_book_is_written_where_others_look(folder: str, name: str, corpus: Corpus, tmp_path: Path) -> None:
    with pytest.raises(PrivacyError) as caught:
        error_book(some(corpus), corpus, tmp_path / folder)
    assert str(caught.value) == (
        f"the error book holds posts of real people and '{name}' is published; write it beside the local corpus, like "
        "'out/demo'"
    )
    assert list(tmp_path.rglob("*.md")) == []


@pytest.mark.parametrize("folder", ["out", "out/demo", "docs/study/out/demo", "myfigures", "private"])
def test_a_private_folder_will_do(folder: str, corpus: Corpus, tmp_path: Path) -> None:
    assert error_book(some(corpus), corpus, tmp_path / folder).path.is_file()


def test_in_a_repository_only_its_out_folder_will_do(corpus: Corpus, tmp_path: Path) -> None:
    (tmp_path / "work" / ".git").mkdir(parents=True)
    for folder in ("work", "work/corpora", "work/corpora/output"):
        with pytest.raises(PrivacyError, match=r"lies in a git repository outside its 'out' folder"):
            error_book(some(corpus), corpus, tmp_path / folder)
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / ".git").write_text("gitdir: elsewhere", "utf-8")  # a linked work tree has a file there
    with pytest.raises(PrivacyError, match=r"'corpora' lies in a git repository"):
        error_book(some(corpus), corpus, tmp_path / "tree" / "corpora")
    assert error_book(some(corpus), corpus, tmp_path / "work" / "out" / "demo").path.is_file()


def test_a_link_into_a_published_folder_is_followed(corpus: Corpus, tmp_path: Path) -> None:
    (tmp_path / "figures").mkdir()
    (tmp_path / "private").symlink_to(tmp_path / "figures")
    with pytest.raises(PrivacyError, match=r"'figures' is published"):
        error_book(some(corpus), corpus, tmp_path / "private")


def test_what_cannot_be_written_is_said(corpus: Corpus, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^most is 0; it must be 1 or more, like 20$"):
        error_book(some(corpus), corpus, tmp_path, most=0)
    other, _ = made(5, seed=9)
    with pytest.raises(MeaningError, match=r"^15 of 20 tested posts are not in this corpus$"):
        error_book(some(corpus), other, tmp_path)
