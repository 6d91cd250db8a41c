"""Compiled loops over the bytes of a column, each beside a plain path that gives the same bytes without them.

Conventions, the same for every module here:

- A kernel takes arrays and numbers, never Python objects: texts come as UTF-8 bytes and offsets (`packed`), tables
  are made by the module whose rule is computed (`discourse.text.valence` and others) and handed over. So the rule, its
  lists and its plain path stay in one place, and a kernel knows nothing of languages or lexicons.
- A compiled call names no arguments, so kernels may take up to eight by place (`ruff: noqa: PLR0917`).
- What a kernel cannot do exactly it says of a row, and the plain path does that row: a kernel is right or silent.
- `compiled` is the one decorator. It releases the interpreter's lock, and keeps the machine code on disk under a name
  made of all sources here, so that a change of one module leaves no old code behind in another.
- `wanted` decides: a kernel serves where numba is installed and rows are many, or numba is loaded already. Modules of
  kernels are therefore imported inside functions, after `wanted` said yes. Tests write `with plain_path():`.
- Rows go in batches through threads (`batches`, `in_threads`). A row's answer may depend on nothing but the row, so
  neither batch nor thread changes a bit.

Needs numba, in the extra `speed`; nothing else of the package imports it.
"""
