"""Many rows in few statements: the hot paths, portable and fenced."""
