"""Who may pass a door."""
