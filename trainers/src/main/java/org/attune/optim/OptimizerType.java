package org.attune.optim;

import java.util.Locale;
import java.util.function.BiFunction;

/// The optimizers, by transformers' names. Several names are one optimizer here: fused and paged
/// are ways of computing that only matter elsewhere. `adam`, `adafactor_torch` and `muon`, which
/// transformers doesn't name, are Attune's. A constant is the factory of its optimizer.
public enum OptimizerType {
    ADAMW_TORCH(OptimizerOptions::adamW),
    ADAMW_TORCH_FUSED(OptimizerOptions::adamW),
    ADAMW_HF(OptimizerOptions::adamW),
    PAGED_ADAMW_32BIT(OptimizerOptions::adamW),
    ADAMW_8BIT((o, a) -> new EightBit(o.adamW(a))),
    ADAMW_BNB_8BIT((o, a) -> new EightBit(o.adamW(a))),
    ADAMW_TORCH_8BIT((o, a) -> new EightBit(o.adamW(a))),
    PAGED_ADAMW_8BIT((o, a) -> new EightBit(o.adamW(a))),
    ADAM((o, a) -> new Adam(o.adamW(a))),
    SGD(OptimizerOptions::sgd),
    RMSPROP(OptimizerOptions::rmsProp),
    RMSPROP_BNB(OptimizerOptions::rmsProp),
    RMSPROP_BNB_32BIT(OptimizerOptions::rmsProp),
    RMSPROP_BNB_8BIT((o, a) -> new EightBit(o.rmsProp(a))),
    ADAGRAD(OptimizerOptions::adagrad),
    ADAFACTOR(OptimizerOptions::adafactor),
    ADAFACTOR_TORCH(OptimizerOptions::torchAdafactor),
    LION_32BIT((o, _) -> o.lion()),
    PAGED_LION_32BIT((o, _) -> o.lion()),
    LION_8BIT((o, _) -> new EightBit(o.lion())),
    PAGED_LION_8BIT((o, _) -> new EightBit(o.lion())),
    ADEMAMIX(OptimizerOptions::adEmaMix),
    PAGED_ADEMAMIX_32BIT(OptimizerOptions::adEmaMix),
    ADEMAMIX_8BIT((o, a) -> new EightBit(o.adEmaMix(a))),
    PAGED_ADEMAMIX_8BIT((o, a) -> new EightBit(o.adEmaMix(a))),
    MUON(OptimizerOptions::muon),
    SCHEDULE_FREE_ADAMW(OptimizerOptions::scheduleFreeAdamW),
    SCHEDULE_FREE_SGD(OptimizerOptions::scheduleFreeSgd);

    private final BiFunction<OptimizerOptions, OptimArgs, OptimizerKind> factory;

    OptimizerType(BiFunction<OptimizerOptions, OptimArgs, OptimizerKind> factory) {
        this.factory = factory;
    }

    /// The optimizer's name in a run's file.
    String wireName() {
        return name().toLowerCase(Locale.ROOT);
    }

    OptimizerKind kind(OptimizerOptions options, OptimArgs args) {
        return factory.apply(options, args);
    }
}
