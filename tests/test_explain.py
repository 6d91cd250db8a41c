"""Contributions add up to scores, in five languages; word lists show no person and no word of a few."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import ROOT
from discourse.corpus.posts import Corpus
from discourse.corpus.privacy import Key, handle_pseudonym
from discourse.errors import MeaningError, SchemaError, UsageError
from discourse.framing.bank import read_bank
from discourse.framing.classifier import FramingClassifier
from discourse.framing.contributions import Tokens
from discourse.framing.explain import POST_PARTS, WORD_LIST, explain_corpus, explain_post
from discourse.framing.features import count, texts_of
from discourse.schema import FRAMES, POSTS

LANGS = ("en", "fa", "ps", "ur", "ur-Latn")
ODD = ("#get_out", "@some_one", "https://example.org/a?b=1", "see<user>,", "x@y.com", "!!", "۱۲۳", "می\u200cخواهیم",
       "پاكستان", "پاکستان", "ACCHA", "www.example.org", "<", "😀", "no", "no", "د")  # fmt: skip


@cache
def bank() -> tuple[list[str], list[str], list[str]]:
    texts, frames, langs = read_bank(ROOT / "corpora/bank")
    kept = range(0, len(texts), 17)
    return [texts[i] for i in kept], [frames[i] for i in kept], [langs[i] for i in kept]


@cache
def models() -> dict[str, FramingClassifier]:
    texts, frames, _ = bank()
    return {
        "default": FramingClassifier(seed=7).fit(texts, frames),
        "no columns": FramingClassifier(seed=7, beside=(), names="mask").fit(texts, frames),
        "all columns": FramingClassifier(seed=7, beside=("language", "lexicon", "bank"), latent=5).fit(texts, frames),
    }


def words_of(lang: str) -> list[str]:
    texts, _, langs = bank()
    return sorted({word for text, one in zip(texts, langs, strict=True) if one == lang for word in text.split()})


def scores(model: FramingClassifier, text: str) -> dict[str, float]:
    texts = texts_of([text])
    made = model.linear_.scores(count(texts), model.dense(texts))[0]
    return dict(zip(model.linear_.classes, made.tolist(), strict=True))


def sums(table: pl.DataFrame) -> dict[str, float]:
    return dict(table.group_by("frame").agg(pl.col("contribution").sum()).iter_rows())


@st.composite
def texts_in(draw: st.DrawFn) -> str:
    lang = draw(st.sampled_from(LANGS))
    return " ".join(draw(st.lists(st.sampled_from([*words_of(lang), *ODD]), max_size=25)))


@given(texts_in(), st.sampled_from(["default", "no columns", "all columns"]), st.booleans())
@settings(max_examples=60, deadline=None)
def test_the_parts_of_a_post_add_up_to_its_scores(text: str, name: str, through_bank: bool) -> None:
    model = models()[name]
    made = explain_post(model, text, through_bank=through_bank)
    assert sums(made) == pytest.approx(scores(model, text), abs=1e-9)


@given(st.text(max_size=80))
@settings(max_examples=40, deadline=None)
def test_the_parts_of_any_text_add_up(text: str) -> None:
    model = models()["default"]
    assert sums(explain_post(model, text)) == pytest.approx(scores(model, text), abs=1e-9)


def test_a_word_twice_shares_what_sublinear_counts_leave() -> None:
    """By hand: of one known word, twice, its block has the value (1 + ln 2) idf over a length of the same and its pair.

    The pair "peace peace" is not known, so the block of words has length 1 and the two words share weight w: w/2 each.
    """
    model = FramingClassifier(seed=7, least=1, beside=(), names="mask").fit(["peace", "soil"], ["a", "b"])
    linear = model.linear_
    one = explain_post(model, "peace").filter(kind="word", frame="a")["contribution"].item()
    twice = explain_post(model, "peace peace").filter(kind="word", frame="a")["contribution"].to_list()
    pair = explain_post(model, "peace peace").filter(kind="pair", frame="a")["contribution"].item()
    assert one == pytest.approx(scores(model, "peace")["a"] - linear.intercept[0], abs=1e-12)
    assert twice == pytest.approx([one / 2, one / 2], abs=1e-12)
    assert pair == 0.0


def test_counts_within_a_text_are_shared_by_the_part_of_each_word() -> None:
    """By hand, of "a a b": in each block the buckets of a have the value 1 + ln 2, those of b 1; all idf are equal.

    Words: two buckets, and pairs that are not known. Letters: " a", "a " and " a ", likewise of b; none in common.
    """
    model = FramingClassifier(seed=7, least=1, beside=(), names="mask").fit(["a", "b"], ["x", "y"])
    columns, size = model.linear_.weighting.columns, len(model.linear_.weighting.columns[0])
    weights = model.linear_.weights[0]
    assert [len(one) for one in columns] == [6, 2]
    twice = 1 + math.log(2)
    wanted = {"a": 0.0, "b": 0.0}
    for block, own in ((0, weights[:size]), (1, weights[size:])):
        by = dict(zip(columns[block].tolist(), own.tolist(), strict=True))
        each = {word: [by[at] for at in count([word])[block].indices.tolist()] for word in wanted}
        length = math.sqrt(len(each["a"]) * twice**2 + len(each["b"]))
        wanted["a"] += sum(each["a"]) * twice / length
        wanted["b"] += sum(each["b"]) / length
    found = explain_post(model, "a a b").filter(kind="word", frame="x")
    by_word = dict(found.group_by("part").agg(pl.col("contribution").sum()).iter_rows())
    assert by_word == pytest.approx(wanted, abs=1e-12)
    assert found["contribution"][0] == found["contribution"][1]


def test_the_table_of_a_post_names_places_kinds_and_columns() -> None:
    made = explain_post(models()["default"], "no war @some_one https://example.org, peace")
    assert dict(made.schema) == POST_PARTS
    parts = made.filter(frame="both").select("place", "kind", "part").rows()
    assert parts[:9] == [
        (0, "word", "no"), (0, "pair", "no war"), (1, "word", "war"), (1, "pair", "war <user>"),
        (2, "masked", "<user>"), (2, "pair", "<user> <url>"), (5, "masked", "<url>"), (5, "pair", "<url> ,"),
        (8, "word", ","),
    ]  # fmt: skip
    assert [part for _, kind, part in parts if kind == "column"][:4] == [f"bank:{frame}" for frame in FRAMES]
    assert parts[-1] == (None, "intercept", "intercept")
    assert not made["part"].str.contains("some").any()
    columns = made.filter(kind="column", frame="both")["contribution"].to_list()
    model = models()["default"]
    values = model.dense(texts_of(["no war @some_one https://example.org, peace"]))[0]
    assert columns == pytest.approx((values * model.linear_.dense[model.linear_.classes.index("both")]).tolist())


def test_through_the_bank_moves_weight_from_columns_to_words_and_leaves_a_constant() -> None:
    model = models()["default"]

    def columns(text: str) -> list[float]:
        made = explain_post(model, text, through_bank=True).filter(pl.col("part").str.starts_with("bank:"))
        return made["contribution"].to_list()

    assert columns("we want peace") == pytest.approx(columns("defend our soil"), abs=1e-12)
    plain, through = (explain_post(model, "we want peace", through_bank=one) for one in (False, True))
    assert not np.allclose(plain.filter(kind="word")["contribution"], through.filter(kind="word")["contribution"])


def test_what_is_not_linear_or_not_trained_is_refused() -> None:
    with pytest.raises(MeaningError, match="no trained linear model"):
        explain_post(FramingClassifier(seed=7), "peace")
    with pytest.raises(MeaningError, match="no trained linear model"):
        explain_corpus(FramingClassifier(seed=7), posts(["peace"] * 12))


# Word lists.


def posts(texts: list[str], authors: list[str | None] | None = None, lang: str | list[str] = "en") -> pl.DataFrame:
    who = [f"a{i}" for i in range(len(texts))] if authors is None else authors
    langs = [lang] * len(texts) if isinstance(lang, str) else lang
    return pl.DataFrame({"author_id": who, "text_norm": texts, "lang": langs},
                        schema={"author_id": pl.String, "text_norm": pl.String, "lang": pl.String})  # fmt: skip


@cache
def small() -> FramingClassifier:
    texts = ["we want peace talks", "let us talk, no more war", "defend our soil", "our soil, our honour", "rain soon"]
    labels = ["conciliatory", "conciliatory", "nationalist", "nationalist", "neither"]
    return FramingClassifier(seed=7, least=1, names="mask").fit(texts, labels)


def listed(table: pl.DataFrame, *, top: int = 10_000) -> set[str]:
    return set(explain_corpus(small(), table, top=top)["word"])


@pytest.mark.parametrize(("authors", "shown"), [(9, False), (10, True)])
def test_a_word_needs_ten_authors(authors: int, shown: bool) -> None:
    given = posts(
        [*["peace"] * authors, *["soil"] * 40], [*[f"a{i}" for i in range(authors)], *[f"b{i}" for i in range(40)]]
    )
    assert ("peace" in listed(given)) is shown
    assert "soil" in listed(given)


def test_many_posts_of_nine_authors_are_not_enough() -> None:
    assert listed(posts(["peace"] * 900, [f"a{i % 9}" for i in range(900)])) == set()


def test_posts_without_an_author_count_for_nothing() -> None:
    nine = [f"a{i}" for i in range(9)]
    assert listed(posts(["peace"] * 11, [*nine, None, ""])) == set()
    with_them = explain_corpus(small(), posts(["peace"] * 12, [*nine, "a9", None, ""]))
    assert with_them["n_posts"].unique().to_list() == [10]
    assert with_them["lang_posts"].unique().to_list() == [10]
    assert with_them["lang_authors"].unique().to_list() == [10]


def test_ten_authors_in_two_languages_are_five_in_each() -> None:
    assert listed(posts(["peace"] * 10, lang=["en"] * 5 + ["ur"] * 5)) == set()


def test_a_word_that_one_author_brings_most_of_is_left_out() -> None:
    others = [f"a{i}" for i in range(12)]
    assert "peace" in listed(posts(["peace"] * 24, [*others, *["b"] * 12]))
    assert "peace" not in listed(posts(["peace"] * 25, [*others, *["b"] * 13]))


def test_the_threshold_cannot_be_set_below_ten() -> None:
    with pytest.raises(UsageError, match="min_authors is 9; words of fewer than 10 authors are never shown"):
        explain_corpus(small(), posts(["peace"]), min_authors=9)
    with pytest.raises(UsageError, match="top is 0"):
        explain_corpus(small(), posts(["peace"]), top=0)
    assert explain_corpus(small(), posts(["peace"] * 11), min_authors=12).is_empty()


def test_spellings_that_the_model_takes_for_one_are_one_word_as_most_write_it() -> None:
    made = explain_corpus(
        small(), posts([*["پاکستان soil"] * 12, *["پاكستان soil"] * 10], lang="ur"), through_bank=False
    )
    assert made.filter(word="پاكستان").is_empty()
    rows = explain_corpus(models()["default"], posts([*["پاکستان"] * 12, *["پاكستان"] * 3], lang="ur"))
    assert rows["word"].unique().to_list() == ["پاکستان"]
    assert rows["n_authors"].unique().to_list() == [15]


def test_a_spelling_of_few_authors_is_not_shown_for_the_sake_of_others() -> None:
    rows = explain_corpus(models()["default"], posts([*["پاکستان"] * 9, *["پاكستان"] * 9], lang="ur"))
    assert rows.is_empty()


def test_means_are_those_of_the_posts_one_by_one() -> None:
    """Oracle: each post explained alone, added up by word."""
    model = small()
    texts = ["peace peace soil", "peace, our soil", "our peace", "soil", "we want peace <user>"]
    given = posts([texts[i % 5] for i in range(60)], [f"a{i}" for i in range(60)])
    made = explain_corpus(model, given, top=1000, through_bank=False)
    found = pl.concat(explain_post(model, text).with_columns(text=pl.lit(text)) for text in texts)
    each = found.filter(pl.col("kind").is_in(["word", "pair"])).group_by("kind", "part", "frame").agg(
        total=pl.col("contribution").sum() * 12, held=pl.col("text").n_unique() * 12
    )  # fmt: skip
    joined = made.join(each, left_on=["kind", "word", "frame"], right_on=["kind", "part", "frame"], how="left")
    assert joined.height == made.height > 5
    np.testing.assert_allclose(joined["contribution"], joined["total"] / 60, atol=6e-7)
    np.testing.assert_allclose(joined["when_used"], joined["total"] / joined["held"], atol=6e-7)
    assert joined["n_posts"].to_list() == joined["held"].to_list()
    wanted = each.filter(pl.col("total") / 60 > 1e-6, ~pl.col("part").str.contains("<|,"))
    assert set(made.select("kind", "word", "frame").rows()) == set(wanted.select("kind", "part", "frame").rows())


def test_texts_by_the_thousand_are_cut_and_joined_without_a_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    given = posts([f"peace {word}" for word in ("soil", "war", "talks", "rain") for _ in range(12)])
    whole = explain_corpus(small(), given)
    monkeypatch.setattr("discourse.framing.explain._BATCH", 2)
    assert explain_corpus(small(), given).equals(whole)


def test_names_addresses_and_pseudonyms_are_never_shown() -> None:
    hidden = handle_pseudonym(Key.made_up("demo"), "x", "demo_one")[2:]
    assert len(hidden) == 26
    names = (f"@{hidden}", f"/u/{hidden}", hidden, "@some_one", "x@secret.example", "https://secret.example/a",
             "www.secret.example", "<user>", "secret.com/some", "030123456")  # fmt: skip
    for name in names:
        text = f"{name} peace"
        found = listed(posts([text] * 40))
        assert found <= {"peace"}, text
        assert explain_post(small(), text).filter(pl.col("part").str.contains("some_one|secret.example/")).is_empty()


def test_a_mask_is_no_word_but_the_same_word_elsewhere_is() -> None:
    cut = Tokens.of(["<user> user <url>"])
    assert [cut.forms[at] for at in cut.form[cut.plain]] == ["user"]


def test_order_of_rows_and_frames_top_and_columns() -> None:
    given = posts([f"{word} peace soil" for word in ("rain", "talks") for _ in range(20)], lang=["ur", "en"] * 20)
    made = explain_corpus(small(), given, top=3)
    before = given.clone()
    assert dict(made.schema) == WORD_LIST
    assert explain_corpus(small(), given.sample(fraction=1.0, shuffle=True, seed=2), top=3).equals(made)
    assert given.equals(before)
    assert made.group_by("frame", "lang").len()["len"].to_list() <= [3] * 6
    order = made.select("frame", "lang").unique(maintain_order=True).rows()
    assert order == sorted(order, key=lambda row: (FRAMES.index(row[0]), ("en", "ur").index(row[1])))
    for part in made.partition_by("frame", "lang"):
        assert part["contribution"].is_sorted(descending=True)
    assert (made["contribution"] > 0).all()
    assert set(made["lang"]) <= {"en", "ur"}, "no row for all languages, from which another could be taken off"


def test_no_posts_make_an_empty_list_and_missing_columns_are_named() -> None:
    assert dict(explain_corpus(small(), posts([])).schema) == WORD_LIST
    assert explain_corpus(small(), Corpus(POSTS.empty())).is_empty()
    with pytest.raises(SchemaError, match="no author_id"):
        explain_corpus(small(), posts(["peace"]).drop("author_id"))
    with pytest.raises(SchemaError, match="no text_norm"):
        explain_corpus(small(), posts(["peace"]).drop("text_norm"))


def test_a_corpus_is_explained_language_by_language(tiny_model: FramingClassifier, tiny_measured: Corpus) -> None:
    made = explain_corpus(tiny_model, tiny_measured, top=5)
    assert made["lang"].n_unique() >= 4
    assert made["n_authors"].to_numpy().min() >= 10
    assert (made["n_authors"] <= made["n_posts"]).all()
    assert made["model"].unique().to_list() == [tiny_model.model_id]
    held = tiny_measured.posts.filter(pl.col("text_norm").str.contains(rf"(^|\s){made['word'][0]}(\s|$)"))
    assert held["author_id"].n_unique() >= 10
