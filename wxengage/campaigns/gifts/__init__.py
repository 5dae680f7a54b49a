"""Gifts (礼包): newcomer gift, recall pack, compensation, limited offer."""
