package org.attune.rollout.sampling;

import org.attune.images.SeenPicture;
import org.attune.rollout.sampling.SamplingConfig.Distribution;
import org.attune.tensor.Tensor;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/// Changes of single logits before sampling: biases, penalties of tokens seen before, and stop
/// tokens that may not come yet. Only the logits in question cross to the host.
final class LogitEdits {
    private final Distribution distribution;
    private final List<Row> rows;
    private final int width;

    /// The logits of one sequence that change. A named tuple.
    ///
    /// @param ids tokens, each once
    /// @param counts how often each was generated
    /// @param seen how many of `ids` were seen before; the others are biased or banned only
    /// @param banned of `ids`
    /// @param biases of `ids`
    private record Row(
            int[] ids, int[] counts, int seen, Set<Integer> banned, Map<Integer, Double> biases) {}

    private LogitEdits(Distribution distribution, List<Row> rows, int width) {
        this.distribution = distribution;
        this.rows = rows;
        this.width = width;
    }

    /// The changes of these sequences' logits, empty if there are none.
    ///
    /// @param distribution of all of them
    static Optional<LogitEdits> of(Distribution distribution, List<Sequence> sequences) {
        List<Row> rows = new ArrayList<>();
        int width = 0;
        for (Sequence sequence : sequences) {
            Row row = row(distribution, sequence);
            rows.add(row);
            width = Math.max(width, row.ids().length);
        }
        return width == 0
                ? Optional.empty()
                : Optional.of(new LogitEdits(distribution, rows, width));
    }

    private static Row row(Distribution distribution, Sequence sequence) {
        Map<Integer, Integer> counts = new HashMap<>();
        if (distribution.penalises()) {
            int[] all = sequence.all();
            for (int i = 0; i < all.length; i++) {
                int id = SeenPicture.textOr(all[i], -1);
                if (id < 0) {
                    continue; // a picture's row, in whose place is a token that never comes
                }
                counts.merge(id, i < sequence.promptLength() ? 0 : 1, Integer::sum);
            }
        }
        int seen = counts.size();
        Set<Integer> banned = sequence.banned();
        int[] ids = new int[seen];
        int next = 0;
        for (int id : counts.keySet()) {
            ids[next++] = id;
        }
        Map<Integer, Double> biases = sequence.config().logitBias();
        int[] more =
                Stream.concat(banned.stream(), biases.keySet().stream())
                        .distinct()
                        .mapToInt(i -> i)
                        .filter(i -> !counts.containsKey(i))
                        .toArray();
        ids = Arrays.copyOf(ids, seen + more.length);
        System.arraycopy(more, 0, ids, seen, more.length);
        return new Row(
                ids,
                Arrays.stream(ids).map(id -> counts.getOrDefault(id, 0)).toArray(),
                seen,
                banned,
                biases);
    }

    /// Whether no logit changes but those of tokens that may not be drawn.
    boolean areBans() {
        return !distribution.penalises() && rows.stream().allMatch(row -> row.biases().isEmpty());
    }

    /// Tokens that may not be drawn, of each sequence.
    int[][] banned() {
        return rows.stream()
                .map(row -> row.banned().stream().mapToInt(id -> id).toArray())
                .toArray(int[][]::new);
    }

    /// @param logits float32 `(B, V)`; changed
    void apply(Tensor logits) {
        long[] index = new long[rows.size() * width];
        for (int r = 0; r < rows.size(); r++) {
            int[] ids = rows.get(r).ids();
            for (int i = 0; i < width; i++) {
                // A row with fewer repeats one of its tokens, with the same new value.
                index[r * width + i] = ids.length == 0 ? 0 : ids[Math.min(i, ids.length - 1)];
            }
        }
        Tensor where = Tensor.of(logits.device(), index, rows.size(), width); // (B, E)
        float[] values = logits.gather(1, where).toFloats();
        for (int r = 0; r < rows.size(); r++) {
            Row row = rows.get(r);
            for (int i = 0; i < Math.min(width, row.ids().length); i++) {
                values[r * width + i] = changed(row, i, values[r * width + i]);
            }
            for (int i = row.ids().length; i > 0 && i < width; i++) {
                values[r * width + i] = values[r * width + i - 1];
            }
        }
        logits.scatterInPlace(
                1, where, Tensor.of(logits.device(), values, rows.size(), width)); // (B, E)
    }

    private float changed(Row row, int i, float logit) {
        if (row.banned().contains(row.ids()[i])) {
            return Float.NEGATIVE_INFINITY;
        }
        float biased = (float) (logit + row.biases().getOrDefault(row.ids()[i], 0.0));
        return i < row.seen() ? penalised(distribution, biased, row.counts()[i]) : biased;
    }

    /// The logit of a token that was seen before.
    ///
    /// @param count how often it was generated; 0 if it stands in the prompt only
    static float penalised(Distribution d, float logit, int count) {
        float penalised =
                (float) (logit - d.frequencyPenalty() * count)
                        - (float) (count > 0 ? d.presencePenalty() : 0);
        double repetition = d.repetitionPenalty();
        return (float) (penalised > 0 ? penalised / repetition : penalised * repetition);
    }
}
