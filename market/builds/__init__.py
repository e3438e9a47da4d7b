"""Make or buy: what a body decided to build itself, or not to, on the public record before it begins."""
