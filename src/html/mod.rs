//! HTML from outside: cleaned, inlined, turned into text.
