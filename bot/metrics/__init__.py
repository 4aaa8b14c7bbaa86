"""What a running bot counts of itself; rooms of every height raise these numbers, `bot.web` shows them."""
