"""What the classifier sees of a post: words and character n-grams of its normal form.

Two tf-idf blocks side by side. Words keep Arabic-script marks and the zero-width non-joiner; character n-grams
inside word boundaries carry what spelling variants share, which is what Roman Urdu and informal Pashto need.
"""

from __future__ import annotations

import polars as pl
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import FeatureUnion

from discourse.errors import SchemaError
from discourse.text.noise import mask
from discourse.text.tokens import WORDS

__all__ = ["feature_union", "model_text"]


def model_text(posts: pl.DataFrame) -> pl.Series:
    """The n texts the classifier reads: normal form with links and mentions masked; null becomes "".

    Needs the column text_norm; raises `SchemaError` when the text layer has not run.
    """
    if "text_norm" not in posts.columns or posts["text_norm"].null_count() == posts.height > 0:
        raise SchemaError("the posts have no text_norm; run discourse.with_text(corpus) first")
    distinct = posts["text_norm"].fill_null("").unique(maintain_order=True)
    masked = {text: mask(text) for text in distinct}
    return posts["text_norm"].fill_null("").replace_strict(masked, return_dtype=pl.String).alias("model_text")


def feature_union(words: tuple[int, int] = (1, 2), characters: tuple[int, int] = (2, 5)) -> FeatureUnion:
    """Unfitted union of word and character tf-idf, both sublinear and L2-normalised.

    >>> made = feature_union().fit(["امن چاہیے", "we want peace"])
    >>> "peace" in made.named_transformers["word"].vocabulary_
    True
    """
    word = TfidfVectorizer(
        analyzer="word", token_pattern=WORDS, ngram_range=words, sublinear_tf=True, lowercase=False, min_df=1
    )
    character = TfidfVectorizer(
        analyzer="char_wb", ngram_range=characters, sublinear_tf=True, lowercase=False, min_df=1, max_features=200_000
    )
    return FeatureUnion([("word", word), ("char", character)])
