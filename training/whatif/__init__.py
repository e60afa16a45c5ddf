"""What a changed policy would do to everybody, before it goes live."""
