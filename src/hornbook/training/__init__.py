"""Training: a pure step, a loop that fits one screen, any data as slabs on the device."""
