package org.attune.trainers.config;

/// The optimizers, by transformers' names. Several names are one optimizer here: fused and paged
/// are ways of computing that only matter elsewhere. `adam`, `adafactor_torch` and `muon`, which
/// transformers doesn't name, are Attune's.
public enum OptimizerType {
    ADAMW_TORCH,
    ADAMW_TORCH_FUSED,
    ADAMW_HF,
    PAGED_ADAMW_32BIT,
    ADAMW_8BIT,
    ADAMW_BNB_8BIT,
    ADAMW_TORCH_8BIT,
    PAGED_ADAMW_8BIT,
    ADAM,
    SGD,
    RMSPROP,
    RMSPROP_BNB,
    RMSPROP_BNB_32BIT,
    RMSPROP_BNB_8BIT,
    ADAGRAD,
    ADAFACTOR,
    ADAFACTOR_TORCH,
    LION_32BIT,
    PAGED_LION_32BIT,
    LION_8BIT,
    PAGED_LION_8BIT,
    ADEMAMIX,
    PAGED_ADEMAMIX_32BIT,
    ADEMAMIX_8BIT,
    PAGED_ADEMAMIX_8BIT,
    MUON,
    SCHEDULE_FREE_ADAMW,
    SCHEDULE_FREE_SGD
}
