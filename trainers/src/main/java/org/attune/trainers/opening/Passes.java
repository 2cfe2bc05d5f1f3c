package org.attune.trainers.opening;

import java.util.OptionalInt;

/// How a run's passes are cut, beside what memory and configuration say. Numbers agree but for
/// rounding whatever it is; comparisons show that.
///
/// @param shareBeginnings whether rows that begin alike may share its computation
/// @param headRows most targets whose logits exist at once, ≥ 1; empty: as many as are fast
public record Passes(boolean shareBeginnings, OptionalInt headRows) {
    /// Passes as they are fast.
    public static Passes plain() {
        return new Passes(true, OptionalInt.empty());
    }
}
