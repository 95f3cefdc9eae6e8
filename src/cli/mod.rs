//! Arguments, output and exit codes.
