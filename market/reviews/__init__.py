"""A second person reads what is drafted before it is published, and the drafter has looked whether it was done before."""
