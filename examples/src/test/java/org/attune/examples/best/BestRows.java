package org.attune.examples.best;

import org.attune.policy.CausalPolicy;
import org.attune.reward.RewardTable;
import org.attune.trainers.batch.RowTokens;
import org.attune.trainers.config.ConfigCheck;
import org.attune.trainers.layout.CompletionForest;
import org.attune.trainers.loop.CheckpointPart;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.onpolicy.JudgedCompletions;
import org.attune.trainers.onpolicy.JudgedRounds;
import org.attune.trainers.onpolicy.RoundInputs;
import org.attune.trainers.onpolicy.RoundPlan;
import org.attune.trainers.onpolicy.RoundPosition;
import org.attune.trainers.onpolicy.RoundRows;
import org.attune.trainers.onpolicy.RowMaker;
import org.attune.trainers.step.RowAt;
import org.attune.trainers.step.StepRows;
import org.attune.trainers.step.Trainer;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Takes the best completion of each prompt of a round.
final class BestRows implements RowMaker<BestCompletion> {
    private final BestConfig config;
    private final JudgedRounds rounds;
    private final RoundPosition position;

    private BestRows(BestConfig config, JudgedRounds rounds) {
        this.config = config;
        this.rounds = rounds;
        position = new RoundPosition(rounds.rounds());
    }

    static Trainer<?, ?> trainer(
            BestConfig config, CausalPolicy policy, RoundInputs inputs, RunContext context) {
        ConfigCheck.validate(config);
        RoundPlan plan = RoundPlan.of(config, inputs.prompts());
        int steps = plan.steps(config.training().schedule().numTrainEpochs());
        int group = config.numGenerations();
        Trainer.Means means = Trainer.Means.of(config, policy, context);
        var rounds = new JudgedRounds(config, plan, means, inputs, group, steps, Optional.empty());
        return RoundRows.trainer(config, rounds, new BestRows(config, rounds));
    }

    @Override
    public StepRows<BestCompletion, CompletionForest> step(int step) {
        JudgedRounds.Completed round = rounds.complete(step);
        JudgedCompletions judged = round.judged();
        int[] prompts = rounds.plan().promptsOf(step);
        int group = config.numGenerations();
        List<RowAt<BestCompletion>> rows = new ArrayList<>();
        for (int p = 0; p < prompts.length; p++) {
            int best = best(judged.table().rewards(), p * group, (p + 1) * group);
            var row = new BestCompletion(judged.rows().get(best), rounds.origin(prompts[p]));
            int microBatch = p * group / rounds.plan().microBatchRows();
            rows.add(new RowAt<>(row, prompts[p], microBatch, rows.size()));
        }
        return new StepRows<>(
                new BestStep(judged.tokens()),
                rows,
                rounds.plan().accumulation(),
                round.metrics(),
                () -> rows.stream().map(row -> row.row().origin()).toList());
    }

    private static int best(RewardTable rewards, int from, int to) {
        int best = from;
        for (int i = from + 1; i < to; i++) {
            best = rewards.total(i) > rewards.total(best) ? i : best;
        }
        return best;
    }

    @Override
    public void begin() {}

    @Override
    public void learned(int step) {
        position.used(step);
        rounds.used(step);
    }

    @Override
    public RowTokens lengths() {
        return RoundPlan.rowTokens(config, rounds.prompts());
    }

    @Override
    public List<CheckpointPart> checkpointParts() {
        return List.of(position);
    }
}
