"""The parts of every process: settings, logs, metrics, health and a clean shutdown."""
