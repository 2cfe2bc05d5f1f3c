package org.attune.trainers.distillation;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.json.Json;
import org.attune.policy.HeadStatistic;
import org.attune.policy.Measurement;
import org.attune.testing.Fixtures;
import org.attune.trainers.layout.CompletionForest;
import org.attune.trainers.loop.StepReport;
import org.attune.trainers.step.HeadSlopes;
import org.attune.trainers.step.RowAt;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// IW-OPD beside what TRL makes of the same numbers, recorded by
/// `trainers/src/test/recorded/make_iw_opd.py`.
class PrefixWeightsTest {
    private static final String FILE = "trainers/src/test/resources/recorded/iw-opd.json";

    private static double[] flat(JsonNode rows) {
        List<Double> all = new ArrayList<>();
        rows.forEach(row -> row.forEach(value -> all.add(value.asDouble())));
        return all.stream().mapToDouble(Double::doubleValue).toArray();
    }

    private static float[] floats(double[] values) {
        float[] floats = new float[values.length];
        for (int i = 0; i < floats.length; i++) {
            floats[i] = (float) values[i];
        }
        return floats;
    }

    @Test
    void lossSlopesAndMetricsAreThoseOfTrl() throws IOException {
        JsonNode cases = Json.MAPPER.readTree(Fixtures.own(FILE).toFile());
        assertEquals(4, cases.size());
        for (JsonNode given : cases) {
            compare(given);
        }
    }

    private static void compare(JsonNode given) {
        List<RowAt<StudentRow>> rows = new ArrayList<>();
        for (JsonNode row : given.get("student")) {
            var tokens = new CompletionForest.Row(new int[] {1}, new int[row.size()]);
            rows.add(new RowAt<>(new StudentRow(tokens, new BitSet(), "row"), 0, 0, rows.size()));
        }
        var objective =
                new StudentObjective(
                        Optional.empty(),
                        Optional.of(
                                new PrefixWeights(
                                        given.get("gamma").asDouble(),
                                        given.get("epsilon").asDouble())),
                        1,
                        Teachers.of(new StoredTeacher()),
                        Optional.empty(),
                        Optional.empty(),
                        given.get("denominator").asDouble(),
                        0);
        StudentSums sums = objective.open(rows, 1);
        float[] student = floats(flat(given.get("student")));
        HeadSlopes slopes =
                sums.add(
                        rows,
                        objective.layout(RowAt.rows(rows), false),
                        new Measurement(
                                student, Map.of(HeadStatistic.ENTROPY, new float[student.length])),
                        List.of(flat(given.get("teacher"))));
        assertArrayEquals(floats(flat(given.get("slopes"))), slopes.targets(), 1e-6f);
        StepReport report = sums.step();
        assertEquals(given.get("loss").asDouble(), report.loss(), 1e-5);
        for (Map.Entry<String, JsonNode> metric : given.get("metrics").properties()) {
            assertEquals(
                    metric.getValue().asDouble(),
                    report.microBatches().getFirst().get(metric.getKey()),
                    1e-6,
                    metric.getKey());
        }
    }
}
