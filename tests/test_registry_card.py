"""Cards: what they say of training, and that they say nothing of a person."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from discourse.corpus.posts import Corpus
from discourse.corpus.privacy import Key
from discourse.errors import BadInput, MeaningError, SchemaError, UsageError
from discourse.framing.classifier import FramingClassifier
from discourse.labels.labels import Labels, TrainingLabels
from discourse.registry.card import Card, PassRate, Probe, Score, Training, read_sealed, sealed
from discourse.registry.facts import LIMITS, USE, Facts, code_hashes, environment, marks, scores_of, training_facts
from discourse.registry.folder import entry, register
from discourse.registry.seen import seen_in_training, unseen
from discourse.registry.words import card_lines
from discourse.schema import POSTS

KEY, OTHER = Key.made_up("tests"), Key.made_up("others")
WHEN = datetime(2025, 1, 6, tzinfo=UTC)


def post(number: int, author: str, **more: Any) -> dict[str, Any]:
    text = more.pop("text", f"text {number}")
    return {"post_id": f"x:9{number:04}", "platform": "x", "author_id": f"x:{author}", "created_at": WHEN,
            "kind": "original", "text": text, "text_norm": text, **more}  # fmt: skip


def labels_of(posts: list[dict[str, Any]], values: list[str]) -> TrainingLabels:
    return TrainingLabels(pl.DataFrame({"post_id": [one["post_id"] for one in posts], "value": values}))


def corpus_of(posts: list[dict[str, Any]]) -> Corpus:
    return Corpus(POSTS.frame(posts))


def cells(training: Training, of: str) -> dict[str, tuple[int | None, int | None]]:
    return {one.value: (one.posts, one.authors) for one in training.cells if one.of == of}


def test_counts_are_rounded_and_small_cells_withheld() -> None:
    """By hand: 12 authors with 2 posts each in Urdu, 11 with 1 in Pashto, 9 in Dari, 3 in English."""
    sizes = (("ur", 12, 2, "pakistan", "nationalist"), ("ps", 11, 1, "afghanistan", "neither"),
             ("fa", 9, 1, "afghanistan", "neither"), ("en", 3, 1, None, "both"))  # fmt: skip
    posts: list[dict[str, Any]] = []
    values: list[str] = []
    for lang, authors, each, side, value in sizes:
        for number in range(authors * each):
            posts.append(post(len(posts), f"{lang}{number % authors}", lang=lang, side=side))
            values.append(value)
    made = training_facts(corpus_of(posts), labels_of(posts, values), KEY)
    assert made.posts == 45  # 47
    assert cells(made, "language") == {"ur": (25, 10), "ps": (10, 10), "fa": (None, None), "en": (None, None)}
    # Three authors alone are unknown: the next smallest cell goes too, or the total would tell theirs.
    assert cells(made, "side") == {"afghanistan": (20, 20), "pakistan": (None, None), "unknown": (None, None)}
    assert cells(made, "frame") == {"neither": (20, 20), "nationalist": (None, None), "both": (None, None)}


def test_of_few_authors_not_even_the_number_of_posts_is_said() -> None:
    posts = [post(number, f"a{number % 9}") for number in range(40)]
    assert training_facts(corpus_of(posts), labels_of(posts, ["both"] * 40), KEY).posts is None
    posts = [post(number, f"a{number % 10}") for number in range(40)]
    assert training_facts(corpus_of(posts), labels_of(posts, ["both"] * 40), KEY).posts == 40


def test_digests_know_no_order_and_every_label_text_and_key() -> None:
    posts = [post(number, f"a{number}") for number in range(6)]
    values = ["both", "neither"] * 3
    made = training_facts(corpus_of(posts), labels_of(posts, values), KEY)
    assert training_facts(corpus_of(posts[::-1]), labels_of(posts[::-1], values[::-1]), KEY) == made
    swapped = training_facts(corpus_of(posts), labels_of(posts, values[::-1]), KEY)
    assert (swapped.labels == made.labels, swapped.texts == made.texts) == (False, True)
    other = training_facts(corpus_of([post(0, "a0", text="new"), *posts[1:]]), labels_of(posts, values), KEY)
    assert (other.labels == made.labels, other.texts == made.texts) == (True, False)
    foreign = training_facts(corpus_of(posts), labels_of(posts, values), OTHER)
    for field in ("key", "labels", "texts", "post_marks", "author_marks", "text_marks"):
        assert getattr(foreign, field) != getattr(made, field), field


def test_a_label_of_no_post_is_refused() -> None:
    posts = [post(0, "a"), post(1, "b")]
    with pytest.raises(SchemaError, match="1 of 2 training labels belong to no post here"):
        training_facts(corpus_of(posts[:1]), labels_of(posts, ["both"] * 2), KEY)


def test_marks_tell_ids_authors_and_texts_apart() -> None:
    value = pl.Series(["x:1"])
    made = [marks(KEY, what, value)[0] for what in ("post", "author", "text")]
    assert len({*made, marks(OTHER, "post", value)[0]}) == 4
    assert marks(KEY, "post", pl.Series(["b", "a", "b"])) == [
        *marks(KEY, "post", pl.Series(["b", "a"])), *marks(KEY, "post", pl.Series(["b"]))
    ]  # fmt: skip


def card_with(training: Training | None) -> Any:
    """What `seen_in_training` looks at of a card."""
    return msgspec.defstruct("Some", ["name", "version", "training"])("framing", "v1", training)


def test_a_post_is_seen_by_itself_its_author_its_text_or_a_copy() -> None:
    trained = [post(0, "a", text="one", copy_id="c1"), post(1, "b", text="two")]
    fresh = [
        post(10, "z1", text="new"), post(11, "a", text="by the author of one"), post(12, "z2", text="two"),
        post(13, "z3", text="one, nearly", copy_id="c1"), post(14, "z4", text="other", copy_id="c2"),
    ]  # fmt: skip
    corpus = corpus_of([*trained, *fresh])
    card = card_with(training_facts(corpus, labels_of(trained, ["both", "neither"]), KEY))
    asked = POSTS.frame([*trained, *fresh])
    assert seen_in_training(corpus, asked, card, KEY).to_list() == [True, True, False, True, True, True, False]
    # A corpus without the trained posts cannot know of near copies, but still of posts, authors and texts.
    rest = corpus_of(fresh)
    assert seen_in_training(rest, asked, card, KEY).to_list() == [True, True, False, True, True, False, False]
    labels = asked.select("post_id", value=pl.lit("both"))
    left, out = unseen(corpus, labels, [card], KEY)
    assert (left["post_id"].to_list(), out) == (["x:90010", "x:90014"], 5)
    everything, none = unseen(corpus, labels, [], KEY)
    assert (everything.equals(labels), none) == (True, 0)
    with pytest.raises(MeaningError, match="2 of 7 labelled posts are not in this corpus"):
        unseen(rest, labels, [card], KEY)


def test_without_marks_or_with_another_key_nothing_is_known() -> None:
    posts = [post(0, "a"), post(1, "b")]
    corpus = corpus_of(posts)
    with pytest.raises(MeaningError, match="does not say what it was trained on"):
        seen_in_training(corpus, corpus.posts, card_with(None), KEY)
    card = card_with(training_facts(corpus, labels_of(posts, ["both", "neither"]), OTHER))
    with pytest.raises(MeaningError, match="was made with another key, so it cannot tell which posts it has seen"):
        seen_in_training(corpus, corpus.posts, card, KEY)


def scores_table(**more: Any) -> pl.DataFrame:
    rows = [
        {"model": "classifier", "group": group, "metric": metric, "class": of, "estimate": 0.7, "low": 0.6, "high": 0.8,
         "n": 42}
        for group in ("all", "lang=ps", "lang=ur", "side=pakistan", "probe=hashtags")
        for metric, of in (("macro_f1", "all"), ("f1", "both"), ("f1", "neither"))
    ]  # fmt: skip
    return pl.DataFrame(rows).with_columns(**more)


def test_scores_of_few_authors_are_withheld() -> None:
    """Pashto has 9 authors; in Urdu 12, of whom 3 carry `both`; all have a side."""
    rows = [{"author_id": f"p{i}", "lang": "ps", "side": "afghanistan", "value": "both"} for i in range(9)]
    rows += [{"author_id": f"u{i}", "lang": "ur", "side": "pakistan", "value": "neither"} for i in range(12)]
    rows += [{"author_id": f"u{i}", "lang": "ur", "side": "pakistan", "value": "both"} for i in range(3)]
    made = scores_of(scores_table(), pl.DataFrame(rows))
    shown = {(one.group, one.of): one.estimate for one in made}
    assert shown == {
        ("all", "all"): 0.7, ("all", "both"): 0.7, ("all", "neither"): 0.7,
        ("lang=ur", "all"): 0.7, ("lang=ur", "both"): None, ("lang=ur", "neither"): 0.7,
        ("side=pakistan", "all"): 0.7, ("side=pakistan", "both"): None, ("side=pakistan", "neither"): 0.7,
    }  # fmt: skip
    assert {one.n for one in made} == {40}
    assert {(one.low, one.high) for one in made if one.estimate is None} == {(None, None)}


def test_what_could_not_be_worked_out_is_no_number() -> None:
    rows = pl.DataFrame([{"author_id": f"u{i}", "lang": "ur", "side": "p", "value": "neither"} for i in range(12)])
    made = scores_of(scores_table(estimate=pl.lit(float("nan")), low=pl.lit(None, pl.Float64)), rows)
    assert {(one.estimate, one.low) for one in made} == {(None, None)}


def test_code_and_environment_name_no_machine_and_no_person() -> None:
    import getpass
    import platform
    import socket

    said = json.dumps([code_hashes(), environment()])
    assert all(len(one) == 64 for one in code_hashes().values())
    assert len(set(code_hashes().values())) == 3
    for name in (socket.gethostname(), str(Path.home()), getpass.getuser(), platform.node()):
        assert name not in said


CARD: dict[str, Any] = {
    "format": "discourse-card-1", "name": "framing", "version": "v1", "model_id": "m", "model_sha256": "0" * 64,
    "model_bytes": 9, "created": "2025-01-06T00:00:00Z", "classes": ["both", "neither"], "settings": {"c": 1.0},
    "seed": 7, "training": None, "codebook": "framing 2", "code": {}, "environment": {}, "evaluated": "not evaluated",
    "scores": [], "behaviour": [], "intended_use": USE, "limits": list(LIMITS),
    "probes": [{"language": "en", "text": "peace", "probabilities": [0.25, 0.75]}],
}  # fmt: skip


def card_of(**changes: Any) -> Card:
    return msgspec.convert({**CARD, **changes}, Card)


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "format": ({"format": "discourse-card-2"}, "it needs the format discourse-card-1"),
    "name": ({"name": "../framing"}, "a name of small letters"),
    "version": ({"version": "1"}, "a version like v1"),
    "version 0": ({"version": "v0"}, "a version like v1"),
    "hash": ({"model_sha256": "none"}, "the hash of the model in hex"),
    "bytes": ({"model_bytes": 0}, "the size of the model"),
    "time": ({"created": "yesterday"}, "a time like 2025-01-06T00:00:00Z"),
    "one class": ({"classes": ["both"]}, "two classes or more"),
    "a class twice": ({"classes": ["both", "both"]}, "two classes or more"),
    "no use": ({"intended_use": " "}, "an intended use and limits"),
    "no limits": ({"limits": []}, "an intended use and limits"),
    "too few probabilities": ({"probes": [{"language": "en", "text": "a", "probabilities": [1.0]}]}, "a probability a"),
    "no probabilities": ({"probes": [{"language": "en", "text": "a", "probabilities": [0.5, 0.6]}]}, "a probability a"),
    "below 0": ({"probes": [{"language": "en", "text": "a", "probabilities": [-0.5, 1.5]}]}, "a probability a"),
    "passed": ({"behaviour": [{"test": "a", "language": "en", "passed": 3, "cases": 2}]}, "no more passed cases"),
    "a number for a word": ({"codebook": 7}, "Expected `str`, got `int`"),
    "a field too many": ({"owner": "me"}, "unknown field `owner`"),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD)
def test_a_card_that_is_none_is_refused_in_one_sentence(what: str) -> None:
    change, said = BAD[what]
    body = {**CARD, **change}
    with pytest.raises(BadInput) as caught:
        read_sealed(json.dumps({"sha256": "", "body": body}).encode(), Card, "card.json")
    assert str(caught.value).startswith("'card.json' is not as this package writes it: ")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("field", CARD)
def test_a_card_without_a_field_is_refused(field: str) -> None:
    body = {name: value for name, value in CARD.items() if name != field}
    with pytest.raises(BadInput, match=f"missing required field `{field}`"):
        read_sealed(json.dumps({"sha256": "", "body": body}).encode(), Card, "card.json")


@pytest.mark.parametrize(
    "marks", [b"1234567", b"87654321" + b"12345678", b"12345678" + b"12345678"], ids=["cut", "order", "twice"]
)
def test_marks_that_are_none_are_refused(marks: bytes) -> None:
    with pytest.raises(ValueError, match="sorted marks of 8 bytes"):
        Training(key="0" * 8, labels="0" * 32, texts="0" * 32, posts=0, cells=(), post_marks=marks, author_marks=b"",
                 text_marks=b"")  # fmt: skip


def test_a_sealed_card_is_read_as_it_was_and_only_so() -> None:
    card = card_of()
    data = sealed(card)
    assert read_sealed(data, Card, "card.json") == card
    assert sealed(read_sealed(data, Card, "card.json")) == data
    whole = json.loads(data)
    for change in ({"codebook": "framing 3"}, {"model_bytes": 10}):
        forged = json.dumps({**whole, "body": {**whole["body"], **change}}).encode()
        with pytest.raises(BadInput, match="damaged or was changed by hand"):
            read_sealed(forged, Card, "card.json")
    for other in (data.rstrip(), data + b"\n", json.dumps(whole).encode(), b"", b"[]", b"[" * 10**5, b"\xff", b"null"):
        with pytest.raises(BadInput, match="damaged or was changed by hand"):
            read_sealed(other, Card, "card.json")


def test_a_whole_number_where_a_number_belongs_is_the_same_card() -> None:
    probe = Probe(language="en", text="a", probabilities=(0, 1))
    card = msgspec.structs.replace(card_of(), probes=(probe,))
    assert read_sealed(sealed(card), Card, "card.json").probes[0].probabilities == (0.0, 1.0)


def test_what_a_card_cannot_say_is_not_written() -> None:
    card = msgspec.structs.replace(card_of(), codebook=7)
    with pytest.raises(UsageError, match="a card cannot be written: Expected `str`, got `int`"):
        sealed(card)


@given(st.text(max_size=50), st.floats(0, 1), st.integers(0, 10**9))
def test_any_words_and_numbers_come_back(text: str, share: float, count: int) -> None:
    from discourse.errors import DiscourseError

    score = Score(model=text, group="all", metric="f1", of="both", estimate=share, low=None, high=share, n=count)
    try:
        data = sealed(score)
    except DiscourseError:
        pytest.fail("not written")
    assert read_sealed(data, Score, "card.json") == score


@pytest.fixture(scope="module")
def tiny_card(
    tiny_measured: Corpus, tiny_labels: Labels, tiny_model: FramingClassifier, tmp_path_factory: pytest.TempPathFactory
) -> tuple[bytes, Card]:
    place = tmp_path_factory.mktemp("registry")
    training = training_facts(tiny_measured, tiny_labels.training, KEY)
    facts = Facts(training, "framing 2", behaviour=(PassRate(test="negation", language="all", passed=3, cases=4),))
    register(tiny_model, place, "framing", facts, created=WHEN)
    return (place / "framing/v1/card.json").read_bytes(), entry(place, "framing", "v1").card


def test_a_card_holds_no_id_no_author_and_no_text_of_a_post(
    tiny_card: tuple[bytes, Card], tiny_measured: Corpus
) -> None:
    said = tiny_card[0].decode()
    for column in ("post_id", "author_id", "handle_id", "text", "text_norm"):
        for value in tiny_measured.posts[column].drop_nulls().unique():
            bare = value.partition(":")[2] if column.endswith("_id") else value
            assert len(bare) < 8 or bare not in said, column


def test_the_marks_of_a_card_are_of_all_that_was_trained_on(
    tiny_card: tuple[bytes, Card], tiny_measured: Corpus, tiny_labels: Labels
) -> None:
    seen = seen_in_training(tiny_measured, tiny_measured.posts, tiny_card[1], KEY)
    trained = tiny_measured.posts["post_id"].is_in(tiny_labels.training.frame["post_id"].implode())
    assert trained.sum() == len(tiny_labels.training) > 100
    assert seen.filter(trained).all()
    authors = tiny_measured.posts.filter(trained)["author_id"].unique()
    same_author = tiny_measured.posts["author_id"].is_in(authors.implode())
    assert seen.filter(same_author).all()
    assert not seen.all()


def test_a_card_in_words_says_what_matters(tiny_card: tuple[bytes, Card]) -> None:
    lines = card_lines(tiny_card[1])
    text = "\n".join(lines)
    for part in ("framing v1: ", "registered  2025-01-06", "not         Not for decisions about people", "framing 2",
                 "negation: 3 of 4 made-up cases", "about 150 posts", "are withheld", "50 made-up texts"):  # fmt: skip
        assert part in text
    unknown = card_lines(msgspec.structs.replace(tiny_card[1], training=None))
    assert "trained on  not said" in unknown
