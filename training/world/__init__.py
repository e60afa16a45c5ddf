"""A market whose truth is known: what every contact is really worth, so that whoever claims to know can be scored."""
