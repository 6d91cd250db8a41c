"""What a corpus is: its posts, their pseudonyms, where each row came from."""
