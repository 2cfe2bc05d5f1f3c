package org.attune.datasets.prepare;

import org.attune.datasets.BadRowPolicy;
import org.attune.datasets.examples.StepwiseExample;
import org.attune.datasets.examples.StepwiseExample.JudgedStep;
import org.attune.datasets.formats.Sample;
import org.attune.datasets.prepare.PreparationReport.Dropped;
import org.attune.datasets.prepare.PreparationReport.Truncated;
import org.attune.error.DatasetException;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Prepares judged solutions for process reward models as TRL's `PRMTrainer` does: prompt, steps
/// and separators are encoded each on its own and joined, then what is too long is cut off. A row
/// that keeps no judged step is left out; TRL keeps it, and it teaches nothing there.
public final class StepwisePreparation {
    private static final String UNJUDGED = "no judged step is left";
    private static final String REFUSED = "the row can't be used";

    private final StepwiseTokenizer tokenizer;
    private final StepwiseOptions options;
    private final BadRowPolicy onBadRow;

    public StepwisePreparation(
            SampleTokenizer tokenizer, StepwiseOptions options, BadRowPolicy onBadRow) {
        this.tokenizer = new StepwiseTokenizer(tokenizer, options.separator());
        this.options = options;
        this.onBadRow = onBadRow;
    }

    /// Prepares all rows, once.
    ///
    /// @param samples all of the type stepwise supervision
    /// @param threads how many tokenise at a time, ≥ 1; the result doesn't depend on it
    /// @throws DatasetException with the row's place, if a row can't be used and bad rows are
    ///     errors; or if nothing is left to train on
    public Prepared<StepwiseExample> prepare(List<? extends Sample> samples, int threads) {
        var dropped = new ArrayList<Dropped>();
        var truncated = new ArrayList<Truncated>();
        var rows = new ArrayList<StepwiseExample>();
        for (Outcome outcome : ParallelRows.map(List.<Sample>copyOf(samples), threads, this::one)) {
            switch (outcome) {
                case Outcome.Kept(StepwiseExample row, int before) -> {
                    rows.add(row);
                    if (row.length() < before) {
                        truncated.add(new Truncated(row.origin(), before, row.length()));
                    }
                }
                case Outcome.Left(Dropped row) -> dropped.add(row);
            }
        }
        if (rows.isEmpty()) {
            throw SftPreparation.nothingLeft(samples.size(), dropped);
        }
        return new Prepared<>(
                rows,
                new PreparationReport(
                        samples.size(),
                        rows.size(),
                        rows.stream().mapToLong(StepwiseExample::length).sum(),
                        rows.stream().mapToLong(row -> row.steps().size()).sum(),
                        dropped,
                        truncated));
    }

    private sealed interface Outcome {
        record Kept(StepwiseExample row, int lengthBefore) implements Outcome {}

        record Left(Dropped dropped) implements Outcome {}
    }

    private Outcome one(Sample sample) {
        try {
            if (!(sample instanceof Sample.Stepwise row)) {
                throw new DatasetException("judged steps are needed, got " + sample.type().key());
            }
            return cut(row, tokenizer.prompt(row.prompt(), row.options()), steps(row));
        } catch (DatasetException e) {
            String where = sample.row().origin().where();
            if (onBadRow == BadRowPolicy.ERROR) {
                throw new DatasetException(where + ": " + e.getMessage(), e);
            }
            return new Outcome.Left(new Dropped(sample.row().origin(), REFUSED, e.getMessage()));
        }
    }

    private List<int[]> steps(Sample.Stepwise row) {
        var steps = new ArrayList<int[]>();
        for (int i = 0; i < row.completions().size(); i++) {
            int[] ids = tokenizer.step(row.completions().get(i));
            if (ids.length == 0) {
                throw new DatasetException(
                        "completions[%d] and step_separator have no tokens, so there is no place to judge the step"
                                .formatted(i));
            }
            steps.add(ids);
        }
        return steps;
    }

    private Outcome cut(Sample.Stepwise row, int[] prompt, List<int[]> steps) {
        int length = prompt.length;
        var judged = new ArrayList<JudgedStep>();
        int limit = limit(prompt.length);
        int[] ids = Arrays.copyOf(prompt, length + steps.stream().mapToInt(s -> s.length).sum());
        for (int i = 0; i < steps.size(); i++) {
            System.arraycopy(steps.get(i), 0, ids, length, steps.get(i).length);
            length += steps.get(i).length;
            boolean learnt = !options.lastStepOnly() || i == steps.size() - 1;
            if (learnt && length <= limit) {
                judged.add(new JudgedStep(length - 1, row.labels().get(i)));
            }
        }
        if (judged.isEmpty()) {
            return new Outcome.Left(
                    new Dropped(
                            row.row().origin(),
                            UNJUDGED,
                            "%d tokens, cut to %d".formatted(length, Math.min(length, limit))));
        }
        int[] kept = length <= limit ? ids : Arrays.copyOf(ids, limit);
        return new Outcome.Kept(new StepwiseExample(kept, judged, row.row().origin()), length);
    }

    /// Most tokens of a row.
    private int limit(int prompt) {
        int whole = options.maxLength().orElse(Integer.MAX_VALUE);
        int completion = options.maxCompletionLength().orElse(Integer.MAX_VALUE);
        return completion < whole - prompt ? prompt + completion : whole;
    }
}
