"""Check-in challenges (打卡): day after day, and what each day is worth."""
