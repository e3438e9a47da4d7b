"""Innovation exercises: a problem is posted, small firms are paid to pitch, what was learnt is published."""
