"""Figures: a table in, axes out; SVG, PNG, PDF and the rows behind them."""
