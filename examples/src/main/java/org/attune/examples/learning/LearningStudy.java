package org.attune.examples.learning;

import org.attune.models.ModelConfig;
import org.attune.reward.RewardFunction;
import org.attune.reward.WeightedReward;
import org.attune.reward.builtin.BuiltinRewards;
import org.attune.trainers.grpo.GrpoConfig;
import org.attune.trainers.loop.MetricKeys;
import org.attune.trainers.loop.TrainingListener;
import org.attune.trainers.preference.DpoConfig;
import org.attune.trainers.run.Runs;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.LongFunction;

/// The quickstart's runs over three seeds: GRPO, the same GRPO with rewards shuffled within each
/// group, and DPO, each measured on the held-out problems. Run it from the repository's root with
/// `./attune example learning.LearningStudy OUT`; it writes `learning.md`, `learning.json` and
/// `rewards.png` there, beside the runs themselves.
public final class LearningStudy {
    private static final int LOGGING_STEPS = 5;
    private static final List<Long> SEEDS = List.of(1L, 2L, 3L);

    private final QuickstartRuns runs;
    private final HeldOut heldOut;
    private final Path out;

    /// @param root the repository's root
    /// @param out where adapters are written
    LearningStudy(Path root, Path out) {
        runs = new QuickstartRuns(root);
        heldOut = HeldOut.read(runs.heldOut());
        this.out = out;
    }

    /// Runs the study and prints its tables.
    ///
    /// @param args the folder to write to, created if it is not there
    public static void main(String[] args) throws IOException {
        if (args.length != 1) {
            throw new IllegalArgumentException("one argument is needed: the folder to write to");
        }
        Path out = Files.createDirectories(Path.of(args[0]));
        LearningReport report = new LearningStudy(Path.of(""), out).run();
        report.write(out);
        RewardCurves.draw(report, out.resolve("rewards.png"));
        System.out.println(report.markdown());
    }

    private LearningReport run() {
        HeldOut.Answers before = before();
        return new LearningReport(
                before,
                overSeeds("grpo", this::grpo),
                overSeeds("grpo, shuffled rewards", this::control),
                overSeeds("dpo", this::dpo));
    }

    private static <T> List<T> overSeeds(String what, LongFunction<T> run) {
        var outcomes = new ArrayList<T>();
        for (long seed : SEEDS) {
            System.out.println(what + ", seed " + seed);
            outcomes.add(run.apply(seed));
        }
        return outcomes;
    }

    /// The untrained model on the held-out problems.
    HeldOut.Answers before() {
        return heldOut.measure(runs.untrained());
    }

    private GrpoOutcome grpo(long seed) {
        return grpo(runs.grpo(seed, out.resolve("grpo-" + seed)), judge());
    }

    private GrpoOutcome control(long seed) {
        return control(runs.grpo(seed, out.resolve("shuffled-" + seed)));
    }

    /// A run whose rewards are shuffled within their groups.
    GrpoOutcome control(GrpoConfig config) {
        return grpo(
                config,
                new ShuffledRewards(judge(), config.numGenerations(), config.training().seed()));
    }

    /// A run with the rewards that the task has.
    GrpoOutcome real(GrpoConfig config) {
        return grpo(config, judge());
    }

    private static RewardFunction judge() {
        return BuiltinRewards.create("exact_answer", Map.of());
    }

    private GrpoOutcome grpo(GrpoConfig config, RewardFunction reward) {
        var rewards = new TreeMap<Integer, Double>();
        var curve =
                new TrainingListener() {
                    @Override
                    public void onLog(int step, Map<String, Object> metrics) {
                        if (metrics.get(MetricKeys.REWARD) instanceof Number mean) {
                            rewards.put(step, mean.doubleValue());
                        }
                    }
                };
        // Held-out problems are answered after the run, in two ways; judged within it they would
        // take draws from the control's shuffling.
        GrpoConfig studied =
                config.withData(d -> d.withEvalDatasets(List.of()))
                        .withTraining(t -> t.withLog(l -> l.withLoggingSteps(LOGGING_STEPS)));
        Runs.with(curve).grpo(studied, List.of(WeightedReward.of(reward)));
        return new GrpoOutcome(
                config.training().seed(), rewards, measured(config.training().save().outputDir()));
    }

    private DpoOutcome dpo(long seed) {
        DpoConfig config = runs.dpo(seed, out.resolve("dpo-" + seed));
        var summary = Runs.with().train(config);
        return new DpoOutcome(
                seed,
                summary.heldout().orElseThrow(),
                measured(config.training().save().outputDir()));
    }

    private HeldOut.Answers measured(Path adapter) {
        ModelConfig trained = runs.withAdapter(adapter);
        return heldOut.measure(trained);
    }
}
