"""What every process needs: settings, logs, metrics, health, and a clean shutdown."""
