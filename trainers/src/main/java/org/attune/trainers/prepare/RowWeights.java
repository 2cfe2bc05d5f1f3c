package org.attune.trainers.prepare;

import org.attune.datasets.rows.Row;
import org.attune.error.DatasetException;
import org.attune.trainers.examples.SftExample;

/// How much whole rows count in the loss, by a column of the data. It multiplies what a row's
/// messages weigh.
///
/// @param column its name, after `columns` renamed it
record RowWeights(String column) {
    /// The example with its tokens' weights multiplied. The weight 0 leaves the whole row out.
    ///
    /// @throws DatasetException if the row has no such column, or no number >= 0 there
    SftExample weighted(SftExample example, Row row) {
        double weight = of(row);
        if (weight == 1) {
            return example;
        }
        float[] weights = new float[example.length()];
        boolean[] mask = example.completionMask().clone();
        for (int i = 0; i < weights.length; i++) {
            weights[i] = (float) (weight * example.weight(i));
            mask[i] &= weights[i] > 0;
            if (mask[i] && !(weights[i] < Float.MAX_VALUE)) {
                throw new DatasetException(
                        "column %s: %s times the message's weight %s is more than float32 holds"
                                .formatted(column, weight, example.weight(i)));
            }
        }
        return new SftExample(example.ids(), mask, weights, example.origin());
    }

    private double of(Row row) {
        if (!row.columns().containsKey(column)) {
            throw new DatasetException(
                    "row_weight_column is %s, but the row has no such column; its columns: %s"
                            .formatted(column, String.join(", ", row.columns().keySet())));
        }
        return LossWeight.of("column %s is".formatted(column), row.get(column));
    }
}
