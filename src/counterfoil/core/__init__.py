"""What is true and what should happen. Pure: nothing here reads a clock, a file, a network or a database."""
