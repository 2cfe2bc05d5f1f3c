package org.attune.trainers.distillation;

import org.attune.trainers.batch.RowTokens;
import org.attune.trainers.loop.CheckpointPart;
import org.attune.trainers.loop.MetricKeys;
import org.attune.trainers.step.RowAt;

import java.util.List;
import java.util.Map;

/// Where the rows come from on which a student is compared with its teacher. On the engine thread.
interface StudentRows {
    /// The rows of a step.
    ///
    /// @param rows placed
    /// @param microBatches number of logical micro-batches, ≥ 1
    /// @param denominator by which the sum over tokens is divided, > 0
    /// @param metrics of completions that were generated; may be empty
    /// @param tokens of prompts and completions
    record Step(
            List<RowAt<StudentRow>> rows,
            int microBatches,
            double denominator,
            List<Map<String, Double>> metrics,
            long tokens) {}

    /// The rows of an evaluation set, whose batches are the micro-batches.
    ///
    /// @param name of the set
    /// @param size how many there are
    record HeldOut(String name, int size, Step step) {}

    /// Optimizer steps of `epochs` passes over the data.
    int steps(double epochs);

    /// Optimizer steps of one pass, ≥ 1.
    int stepsPerEpoch();

    /// How long rows may be.
    RowTokens lengths();

    /// Tells these rows from others.
    String fingerprint();

    /// What else a run can only resume with, by name.
    default Map<String, String> identity() {
        return Map.of();
    }

    /// The rows of a step, generated where they aren't given.
    ///
    /// @param step from 0
    /// @throws org.attune.error.StoppedException if the run is stopped on the way
    Step training(int step);

    /// Hears that a step's gradients are complete.
    ///
    /// @param step from 0
    default void learned(int step) {}

    /// The metric of an evaluation by which runs are compared.
    default String heldoutMetric() {
        return MetricKeys.LOSS;
    }

    /// The evaluation sets; may be empty.
    List<HeldOut> heldOut();

    /// What checkpoints must hold.
    default List<CheckpointPart> checkpointParts() {
        return List.of();
    }
}
