package org.attune.trainers.onpolicy;

import org.attune.records.CopyMethods;
import org.attune.trainers.config.BatchConfig;
import org.attune.trainers.config.ConfigProblem;
import org.attune.trainers.config.InRange;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/// Whether older weights than those that learn write completions: rounds that are written ahead,
/// and completions that go on from one round to the next.
///
/// @param rolloutLag rounds by which the weights that write are older than need be: round r is
///     written with the weights after round r − 1 − lag; 0: with those that learn from it. It
///     changes what is learned
/// @param rolloutRanks the last so many processes of the job only write completions and judge
///     them, while the others train; 0: all processes do both. It changes no number
/// @param maxStaleness weight versions by which the first token of a completion may be older than
///     the weights that learn from it; groups with older ones are dropped. A round is then learned
///     from when enough groups have ended, and the others go on. Unset: a round waits for all of
///     its completions. It changes what is learned
/// @param weightSyncSteps optimizer steps after which new weights write completions, where
///     `max_staleness` is set
/// @param maxInflightTasks completions that get tokens at once, where `max_staleness` is set; −1:
///     as many as a round has. It changes what is learned
/// @param queueMaxsize completions of groups that have ended and wait for a later round, where
///     `max_staleness` is set; while there are as many, no group is begun
@CopyMethods
public record LagConfig(
        @InRange(min = 0) int rolloutLag,
        @InRange(min = 0) int rolloutRanks,
        @InRange(min = 0) OptionalInt maxStaleness,
        @InRange(min = 1) int weightSyncSteps,
        @InRange(min = -1) int maxInflightTasks,
        @InRange(min = 1) int queueMaxsize)
        implements LagConfigCopies {
    private static final LagConfig DEFAULTS =
            LagConfigCopies.blank()
                    .withWeightSyncSteps(1)
                    .withMaxInflightTasks(-1)
                    .withQueueMaxsize(1024);

    /// The defaults, as listed at the parameters.
    public static LagConfig defaults() {
        return DEFAULTS;
    }

    /// Whether older weights than those that learn may have written tokens.
    public boolean isOn() {
        return rolloutLag > 0 || goesOn();
    }

    /// Whether completions go on from one round to the next.
    public boolean goesOn() {
        return maxStaleness.isPresent();
    }

    /// The keys that say so, for messages.
    public String words() {
        List<String> words = new ArrayList<>();
        if (rolloutLag > 0) {
            words.add("rollout_lag: " + rolloutLag);
        }
        maxStaleness.ifPresent(most -> words.add("max_staleness: " + most));
        return String.join(", ", words);
    }

    /// Completions of one device that get tokens at once, where they go on; else 0.
    ///
    /// @param completions of a round
    /// @param devices that write
    public int places(int completions, int devices) {
        int all = maxInflightTasks < 0 ? completions : maxInflightTasks;
        return goesOn() ? Math.max(1, all / devices) : 0;
    }

    /// What doesn't fit of a run's settings.
    public List<ConfigProblem> problems(GeneratingRun run) {
        List<ConfigProblem> problems = new ArrayList<>();
        if (rolloutRanks > 0 && rolloutLag == 0) {
            problems.add(
                    new ConfigProblem(
                            "rollout_lag",
                            rolloutLag,
                            "at least 1 with rollout_ranks: without a lag the ranks that write"
                                    + " and those that train would wait for each other in turn"));
        }
        problems.addAll(goesOn() ? ongoing(run) : unused());
        if (!isOn()) {
            return problems;
        }
        if (run.rollouts().asksServers()) {
            problems.add(
                    problem("rollout_server_base_url, whose servers write beside ranks already"));
        }
        if (run.rollouts().recordedRollouts().isPresent()) {
            problems.add(problem("recorded_rollouts, which nobody has to write"));
        }
        return problems;
    }

    /// Keys that have a meaning beside `max_staleness` only.
    private List<ConfigProblem> unused() {
        List<ConfigProblem> problems = new ArrayList<>();
        String alone =
                "%d without max_staleness, with which a round doesn't wait for its longest"
                        + " completions";
        if (weightSyncSteps != DEFAULTS.weightSyncSteps) {
            problems.add(
                    new ConfigProblem(
                            "weight_sync_steps",
                            weightSyncSteps,
                            alone.formatted(DEFAULTS.weightSyncSteps)));
        }
        if (maxInflightTasks != DEFAULTS.maxInflightTasks) {
            problems.add(
                    new ConfigProblem(
                            "max_inflight_tasks",
                            maxInflightTasks,
                            alone.formatted(DEFAULTS.maxInflightTasks)));
        }
        if (queueMaxsize != DEFAULTS.queueMaxsize) {
            problems.add(
                    new ConfigProblem(
                            "queue_maxsize", queueMaxsize, alone.formatted(DEFAULTS.queueMaxsize)));
        }
        return problems;
    }

    /// What doesn't go together with completions that go on.
    private List<ConfigProblem> ongoing(GeneratingRun run) {
        List<ConfigProblem> problems = new ArrayList<>();
        if (run.agent().isOn()) {
            problems.add(problem("tools or environments, whose episodes end in their round"));
        }
        if (run.keepsSamplingMask()) {
            problems.add(
                    problem(
                            "keep_sampling_mask, which compares other log-probabilities than the"
                                    + " sampler's"));
        }
        BatchConfig batch = run.training().batch();
        int completions = batch.perDeviceTrainBatchSize() * run.microBatchesPerRound();
        long microSteps = (long) weightSyncSteps * batch.microBatchesOfStep();
        long uses = (long) run.microBatchesPerRound() * run.rounds().numIterations();
        if (weightSyncSteps > 1 && microSteps % uses != 0) {
            problems.add(
                    new ConfigProblem(
                            "weight_sync_steps",
                            weightSyncSteps,
                            "as many steps as use up whole rounds"));
        }
        long rounds = Math.max(1, microSteps / uses); // between two versions
        if (queueMaxsize < completions * rounds) {
            problems.add(
                    new ConfigProblem(
                            "queue_maxsize",
                            queueMaxsize,
                            "at least the completions between two versions of the weights, "
                                    + completions * rounds));
        }
        if (maxInflightTasks == 0) {
            problems.add(
                    new ConfigProblem(
                            "max_inflight_tasks", 0, "at least 1; -1: as many as a round has"));
        }
        long least = Math.ceilDiv(rolloutLag, rounds);
        if (maxStaleness.getAsInt() < least) {
            problems.add(
                    new ConfigProblem(
                            "max_staleness",
                            maxStaleness.getAsInt(),
                            "at least %d with rollout_lag: %d, or every completion is too old"
                                    .formatted(least, rolloutLag)));
        }
        return problems;
    }

    /// A setting with which all completions are written by the weights that learn from them.
    ///
    /// @param with it, and why
    public ConfigProblem problem(String with) {
        return rolloutLag > 0
                ? new ConfigProblem("rollout_lag", rolloutLag, "0 with " + with)
                : new ConfigProblem("max_staleness", maxStaleness.getAsInt(), "unset with " + with);
    }
}
