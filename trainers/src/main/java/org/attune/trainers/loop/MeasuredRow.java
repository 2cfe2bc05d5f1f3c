package org.attune.trainers.loop;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;

import java.util.LinkedHashMap;
import java.util.Map;

/// What an evaluation found of a row that was given, not generated.
///
/// @param where file and line of the row
/// @param values by [MetricKeys], without prefix
@Api(EXPERIMENTAL)
public record MeasuredRow(String where, Map<String, Double> values) {
    public MeasuredRow {
        values = new LinkedHashMap<>(values);
    }
}
