"""Old names of Keras without an equivalent today."""
