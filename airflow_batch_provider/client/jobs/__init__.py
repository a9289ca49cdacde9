"""Jobs: claimed, submitted, watched, repaired, ended, and what became of them."""
