package org.attune.datasets.formats;

import org.attune.datasets.rows.JsonValues;
import org.attune.datasets.rows.Row;
import org.attune.error.DatasetException;

import java.util.ArrayList;
import java.util.List;

/// Reads the columns `completions` and `labels` of TRL's stepwise supervision.
final class StepwiseColumns {
    private StepwiseColumns() {}

    /// @param prompt of the row, read already
    /// @throws DatasetException with the row's place, if a column is missing, of another kind, or
    ///     they have not one label for each step
    static Sample.Stepwise read(Row row, Content prompt) {
        var steps = new ArrayList<String>();
        List<?> texts = list(row, "completions", "a list of strings, one for each step,");
        for (int i = 0; i < texts.size(); i++) {
            if (!(texts.get(i) instanceof String text)) {
                throw fault(row, "completions", i, texts.get(i), "a string");
            }
            steps.add(text);
        }
        var labels = new ArrayList<Boolean>();
        List<?> values = list(row, "labels", "a list of true and false, one for each step,");
        for (int i = 0; i < values.size(); i++) {
            labels.add(label(row, i, values.get(i)));
        }
        if (steps.isEmpty() || steps.size() != labels.size()) {
            throw new DatasetException(
                    "%s: column completions has %d steps and column labels %d labels; one label for each step is accepted, and at least one step"
                            .formatted(row.origin().where(), steps.size(), labels.size()));
        }
        return new Sample.Stepwise(prompt, steps, labels, SampleReader.options(row), row);
    }

    /// Data sets write truth as true or as 1.
    private static boolean label(Row row, int index, Object value) {
        if (value instanceof Boolean label) {
            return label;
        }
        if (value instanceof Number number
                && (number.doubleValue() == 0 || number.doubleValue() == 1)) {
            return number.doubleValue() == 1;
        }
        throw fault(row, "labels", index, value, "true or false (or 1 or 0)");
    }

    private static List<?> list(Row row, String column, String accepted) {
        if (row.get(column) instanceof List<?> list) {
            return list;
        }
        throw new DatasetException(
                row.origin().where()
                        + ": "
                        + (row.columns().containsKey(column)
                                ? "column %s is %s, %s is accepted"
                                        .formatted(column, kind(row.get(column)), accepted)
                                : SampleReader.missing(column, row.columns().keySet())));
    }

    private static DatasetException fault(
            Row row, String column, int index, Object value, String accepted) {
        return new DatasetException(
                "%s: column %s[%d] is %s, %s is accepted"
                        .formatted(row.origin().where(), column, index, kind(value), accepted));
    }

    private static String kind(Object value) {
        return value == null ? "null" : JsonValues.kind(value);
    }
}
