package org.attune.trainers.onpolicy;

import org.attune.trainers.batch.RowTokens;
import org.attune.trainers.layout.CompletionForest;
import org.attune.trainers.loop.CheckpointPart;
import org.attune.trainers.loop.HeldOutMeans;
import org.attune.trainers.loop.MetricKeys;
import org.attune.trainers.loop.RunParts;
import org.attune.trainers.step.RowSupply;
import org.attune.trainers.step.StepEngine;
import org.attune.trainers.step.StepRows;
import org.attune.trainers.step.Trainer;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// Rows that are made of rounds of judged completions.
///
/// @param rounds of the run
/// @param maker the method, which turns them into rows
/// @param <R> kind of row
public record RoundRows<R>(RolloutRun config, JudgedRounds rounds, RowMaker<R> maker)
        implements RowSupply<R, CompletionForest> {
    /// A run.
    ///
    /// @param config a record, checked
    public static <R> Trainer<R, CompletionForest> trainer(
            RolloutRun config, JudgedRounds rounds, RowMaker<R> maker) {
        return new Trainer<>(
                config.method(), config, rounds.means(), new RoundRows<>(config, rounds, maker));
    }

    @Override
    public RowTokens lengths() {
        return maker.lengths();
    }

    @Override
    public void open(RunParts parts, StepEngine engine) {
        maker.begin();
    }

    @Override
    public int steps() {
        return rounds.plan().steps(config.training().schedule().numTrainEpochs());
    }

    @Override
    public int stepsPerEpoch() {
        return rounds.plan().stepsPerEpoch();
    }

    @Override
    public String fingerprint() {
        return rounds.fingerprint();
    }

    @Override
    public Map<String, String> identity() {
        return rounds.identity();
    }

    @Override
    public StepRows<R, CompletionForest> step(int step) {
        return maker.step(step);
    }

    @Override
    public void learned(int step) {
        maker.learned(step);
    }

    @Override
    public List<HeldOutMeans> evaluate() {
        return rounds.evaluate();
    }

    @Override
    public String heldoutMetric() {
        return MetricKeys.REWARD;
    }

    @Override
    public List<CheckpointPart> checkpointParts() {
        List<CheckpointPart> parts = new ArrayList<>(maker.checkpointParts());
        parts.addAll(rounds.checkpointParts());
        return parts;
    }

    @Override
    public void serve() {
        rounds.serve();
    }

    @Override
    public void end() {
        rounds.end();
    }
}
