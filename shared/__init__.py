"""The code that services share: contracts, messaging, the database, MLflow's rules, processes."""
