"""The JSON of replies, and the tokens of their pages."""
