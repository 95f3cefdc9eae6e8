//! Counting and cutting text by each network's rule.
