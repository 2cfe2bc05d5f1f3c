package org.attune.datasets.prepare;

import org.attune.datasets.BadRowPolicy;
import org.attune.datasets.examples.PackedRow;
import org.attune.datasets.examples.SftExample;
import org.attune.datasets.formats.Sample;
import org.attune.datasets.prepare.PreparationReport.Dropped;
import org.attune.datasets.prepare.PreparationReport.Truncated;
import org.attune.error.DatasetException;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Prepares samples for SFT in TRL's order: tokenise, mask, truncate (not when packing), drop
/// rows without a token that counts, pack.
public final class SftPreparation {
    private static final String UNTRAINED = "no token counts in the loss";
    private static final String REFUSED = "the row can't be tokenised";

    private final SampleTokenizer tokenizer;
    private final SftOptions options;
    private final BadRowPolicy onBadRow;

    public SftPreparation(SampleTokenizer tokenizer, SftOptions options, BadRowPolicy onBadRow) {
        this.tokenizer = tokenizer;
        this.options = options;
        this.onBadRow = onBadRow;
    }

    /// Prepares all samples, once.
    ///
    /// @param threads how many tokenise at a time, ≥ 1; the result doesn't depend on it
    /// @throws DatasetException with the row's place, if a row can't be tokenised and bad rows
    ///     are errors; or if nothing is left to train on
    public Prepared<PackedRow> prepare(List<? extends Sample> samples, int threads) {
        List<Outcome> outcomes = ParallelRows.map(List.<Sample>copyOf(samples), threads, this::one);
        var dropped = new ArrayList<Dropped>();
        var truncated = new ArrayList<Truncated>();
        var examples = new ArrayList<SftExample>();
        for (Outcome outcome : outcomes) {
            switch (outcome) {
                case Outcome.Kept kept -> {
                    SftExample example = kept.example();
                    examples.add(example);
                    if (example.length() < kept.lengthBefore()) {
                        truncated.add(
                                new Truncated(
                                        example.origin(), kept.lengthBefore(), example.length()));
                    }
                }
                case Outcome.Left left -> dropped.add(left.dropped());
            }
        }
        List<PackedRow> rows = pack(examples, truncated);
        if (rows.isEmpty()) {
            throw nothingLeft(samples.size(), dropped);
        }
        return new Prepared<>(
                rows,
                new PreparationReport(
                        samples.size(),
                        rows.size(),
                        rows.stream().mapToLong(PackedRow::length).sum(),
                        rows.stream().mapToLong(PackedRow::trainedTokens).sum(),
                        dropped,
                        truncated));
    }

    private sealed interface Outcome {
        record Kept(SftExample example, int lengthBefore) implements Outcome {}

        record Left(Dropped dropped) implements Outcome {}
    }

    private Outcome one(Sample sample) {
        SftExample whole;
        try {
            whole = masked(sample);
        } catch (DatasetException e) {
            String where = sample.row().origin().where();
            if (onBadRow == BadRowPolicy.ERROR) {
                throw new DatasetException(where + ": " + e.getMessage(), e);
            }
            return new Outcome.Left(new Dropped(sample.row().origin(), REFUSED, e.getMessage()));
        }
        SftExample example = options.packing().isPresent() ? whole : truncated(whole);
        if (!anyTrue(example.completionMask())) {
            return new Outcome.Left(
                    new Dropped(
                            whole.origin(),
                            UNTRAINED,
                            whole.length() > example.length()
                                    ? "%d tokens, cut to %d"
                                            .formatted(whole.length(), example.length())
                                    : ""));
        }
        return new Outcome.Kept(example, whole.length());
    }

    /// The row's tokens with TRL's labels: completion and assistant masks together where both
    /// apply.
    SftExample masked(Sample sample) {
        SampleTokenizer.Tokens tokens = tokenizer.tokenize(sample, options.assistantOnlyLoss());
        boolean[] mask = new boolean[tokens.ids().length];
        boolean hasPrompt = tokens.completionStart() >= 0;
        if (!hasPrompt && options.completionOnlyLoss().orElse(false)) {
            throw new DatasetException(
                    "completion_only_loss needs rows with prompt and completion, this one has no"
                            + " prompt; leave completion_only_loss unset");
        }
        boolean promptOff = hasPrompt && options.completionOnlyLoss().orElse(true);
        Arrays.fill(mask, promptOff ? tokens.completionStart() : 0, mask.length, true);
        if (tokens.assistant() != null) {
            for (int i = 0; i < mask.length; i++) {
                mask[i] &= tokens.assistant()[i];
            }
        }
        return new SftExample(tokens.ids(), mask, sample.row().origin());
    }

    private SftExample truncated(SftExample whole) {
        int limit = options.maxLength().orElse(Integer.MAX_VALUE);
        if (whole.length() <= limit) {
            return whole;
        }
        return switch (options.truncationMode()) {
            case KEEP_START -> whole.slice(0, limit);
            case KEEP_END -> whole.slice(whole.length() - limit, whole.length());
        };
    }

    private List<PackedRow> pack(List<SftExample> examples, List<Truncated> truncated) {
        if (options.packing().isEmpty()) {
            return examples.stream().map(example -> new PackedRow(List.of(example))).toList();
        }
        int length = options.maxLength().orElseThrow();
        if (options.packing().get() == PackingStrategy.BFD) {
            examples.stream()
                    .filter(example -> example.length() > length)
                    .map(example -> new Truncated(example.origin(), example.length(), length))
                    .forEach(truncated::add);
        }
        return Packing.pack(examples, length, options.packing().get());
    }

    static boolean anyTrue(boolean[] mask) {
        for (boolean counts : mask) {
            if (counts) {
                return true;
            }
        }
        return false;
    }

    static DatasetException nothingLeft(int rowsIn, List<Dropped> dropped) {
        return nothingLeft(rowsIn, dropped, "max_length");
    }

    /// @param limit the key that may have been too low
    static DatasetException nothingLeft(int rowsIn, List<Dropped> dropped, String limit) {
        String first =
                dropped.isEmpty()
                        ? ""
                        : "; the first: %s: %s %s"
                                .formatted(
                                        dropped.getFirst().origin().where(),
                                        dropped.getFirst().reason(),
                                        dropped.getFirst().detail());
        return new DatasetException(
                "none of %d rows is left to train on, %d were dropped%s; raise %s or check the data with `attune preview`"
                        .formatted(rowsIn, dropped.size(), first.stripTrailing(), limit));
    }
}
