package org.attune.trainers.heads;

/// What a classifier learns, by transformers' names.
public enum ProblemType {
    /// One class of several: cross-entropy.
    SINGLE_LABEL_CLASSIFICATION,
    /// Any number of classes: binary cross-entropy of each.
    MULTI_LABEL_CLASSIFICATION,
    /// A number: squared error.
    REGRESSION
}
