package org.attune.adapter;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;

/// How a fresh adapter's matrices begin. B is zero except in [#RANDOM_BOTH], so the adapted model
/// equals its base.
@Api(EXPERIMENTAL)
public enum LoraInitialisation {
    /// `true`: A uniform in ±1/√in (Kaiming's rule with a = √5), B zero.
    KAIMING,
    /// `"gaussian"`: A normal with standard deviation 1/r, B zero.
    GAUSSIAN,
    /// `false`: A as [#KAIMING], B random too; for tests.
    RANDOM_BOTH
}
