"""What requests may say, in MLflow's words, and what follows from it."""
