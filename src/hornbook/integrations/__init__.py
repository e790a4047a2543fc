"""hornbook inside other libraries; each file needs that library, and the rest of hornbook does not."""
