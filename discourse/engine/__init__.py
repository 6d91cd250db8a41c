"""Corpora that do not fit into memory: scored and measured partition by partition, on a laptop or a cluster."""
