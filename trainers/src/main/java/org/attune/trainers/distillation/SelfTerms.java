package org.attune.trainers.distillation;

import org.attune.trainers.distillation.SdpoConfig.LossType;

/// How the rows of a model count that is its own teacher.
///
/// @param method whose name its metric bears
/// @param weight share of the distillation in the loss, in [0, 1]; the rest is a policy gradient's
/// @param average how the policy gradient's loss is averaged
/// @param longest most tokens of a completion
record SelfTerms(String method, double weight, LossType average, int longest) {
    /// The terms of a method without rewards.
    static SelfTerms distilling(String method) {
        return new SelfTerms(method, 1, LossType.GRPO, 1);
    }

    /// How much a token of a row counts in its micro-batch's loss of the policy gradient.
    ///
    /// @param counted tokens of the row that count
    /// @param rows of the micro-batch
    /// @param tokens that count in the micro-batch
    double ofToken(int counted, int rows, int tokens) {
        return switch (average) {
            case GRPO -> 1.0 / Math.max(1, counted) / rows;
            case BNPO, DAPO -> 1.0 / Math.max(1, tokens);
            case DR_GRPO -> 1.0 / longest / rows;
        };
    }
}
