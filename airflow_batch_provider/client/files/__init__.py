"""Files in storage: programs, calls, and how nodes reach them."""
