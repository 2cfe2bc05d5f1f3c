package org.attune.trainers.grpo;

import org.attune.records.CopyMethods;
import org.attune.trainers.config.InRange;

/// To what of an episode of several turns its rewards are credited.
///
/// @param credit the whole, each turn, or each role
/// @param gamma discount of later turns, in [0, 1]; 1: none
@CopyMethods
public record CreditConfig(Credit credit, @InRange(min = 0, max = 1) double gamma)
        implements CreditConfigCopies {
    /// The defaults, as listed at the parameters.
    public static CreditConfig defaults() {
        return CreditConfigCopies.blank().withCredit(Credit.EPISODE).withGamma(1);
    }
}
