"""What operators watch: figures, readiness, a dashboard and alert rules."""
