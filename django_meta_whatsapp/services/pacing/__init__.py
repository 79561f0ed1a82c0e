"""How fast a number may go: one limiter for each business phone number, shared by all who send from it."""
