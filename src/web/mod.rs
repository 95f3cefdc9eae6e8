//! Public and operators' pages.
