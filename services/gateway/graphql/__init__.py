"""GraphQL, as MLflow's UI asks for runs and experiments: MLflow's schema and limits, answered over the bus."""
