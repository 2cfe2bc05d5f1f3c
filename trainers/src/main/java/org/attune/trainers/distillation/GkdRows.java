package org.attune.trainers.distillation;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.datasets.examples.CompletionExample;
import org.attune.datasets.examples.CompletionTokens;
import org.attune.datasets.examples.TrainingRow;
import org.attune.datasets.layout.CompletionForest;
import org.attune.error.StopRequest;
import org.attune.rollout.FinishedListener;
import org.attune.rollout.RolloutPrompt;
import org.attune.rollout.RolloutSource;
import org.attune.rollout.SampledCompletion;
import org.attune.trainers.batch.BatchPlan;
import org.attune.trainers.batch.RowTokens;
import org.attune.trainers.loop.EvalSet;
import org.attune.trainers.loop.Fingerprints;
import org.attune.trainers.loop.PhaseClock;
import org.attune.trainers.loop.RunParts;
import org.attune.trainers.onpolicy.CompletionLengths;
import org.attune.trainers.rows.RowAt;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;

/// The rows of GKD: given completions, or for whole micro-batches, as drawn, completions of the
/// same prompts by the student (`lmbda`) or the teacher (`seq_kd`).
///
/// @param config says how often
/// @param plan which rows a step has
/// @param rows of the data
/// @param evalSets may be empty; their completions are the given ones
/// @param student completes prompts with its weights as they are; given where `lmbda` > 0
/// @param teacher the same of the teacher; given with `seq_kd`
/// @param clock counts the time
record GkdRows(
        GkdConfig config,
        BatchPlan plan,
        List<CompletionExample> rows,
        List<EvalSet<CompletionExample>> evalSets,
        Optional<RolloutSource> student,
        Optional<RolloutSource> teacher,
        PhaseClock clock)
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
        return Fingerprints.ofCompletions(rows);
    }

    @Override
    public Step training(int step) {
        BatchPlan.Window window = plan.window(step);
        List<RowAt<CompletionExample>> placed = RowAt.of(window, rows);
        Writer[] writers = new Writer[window.microBatches().size()];
        for (int m = 0; m < writers.length; m++) {
            writers[m] = writer(step, m);
        }
        Written byStudent =
                written(
                        placed,
                        row -> writers[row.microBatch()] == Writer.STUDENT,
                        student,
                        2L * step);
        Written byTeacher =
                written(
                        placed,
                        row -> writers[row.microBatch()] == Writer.TEACHER,
                        teacher,
                        2L * step + 1);
        List<RowAt<StudentRow>> all = new ArrayList<>();
        for (RowAt<CompletionExample> row : placed) {
            StudentRow learned =
                    switch (writers[row.microBatch()]) {
                        case DATA -> given(row.row());
                        case STUDENT -> byStudent.next(row.row());
                        case TEACHER -> byTeacher.next(row.row());
                    };
            all.add(new RowAt<>(learned, row.index(), row.microBatch(), row.position()));
        }
        return new Step(
                all,
                writers.length,
                denominator(placed, all),
                byStudent.metrics(),
                all.stream().mapToLong(row -> row.row().length()).sum());
    }

    /// The tokens that count. TRL counts those of the given completions, also where others are
    /// learned from.
    private double denominator(
            List<RowAt<CompletionExample>> given, List<RowAt<StudentRow>> learned) {
        int tokens =
                config.loss().trlCompat()
                        ? given.stream().mapToInt(r -> r.row().tokens().trainedTokens()).sum()
                        : learned.stream().mapToInt(r -> r.row().counted()).sum();
        return Math.max(1, tokens);
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
    private static final class Written {
        private final List<SampledCompletion> completions;
        private int used;

        Written(List<SampledCompletion> completions) {
            this.completions = completions;
        }

        StudentRow next(CompletionExample row) {
            SampledCompletion completion = completions.get(used++).requireOneSequence();
            return new StudentRow(
                    new CompletionForest.Row(row.tokens().promptIds(), completion.ids()),
                    completion.foreign(),
                    row.origin().where());
        }

        List<Map<String, Double>> metrics() {
            return completions.isEmpty()
                    ? List.of()
                    : List.of(CompletionLengths.metrics(completions));
        }
    }

    private Written written(
            List<RowAt<CompletionExample>> placed,
            Predicate<RowAt<CompletionExample>> which,
            Optional<RolloutSource> writer,
            long round) {
        List<RolloutPrompt> prompts =
                placed.stream()
                        .filter(which)
                        .map(r -> RolloutPrompt.of(r.index(), r.row().tokens().promptIds()))
                        .toList();
        if (prompts.isEmpty()) {
            return new Written(List.of());
        }
        StopRequest.check();
        var ended = new AtomicInteger();
        FinishedListener told = (_, _) -> clock.completed(ended.incrementAndGet(), prompts.size());
        return new Written(
                clock.timed("rollout", () -> writer.orElseThrow().complete(prompts, round, told)));
    }

    @Override
    public List<HeldOut> heldOut() {
        int batch = config.training().batch().perDeviceEvalBatchSize();
        return evalSets.stream().map(set -> heldOut(set, batch)).toList();
    }

    private static HeldOut heldOut(EvalSet<CompletionExample> set, int batch) {
        BatchPlan.Window window = RunParts.wholeSet(set.rows().size(), batch);
        List<StudentRow> given = set.rows().stream().map(GkdRows::given).toList();
        return new HeldOut(
                set.name(),
                given.size(),
                new Step(RowAt.of(window, given), window.microBatches().size(), 1, List.of(), 0));
    }

    private static StudentRow given(CompletionExample row) {
        CompletionTokens tokens = row.tokens();
        return new StudentRow(
                new CompletionForest.Row(tokens.promptIds(), tokens.completionIds()),
                new BitSet(),
                row.origin().where());
    }

    /// Tokens of each row.
    static int[] lengthsOf(List<? extends TrainingRow> rows) {
        return rows.stream().mapToInt(TrainingRow::length).toArray();
    }
}
