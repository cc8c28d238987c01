"""Warren's processes; each owns its data, and none imports another."""
