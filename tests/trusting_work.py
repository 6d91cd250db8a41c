"""What happens to those who let skops load everything that a file asks for: run by tests/test_registry_foreign.py."""

from __future__ import annotations

from typing import Any

import numpy as np
import skops.io  # type: ignore[import-untyped]


def predict(path: str, texts: list[str]) -> dict[str, Any]:
    model = skops.io.load(path, trusted=skops.io.get_untrusted_types(file=path))
    return {"made": np.asarray(model.predict_proba(texts))}
