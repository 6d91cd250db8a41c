"""Classifiers on encoders, with weights that the tests make: tiny, random, and enough to tell words apart."""

from __future__ import annotations

import os
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score

from discourse.corpus.posts import Corpus
from discourse.errors import BadInput, MeaningError, MissingData, SmallSampleWarning, UsageError
from discourse.framing.encoders import EncoderClassifier, Head
from discourse.labels.labels import GoldLabels, Labels
from discourse.schema import ABSTAIN, FRAMES, FRAMINGS, POSTS

WORDS = ["peace", "talk", "soil", "honour", "rain", "match", "we", "want", "our", "now", "the", "in"]
NEEDS = {"static": ("model2vec",), "sentence": ("sentence_transformers",), "transformer": ("torch", "transformers")}
EXTRA = {"static": "embeddings", "sentence": "embeddings", "transformer": "transformers"}
KINDS = list(NEEDS)


def needed(kind: str) -> None:
    """Skip where the libraries of a kind are not installed."""
    absent = [name for name in NEEDS[kind] if find_spec(name) is None]
    if absent:
        pytest.skip(f"needs {', '.join(absent)}: pip install 'discourse[{EXTRA[kind]}]'")


def tokenizer() -> Any:
    """Words of the test by number, all others as one."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    vocabulary = {word: at for at, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS])}
    made = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))  # type: ignore[call-arg]
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return made


def bert(folder: Path) -> None:
    """A network of one layer with random weights."""
    import torch
    import transformers

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        config = transformers.BertConfig(
            vocab_size=len(WORDS) + 4, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
            max_position_embeddings=128, hidden_dropout_prob=0.0, initializer_range=0.5,
        )  # fmt: skip
        transformers.BertModel(config).save_pretrained(folder)
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer(), unk_token="[UNK]", pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]"
    ).save_pretrained(folder)


def made_folder(kind: str, folder: Path) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if kind == "static":
            from model2vec import StaticModel

            vectors = np.random.default_rng(1).normal(size=(len(WORDS) + 4, 8)).astype(np.float32)
            StaticModel(vectors, tokenizer()).save_pretrained(str(folder))
        elif kind == "transformer":
            bert(folder)
        else:
            from sentence_transformers import SentenceTransformer, models

            bert(folder.with_name("inner"))
            inner = models.Transformer(str(folder.with_name("inner")))
            SentenceTransformer(modules=[inner, models.Pooling(16)], device="cpu").save(str(folder))
    return folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    found = tmp_path_factory.mktemp("encoders")
    if find_spec("torch") is not None:
        import torch

        torch.set_num_threads(1)  # so small a network only waits for its other threads
    return {kind: made_folder(kind, found / kind) for kind in KINDS if all(find_spec(name) for name in NEEDS[kind])}


def posts(n: int, seed: int) -> tuple[list[str], list[str]]:
    """Texts with one word that tells the frame, among words that do not."""
    draw = np.random.default_rng(seed)
    tells = {"conciliatory": ["peace", "talk"], "nationalist": ["soil", "honour"], "neither": ["rain", "match"]}
    values = draw.choice(list(tells), n, p=[0.2, 0.4, 0.4]).tolist()
    fillers = ["we", "want", "our", "now", "the", "in"]
    texts = [" ".join(draw.permutation([*draw.choice(fillers, 2), draw.choice(tells[one])])) for one in values]
    return texts, values


def classifier(kind: str, folders: dict[str, Path], **settings: Any) -> EncoderClassifier:
    needed(kind)
    given = {"epochs": 12, "rate": 1e-2} if kind == "transformer" else {"c": 30.0}
    return EncoderClassifier(**{"seed": 7, "kind": kind, "folder": str(folders[kind]), **given, **settings})


@pytest.mark.parametrize("kind", KINDS)
def test_it_learns_is_calibrated_and_comes_out_the_same(kind: str, folders: dict[str, Path]) -> None:
    model = classifier(kind, folders)
    texts, values = posts(150, 1)
    asked, true = posts(200, 2)
    made = model.fit(texts, values)
    p = made.predict_proba(asked)
    assert made is model
    assert made.classes_.tolist() == ["conciliatory", "nationalist", "neither"]
    assert p.shape == (200, 3)
    assert np.allclose(p.sum(axis=1), 1)
    right = (made.predict(asked) == np.array(true)).mean()
    assert right > 0.55  # chance is a third; the tiny encoders have random weights
    assert abs(p.max(axis=1).mean() - right) < 0.15
    again = clone(model).fit(texts[::-1], values[::-1])
    assert again.model_id == made.model_id
    assert made.model_id.startswith(f"{kind}@")
    assert np.array_equal(again.predict_proba(asked), p)
    assert np.allclose(made.predict_proba(asked[:3]), p[:3], atol=1e-5)
    assert made.predict_proba([]).shape == (0, 3)
    assert classifier(kind, folders, seed=8).fit(texts, values).model_id != made.model_id


@pytest.mark.parametrize("kind", KINDS)
def test_a_corpus_gives_framings_and_abstains(kind: str, folders: dict[str, Path], tiny_measured: Corpus,
                                              tiny_labels: Labels) -> None:  # fmt: skip
    few = tiny_labels.training.frame[:40]
    labels = type(tiny_labels.training)(few)
    made = classifier(kind, folders, abstain_below=0.9, epochs=1).fit(tiny_measured, labels)
    table = made.predict(tiny_measured).table
    assert FRAMINGS.require(table).equals(table)
    low = table.select(pl.max_horizontal(f"p_{frame}" for frame in FRAMES)).to_series() < 0.9
    assert ((table["predicted"] == ABSTAIN) == low).all()
    assert low.any()
    assert table["model"].unique().to_list() == [made.model_id]


@pytest.mark.parametrize("kind", KINDS)
def test_a_later_slice_recalibrates_it_and_leaves_it_as_it_is(kind: str, folders: dict[str, Path]) -> None:
    made = classifier(kind, folders, epochs=3).fit(*posts(90, 1))
    texts, values = posts(300, 2)
    draw = np.random.default_rng(3)
    values = [one if draw.random() < 0.5 else str(draw.choice(made.classes_)) for one in values]
    before, temperature = made.predict_proba(texts), made.temperature_
    later = made.calibrate(texts, values)
    assert later.temperature_ > temperature
    assert (made.temperature_, made.model_id) != (later.temperature_, later.model_id)
    assert np.array_equal(made.predict_proba(texts), before)
    with pytest.warns(SmallSampleWarning, match="isotonic calibration rests on 300 posts"):
        lines = made.set_params(calibration="isotonic").calibrate(texts, values)
    p = lines.predict_proba(texts)
    assert np.isfinite(p).all()
    assert np.allclose(p.sum(axis=1), 1)


def test_it_works_in_cross_validation(folders: dict[str, Path]) -> None:
    texts, values = posts(120, 1)
    assert cross_val_score(classifier("static", folders), texts, values, cv=3).mean() > 0.8


def test_names_and_links_are_masked_for_encoders_too(folders: dict[str, Path]) -> None:
    made = classifier("static", folders).fit(*posts(90, 1))
    p = made.predict_proba(["@rain peace https://rain.example/match", "@someone peace https://example.org"])
    assert (p[0] == p[1]).all()


def test_the_generator_of_the_library_is_left_alone(folders: dict[str, Path]) -> None:
    model = classifier("transformer", folders, epochs=1)
    import torch

    torch.manual_seed(5)
    wanted = torch.rand(3)
    torch.manual_seed(5)
    model.fit(*posts(40, 1))
    assert torch.equal(torch.rand(3), wanted)


@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_of_another_kind_is_refused_in_one_sentence(kind: str, folders: dict[str, Path],
                                                             tmp_path: Path) -> None:  # fmt: skip
    model = classifier(kind, folders)
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "model.safetensors").write_bytes(b"\x02\x00\x00\x00\x00\x00\x00\x00{}")
    with pytest.raises(BadInput, match=r"^the folder 'empty' is none that this kind of encoder can read \(\w+\)$"):
        model.set_params(folder=tmp_path / "empty").fit(*posts(40, 1))
    with pytest.raises(MissingData, match=r"^there is no folder 'none'"):
        model.set_params(folder=tmp_path / "none").fit(*posts(40, 1))


def test_nothing_is_fetched(folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """A name of the hub is no folder, and no connection is tried for a folder that is there."""
    import socket

    def refuse(*_: object, **__: object) -> None:
        pytest.fail("a connection was tried")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.chdir(os.fspath(next(iter(folders.values()), Path.cwd())))
    for kind in folders:
        model = classifier(kind, folders, epochs=1).fit(*posts(40, 1))
        assert model.predict(["peace"]).shape == (1,)
    with pytest.raises(MissingData):
        EncoderClassifier(seed=1, kind="static", folder="minishlab/potion-base-8M").fit(*posts(40, 1))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"kind": "word2vec"}, "kind is 'word2vec'; it must be 'static', 'sentence' or 'transformer'"),
        ({"c": 0.0}, "c is 0.0; it must be above 0, like 3.0"),
        ({"epochs": 0}, "epochs is 0; it must be 1 or more, like 3"),
        ({"rate": 1.0}, "rate is 1.0; it must be above 0 and below 1, like 5e-5"),
        ({"seed": -1}, "seed is -1; it must be a whole number from 0 to 2**32 - 1"),
        ({"calibration": "platt"}, "calibration is 'platt'; it must be 'temperature' or 'isotonic'"),
    ],
)
def test_impossible_settings_are_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        EncoderClassifier(**{"seed": 1, "kind": "static", "folder": "none", **wrong}).fit(["a"], ["b"])
    assert str(caught.value) == said


def test_gold_and_an_untrained_classifier_are_refused() -> None:
    model = EncoderClassifier(seed=1, kind="static", folder="none")
    gold = GoldLabels(pl.DataFrame({"post_id": ["x:1"], "value": ["both"], "inclusion_p": [0.5]}))
    with pytest.raises(MeaningError, match="gold labels measure the classifier and must stay unseen"):
        model.fit(Corpus(POSTS.empty()), gold)  # type: ignore[arg-type]
    with pytest.raises(MeaningError, match="the training labels hold 1 frame"):
        model.fit(["a", "b"], ["both", "both"])
    with pytest.raises(NotFittedError, match="EncoderClassifier is not trained; call fit first"):
        model.predict(["a"])


@pytest.mark.parametrize("k", [2, 3])
def test_a_head_is_scikit_learns_regression(k: int) -> None:
    draw = np.random.default_rng(4)
    place = draw.integers(0, k, 200)
    vectors = draw.normal(size=(200, 5)) + np.eye(k, 5)[place] * 2
    made = Head.fit(vectors, place, k, c=2.0)
    scaled = (vectors - vectors.mean(axis=0)) / (vectors.std(axis=0) * np.sqrt(5))
    theirs = LogisticRegression(C=2.0, class_weight="balanced", max_iter=1000).fit(scaled, place)
    scores = made.scores(vectors)
    shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    assert np.allclose(shares, theirs.predict_proba(scaled), atol=1e-6)
    fewer = Head.fit(vectors, place, k + 1, c=2.0).scores(vectors)
    assert (fewer[:, k] < fewer[:, :k].max(axis=1)).all()
