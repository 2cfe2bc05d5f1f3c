package org.attune.trainers.online;

import org.attune.policy.CausalPolicy;
import org.attune.policy.Scorer;
import org.attune.rollout.SampledCompletion;
import org.attune.trainers.batch.RowTokens;
import org.attune.trainers.config.ConfigCheck;
import org.attune.trainers.examples.PromptExample;
import org.attune.trainers.examples.RowStream;
import org.attune.trainers.layout.CompletionForest;
import org.attune.trainers.loop.CheckpointPart;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.onpolicy.CorrectionNotice;
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
import java.util.stream.IntStream;

/// Pairs of online preference optimisation: each prompt is completed twice, by the policy or by it
/// and an opponent, and rewards judge both. Read [#step], then [PairStep] and [OnlineSums].
public final class JudgedPairs implements RowMaker<JudgedPair> {
    private static final int PAIR = 2;

    private final OnlineRun config;
    private final JudgedRounds rounds;
    private final RoundPlan plan;
    private final RoundPosition position;

    private JudgedPairs(OnlineRun config, JudgedRounds rounds) {
        this.config = config;
        this.rounds = rounds;
        plan = rounds.plan();
        position = new RoundPosition(rounds.rounds());
    }

    /// A run.
    ///
    /// @param config checked here
    /// @param policy with the values to start from. The caller closes it
    /// @param inputs with a reference; of methods with an opponent every second completion of the
    ///     source is its
    /// @throws org.attune.error.ConfigException with all problems of the configuration
    public static Trainer<?, ?> trainer(
            OnlineRun config, CausalPolicy policy, RoundInputs inputs, RunContext context) {
        ConfigCheck.validate((Record) config);
        RoundPlan plan = RoundPlan.of(config, inputs.prompts());
        int steps = plan.steps(config.training().schedule().numTrainEpochs());
        Trainer.Means means = Trainer.Means.of(config, policy, context);
        var rounds = new JudgedRounds(config, plan, means, inputs, PAIR, steps, Optional.empty());
        return RoundRows.trainer(config, rounds, new JudgedPairs(config, rounds));
    }

    @Override
    public RowTokens lengths() {
        return pairTokens(config, rounds.prompts());
    }

    /// How long a row of two completions may get.
    static RowTokens pairTokens(OnlineRun config, List<PromptExample> prompts) {
        int longest =
                RowStream.known(prompts).stream().mapToInt(PromptExample::length).max().orElse(0);
        return RowTokens.atMost(
                PAIR * (longest + config.maxNewTokens()), config.training().batch().rowsOfStep());
    }

    @Override
    public void begin() {
        new CorrectionNotice(config, rounds.means().context().listeners())
                .tell(
                        config.rollouts().isElsewhere() || config.lag().isOn()
                                ? "none: the loss has no ratio"
                                : "none needed, since each step learns from completions of its"
                                        + " start");
    }

    @Override
    public StepRows<JudgedPair, CompletionForest> step(int step) {
        JudgedRounds.Completed round = rounds.complete(step);
        int[] indices = round.prompts();
        OnlineObjective objective = OnlineObjectives.of(config, step / plan.stepsPerEpoch());
        Scorer reference = rounds.reference().orElseThrow();
        return new StepRows<>(
                new PairStep(objective, reference, round.judged().tokens()),
                placed(indices, round.judged()),
                plan.accumulation(),
                round.metrics(),
                () -> IntStream.of(indices).mapToObj(rounds::origin).toList());
    }

    @Override
    public void learned(int step) {
        position.used(step);
        rounds.used(step);
    }

    /// The pairs of a round. There is no pair where an episode failed, or ended so that it isn't
    /// trained.
    private List<RowAt<JudgedPair>> placed(int[] indices, JudgedCompletions judged) {
        List<RowAt<JudgedPair>> placed = new ArrayList<>();
        for (int p = 0; p < indices.length; p++) {
            int first = PAIR * p;
            if (isLeftOut(judged, first) || isLeftOut(judged, first + 1)) {
                continue; // as if there were no such pair
            }
            var pair =
                    new JudgedPair(
                            learned(judged, first),
                            learned(judged, first + 1),
                            reward(judged, first),
                            reward(judged, first + 1),
                            isEnded(judged, first),
                            isEnded(judged, first + 1),
                            rounds.prompts().get(indices[p]).origin());
            placed.add(new RowAt<>(pair, indices[p], p / plan.microBatchRows(), p));
        }
        return placed;
    }

    private static LearnedCompletion learned(JudgedCompletions judged, int completion) {
        return new LearnedCompletion(
                judged.rows().get(completion), judged.sampled().get(completion).foreign());
    }

    private boolean isLeftOut(JudgedCompletions judged, int completion) {
        SampledCompletion one = judged.sampled().get(completion);
        return one.isFailed() || config.agent().masks(one);
    }

    private static boolean isEnded(JudgedCompletions judged, int completion) {
        return judged.sampled().get(completion).reason().isFinished();
    }

    /// The weighted sum of a completion's rewards, 0 if it has none, as in TRL.
    private double reward(JudgedCompletions judged, int completion) {
        double total = judged.table().rewards().total(completion);
        double reward = Double.isNaN(total) ? 0 : total;
        return isEnded(judged, completion) ? reward : reward - config.missingEosPenalty().orElse(0);
    }

    @Override
    public List<CheckpointPart> checkpointParts() {
        return List.of(position);
    }
}
