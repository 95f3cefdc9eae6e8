//! What the layer does to single documents.
