package org.attune.policy;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;

/// Scores targets without gradients: a policy, or one of the kinds of reference.
@Api(EXPERIMENTAL)
public interface Scorer {
    Measurement measure(TokenForest forest, HeadRequest request);

    /// Reads a forest as a teacher does, for comparisons of whole distributions. The caller closes
    /// the result.
    ///
    /// @throws UnsupportedOperationException if this tells log-probabilities of targets alone
    default Teacher read(TokenForest forest) {
        throw new UnsupportedOperationException(
                "%s tells no distributions; accepted: a frozen model".formatted(getClass()));
    }

    /// What the scorer is to the policy before its first update. Until then nobody needs to be
    /// asked for what the policy says itself: two passes that differ in their products would differ
    /// in their rounding.
    default Start start() {
        return Start.OTHER;
    }

    /// Marks a scorer as what the policy starts as.
    static Scorer starting(Scorer scorer, Start start) {
        return new Scorer() {
            @Override
            public Measurement measure(TokenForest forest, HeadRequest request) {
                return scorer.measure(forest, request);
            }

            @Override
            public Teacher read(TokenForest forest) {
                return scorer.read(forest);
            }

            @Override
            public Start start() {
                return start;
            }
        };
    }

    /// How a scorer stands to a policy before its first update.
    enum Start {
        /// The scorer may be another model.
        OTHER,
        /// The scorer is the policy without what training draws, as the policy
        /// [measures][Scorer#measure].
        WITHOUT_DROPOUT,
        /// The scorer is the policy, with dropout too, which changes nothing yet.
        SAME
    }
}
