"""The study of a real corpus: every row counted, and nothing about a person in what it publishes."""

from __future__ import annotations

import base64
import html
import os
import re
from pathlib import Path

import msgspec
import polars as pl
import pytest

from discourse.readers.files import open_lines
from discourse.store.saved import load_corpus
from discourse.study.run import Outcome, run_study

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("DISCOURSE_SHARED", ROOT.parent / "shared"))
EXPORT = SHARED / "data" / "get-out-2021" / "rtweet.ndjson.zst"
STUDY = ROOT / "corpora" / "get-out-2021" / "study.toml"
WORD = re.compile(r"\w+")

pytestmark = [
    pytest.mark.skipif(not EXPORT.is_file(), reason="needs ../shared/data/get-out-2021 (real posts)"),
    pytest.mark.filterwarnings("ignore::discourse.errors.DiscourseWarning"),
]  # fmt: skip


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    folder = tmp_path_factory.mktemp("real")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DISCOURSE_KEY_FILE", str(folder / "study.key"))
        return run_study(STUDY, data=SHARED / "data", work=folder / "out", figures=folder / "figures")


@pytest.fixture(scope="module")
def published(outcome: Outcome) -> str:
    """All that was published as one text, the pictures inside the page included."""
    parts = []
    for path in sorted(outcome.figures.iterdir()):
        raw = path.read_bytes()
        parts.append(raw.decode("utf-8", "replace"))
        parts += [base64.b64decode(one).decode() for one in re.findall(rb"data:image/svg\+xml;base64,([^\"]+)", raw)]
    return html.unescape("\n".join(parts))


@pytest.fixture(scope="module")
def tweets() -> list[dict[str, object]]:
    return [msgspec.json.decode(line) for _, line in open_lines(EXPORT)]


def test_every_tweet_is_counted(outcome: Outcome) -> None:
    corpus = load_corpus(outcome.work / "corpus")
    row = corpus.files.row(0, named=True)
    # Published with the corpus: 17,360 tweets by 3,654 authors, 9,489 of them retweets.
    assert row["read"] == 17_360 == row["accepted"] + row["duplicates"] + row["quarantined"]
    assert corpus.posts["author_id"].n_unique() == 3_654
    assert corpus.posts.filter(kind="repost").height == 9_489
    assert corpus.posts["side"].null_count() == 0
    assert set(corpus.posts["side"]) == {"pakistan", "afghanistan", "unknown"}


def test_the_measured_population_is_about_what_the_coders_drew_from(outcome: Outcome) -> None:
    # The gold sample's card: 2,677 distinct originals. Ours folds spelling variants too, so it is a little smaller.
    measured = load_corpus(outcome.work / "measured").posts.height
    assert 2_600 <= measured <= 2_677


def test_series_has_six_hour_windows_of_all_three_sides(outcome: Outcome) -> None:
    series = pl.read_csv(outcome.work / "series.csv", schema_overrides={"window": pl.String})
    share = series.filter(pl.col("measure") == "Prevalence('nationalist')", pl.col("method") == "poststrat")
    per_side = share.filter(weight="author").group_by("side").len().sort("side")
    assert per_side["side"].to_list() == ["afghanistan", "pakistan", "unknown"]
    # 11 February 09:36 to 13 February 11:15 UTC touches ten local windows of six hours.
    assert per_side["len"].to_list() == [10, 10, 10]
    assert share.filter(weight="author")["n_posts"].sum() == load_corpus(outcome.work / "scored").posts.height


def test_no_gap_between_the_sides_is_claimed_and_the_page_says_why(outcome: Outcome) -> None:
    page = html.unescape((outcome.figures / "report.html").read_text("utf-8"))
    answer = page[page.index("In short") : page.index("Before you use these numbers")]
    assert "No difference between the sides is claimed." in answer
    assert "net tone of Pakistan minus" not in answer
    reasons = pl.read_csv(outcome.work / "reasons.csv")
    assert reasons["flag"].to_list() == ["sides_unknown", "few_gold", "one_campaign"]
    assert all(said in answer for said in reasons["said"])
    # Known of the campaign: three of four profiles name no place that can be told, half of 431 labels measure.
    assert "64 % of the posts have no known side" in answer
    gold = pl.read_csv(outcome.figures / "guards.csv").filter(flag="no_gold", side="pakistan")
    assert gold["labels"].min() > 96  # more than gold alone needs for plus or minus 10 points


def test_no_id_of_a_tweet_or_account_is_published(published: str, tweets: list[dict[str, object]]) -> None:
    ids = {str(tweet[key]) for tweet in tweets for key in ("status_id", "user_id")}
    assert len(ids) > 20_000
    assert not ids & set(re.findall(r"\d{6,}", published))


def test_no_pseudonym_is_published(published: str, outcome: Outcome) -> None:
    authors = load_corpus(outcome.work / "corpus").posts["author_id"].unique()
    assert not {one.removeprefix("x:") for one in authors} & set(re.findall(r"[a-z2-7]{26}", published))


def test_no_five_words_of_a_tweet_are_published(published: str, tweets: list[dict[str, object]]) -> None:
    def fives(text: str) -> set[tuple[str, ...]]:
        words = WORD.findall(text.lower())
        return set(zip(*(words[i:] for i in range(5)), strict=False))

    said = set().union(*(fives(str(tweet["text"])) for tweet in tweets))
    assert len(said) > 30_000
    assert not said & fives(published)


def test_private_folder_is_for_its_owner_alone(outcome: Outcome) -> None:
    assert outcome.work.stat().st_mode & 0o077 == 0


def test_a_second_run_has_nothing_to_do(outcome: Outcome, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCOURSE_KEY_FILE", str(outcome.work.parent.parent / "study.key"))
    again = run_study(STUDY, data=SHARED / "data", work=outcome.work.parent, figures=outcome.figures.parent)
    assert again.ran == ()
    assert len(again.skipped) == 11


def test_a_second_run_elsewhere_gives_the_same_bytes(
    outcome: Outcome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISCOURSE_KEY_FILE", str(outcome.work.parent.parent / "study.key"))
    again = run_study(STUDY, data=SHARED / "data", work=tmp_path / "out", figures=tmp_path / "figures")
    files = sorted(path.name for path in outcome.figures.iterdir())
    assert sorted(path.name for path in again.figures.iterdir()) == files
    differ = [name for name in files if (again.figures / name).read_bytes() != (outcome.figures / name).read_bytes()]
    assert differ == []
