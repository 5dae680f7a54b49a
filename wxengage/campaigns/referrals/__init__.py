"""Referral campaigns (裂变, 任务宝): friends bring friends, and who is owed what."""
