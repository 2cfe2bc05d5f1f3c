package org.attune.trainers.config;

/// How many rows an epoch of a mixture of data sets has.
public enum StoppingStrategy {
    /// As many as until the first data set is used up; of the others some rows are left.
    FIRST_EXHAUSTED,
    /// As many as until all data sets are used up; rows of the others come again.
    ALL_EXHAUSTED,
    /// Each row of each data set once.
    ALL_EXHAUSTED_WITHOUT_REPLACEMENT
}
