package org.attune.models;

/// The number format of the frozen weights and of the matrix products.
public enum DtypeChoice {
    /// `bfloat16` where the device multiplies it fast, else `float32`.
    AUTO,
    FLOAT32,
    BFLOAT16
}
