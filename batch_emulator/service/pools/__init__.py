"""Pools: what they are made of, how large they are, and where their machines come from."""
