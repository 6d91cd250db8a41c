"""Documents for INCEpTION and answers from its exports: one post a document, its codes in a document-level annotation.

The form is UIMA CAS JSON 0.4.0. INCEpTION keeps document-level annotations ("document metadata") in its UIMA formats
only, not in WebAnno TSV, so that nothing simpler would keep the codes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from discourse.errors import BadInput, UsageError
from discourse.labels.codebook import Codebook
from discourse.sheets.answers import Answer
from discourse.sheets.files import as_json, json_bytes, read_files
from discourse.sheets.tools import refuse_reserved

__all__ = ["LAYER", "LAYER_FILE", "inception_answers", "inception_files"]

LAYER = "webanno.custom.Codes"
LAYER_FILE = "layer.json"
_NOT_CODED = (LAYER_FILE, "INITIAL_CAS.json")
_CURATOR = "CURATION_USER"
_FEATURE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def inception_files(posts: pl.DataFrame, codebook: Codebook, folder: Path) -> dict[Path, bytes]:
    """A document a post, and the layer to import in the project's settings before them (`layer.json`).

    Raises `UsageError` when a variable has a name that no feature can have.

    >>> posts = pl.DataFrame({"post_id": ["x:1"], "text": ["peace"], "lang": ["en"]})
    >>> sorted(file.name for file in inception_files(posts, Codebook("framing", 1, ()), Path("tasks")))
    ['layer.json', 'post-0001.json']
    """
    refuse_reserved(codebook, ("post_id", "sofa", "begin", "end", "self", "type"), "a layer of INCEpTION")
    names = [variable.name for variable in codebook.variables]
    for name in names:
        if not _FEATURE.fullmatch(name):
            raise UsageError(f"INCEpTION cannot have a feature {name!r}; use letters, digits and _ in its name")
    width = max(4, len(str(posts.height)))
    made = {
        folder / f"post-{number:0{width}}.json": json_bytes(_document(post_id, text, lang, names))
        for number, (post_id, text, lang) in enumerate(posts.select("post_id", "text", "lang").rows(), 1)
    }
    return {folder / LAYER_FILE: json_bytes([_layer(codebook)]), **made}


def inception_answers(path: Path, codebook: Codebook) -> Iterator[Answer]:
    """The answers in exported documents: a file, or a folder or zip of `document/coder.json`, as a project exports.

    What the curator chose is the answer of "adjudicated". Raises `BadInput` for what is no UIMA CAS JSON, or a
    document without its post_id.

    >>> next(inception_answers(Path("no-such.json"), Codebook("framing", 1, ())))
    Traceback (most recent call last):
    discourse.errors.MissingData: there is no INCEpTION export 'no-such.json'; give the path of the file that came back
    """
    what, coded = "INCEpTION export in UIMA CAS JSON 0.4.0", 0
    alone = path.is_file() and path.suffix == ".json"
    for name, content in read_files(path, "INCEpTION export", ".json"):
        if name.name in _NOT_CODED:
            continue
        place = f"document {str(name)!r}"
        found = as_json(content, dict[str, Any], str(name), what).get("%FEATURE_STRUCTURES")
        if not isinstance(found, list):
            if alone:
                raise BadInput(f"{place} is no {what}; choose this format for the export")
            continue  # a project also exports its settings
        codes = [one for one in found if isinstance(one, dict) and one.get("%TYPE") == LAYER]
        ids = {one["post_id"] for one in codes if isinstance(one.get("post_id"), str)}
        if codes and len(ids) != 1:
            raise BadInput(f"{place} has {len(ids)} post_ids in its layer {LAYER}; keep the one it was imported with")
        coder = "" if len(name.parts) < 2 else "adjudicated" if name.stem == _CURATOR else name.stem
        coded += len(codes)
        for one in codes:
            for variable in codebook.variables:
                if one.get(variable.name):
                    yield Answer(next(iter(ids)), coder, variable.name, str(one[variable.name]), place)
    if not coded:
        raise BadInput(
            f"{path.name!r} has no document with the layer {LAYER} in UIMA CAS JSON 0.4.0; import {LAYER_FILE} into "
            "the project before the documents, and choose this format for the export"
        )


def _document(post_id: str, text: str, lang: str | None, names: list[str]) -> dict[str, Any]:
    features = {name: {"%NAME": name, "%RANGE": "uima.cas.String"} for name in ("post_id", *names)}
    return {
        "%TYPES": {LAYER: {"%NAME": LAYER, "%SUPER_TYPE": "uima.cas.AnnotationBase", **features}},
        "%FEATURE_STRUCTURES": [
            {"%ID": 1, "%TYPE": "uima.cas.Sofa", "sofaNum": 1, "sofaID": "_InitialView", "mimeType": "text",
             "sofaString": text},
            {"%ID": 2, "%TYPE": "uima.tcas.DocumentAnnotation", "@sofa": 1, "begin": 0,
             "end": len(text.encode("utf-16-le")) // 2, "language": lang or "x-unspecified"},
            {"%ID": 3, "%TYPE": LAYER, "@sofa": 1, "post_id": post_id},
        ],
        "%VIEWS": {"_InitialView": {"%SOFA": 1, "%MEMBERS": [2, 3]}},
    }  # fmt: skip


def _layer(codebook: Codebook) -> dict[str, Any]:
    shared = {
        "type": "uima.cas.String",
        "enabled": True,
        "visible": True,
        "multi_value_mode": "NONE",
        "link_mode": "NONE",
    }
    coded = [
        {"name": one.name, "uiName": one.name, "description": one.question, **shared,
         "tag_set": {"name": f"{codebook.identity} {one.name}", "description": one.question, "language": "en",
                     "tags": [{"tag_name": v.value, "tag_description": v.definition} for v in one.values],
                     "create_tag": False}}
        for one in codebook.variables
    ]  # fmt: skip
    kept = {"name": "post_id", "uiName": "post_id", "description": "which post this is; leave it", **shared}
    return {
        "name": LAYER, "uiName": "Codes", "type": "document-metadata", "description": codebook.identity,
        "enabled": True, "built_in": False, "readonly": False, "anchoring_mode": "TOKENS",
        "overlap_mode": "ANY_OVERLAP", "validation_mode": "NEVER", "features": [*coded, kept],
    }  # fmt: skip
