"""The columns beside the words: named, in order, scaled as in training, the same in any company."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discourse.errors import BadInput, UsageError
from discourse.framing.bank import bank_scores
from discourse.framing.beside import KINDS, PUBLIC_FROM, Beside, fit_beside, kinds_of, public_names
from discourse.framing.features import Text, count, read, texts_of
from discourse.framing.latent import fit_latent
from discourse.framing.lexicon_counts import lexicon_said
from discourse.schema import FRAMES, LANGUAGES

NOBODY = np.empty(0, np.int64)
TEXTS = texts_of(["we want peace talks", "دشمن سے بدلہ لیں گے", "our soil, our honour", "موږ سوله غواړو", "rain today"])


def test_columns_are_named_in_their_order() -> None:
    latent = fit_latent(TEXTS, 2, seed=1)
    made = fit_beside(("language", "bank", "script", "lexicon"), TEXTS, np.array([7, 300]), latent)
    assert made.names == (
        *(f"bank:{frame}" for frame in FRAMES), "lexicon:nationalist", "lexicon:conciliatory",
        "script:latin", "script:arabic", "script:other", *(f"language:{lang}" for lang in LANGUAGES),
        "name:000000000007", "name:00000000012c", "latent:00", "latent:01",
    )  # fmt: skip
    assert made.of(TEXTS).shape == (5, len(made.names))
    assert fit_beside((), TEXTS, NOBODY, None).of(TEXTS).shape == (5, 0)
    assert made.of([]).shape == (0, len(made.names))


def test_every_column_holds_what_its_name_says() -> None:
    made = fit_beside(("bank", "lexicon", "script", "language"), TEXTS, NOBODY, fit_latent(TEXTS, 2, seed=1))
    raw = dict(zip(made.names, (made.of(TEXTS)[:, :17] * made.spread + made.center).T, strict=False))
    for at, frame in enumerate(FRAMES):
        assert np.allclose(raw[f"bank:{frame}"], bank_scores(count(TEXTS))[:, at])
    said = lexicon_said(read(TEXTS))
    assert np.allclose(raw["lexicon:nationalist"], said[:, 0])
    assert np.allclose(raw["lexicon:conciliatory"], said[:, 1])
    assert np.allclose(raw["script:latin"], [1, 0, 1, 0, 1])
    assert np.allclose(raw["script:arabic"], [0, 1, 0, 1, 0])
    for lang in LANGUAGES:
        assert np.allclose(raw[f"language:{lang}"], [float(one == lang) for one in ("en", "ur", "en", "ps", "en")])


def test_scripts_are_shares_of_letters_and_masks_are_none() -> None:
    texts = texts_of(["@someone https://example.org/x امن", "ab اب", "мир ab", "12 !", "@someone"])
    made = fit_beside(("script",), texts, NOBODY, None)
    raw = made.of(texts) * made.spread + made.center
    assert np.allclose(raw, [[0, 1, 0], [0.5, 0.5, 0], [0.4, 0, 0.6], [0, 0, 0], [0, 0, 0]])


def test_training_texts_have_the_spread_that_is_wanted() -> None:
    texts = texts_of([f"{word} {at}" for at in range(30) for word in ("peace", "revenge", "rain")])
    dense = fit_beside(("bank", "lexicon"), texts, NOBODY, None).of(texts)
    assert np.allclose(dense.mean(axis=0), 0, atol=1e-12)
    assert np.allclose(dense.std(axis=0), 0.3)


def test_a_column_that_training_hardly_knew_is_not_stretched() -> None:
    texts = texts_of(["rain", "snow"] * 50)
    made = fit_beside(("lexicon", "script", "language"), texts, NOBODY, None)
    assert np.abs(made.of(texts_of(["peace and revenge", "موږ سوله غواړو"]))).max() < 3


def test_a_text_that_says_its_language_is_believed() -> None:
    made = fit_beside(("language",), TEXTS, NOBODY, None)
    said = made.of([Text.of("peace", lang="ps"), Text.of("peace", source="امن چاہیے"), Text.of("we want peace")])
    raw = said * made.spread + made.center
    assert [LANGUAGES[at] for at in raw.argmax(axis=1)] == ["ps", "ur", "en"]


def test_a_plain_string_has_the_language_that_is_detected() -> None:
    made = fit_beside(("lexicon", "language"), TEXTS, np.array([5]), None)
    assert (made.of([str(text) for text in TEXTS]) == made.of(TEXTS)).all()
    assert made.of([Text.of("<user>", (5,))])[0, -1] == 1
    assert made.of([Text.of("<user> <user>", (4, 5, 5))])[0, -1] == 1
    assert made.of(["<user>"])[0, -1] == made.of([Text.of("<user>", (4,))])[0, -1] == 0


@settings(deadline=None, max_examples=25)
@given(st.lists(st.text(max_size=30), min_size=1, max_size=4))
def test_a_text_has_its_columns_in_any_company(texts: list[str]) -> None:
    made = fit_beside(KINDS, TEXTS, NOBODY, None)
    given_texts = texts_of(texts)
    together = made.of(given_texts)
    assert np.isfinite(together).all()
    for at, text in enumerate(given_texts):
        assert (made.of([text])[0] == together[at]).all()


def test_a_name_is_public_from_ten_authors_on() -> None:
    texts = [Text.of(f"<user> {at}", (5, 5) if at < PUBLIC_FROM - 1 else (6,)) for at in range(20)]
    assert public_names(texts).tolist() == [6]
    assert public_names([*texts, Text.of("<user> again", (5,))]).tolist() == [5, 6]
    assert public_names(texts, [f"a{at}" for at in range(20)]).tolist() == [6]
    assert public_names(texts, [f"a{at // 2}" for at in range(20)]).tolist() == []
    assert public_names([Text.of("<user> same", (5,))] * 20).tolist() == []
    assert public_names(["plain"] * 20).tolist() == []


def test_unknown_kinds_are_refused() -> None:
    with pytest.raises(UsageError) as caught:
        kinds_of(["bank", "age"])
    assert str(caught.value) == "beside holds 'age'; it takes a tuple of 'bank', 'lexicon', 'script', 'language', or ()"
    assert kinds_of("bank") == ("bank",)
    assert kinds_of(["bank", "bank"]) == ("bank",)


def test_arrays_are_the_columns() -> None:
    made = fit_beside(("bank", "language"), TEXTS, np.array([5]), fit_latent(TEXTS, 2, seed=1))
    again = Beside.from_arrays(made.arrays(), ["language", "bank"], 2)
    assert again.names == made.names
    assert (again.of(TEXTS) == made.of(TEXTS)).all()
    with pytest.raises(BadInput, match=r"lacks the array 'latent\.letters\.columns'"):
        Beside.from_arrays({k: v for k, v in made.arrays().items() if not k.startswith("latent")}, made.kinds, 2)
