"""What marketers decide: caps, quiet hours, rests, sequences, rules, levers, scarcity, exploration."""
