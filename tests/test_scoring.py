from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from conftest import SEED, TinyDemo
from discourse.corpus.copies import with_copies
from discourse.corpus.posts import Corpus
from discourse.corpus.privacy import Key
from discourse.corpus.sides import Sides
from discourse.corpus.texts import with_text
from discourse.engine.backend import Engine
from discourse.engine.partitions import partitions_of, posts_of
from discourse.engine.scored import SCORED, finish_part, read_part, read_scores
from discourse.engine.scoring import Scored, score_corpus
from discourse.errors import BadInput, MissingData, PrivacyError, UsageError
from discourse.framing.classifier import FramingClassifier
from discourse.framing.store import save_model
from discourse.store.forgetting import forget
from discourse.store.importing import import_posts
from discourse.store.reading import open_manifest, read_corpus

EACH = 100


@dataclass(frozen=True)
class Place:
    """A corpus on disk, its sides and its model."""

    corpus: Path
    sides: Sides
    model: Path
    key: Key

    def score(self, to: Path, **changes: Any) -> Scored:
        given = {"sides": self.sides, "model": self.model, "engine": Engine("serial"), "posts_each": EACH}
        return score_corpus(self.corpus, to, **{**given, **changes})


@pytest.fixture(scope="module")
def place(
    tiny: TinyDemo, tiny_model: FramingClassifier, tiny_sides: Sides, tmp_path_factory: pytest.TempPathFactory
) -> Place:
    folder = tmp_path_factory.mktemp("scoring")
    import_posts(tiny.folder / "posts.jsonl.zst", folder / "corpus", key=tiny.key)
    save_model(tiny_model, folder / "model.safetensors")
    return Place(folder / "corpus", tiny_sides, folder / "model.safetensors", tiny.key)


