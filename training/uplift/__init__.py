"""Whether contacting the right customers pays: uplift of one arm, and of all arms at the same volume."""
