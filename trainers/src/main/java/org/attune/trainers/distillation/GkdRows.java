package org.attune.trainers.distillation;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.rollout.RolloutPrompt;
import org.attune.rollout.SampledCompletion;
import org.attune.trainers.batch.BatchPlan;
import org.attune.trainers.batch.RowTokens;
import org.attune.trainers.examples.CompletionExample;
import org.attune.trainers.examples.CompletionTokens;
import org.attune.trainers.examples.RowStream;
import org.attune.trainers.examples.TrainingRow;
import org.attune.trainers.layout.CompletionForest;
import org.attune.trainers.loop.EvalSet;
import org.attune.trainers.loop.Fingerprints;
import org.attune.trainers.loop.RunParts;
import org.attune.trainers.onpolicy.AskedPrompts;
import org.attune.trainers.onpolicy.CompletionLengths;
import org.attune.trainers.onpolicy.EpisodeMetrics;
import org.attune.trainers.step.RowAt;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/// The rows of GKD: given completions, or for whole micro-batches, as drawn, completions of the
/// same prompts by the student (`lmbda`) or the teacher (`seq_kd`).
///
/// @param config says how often
/// @param plan which rows a step has
/// @param rows of the data
/// @param evalSets may be empty; their completions are the given ones
/// @param writers complete prompts
/// @param across how a teacher with another tokenizer reads completions; empty: both have one
record GkdRows(
        GkdConfig config,
        BatchPlan plan,
        List<CompletionExample> rows,
        List<EvalSet<CompletionExample>> evalSets,
        GkdWriters writers,
        Optional<TwoTokenizers> across)
        implements StudentRows {
    private static final long WRITER = 0x474B_4457L; // tells these draws from others

    /// Who writes the completions of a micro-batch.
    private enum Writer {
        DATA,
        STUDENT,
        TEACHER
    }

    @Override
    public int steps(double epochs) {
        return plan.steps(epochs);
    }

    @Override
    public int stepsPerEpoch() {
        return plan.stepsPerEpoch();
    }

    @Override
    public RowTokens lengths() {
        return config.lengths(rows);
    }

    @Override
    public String fingerprint() {
        String own = Fingerprints.of(rows, Fingerprints::ofCompletions);
        return config.teacher().areSeveral()
                ? Fingerprints.ofText(
                        own + RowStream.known(rows).stream().map(this::teacher).toList())
                : own;
    }

    @Override
    public Step training(int step) {
        BatchPlan.Window window = window(step);
        List<RowAt<CompletionExample>> placed = RowAt.of(window, rows);
        Writer[] drawn = new Writer[window.microBatches().size()];
        for (int m = 0; m < drawn.length; m++) {
            drawn[m] = writer(step, m);
        }
        var byStudent =
                new Written(writers.byStudent(prompts(placed, drawn, Writer.STUDENT), step));
        var byTeacher =
                new Written(writers.byTeacher(prompts(placed, drawn, Writer.TEACHER), step));
        List<RowAt<StudentRow>> all = new ArrayList<>();
        for (RowAt<CompletionExample> row : placed) {
            StudentRow learned =
                    switch (drawn[row.microBatch()]) {
                        case DATA -> given(row.row());
                        case STUDENT -> byStudent.next(row.row());
                        case TEACHER -> byTeacher.next(row.row());
                    };
            all.add(new RowAt<>(learned, row.index(), row.microBatch(), row.position()));
        }
        return new Step(
                all,
                drawn.length,
                denominator(placed, all, drawn.length),
                byStudent.metrics(),
                all.stream().mapToLong(row -> row.row().length()).sum());
    }

    /// The tokens that count, or the rows, where each counts alike. TRL counts the tokens of the
    /// given completions, also where others are learned from, and of rows those of a micro-batch:
    /// it adds the micro-batches' means up.
    private double denominator(
            List<RowAt<CompletionExample>> given,
            List<RowAt<StudentRow>> learned,
            int microBatches) {
        if (across.isPresent()) {
            double means = config.loss().trlCompat() ? microBatches : 1;
            return learned.size() / means;
        }
        int tokens =
                config.loss().trlCompat()
                        ? given.stream().mapToInt(r -> r.row().tokens().trainedTokens()).sum()
                        : learned.stream().mapToInt(r -> r.row().counted()).sum();
        return Math.max(1, tokens);
    }

    /// The plan of a run in which each row of a step stands there several times: what is drawn are
    /// the different ones, as in TRL's GOLD.
    static BatchPlan repeating(BatchPlan plan, int times) {
        int rows = plan.microBatchRows() * plan.accumulation() / times;
        return times == 1
                ? plan
                : new BatchPlan(plan.rows(), rows, 1, plan.dropLast(), plan.order());
    }

    private BatchPlan.Window window(int step) {
        BatchPlan.Window drawn = plan.window(step);
        int times = config.loss().numGenerations();
        if (times == 1) {
            return drawn;
        }
        int[] all =
                Arrays.stream(drawn.microBatches().getFirst())
                        .flatMap(row -> IntStream.generate(() -> row).limit(times))
                        .toArray();
        int size = config.training().batch().perDeviceTrainBatchSize();
        List<int[]> microBatches = new ArrayList<>();
        for (int from = 0; from < all.length; from += size) {
            microBatches.add(Arrays.copyOfRange(all, from, Math.min(all.length, from + size)));
        }
        return new BatchPlan.Window(step, drawn.epoch(), microBatches);
    }

    private Writer writer(int step, int microBatch) {
        long place = (config.training().seed() * 1_000_003 + step) * 1_000_003 + microBatch;
        double draw = RandomSource.SPLIT_MIX_64.create(place ^ WRITER).nextDouble(); // [0, 1)
        if (draw < config.loss().lmbda()) {
            return Writer.STUDENT;
        }
        return config.loss().seqKd() ? Writer.TEACHER : Writer.DATA;
    }

    /// Completions that were generated, in the order in which they are asked for.
    private final class Written {
        private final List<SampledCompletion> completions;
        private int used;

        Written(List<SampledCompletion> completions) {
            this.completions = completions;
        }

        StudentRow next(CompletionExample row) {
            SampledCompletion completion = completions.get(used++);
            CompletionForest.Row tokens = AskedPrompts.tokens(asked(row), completion);
            String origin = row.origin().where();
            return across.isPresent()
                    ? across.get().written(tokens, origin)
                    : new StudentRow(tokens, config.agent().unlearned(completion), origin)
                            .of(teacher(row));
        }

        List<Map<String, Double>> metrics() {
            if (completions.isEmpty()) {
                return List.of();
            }
            Map<String, Double> metrics =
                    new LinkedHashMap<>(CompletionLengths.metrics(completions));
            metrics.putAll(EpisodeMetrics.of(completions));
            metrics.values().removeIf(v -> !Double.isFinite(v));
            return List.of(metrics);
        }
    }

    private List<RolloutPrompt> prompts(
            List<RowAt<CompletionExample>> placed, Writer[] drawn, Writer which) {
        List<RolloutPrompt> prompts = new ArrayList<>();
        for (RowAt<CompletionExample> at : placed) {
            if (drawn[at.microBatch()] == which) {
                boolean again = !prompts.isEmpty() && prompts.getLast().row() == at.index();
                prompts.add(again ? prompts.getLast() : prompt(at.index(), at.row()));
            }
        }
        return prompts;
    }

    private RolloutPrompt prompt(int index, CompletionExample row) {
        return new RolloutPrompt(index, asked(row), row.prompt(), row.columns());
    }

    /// A prompt that is completed. As TRL's GOLD has it, a completion has room within `max_length`.
    private int[] asked(CompletionExample row) {
        int[] ids = row.tokens().promptIds();
        if (across.isEmpty() || config.maxLength().isEmpty()) {
            return ids;
        }
        int most = Math.max(1, config.maxLength().getAsInt() - config.loss().maxNewTokens());
        return Arrays.copyOfRange(ids, Math.max(0, ids.length - most), ids.length);
    }

    @Override
    public List<HeldOut> heldOut() {
        int batch = config.training().batch().perDeviceEvalBatchSize();
        return evalSets.stream().map(set -> heldOut(set, batch)).toList();
    }

    private HeldOut heldOut(EvalSet<CompletionExample> set, int batch) {
        BatchPlan.Window window = RunParts.wholeSet(set.rows().size(), batch);
        List<StudentRow> given = set.rows().stream().map(this::given).toList();
        return new HeldOut(
                set.name(),
                given.size(),
                new Step(RowAt.of(window, given), window.microBatches().size(), 1, List.of(), 0));
    }

    private StudentRow given(CompletionExample row) {
        if (across.isPresent()) {
            return across.get().given(row);
        }
        CompletionTokens tokens = row.tokens();
        var given =
                new StudentRow(
                                new CompletionForest.Row(
                                        tokens.promptIds(), tokens.completionIds()),
                                tokens.foreign().get(tokens.completionStart(), tokens.length()),
                                row.origin().where())
                        .of(teacher(row));
        return row.told().map(given::told).orElse(given);
    }

    private int teacher(CompletionExample row) {
        return config.teacher().teacherOf(row.columns());
    }

    /// Tokens of each row.
    static int[] lengthsOf(List<? extends TrainingRow> rows) {
        return rows.stream().mapToInt(TrainingRow::length).toArray();
    }
}
