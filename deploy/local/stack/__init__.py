"""Warren as separate processes on one machine, without containers: each service in its own process."""
