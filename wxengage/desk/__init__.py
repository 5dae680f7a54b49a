"""The desk (运营台): the durable part that an application embeds."""
