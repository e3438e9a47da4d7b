"""Ministers, auditors and operators: proposed by one, confirmed by another, published before they act."""
