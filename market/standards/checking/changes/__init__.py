"""What changed between two versions of an API's description: operations, schemas, and the sentences that say it."""
