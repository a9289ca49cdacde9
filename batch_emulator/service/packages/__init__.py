"""Applications, their packages, and which one a reference means."""
