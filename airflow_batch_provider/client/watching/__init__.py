"""Looking at what runs: one poll for all, and what is read out of it."""
