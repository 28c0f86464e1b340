"""What the outside must offer us. Adapters implement these; the shell only knows these."""
