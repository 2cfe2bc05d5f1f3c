package org.attune.trainers.prepare;

import org.attune.datasets.BadRowPolicy;
import org.attune.datasets.formats.Sample;
import org.attune.error.DatasetException;
import org.attune.images.SeenPicture;
import org.attune.trainers.examples.PackedRow;
import org.attune.trainers.examples.SftExample;
import org.attune.trainers.prepare.PreparationReport.Truncated;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/// Prepares samples for SFT in TRL's order: tokenise, mask, truncate (not when packing), drop
/// rows without a token that counts, pack.
///
/// @param tokenizer borrowed
/// @param options what counts and what is cut
public record SftPreparation(SampleTokenizer tokenizer, SftOptions options, BadRowPolicy onBadRow)
        implements RowPreparation<PackedRow> {
    private static final String UNTRAINED = "no token counts in the loss";

    @Override
    public Shaped<PackedRow> shape(Sample sample) {
        return shape(masked(sample));
    }

    /// The row's tokens before anything is cut, or why there are none.
    Shaped<PackedRow> document(Sample sample) {
        return shapeOrRefuse(
                sample.row().origin(), () -> Shaped.whole(new PackedRow(List.of(masked(sample)))));
    }

    /// What is left of a row of [#document] that is cut, or why nothing is.
    Shaped<PackedRow> cut(SftExample whole) {
        return shapeOrRefuse(whole.origin(), () -> shape(whole));
    }

    private Shaped<PackedRow> shape(SftExample whole) {
        SftExample example = options.packing().isPresent() ? whole : truncated(whole);
        if (!anyTrue(example.completionMask())) {
            return new Shaped.Left<>(
                    UNTRAINED,
                    whole.length() > example.length()
                            ? "%d tokens, cut to %d".formatted(whole.length(), example.length())
                            : "");
        }
        return new Shaped.Kept<>(new PackedRow(List.of(example)), whole.length(), example.length());
    }

    @Override
    public long trained(PackedRow row) {
        return row.trainedTokens();
    }

    @Override
    public String refusal() {
        return "the row can't be tokenised";
    }

    /// The row's tokens with TRL's labels: completion and assistant masks together where both
    /// apply.
    SftExample masked(Sample sample) {
        var counted =
                new SampleTokenizer.Counted(
                        options.assistantOnlyLoss(), !options.completionOnlyLoss().orElse(true));
        SampleTokenizer.Tokens tokens = tokenizer.tokenize(sample, counted);
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
        for (int i = 0; i < tokens.weights().length; i++) {
            mask[i] &= tokens.weights()[i] > 0;
        }
        if (!options.trainImageTokens()) {
            for (int i = 0; i < mask.length; i++) {
                mask[i] &= !SeenPicture.isRow(tokens.ids()[i]);
            }
        }
        // What sees an answer's beginning ahead of it would learn to copy.
        Arrays.fill(mask, 0, SeenPicture.promptLength(tokens.ids()), false);
        var example = new SftExample(tokens.ids(), mask, tokens.weights(), sample.row().origin());
        requirePacked(example);
        return options.rowWeightColumn()
                .map(column -> new RowWeights(column).weighted(example, sample.row()))
                .orElse(example);
    }

    /// Packing cuts rows after they were prepared, where nobody says which row it was.
    private void requirePacked(SftExample example) {
        if (options.packing().isEmpty()
                || Arrays.stream(example.ids()).noneMatch(SeenPicture::isRow)) {
            return;
        }
        if (options.packing().get() != PackingStrategy.BFD) {
            throw new DatasetException(
                    "the row has pictures, which packing_strategy %s would cut; use bfd"
                            .formatted(options.packing().get().name().toLowerCase(Locale.ROOT)));
        }
        truncated(example);
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

    @Override
    public List<PackedRow> arrange(List<PackedRow> rows, List<Truncated> truncated) {
        if (options.packing().isEmpty()) {
            return rows;
        }
        List<SftExample> examples = new ArrayList<>(rows.size());
        rows.forEach(row -> examples.add(row.documents().getFirst()));
        rows.clear(); // so that documents are not held twice
        int length = options.maxLength().orElseThrow();
        if (options.packing().get() == PackingStrategy.BFD) {
            examples.stream()
                    .filter(example -> example.length() > length)
                    .map(example -> new Truncated(example.origin(), example.length(), length))
                    .forEach(truncated::add);
        }
        return Packing.packTaking(examples, length, options.packing().get());
    }

    private static boolean anyTrue(boolean[] mask) {
        for (boolean counts : mask) {
            if (counts) {
                return true;
            }
        }
        return false;
    }
}
