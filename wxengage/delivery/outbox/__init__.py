"""The outbox (发件箱): what is to go, what may have gone, and what has."""
