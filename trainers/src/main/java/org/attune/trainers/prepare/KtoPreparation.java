package org.attune.trainers.prepare;

import org.attune.datasets.BadRowPolicy;
import org.attune.datasets.formats.Sample;
import org.attune.error.ConfigException;
import org.attune.trainers.examples.CompletionTokens;
import org.attune.trainers.examples.KtoExample;
import org.attune.trainers.examples.UnpairedExample;
import org.attune.trainers.prepare.PreparationReport.Truncated;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/// Prepares labelled completions for KTO as TRL's `KTOTrainer` does. Pairs become two rows each,
/// with both labels in turn, or as in TRL first all chosen completions, then all rejected ones.
/// Rows whose prompt alone fills `max_length` are left out, what is longer loses its end.
///
/// Where a divergence is estimated, every row gets the completion of the row before it, behind its
/// own prompt. The first row of a block gets that of the last one: `(x₁, yₙ), (x₂, y₁), …`. Blocks
/// are cut from the rows that are left, in their order. A block of one row keeps its own
/// completion.
public final class KtoPreparation implements RowPreparation<KtoExample> {
    private static final String FULL = "the prompt fills max_length";
    private static final String EMPTY = "the completion has no token to predict";

    private final SampleTokenizer tokenizer;
    private final OptionalInt maxLength;
    private final OptionalInt blockRows;
    private final boolean inTurn;
    private final BadRowPolicy onBadRow;

    /// @param maxLength tokens of prompt and completion at most, ≥ 1; empty = no limit
    /// @param blockRows rows within which completions change places, ≥ 1; empty = they don't
    /// @param inTurn whether the rows of pairs have both labels in turn
    /// @throws ConfigException if a number isn't positive
    public KtoPreparation(
            SampleTokenizer tokenizer,
            OptionalInt maxLength,
            OptionalInt blockRows,
            boolean inTurn,
            BadRowPolicy onBadRow) {
        SampleTokenizer.requirePositive("max_length", maxLength);
        SampleTokenizer.requirePositive("per_device_train_batch_size", blockRows);
        this.tokenizer = tokenizer;
        this.maxLength = maxLength;
        this.blockRows = blockRows;
        this.inTurn = inTurn;
        this.onBadRow = onBadRow;
    }

    @Override
    public BadRowPolicy onBadRow() {
        return onBadRow;
    }

    /// The row whole: its neighbour needs its completion to the end.
    @Override
    public Shaped<KtoExample> shape(Sample sample) {
        UnpairedExample whole =
                tokenizer.tokenize(
                        RowPreparation.require(
                                Sample.UnpairedPreference.class,
                                "a labelled completion is",
                                sample));
        int prompt = whole.tokens().completionStart();
        if (maxLength.isPresent() && prompt >= maxLength.getAsInt()) {
            return new Shaped.Left<>(
                    FULL, "%d tokens of %d".formatted(prompt, maxLength.getAsInt()));
        }
        if (whole.tokens().trainedTokens() == 0) {
            return new Shaped.Left<>(EMPTY, "");
        }
        return new Shaped.Kept<>(
                new KtoExample(whole, Optional.empty()),
                whole.length(),
                Math.min(whole.length(), most()));
    }

    @Override
    public List<KtoExample> arrange(List<KtoExample> whole, List<Truncated> truncated) {
        var rows = new ArrayList<KtoExample>();
        for (int i = 0; i < whole.size(); i++) {
            UnpairedExample own = whole.get(i).row();
            Optional<CompletionTokens> mismatched = Optional.empty();
            if (blockRows.isPresent()) {
                UnpairedExample other = whole.get(before(i, whole.size())).row();
                mismatched = Optional.of(cut(swapped(own.tokens(), other.tokens())));
            }
            rows.add(
                    new KtoExample(
                            new UnpairedExample(cut(own.tokens()), own.desirable(), own.origin()),
                            mismatched));
        }
        return rows;
    }

    /// The row whose completion a row gets.
    private int before(int row, int rows) {
        int size = blockRows.getAsInt();
        int first = row - row % size;
        return row > first ? row - 1 : Math.min(first + size, rows) - 1;
    }

    /// The prompt of one row with the completion of another.
    private static CompletionTokens swapped(CompletionTokens prompt, CompletionTokens completion) {
        int[] from = completion.ids();
        int count = from.length - completion.completionStart();
        int start = prompt.completionStart();
        int[] ids = Arrays.copyOf(prompt.ids(), start + count);
        System.arraycopy(from, completion.completionStart(), ids, start, count);
        return new CompletionTokens(ids, start);
    }

    private CompletionTokens cut(CompletionTokens tokens) {
        return tokens.length() <= most() ? tokens : tokens.slice(0, most());
    }

    private int most() {
        return maxLength.orElse(Integer.MAX_VALUE);
    }

    @Override
    public long trained(KtoExample row) {
        return row.row().tokens().trainedTokens();
    }

    @Override
    public String refusal() {
        return "the row can't be tokenised";
    }

    @Override
    public List<Sample> samples(List<? extends Sample> samples) {
        return inTurn ? UnpairedPreferences.inTurn(samples) : UnpairedPreferences.of(samples);
    }
}
