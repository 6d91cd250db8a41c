"""The text layer: normal form, words, language and sentiment of posts. Knows nothing of files or people.

Usable alone: `from discourse.text import normalize, tokenize, detect_language, sentiment`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
