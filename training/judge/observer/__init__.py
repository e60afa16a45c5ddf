"""How far anybody could get who sees what happened and no customer's inside, with every law of the market known."""
