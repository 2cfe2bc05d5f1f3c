package org.attune.trainers.prepare;

import org.attune.datasets.BadRowPolicy;
import org.attune.datasets.formats.Content;
import org.attune.datasets.formats.DatasetType;
import org.attune.datasets.formats.Sample;
import org.attune.error.DatasetException;
import org.attune.models.score.ScoreModel.Read;
import org.attune.models.score.TextClassifier;
import org.attune.trainers.examples.CompletionTokens;
import org.attune.trainers.examples.LabelledExample;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;

/// Prepares rows for heads that classify, rank or embed, as transformers' tokenizers do: the parts
/// of a pair are encoded each on its own and joined. A sentence's words are joined by spaces, and
/// each is judged at its last token, where a decoder has read all of it.
///
/// @param tokenizer borrowed
/// @param maxLength tokens of a sequence at most, ≥ 1; what is beyond is cut off
record LabelledPreparation(SampleTokenizer tokenizer, OptionalInt maxLength, BadRowPolicy onBadRow)
        implements RowPreparation<LabelledExample> {
    /// @throws org.attune.error.ConfigException if the length isn't positive
    LabelledPreparation {
        SampleTokenizer.requirePositive("max_length", maxLength);
    }

    @Override
    public Shaped<LabelledExample> shape(Sample sample) {
        Sample.Labelled row =
                RowPreparation.require(Sample.Labelled.class, "a row with labels is", sample);
        if (row.type() == DatasetType.TOKEN_CLASSIFICATION) {
            return words(row);
        }
        List<int[]> sequences = new ArrayList<>();
        int before = 0;
        int after = 0;
        for (List<Content> parts : row.sequences()) {
            int[] ids =
                    parts.stream()
                            .flatMapToInt(p -> Arrays.stream(tokenizer.read(p, row.options())))
                            .toArray();
            if (ids.length == 0) {
                throw new DatasetException("a text has no tokens, so there is nothing to judge");
            }
            int[] kept = CompletionTokens.beginning(ids, most());
            before = Math.max(before, ids.length);
            after = Math.max(after, kept.length);
            sequences.add(kept);
        }
        return new Shaped.Kept<>(
                new LabelledExample(sequences, new int[0], row.labels(), row.row().origin()),
                before,
                after);
    }

    private int most() {
        return maxLength.orElse(Integer.MAX_VALUE);
    }

    private Shaped<LabelledExample> words(Sample.Labelled row) {
        List<String> words =
                row.sequences().getFirst().stream().map(w -> ((Content.Text) w).text()).toList();
        Read read = TextClassifier.words(tokenizer.tokenizer(), words);
        int[] ids = read.ids();
        int[] places = Arrays.stream(read.places()).filter(place -> place < most()).toArray();
        if (places.length == 0) {
            return new Shaped.Left<>("max_length holds no word", ids.length + " tokens");
        }
        int[] kept = Arrays.copyOf(ids, Math.min(ids.length, most()));
        return new Shaped.Kept<>(
                new LabelledExample(
                        List.of(kept),
                        places,
                        row.labels().subList(0, places.length),
                        row.row().origin()),
                ids.length,
                kept.length);
    }

    @Override
    public long trained(LabelledExample row) {
        return Math.max(1, row.places().length);
    }
}
