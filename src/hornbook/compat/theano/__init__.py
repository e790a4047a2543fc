"""Theano's machinery on hornbook's graph: variables, functions, gradients, loops."""
