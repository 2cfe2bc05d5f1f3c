package org.attune.trainers.config;

import org.attune.records.CopyMethods;

/// How the processes of a run work together, where there are several.
///
/// @param checkRanksSteps after every so many steps the processes compare the trained values; they
///     must be the same, bit for bit
@CopyMethods
public record RanksConfig(@InRange(min = 1) int checkRanksSteps) implements RanksConfigCopies {
    /// The defaults, as listed at the parameters.
    public static RanksConfig defaults() {
        return RanksConfigCopies.blank().withCheckRanksSteps(100);
    }
}
