"""What was learnt in an exercise, published for everybody."""
