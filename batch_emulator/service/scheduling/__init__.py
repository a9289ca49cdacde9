"""Which task goes to which node, and which gives way."""
