package org.attune.trainers.loop;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.Optional;

/// Warns of learning rates that can't move an adapter. TRL's defaults are meant for full
/// fine-tuning, and an adapter needs about ten to a hundred times as much (TRL's PEFT guide: 2e-4
/// for SFT, 5e-6 and more for DPO).
public final class LearningRateAdvice {
    private static final Logger LOG = LoggerFactory.getLogger(LearningRateAdvice.class);

    private LearningRateAdvice() {}

    /// Logs the warning, if there is one.
    static void give(String method, boolean adapter, double learningRate) {
        warning(method, adapter, learningRate).ifPresent(LOG::warn);
    }

    public static Optional<String> warning(String method, boolean adapter, double learningRate) {
        boolean sft = method.equals("sft");
        double least = sft ? 2e-5 : 5e-6;
        if (!adapter || learningRate > least || (!sft && learningRate == least)) {
            return Optional.empty();
        }
        return Optional.of(
                "learning_rate %s is too small to move an adapter in a usual run; try %s"
                        .formatted(
                                learningRate,
                                sft
                                        ? "2e-4 (1e-4 to 5e-4)"
                                        : "1e-5 (at least 5e-6; small models take 5e-5)"));
    }
}
