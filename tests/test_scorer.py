from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from discourse.corpus.posts import Corpus
from discourse.errors import UsageError
from discourse.framing.classifier import FramingClassifier
from discourse.framing.features import texts_of
from discourse.framing.reading import read
from discourse.framing.scorer import Scorer
from discourse.framing.store import load_scorer, save_model


@pytest.fixture(scope="module")
def file(tiny_model: FramingClassifier, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("scorer") / "model.safetensors"
    save_model(tiny_model, path)
    return path


def test_a_scorer_says_what_the_classifier_says(
    tiny_model: FramingClassifier, tiny_measured: Corpus, file: Path
) -> None:
    scorer = load_scorer(file)
    assert scorer.model_id == tiny_model.model_id
    assert scorer.predict(tiny_measured).table.equals(tiny_model.predict(tiny_measured).table)
    assert not hasattr(scorer, "fit")
    with pytest.raises(UsageError, match=r"^c is 0; it must be above 0, like 3.0$"):
        Scorer(seed=7, c=0).check()


def test_a_post_has_the_same_bits_whatever_stands_beside_it(
    tiny_model: FramingClassifier, tiny_measured: Corpus
) -> None:
    posts = tiny_measured.posts
    whole = tiny_model.predict_proba(posts)
    for size in (1, 7, 100):
        picked = posts.slice(0, 200)
        parts = np.vstack([tiny_model.predict_proba(picked.slice(at, size)) for at in range(0, 200, size)])
        assert np.array_equal(parts[:200], whole[:200])
    assert np.array_equal(tiny_model.predict_proba(posts.reverse())[::-1], whole)


def test_words_in_order_are_the_same_tokens() -> None:
    found = read(texts_of(["war no peace", "peace", ""]))
    ordered = found.in_order()
    assert ordered.words == sorted(found.words)
    assert [ordered.words[at] for at in ordered.at] == [found.words[at] for at in found.at] == [
        "war", "no", "peace", "peace"]  # fmt: skip
    assert ordered.ends.tolist() == found.ends.tolist()


def test_predicting_loads_no_library_of_training(file: Path) -> None:
    code = (
        "import sys\nfrom discourse.framing.store import load_scorer\nimport discourse.engine.scoring\n"
        f"print(load_scorer({str(file)!r}).predict_proba(['we want peace', 'our soil']).shape)\n"
        "print(sorted({'sklearn', 'scipy.optimize', 'pandas', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == ["(2, 4)", "[]"], done.stderr[-800:]
