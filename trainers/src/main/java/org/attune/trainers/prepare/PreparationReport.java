package org.attune.trainers.prepare;

import org.attune.datasets.rows.RowOrigin;
import org.attune.error.DatasetException;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Counts what preparation did to the rows.
///
/// @param rowsIn        samples given
/// @param rowsOut       rows to train on (after packing)
/// @param tokens        tokens in them, `keep_start` prompts of pairs counted twice as TRL does
/// @param trainedTokens tokens that count in the loss
/// @param dropped       rows left out, in order
/// @param truncated     rows cut, in order
public record PreparationReport(
        int rowsIn,
        int rowsOut,
        long tokens,
        long trainedTokens,
        List<Dropped> dropped,
        List<Truncated> truncated) {

    public PreparationReport {
        dropped = List.copyOf(dropped);
        truncated = List.copyOf(truncated);
    }

    /// A row left out.
    ///
    /// @param origin the row
    /// @param reason why; equal reasons have equal words
    /// @param detail what was special about this row, or empty
    public record Dropped(RowOrigin origin, String reason, String detail) {}

    /// A row cut to the maximum length.
    ///
    /// @param origin the row
    /// @param from   its tokens before; of a pair, of the longer side
    /// @param to     its tokens after
    public record Truncated(RowOrigin origin, int from, int to) {}

    /// The counts of several reports together.
    ///
    /// @param reports at least one
    public static PreparationReport joined(List<PreparationReport> reports) {
        return new PreparationReport(
                reports.stream().mapToInt(PreparationReport::rowsIn).sum(),
                reports.stream().mapToInt(PreparationReport::rowsOut).sum(),
                reports.stream().mapToLong(PreparationReport::tokens).sum(),
                reports.stream().mapToLong(PreparationReport::trainedTokens).sum(),
                reports.stream().flatMap(report -> report.dropped().stream()).toList(),
                reports.stream().flatMap(report -> report.truncated().stream()).toList());
    }

    /// One line for a log: counts, dropped rows by reason, truncations.
    public String summary() {
        var reasons = new LinkedHashMap<String, Integer>();
        dropped.forEach(row -> reasons.merge(row.reason(), 1, Integer::sum));
        var parts = new ArrayList<String>();
        parts.add(
                "%d rows%s, %d tokens%s"
                        .formatted(
                                rowsOut,
                                rowsOut == rowsIn ? "" : " from " + rowsIn,
                                tokens,
                                trainedTokens == 0 ? "" : ", %d trained".formatted(trainedTokens)));
        for (Map.Entry<String, Integer> reason : reasons.entrySet()) {
            parts.add("%d dropped: %s".formatted(reason.getValue(), reason.getKey()));
        }
        if (!truncated.isEmpty()) {
            parts.add("%d truncated".formatted(truncated.size()));
        }
        return String.join("; ", parts);
    }

    /// The error of rows of which none is left.
    ///
    /// @param limit the key whose value may have been too low
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
