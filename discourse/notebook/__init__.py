"""What notebooks show: tables for people, and one line of progress."""
