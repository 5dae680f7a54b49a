"""Contests (UGC创作赛): entries, votes with quotas, results that stay as published."""