@pytest.fixture(scope="module")
def scored(place: Place, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of scores; it is not to be changed: copy it."""
    to = tmp_path_factory.mktemp("scores") / "scores"
    done = place.score(to)
    assert (done.worked, done.found) == (len(done.scores.parts), 0)
    return to


@pytest.fixture
def copied(scored: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(scored, tmp_path / "scores"))


def rows(folder: Path) -> pl.DataFrame:
    parts = read_scores(folder).parts
    return pl.concat(read_part(folder, part, list(SCORED.columns)) for part in parts).sort("post_id")


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_scores_are_those_of_the_corpus_in_one_piece(
    place: Place, scored: Path, tiny_read: Corpus, tiny_model: FramingClassifier
) -> None:
    made = rows(scored)
    whole = with_copies(with_text(tiny_read.with_sides(place.sides)), near=None)
    assert made.select("post_id", "author_id", "created_at", "side", "lang", "platform", "kind", "sentiment",
                       "copy_id").equals(whole.posts.select(
        "post_id", "author_id", "created_at", "side", "lang", "platform", "kind", "sentiment", "copy_id"))  # fmt: skip
    framed = tiny_model.predict(whole)
    assert isinstance(framed.table, pl.DataFrame)
    names = ["post_id", *(name for name in SCORED.columns if name.startswith("p_")), "predicted"]
    assert made.select(names).equals(framed.table.select(names))
    assert made["sentiment"].null_count() == made.filter(pl.col("lang") != "en").height > 0
    assert len(read_scores(scored).parts) >= 8
    assert read_scores(scored).rows == made.height
    assert read_scores(scored).model == tiny_model.model_id


@pytest.mark.parametrize(("engine", "each"), [(Engine("threads", 3), EACH), (Engine("processes", 2), 300)])
def test_neither_engine_nor_borders_change_a_score(
    place: Place, scored: Path, tmp_path: Path, engine: Engine, each: int
) -> None:
    place.score(tmp_path / "other", engine=engine, posts_each=each)
    assert rows(tmp_path / "other").equals(rows(scored))
    assert (files(tmp_path / "other") == files(scored)) == (each == EACH)


def test_what_is_finished_is_not_done_again(place: Place, copied: Path) -> None:
    before = files(copied)
    done = place.score(copied)
    assert (done.worked, done.found) == (0, len(done.scores.parts))
    assert files(copied) == before


@pytest.mark.parametrize("harm", ["part gone", "part damaged", "record gone", "record damaged", "record of another"])
def test_what_is_lost_or_damaged_is_done_again_to_the_same_bytes(place: Place, copied: Path, harm: str) -> None:
    before = files(copied)
    part = read_scores(copied).parts[3]
    file, record = copied / "parts" / part.name, next((copied / "done").glob(f"{part.low:05}-*"))
    if harm == "part gone":
        file.unlink()
    elif harm == "part damaged":
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
    elif harm == "record gone":
        record.unlink()
    elif harm == "record damaged":
        record.write_bytes(record.read_bytes()[:-9])
    else:
        record.write_text(record.read_text().replace(part.fingerprint, "0" * 64))
    done = place.score(copied)
    assert (done.worked, done.found) == (1, len(done.scores.parts) - 1)
    assert files(copied) == before


def test_another_model_other_sides_and_other_posts_are_scored_anew(
    place: Place, copied: Path, tmp_path: Path, tiny_model: FramingClassifier
) -> None:
    bolder = tiny_model.calibrate(["peace talks", "our soil"] * 60, ["conciliatory", "nationalist"] * 60)
    save_model(bolder, tmp_path / "model.safetensors")
    done = place.score(copied, model=tmp_path / "model.safetensors")
    assert (done.found, done.scores.model) == (0, bolder.model_id)
    assert place.score(copied, sides=replace(place.sides, rules=place.sides.rules[:1])).found == 0
    corpus = shutil.copytree(place.corpus, tmp_path / "corpus")
    gone = rows(copied)["post_id"][5]
    place.score(copied)
    forget(corpus, posts=[gone], key=place.key)
    again = replace(place, corpus=Path(corpus)).score(copied)
    assert again.worked > 0
    assert gone not in rows(copied)["post_id"]
    assert rows(copied)["post_id"].equals(read_corpus(corpus).posts["post_id"])
    assert len(files(copied)) == 1 + 2 * len(again.scores.parts)  # nothing of what was before is left


def test_no_text_and_no_handle_is_in_the_scores(place: Place, scored: Path) -> None:
    assert not {"text", "text_norm", "handle_id", "location"} & set(rows(scored).columns)
    held = b"".join(files(scored).values())
    texts = [text for text in read_corpus(place.corpus).posts["text"] if len(text) > 30]
    assert len(texts) > 100
    assert not any(text.encode() in held for text in texts)
    assert {os.stat(path).st_mode & 0o077 for path in scored.rglob("*") if path.is_file()} == {0}


def test_partitions_hold_each_post_once_and_later_versions_win(tmp_path: Path) -> None:
    key = Key.made_up("versions")
    base = {"author_id": "42", "text": "peace", "edit_history_tweet_ids": ["1"]}
    tweets = [
        {**base, "id": str(9000 + n), "text": f"peace {n}", "created_at": f"2025-05-07T10:{n:02}:00Z",
         "edit_history_tweet_ids": [str(9000 + n - n % 2), str(9000 + n)][n % 2 == 0:]}
        for n in range(40)
    ]  # fmt: skip
    again = [{**tweets[n], "text": f"war {n}", "public_metrics": {"like_count": 3}} for n in (4, 6)]
    for name, some in (("a", tweets[:20]), ("b", tweets[15:]), ("c", again)):
        (tmp_path / f"{name}.jsonl").write_text("\n".join(json.dumps(one) for one in some))
        import_posts(tmp_path / f"{name}.jsonl", tmp_path / "corpus", key=key, format="x_api")
    whole = read_corpus(tmp_path / "corpus").posts
    assert 0 < whole.height < 40  # versions that were replaced are gone
    for each in (1, 3, 1000):
        parts = partitions_of(tmp_path / "corpus", each)
        borders = [(part.low, part.high) for part in parts]
        assert borders[0][0] == 0
        assert borders[-1][1] == 65535
        assert all(high + 1 == low for (_, high), (low, _) in pairwise(borders))
        found = pl.concat(posts_of(part) for part in parts).sort("post_id")
        seen = ["post_id", "author_id", "created_at", "text", "kind", "source_file"]
        assert found.select(seen).equals(whole.select(seen))
    with pytest.raises(UsageError, match="posts_each is 0; a partition holds at least 1 post"):
        partitions_of(tmp_path / "corpus", 0)


def test_a_partition_holds_about_as_many_posts_as_were_asked_for(place: Place) -> None:
    rows_there = sum(part.rows for part in open_manifest(place.corpus).of("posts"))
    for each in (EACH, 300, rows_there):
        parts = partitions_of(place.corpus, each)
        assert rows_there / len(parts) <= each < 2 * rows_there / len(parts) + 1 or len(parts) == 1


def test_errors_are_one_sentence(place: Place, copied: Path, tmp_path: Path) -> None:
    with pytest.raises(PrivacyError, match=r"^the corpus was imported with another key; set DISCOURSE_KEY_FILE"):
        place.score(tmp_path / "to", key=Key.made_up("other"))
    with pytest.raises(MissingData, match=r"^there is no model at "):
        place.score(tmp_path / "to", model=tmp_path / "none")
    with pytest.raises(MissingData, match=r"^there are no scores in 'none'; make them with discourse score$"):
        read_scores(tmp_path / "none")
    part = read_scores(copied).parts[0]
    (copied / "parts" / part.name).write_bytes(b"PAR1")
    with pytest.raises(BadInput, match=r"^'[0-9a-f]+[.]parquet' of the scores is damaged or gone; type"):
        read_part(copied, part, ["side"])
    (copied / "scores.json").write_text("{}")
    with pytest.raises(BadInput, match=r"^scores.json in 'scores' is damaged; type discourse score again$"):
        read_scores(copied)


def test_equal_scores_give_a_file_of_equal_name_and_bytes(scored: Path, tmp_path: Path) -> None:
    frame = rows(scored)
    mixed = frame.sample(fraction=1.0, shuffle=True, seed=SEED)
    one, other = (finish_part(tmp_path / name, given, "ff", 0, 9) for name, given in (("a", frame), ("b", mixed)))
    assert one == other
    assert files(tmp_path / "a") == files(tmp_path / "b")
