"""What old names of Keras compute, where nothing of today does."""
