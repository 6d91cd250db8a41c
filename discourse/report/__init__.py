"""From series to figures, a page and a manifest; computes no statistic."""
