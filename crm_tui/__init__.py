"""A keyboard-only customer pipeline for retail chains."""
