package org.attune.trainers.config;

/// How the learning rate moves over the run, by transformers' names.
public enum LrSchedulerType {
    LINEAR,
    COSINE,
    COSINE_WITH_RESTARTS,
    POLYNOMIAL,
    CONSTANT,
    CONSTANT_WITH_WARMUP,
    INVERSE_SQRT,
    COSINE_WITH_MIN_LR,
    COSINE_WARMUP_WITH_MIN_LR,
    WARMUP_STABLE_DECAY,
    /// Follows evaluations.
    REDUCE_LR_ON_PLATEAU,
    /// Follows evaluations.
    GREEDY
}
