"""Where too little is left for everybody: who gets it. Scarce slots, stock and budget have a price, found together."""
