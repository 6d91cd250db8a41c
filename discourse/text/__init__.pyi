from .columns import detect_language as detect_language
from .columns import language_spans as language_spans
from .columns import normalize as normalize
from .columns import sentiment as sentiment
from .columns import tokenize as tokenize
from .normal_form import align as align
from .tokens import hashtag_words as hashtag_words

__all__ = [
    "align",
    "detect_language",
    "hashtag_words",
    "language_spans",
    "normalize",
    "sentiment",
    "tokenize",
]
