"""TensorFlow 1: graphs, sessions, variables and what programs build with them."""
