package org.attune.policy;

import static org.attune.testing.TensorAssert.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.json.Json;
import org.attune.policy.HeadTerm.Aligned;
import org.attune.policy.HeadTerm.Matched;
import org.attune.policy.HeadTerm.Read;
import org.attune.policy.HeadTerm.SpanRule;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.testing.Devices;
import org.attune.testing.Fixtures;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Distances of spans that two tokenizers divide otherwise, against those of TRL's `ULDLoss`, as
/// `src/test/recorded/make_spans.py` recorded them.
class SpanTermTest {
    /// A file of more cases than those that are kept.
    private static final Path CASES =
            Path.of(System.getProperty("attune.spans", "src/test/resources/recorded/spans.jsonl"));

    private static Read read(JsonNode side, int first) {
        return new Read(first, ints(side.get("ids")), ints(side.get("ends")));
    }

    private static int[] ints(JsonNode values) {
        int[] ints = new int[values.size()];
        for (int i = 0; i < ints.length; i++) {
            ints[i] = values.get(i).asInt();
        }
        return ints;
    }

    private static float[] floats(JsonNode values) {
        float[] floats = new float[values.size()];
        for (int i = 0; i < floats.length; i++) {
            floats[i] = (float) values.get(i).asDouble();
        }
        return floats;
    }

    private static Tensor logits(JsonNode side) {
        float[] values = floats(side.get("logits"));
        int rows = side.get("ids").size();
        return Tensor.of(Devices.usual(), values, rows, values.length / rows);
    }

    private static SpanRule rule(JsonNode given) {
        JsonNode m = given.get("matched");
        return new SpanRule(
                given.get("last").asBoolean(),
                given.get("student_temperature").asDouble(),
                given.get("teacher_temperature").asDouble(),
                m.isNull()
                        ? Optional.empty()
                        : Optional.of(
                                new Matched(
                                        ints(m.get("student")),
                                        ints(m.get("teacher")),
                                        Divergence.of(m.get("beta").asDouble()),
                                        m.get("weight").asDouble(),
                                        m.get("other_weight").asDouble())));
    }

    @Test
    void valuesAndGradientsAreThoseOfTrl() throws IOException {
        List<String> lines = Files.readAllLines(Fixtures.own(CASES.toString()));
        for (int i = 0; i < lines.size(); i++) {
            JsonNode given = Json.STRICT_WITH_NAN.readTree(lines.get(i));
            String name = "case " + i;
            Engine.run(
                    () -> {
                        try (var _ = TensorScope.open("case")) {
                            compare(name, given);
                        }
                    });
        }
    }

    private static void compare(String name, JsonNode given) {
        Read student = read(given.get("student"), 0);
        Read teacher = read(given.get("teacher"), 0);
        Aligned spans =
                given.get("by_text").asBoolean()
                        ? Aligned.byText(student, teacher)
                        : Aligned.byPlace(student, teacher);
        Tensor theirs = logits(given.get("teacher"));
        var term =
                new SpanTerm(
                        new SpanDistance(rule(given)),
                        List.of(spans),
                        (from, n) -> theirs.narrow(0, from, n).copy());
        Tensor z = logits(given.get("student"));
        double value = 0;
        float[] slopes = new float[(int) (z.size(0) * z.size(1))];
        // As the head does: in chunks that end where spans do.
        for (int from = 0, to = 0; from < z.size(0); from = to) {
            to = term.end(from, Math.min((int) z.size(0), from + 2));
            Tensor chunk = z.narrow(0, from, to - from);
            for (float v : term.values(chunk, from, 1).toFloats()) {
                value += v / spans.count();
            }
            float[] part = term.slopes(chunk, from, 1).toFloats();
            for (int i = 0; i < part.length; i++) {
                slopes[from * (int) z.size(1) + i] = part[i] / spans.count();
            }
        }
        double expected = given.get("value").asDouble();
        assertClose(name, expected, (float) value, 1e-6, 1e-5);
        assertClose(name + " gradient", floats(given.get("gradient")), slopes, 2e-6, 1e-4);
        rule(given).matched().ifPresent(m -> compareMatched(name, term, spans, m, given));
    }

    /// The part of tokens that both have is the distance in which it alone has a weight.
    private static void compareMatched(
            String name, SpanTerm term, Aligned spans, Matched m, JsonNode given) {
        Tensor theirs = logits(given.get("teacher"));
        SpanRule rule = rule(given);
        var own = new Matched(m.student(), m.teacher(), m.divergence(), 1, 0);
        var alone =
                new SpanTerm(
                        new SpanDistance(
                                new SpanRule(
                                        rule.last(),
                                        rule.studentTemperature(),
                                        rule.teacherTemperature(),
                                        Optional.of(own))),
                        List.of(spans),
                        (from, n) -> theirs.narrow(0, from, n).copy());
        Tensor z = logits(given.get("student"));
        assertClose(
                name + " matched",
                alone.values(z, 0, 1).toFloats(),
                term.matched(z, 0).toFloats(),
                1e-7,
                1e-6);
    }

    @Test
    void spansEndWhereBothDo() {
        var student = new Read(0, new int[4], new int[] {2, 3, 6, 8});
        var teacher = new Read(0, new int[5], new int[] {1, 3, 5, 8, 8});
        Aligned spans = Aligned.byText(student, teacher);
        assertArrayEquals(new int[] {0, 2, 4}, spans.studentBounds());
        assertArrayEquals(new int[] {0, 2, 4}, spans.teacherBounds());
        Aligned longer = Aligned.byText(student, new Read(0, new int[2], new int[] {3, 9}));
        assertArrayEquals(new int[] {0, 2, 4}, longer.studentBounds(), "the rest is one span");
        assertArrayEquals(new int[] {0, 1, 2}, longer.teacherBounds());
        assertEquals(2, Aligned.byPlace(student, new Read(0, new int[2], new int[2])).count());
        Aligned moved = spans.from(7, 9);
        assertEquals(7, moved.student().first());
        assertEquals(9, moved.teacher().first());
    }

    @Test
    void chunksEndWhereSpansDo() {
        var read = new Read(3, new int[6], new int[] {0, 0, 3, 4, 5, 6});
        var other = new Read(0, new int[3], new int[] {3, 4, 6});
        List<Aligned> rows = new ArrayList<>(List.of(Aligned.byText(read, other)));
        var term =
                new SpanTerm(
                        new SpanDistance(new SpanRule(true, 1, 1, Optional.empty())),
                        rows,
                        (_, _) -> null);
        assertEquals(2, term.end(0, 2), "before the first span");
        assertEquals(3, term.end(0, 4), "within the first");
        assertEquals(6, term.end(3, 4), "a span longer than the chunk");
        assertEquals(7, term.end(3, 7));
        assertEquals(7, term.end(3, 8), "within the last");
    }
}
