"""Adapters to other libraries; each file requires its library, the rest of hornbook does not."""
