"""Warren as it is deployed, on one machine and without containers: each service its own process."""
