"""National missions with measurable, time-bound success criteria."""
