"""The loops over features and over what models say of pairs, compiled to machine code."""
