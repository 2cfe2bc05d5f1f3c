package org.attune.models;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;

/// The number format of the frozen weights and of the matrix products.
@Api(EXPERIMENTAL)
public enum DtypeChoice {
    /// `bfloat16` where the device multiplies it fast, else `float32`.
    AUTO,
    FLOAT32,
    BFLOAT16
}
