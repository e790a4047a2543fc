"""hornbook inside other libraries; each file needs that library, the rest does not."""
