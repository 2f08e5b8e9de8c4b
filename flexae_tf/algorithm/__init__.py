"""What a method is made of: players and their update, objectives, divergences."""
