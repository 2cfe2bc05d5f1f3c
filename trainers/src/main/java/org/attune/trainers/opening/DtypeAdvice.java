package org.attune.trainers.opening;

import org.attune.models.DtypeChoice;
import org.attune.tensor.DType;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.Optional;

/// Says at a run's start that bfloat16 is slow on its device, where that decides or should have.
final class DtypeAdvice {
    private static final Logger LOG = LoggerFactory.getLogger(DtypeAdvice.class);

    private DtypeAdvice() {}

    /// @param fastest format on the run's device
    static void give(DtypeChoice choice, DType fastest) {
        Optional<String> advice = of(choice, fastest);
        if (choice == DtypeChoice.BFLOAT16) {
            advice.ifPresent(LOG::warn);
        } else {
            advice.ifPresent(LOG::info);
        }
    }

    /// One sentence, or nothing where the device multiplies bfloat16 fast or float32 was asked for.
    static Optional<String> of(DtypeChoice choice, DType fastest) {
        if (fastest == DType.BFLOAT16) {
            return Optional.empty();
        }
        return switch (choice) {
            case FLOAT32 -> Optional.empty();
            case AUTO ->
                    Optional.of(
                            "computing in float32: this processor multiplies bfloat16 slowly, so"
                                    + " bf16: true and dtype: auto don't take it; dtype: bfloat16"
                                    + " forces it");
            case BFLOAT16 ->
                    Optional.of(
                            "computing in bfloat16, as dtype says, though this processor multiplies"
                                    + " it slowly: float32 was two to three times as fast where it"
                                    + " was measured; dtype: auto takes float32");
        };
    }
}
