"""How much effort makes an exercise one that means something: what is asked of it before it is published."""
