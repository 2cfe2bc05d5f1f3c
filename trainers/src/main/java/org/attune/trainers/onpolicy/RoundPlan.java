package org.attune.trainers.onpolicy;

import org.attune.error.ConfigException;
import org.attune.trainers.batch.RowOrder;
import org.attune.trainers.batch.RowTokens;
import org.attune.trainers.examples.PromptExample;
import org.attune.trainers.examples.RowStream;

import java.util.List;

/// Which prompts are completed when, and which completions a micro-step uses, by numbers alone.
///
/// A micro-step is one logical micro-batch of completions; an optimizer step is `accumulation` of
/// them. A round completes `promptsPerRound` prompts `generations` times each; it is cut into
/// `microBatchesPerRound` slices, which are used `iterations` times over.
///
/// @param prompts prompts of an epoch, ≥ `promptsPerRound`
/// @param generations completions of a prompt, ≥ 1
/// @param microBatchRows completions of a micro-step, ≥ 1
/// @param accumulation micro-steps of an optimizer step, ≥ 1
/// @param microBatchesPerRound TRL's `steps_per_generation`, ≥ 1
/// @param iterations TRL's `num_iterations`, ≥ 1
/// @param order which prompt comes when
public record RoundPlan(
        int prompts,
        int generations,
        int microBatchRows,
        int accumulation,
        int microBatchesPerRound,
        int iterations,
        RowOrder order) {

    /// @throws IllegalArgumentException if a round isn't whole groups, or there are too few
    /// prompts
    public RoundPlan {
        int completions = microBatchRows * microBatchesPerRound;
        if (completions % generations != 0) {
            throw new IllegalArgumentException(
                    "a round of %d completions isn't made of groups of %d"
                            .formatted(completions, generations));
        }
        if (prompts < completions / generations) {
            throw new IllegalArgumentException(
                    "a round completes %d prompts, the data has %d"
                            .formatted(completions / generations, prompts));
        }
    }

    /// The plan of a run.
    ///
    /// @param data its prompts
    /// @throws ConfigException if there are fewer than a round completes
    public static RoundPlan of(GeneratingRun config, List<PromptExample> data) {
        long seed = config.training().dataSeed().orElse(config.training().seed());
        int rows = config.training().batch().perDeviceTrainBatchSize();
        int perRound = rows * config.microBatchesPerRound() / config.numGenerations();
        RowOrder order = RowOrder.of(data, config.data().shuffleDataset(), seed);
        int prompts = order.epochRows(data.size());
        if (prompts < perRound) {
            throw new ConfigException(
                    ("a round completes %d prompts (per_device_train_batch_size x"
                                    + " steps_per_generation / num_generations), but the data has"
                                    + " %d; lower the batch size, or give more prompts")
                            .formatted(perRound, prompts));
        }
        return new RoundPlan(
                prompts,
                config.numGenerations(),
                rows,
                config.training().batch().microBatchesOfStep(),
                config.microBatchesPerRound(),
                config.rounds().numIterations(),
                order);
    }

    /// Prompts of a round.
    public int promptsPerRound() {
        return microBatchRows * microBatchesPerRound / generations;
    }

    /// Rounds of an epoch; prompts left over are left out of that epoch.
    public int roundsPerEpoch() {
        return prompts / promptsPerRound();
    }

    /// Optimizer steps of an epoch, at least 1.
    public int stepsPerEpoch() {
        return Math.ceilDiv(roundsPerEpoch() * microBatchesPerRound * iterations, accumulation);
    }

    /// Optimizer steps of `epochs` passes over the prompts, rounded up.
    public int steps(double epochs) {
        return (int) Math.ceil(epochs * stepsPerEpoch());
    }

    /// Rounds of a run.
    ///
    /// @param steps optimizer steps, ≥ 0
    public long rounds(int steps) {
        return round(Math.max(0, (long) steps * accumulation - 1)) + 1;
    }

    /// The round whose completions a micro-step uses.
    ///
    /// @param microStep from 0, over the whole run
    public long round(long microStep) {
        return microStep / ((long) microBatchesPerRound * iterations);
    }

    /// Rounds that some optimizer steps use, at least 1.
    ///
    /// @param steps ≥ 1
    public int roundsOf(int steps) {
        return Math.max(1, Math.toIntExact(round((long) steps * accumulation)));
    }

    /// The slice of its round that a micro-step uses.
    public int slice(long microStep) {
        return (int) (microStep % microBatchesPerRound);
    }

    /// Whether the weights are still those that generated a round wherever it is used: then its
    /// log-probabilities need not be computed beforehand.
    public boolean staysOnPolicy() {
        return accumulation % (microBatchesPerRound * iterations) == 0;
    }

    /// Numbers of the prompts of a round.
    public int[] promptsOf(long round) {
        int epoch = (int) (round / roundsPerEpoch());
        int first = (int) (round % roundsPerEpoch()) * promptsPerRound();
        return order.part(epoch, prompts, first, first + promptsPerRound());
    }

    /// The sizes of prompts with completions as long as they may get.
    public static RowTokens rowTokens(GeneratingRun config, List<PromptExample> prompts) {
        int longest =
                RowStream.known(prompts).stream().mapToInt(PromptExample::longest).max().orElse(0);
        return RowTokens.atMost(
                longest + config.maxCompletionLength(), config.training().batch().rowsOfStep());
    }
}
