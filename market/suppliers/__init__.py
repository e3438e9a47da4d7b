"""What suppliers say of themselves once, and every buyer may read."""
