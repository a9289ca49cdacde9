"""How a connection is read, and the clients that are made of it."""
