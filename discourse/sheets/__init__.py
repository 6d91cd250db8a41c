"""Coding pages for coders, and the way of posts and codes to other coding tools and back."""
