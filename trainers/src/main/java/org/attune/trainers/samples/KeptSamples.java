package org.attune.trainers.samples;

/// Which completions of a prompt become rows.
public enum KeptSamples {
    /// All completions, with their rewards.
    ALL,
    /// Completions with the greatest rewards (best of n).
    BEST,
    /// Completions whose reward reaches `reward_threshold` (rejection sampling).
    ABOVE,
    /// The best beside the worst, as a preference pair.
    PAIRS,
    /// All completions, labelled by whether they reach `reward_threshold`.
    LABELLED
}
