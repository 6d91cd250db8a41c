"""The text layer: normal form, words, language and sentiment of posts. Knows nothing of files or people."""
