//! minijinja: built-in templates, the operator's own over them, filters.
