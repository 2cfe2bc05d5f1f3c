package org.attune.trainers.ppo;

import jakarta.validation.constraints.Positive;

import org.attune.records.CopyMethods;
import org.attune.trainers.config.InRange;

import java.util.OptionalDouble;
import java.util.OptionalLong;

/// How the completions of an update are used. An update completes `per_device_train_batch_size` x
/// `gradient_accumulation_steps` prompts.
///
/// @param totalEpisodes completions of the whole run; unset: `num_train_epochs` counts
/// @param numMiniBatches optimizer steps of a pass over an update's completions; ≥ 1
/// @param numPpoEpochs passes over them; ≥ 1
/// @param shuffleMiniBatches whether each pass takes them in its own order
/// @param targetKl mean `k2` divergence of a token from the policy that generated it, in nats, at
///     which the update's remaining passes are left out; unset: never
@CopyMethods
public record PpoBatchConfig(
        @InRange(min = 1) OptionalLong totalEpisodes,
        @Positive(message = "a whole number >= 1") int numMiniBatches,
        @Positive(message = "a whole number >= 1") int numPpoEpochs,
        boolean shuffleMiniBatches,
        @InRange(min = 0, minOpen = true) OptionalDouble targetKl)
        implements PpoBatchConfigCopies {
    /// The defaults, as listed at the parameters.
    public static PpoBatchConfig defaults() {
        return PpoBatchConfigCopies.blank()
                .withNumMiniBatches(1)
                .withNumPpoEpochs(4)
                .withShuffleMiniBatches(true);
    }
}
