package org.attune.policy;

/// Scores targets without gradients: a policy, or one of the kinds of reference.
public interface Scorer {
    Measurement measure(TokenForest forest, HeadRequest request);
}
