"""Stores (存储): where a desk keeps what it knows."""
