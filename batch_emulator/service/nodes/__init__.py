"""Compute nodes: their life, what users ask of them, and what is lost with them."""
