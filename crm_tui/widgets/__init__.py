"""What more than one screen is built from: frame, key bar, list, board, form, charts, pickers."""
