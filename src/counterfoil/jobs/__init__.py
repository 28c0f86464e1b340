"""Who does the work and when: slots, the relay that wakes them, engines that carry the wake-ups, the worker."""
