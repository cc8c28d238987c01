"""HTTP in, commands and queries out. No SQL, no storage keys, no business rule."""
